//! When a decoder is given up: nobody waits for the picture any more, it has taken too long, or there is no end to what
//! comes before its pixels.
//!
//! A decoder cannot be interrupted, but each comes back for more bytes. What hands them out looks at the watch and fails
//! once it is over.

use std::{
    cell::Cell,
    io::{self, BufRead, Read, Seek, SeekFrom},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

use super::Unreadable;

/// Computing that one picture may take: ten times what the largest one that is read costs on a small machine.
pub(super) const MOST_TIME: Duration = Duration::from_secs(60);
/// Bytes between two looks at the watch. A kilobyte may stand for megabytes of pixels, or for a pass over all of them.
const STRIDE: usize = 256;
/// Bytes handed out at once to decoders that take them from here as they go: a thousand times as many may come of them.
const PORTION: usize = 4096;

/// Bytes before a picture's pixels: sizes, colors, notes. Some decoders keep a note of each line in thirty times its
/// bytes, whatever limit they were given.
const MOST_HEADER: usize = 32 << 20;

/// Says when to give up on a picture.
pub(super) struct Watch<'a> {
    begun: Instant,
    computed: Duration,
    most: Duration,
    stop: &'a dyn Fn() -> bool,
    /// Bytes that may still be read; none are counted behind the header.
    header: Cell<Option<usize>>,
    over: Cell<Option<Over>>,
}

#[derive(Clone, Copy)]
enum Over {
    Stopped,
    TooSlow,
    LongHeader,
}

impl<'a> Watch<'a> {
    /// Begins now; over when `stop` says so, or when this thread has computed for longer than `most`.
    pub(super) fn new(most: Duration, stop: &'a dyn Fn() -> bool) -> Self {
        Self { begun: Instant::now(), computed: computed(), most, stop, header: Cell::new(None), over: Cell::new(None) }
    }

    /// Whether to go on.
    pub(super) fn goes_on(&self) -> bool {
        if self.over.get().is_none() {
            self.over.set(self.look());
        }
        self.over.get().is_none()
    }

    /// Why the picture was given up, if it was.
    pub(super) fn given_up(&self) -> Option<Unreadable> {
        self.over.get().map(|over| match over {
            Over::Stopped => Unreadable::Stopped,
            Over::TooSlow => Unreadable::TooSlow(self.most.as_secs()),
            Over::LongHeader => {
                let most = MOST_HEADER >> 20;
                Unreadable::TooLarge(format!("what the file says before its pixels is too long: more than {most} MB"))
            }
        })
    }

    /// Reads a header with `read`, which is given up when that is too long.
    pub(super) fn within_header<T>(&self, read: impl FnOnce() -> T) -> T {
        self.header.set(Some(MOST_HEADER));
        let header = read();
        self.header.set(None);
        header
    }

    /// Takes note of bytes that were read.
    fn count(&self, bytes: usize) {
        if let Some(left) = self.header.get() {
            self.header.set(Some(left.saturating_sub(bytes)));
        }
    }

    fn look(&self) -> Option<Over> {
        if (self.stop)() {
            return Some(Over::Stopped);
        }
        if self.header.get() == Some(0) {
            return Some(Over::LongHeader);
        }
        // A thread that others keep waiting, or a machine that slept, is no fault of the picture. The time that passed is
        // the cheaper question, and no less than the time that was computed.
        let over = self.begun.elapsed() >= self.most && computed().saturating_sub(self.computed) >= self.most;
        over.then_some(Over::TooSlow)
    }
}

/// What this thread has computed so far.
fn computed() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// The bytes of a file, for as long as the watch allows.
pub(super) struct Watched<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes since the watch was looked at, or attempts to get some: a file may send its decoder in circles.
    since: usize,
    watch: &'a Watch<'a>,
}

impl<'a> Watched<'a> {
    pub(super) fn new(bytes: &'a [u8], watch: &'a Watch<'a>) -> Self {
        Self { bytes, at: 0, since: STRIDE, watch }
    }

    fn rest(&mut self) -> io::Result<&'a [u8]> {
        if self.since >= STRIDE {
            if !self.watch.goes_on() {
                return Err(io::Error::other("given up"));
            }
            self.since = 0;
        }
        Ok(self.bytes.get(self.at..).unwrap_or_default())
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.rest()?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.consume(count);
        Ok(count)
    }

    /// As it would be without this, and quicker for the many decoders that read byte by byte.
    #[inline]
    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if let [byte] = buffer
            && self.since < STRIDE
            && let Some(next) = self.bytes.get(self.at)
        {
            *byte = *next;
            self.consume(1);
            return Ok(());
        }
        let rest = self.rest()?;
        let Some(bytes) = rest.get(..buffer.len()) else {
            self.consume(rest.len());
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        buffer.copy_from_slice(bytes);
        self.consume(bytes.len());
        Ok(())
    }
}

impl BufRead for Watched<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let rest = self.rest()?;
        self.since += 1;
        Ok(&rest[..rest.len().min(PORTION)])
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.at += count;
        self.since += count.max(1);
        self.watch.count(count);
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => (self.bytes.len() as u64).checked_add_signed(by),
            SeekFrom::Current(by) => (self.at as u64).checked_add_signed(by),
        };
        let at = to.and_then(|at| usize::try_from(at).ok()).ok_or(io::ErrorKind::InvalidInput)?;
        self.at = at;
        Ok(at as u64)
    }
}

#[cfg(test)]
mod tests;
