//! The entropy code of a baseline JPEG: Huffman codes and the values behind them, taken one by one or stepped over.

use std::ops::Range;

/// Bits that a table is asked about at once.
const LOOK: u32 = 12;

/// A Huffman table.
#[derive(Clone)]
pub(super) struct Huffman {
    /// Length and symbol of the code that begins with these bits; length 0 for longer codes.
    short: Vec<(u8, u8)>,
    /// Several AC symbols at once.
    steps: Vec<Step>,
    /// For each length from 1 to 16: the first code beyond those of this length, left-aligned in 16 bits, and what to add
    /// to a code of this length to find its symbol.
    ends: [(u32, i32); 16],
    symbols: Vec<u8>,
}

/// The AC symbols that the next bits hold entirely, but for the value of the last one.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Bits to go on by; 0 when not even one symbol fits.
    bits: u8,
    /// Coefficients to go on by.
    coefficients: u8,
    /// The last symbol ends the block.
    ends: bool,
}

impl Huffman {
    pub(super) fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        let mut table =
            Self { short: vec![(0, 0); 1 << LOOK], steps: Vec::new(), ends: [(0, 0); 16], symbols: symbols.to_vec() };
        let (mut code, mut symbol) = (0_u32, 0_usize);
        for (at, count) in counts.iter().enumerate() {
            let length = at as u32 + 1;
            let first = symbol as i32 - code as i32;
            for _ in 0..*count {
                if code >= 1 << length {
                    return None;
                }
                if length <= LOOK {
                    let from = (code << (LOOK - length)) as usize;
                    table.short[from..from + (1 << (LOOK - length))].fill((length as u8, *symbols.get(symbol)?));
                }
                (code, symbol) = (code + 1, symbol + 1);
            }
            table.ends[at] = (code << (16 - length), first);
            code <<= 1;
        }
        table.steps = (0..1_usize << LOOK).map(|bits| table.step(bits)).collect();
        Some(table)
    }

    /// As many AC symbols as lie in these bits.
    fn step(&self, bits: usize) -> Step {
        let mut step = Step::default();
        while u32::from(step.bits) < LOOK {
            let left = LOOK - u32::from(step.bits);
            let (length, symbol) = self.short[(bits << step.bits) & ((1 << LOOK) - 1)];
            let (run, size) = (symbol >> 4, symbol & 15);
            let wide = step.coefficients + run + 1 > 63;
            if length == 0 || u32::from(length) > left || wide || (size == 0 && !matches!(run, 0 | 15)) {
                break;
            }
            step.bits += length + size;
            if size == 0 && run == 0 {
                return Step { ends: true, ..step };
            }
            step.coefficients += run + 1;
        }
        step
    }
}

/// Bits that a look shows at least.
const LOOKED: u32 = 57;
/// Zeros behind the data, so that a look never goes beyond them.
const PADDING: usize = 16;

/// The entropy-coded bits of one segment.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// Bits taken.
    at: usize,
}

impl<'a> Bits<'a> {
    /// The bits of one segment of `data`.
    pub(super) fn of(data: &'a [u8], segment: &Range<usize>) -> Self {
        Self { data: &data[segment.start..segment.end + PADDING], at: 0 }
    }

    /// Whether more was taken than the segment holds; what lies behind it was read as if it went on.
    pub(super) fn are_beyond(&self, segment: &Range<usize>) -> bool {
        self.at > segment.len() * 8
    }

    /// The next bits, the first on top: 57 at least. `None` far beyond the end.
    fn look(&self) -> Option<u64> {
        let from = self.at / 8;
        let bytes = self.data.get(from..from + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes) << (self.at % 8))
    }

    /// Takes the next symbol. Returns it with the bits behind it.
    pub(super) fn symbol(&mut self, table: &Huffman) -> Option<(u8, u64)> {
        let window = self.look()?;
        let (mut length, mut symbol) = table.short[(window >> (64 - LOOK)) as usize];
        if length == 0 {
            let bits = (window >> 48) as u32;
            let at = table.ends.iter().position(|(end, _)| bits < *end)?;
            length = at as u8 + 1;
            let index = (bits >> (16 - length)) as i32 + table.ends[at].1;
            symbol = *table.symbols.get(usize::try_from(index).ok()?)?;
        }
        self.at += usize::from(length);
        Some((symbol, window << length))
    }

    /// Takes a value of `size` bits, which lie on top of `window`.
    pub(super) fn value(&mut self, window: u64, size: u8) -> i32 {
        self.at += usize::from(size);
        if size == 0 {
            return 0;
        }
        let value = (window >> (64 - size)) as i32;
        // Values whose first bit is 0 are negative.
        if window >> 63 == 1 { value } else { value + 1 - (1 << size) }
    }

    /// Goes to the end of a block whose coefficients before `next` were taken; `None` when it has more than 64.
    pub(super) fn step_over(&mut self, table: &Huffman, mut next: usize) -> Option<()> {
        // Looking anew after every step would take longer than the steps themselves.
        let (mut window, mut left) = (self.look()?, LOOKED);
        while next < 64 {
            let step = table.steps[(window >> (64 - LOOK)) as usize];
            // A block that fills up ends without saying so, and what follows is not its own.
            if step.bits > 0 && next + usize::from(step.coefficients) < 64 {
                self.at += usize::from(step.bits);
                next += usize::from(step.coefficients);
                if step.ends {
                    return Some(());
                }
                let bits = u32::from(step.bits);
                (window, left) =
                    if left >= bits + LOOK { (window << bits, left - bits) } else { (self.look()?, LOOKED) };
                continue;
            }
            let (symbol, _) = self.symbol(table)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => next += 16,
                (_, 0) => return Some(()),
                (run, size) => {
                    self.at += usize::from(size);
                    next += usize::from(run) + 1;
                }
            }
            (window, left) = (self.look()?, LOOKED);
        }
        // Only damaged data have more coefficients than a block.
        (next == 64).then_some(())
    }
}

/// The entropy-coded data without stuffed bytes, and where the parts between restart marks lie in them; zeros follow.
/// `None` when no other mark ends the data: nobody knows then where they end.
pub(super) fn segments(scan: &[u8]) -> Option<(Vec<Range<usize>>, Vec<u8>)> {
    let mut data = Vec::with_capacity(scan.len() + PADDING);
    let (mut segments, mut start, mut rest) = (Vec::new(), 0, scan);
    loop {
        let mark = rest.iter().position(|byte| *byte == 0xff)?;
        data.extend_from_slice(&rest[..mark]);
        match rest.get(mark + 1) {
            Some(0x00) => {
                data.push(0xff);
                rest = &rest[mark + 2..];
            }
            Some(0xd0..=0xd7) => {
                segments.push(start..data.len());
                start = data.len();
                rest = &rest[mark + 2..];
            }
            // Fill bytes may stand before a mark.
            Some(0xff) => rest = &rest[mark + 1..],
            _ => break,
        }
    }
    segments.push(start..data.len());
    data.resize(data.len() + PADDING, 0);
    Some((segments, data))
}
