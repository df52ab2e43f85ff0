//! Which files are PyTorch checkpoints, and whether reading one is safe: a pickle is a program that makes values, and one of
//! a few megabytes can make as many as fill the memory. So it is gone through first, and nothing is made.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use pytorch_reader::MAX_PICKLE_SIZE;
use zip::{ZipArchive, result::ZipResult};

use crate::files::open_regular;

/// Opcodes that the pickles of a checkpoint may have: a tensor takes some 50, and the reader keeps some 100 bytes for each.
const MOST_OPCODES: u64 = 1_000_000;
/// Pickles before the tensors of a legacy checkpoint: a magic number, a version, the machine, the tensors' names and shapes,
/// the order in which they follow.
const LEGACY_PICKLES: usize = 5;
/// The magic number 0x1950a86a20f9469cfc6c as pickles have it, and as those of protocols 0 and 1 do.
const LEGACY_MAGIC: [&[u8]; 2] = [b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", b"119547037146038801333356"];
/// Before its end the magic number stands, whatever the protocol.
const LEGACY_START: usize = 64;
/// Where a tar archive says that it is one: checkpoints were such archives until early 2017. Nobody has them now, and a file
/// in one may have holes of any size.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

/// How a file keeps its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// A length, a header in JSON, the bytes.
    Safetensors,
    /// PyTorch's since 2020: a zip archive of a pickle and of a file for each tensor.
    Zip,
    /// PyTorch's before: pickles, and the bytes behind them.
    Legacy,
}

impl Container {
    /// Tells by the first bytes; `None` when it is neither.
    pub(super) fn of(file: &Path) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        open_regular(file)?.take((TAR_MAGIC.0 + TAR_MAGIC.1.len()) as u64).read_to_end(&mut start)?;
        let legacy = &start[..start.len().min(LEGACY_START)];
        let has = |magic: &[u8]| legacy.windows(magic.len()).any(|bytes| bytes == magic);
        Ok(if start.get(8) == Some(&b'{') {
            Some(Self::Safetensors)
        } else if start.starts_with(b"PK\x03\x04") {
            Some(Self::Zip)
        } else if LEGACY_MAGIC.into_iter().any(has) && start.get(TAR_MAGIC.0..) != Some(TAR_MAGIC.1) {
            Some(Self::Legacy)
        } else {
            None
        })
    }

    /// Refuses a checkpoint whose pickles would make more than any network has, with a part of a sentence. Whatever else is
    /// wrong with one, who reads it finds.
    pub(super) fn check(self, file: &Path) -> Result<(), String> {
        let opcodes = match self {
            Self::Safetensors => return Ok(()),
            Self::Zip => in_zip(file).unwrap_or(0),
            Self::Legacy => in_legacy(file).unwrap_or(0),
        };
        if opcodes > MOST_OPCODES {
            return Err("what it holds beside the tensors is too large: save the network's state dict alone".into());
        }
        Ok(())
    }
}

fn in_legacy(file: &Path) -> io::Result<u64> {
    let mut reader = BufReader::new(open_regular(file)?);
    let mut opcodes = 0;
    for _ in 0..LEGACY_PICKLES {
        if !walk(&mut reader, &mut opcodes) {
            break;
        }
    }
    Ok(opcodes)
}

fn in_zip(file: &Path) -> ZipResult<u64> {
    let mut archive = ZipArchive::new(BufReader::new(open_regular(file)?))?;
    let names = archive.file_names().collect::<ZipResult<Vec<_>>>()?;
    // Of several, which nobody writes, the reader takes the same one.
    let pickles = names.iter().filter(|name| **name == "data.pkl" || name.ends_with("/data.pkl"));
    let pickle = pickles.min_by_key(|name| name.len()).and_then(|name| archive.index_for_name(name));
    let mut opcodes = 0;
    if let Some(pickle) = pickle {
        let entry = archive.by_index(pickle)?;
        walk(&mut BufReader::new(entry.take(MAX_PICKLE_SIZE)), &mut opcodes);
    }
    Ok(opcodes)
}

/// Goes through a pickle and counts its opcodes, until there are too many. `false` when it did not come to the end.
fn walk(reader: &mut impl BufRead, opcodes: &mut u64) -> bool {
    while *opcodes <= MOST_OPCODES {
        let mut opcode = [0];
        if reader.read_exact(&mut opcode).is_err() {
            return false;
        }
        *opcodes += 1;
        let passed = match opcode[0] {
            b'.' => return true,
            // Followed by lines of text.
            b'I' | b'L' | b'F' | b'V' | b'g' | b'p' | b'P' => skip_line(reader),
            b'c' => skip_line(reader).and_then(|()| skip_line(reader)),
            // By bytes.
            b'K' | b'h' | b'q' | 0x80 => skip(reader, 1),
            b'M' => skip(reader, 2),
            b'J' | b'j' | b'r' => skip(reader, 4),
            b'G' | 0x95 => skip(reader, 8),
            // By a length, which has so many bytes, and as many bytes as it says.
            b'U' | b'C' | 0x8a | 0x8c => skip_counted::<1>(reader),
            b'T' | b'X' | b'B' | 0x8b => skip_counted::<4>(reader),
            0x8d | 0x8e | 0x96 => skip_counted::<8>(reader),
            // By nothing, or not known to the reader either.
            _ => Ok(()),
        };
        if passed.is_err() {
            return false;
        }
    }
    false
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    reader.skip_until(b'\n').map(drop)
}

fn skip(reader: &mut impl BufRead, bytes: u64) -> io::Result<()> {
    io::copy(&mut reader.take(bytes), &mut io::sink()).map(drop)
}

fn skip_counted<const BYTES: usize>(reader: &mut impl BufRead) -> io::Result<()> {
    let mut length = [0; 8];
    reader.read_exact(&mut length[..BYTES])?;
    skip(reader, u64::from_le_bytes(length))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn fixture(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(name)
    }

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let of = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            Container::of(&file).unwrap()
        };
        for (name, container) in [
            ("zip.pth", Container::Zip),
            ("legacy.pth", Container::Legacy),
            ("float.safetensors", Container::Safetensors),
        ] {
            assert_eq!(Container::of(&fixture(name)).unwrap(), Some(container), "{name}");
        }
        assert_eq!(of(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), Some(Container::Legacy));
        assert_eq!(of(b"L119547037146038801333356L\n."), Some(Container::Legacy));
        // Text, nothing, a pickle by itself, a tar archive, and one that begins like a legacy checkpoint.
        let mut tar = vec![0; 262];
        tar[257..].copy_from_slice(b"ustar");
        let legacy = fs::read(fixture("legacy.pth")).unwrap();
        let both = [&legacy[..257], b"ustar"].concat();
        for other in [&b"hello"[..], b"", b"\x80\x02}q\x00.", &tar[..], &both[..]] {
            assert_eq!(of(other), None);
        }
    }

    #[test]
    fn the_walk_ends_where_a_pickle_ends_whatever_stands_in_it() {
        for pickle in [
            // As protocols 0, 2, 4 and 5 have them, with dots, which are the opcode of the end, in whatever follows one.
            b"(dp0\nVn.\np1\nI-3\nsVf\np2\nF2.5\nsVt\np3\nI01\nsVbig\np4\nL1099511627776L\ns.".as_slice(),
            b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01X\x02\x00\x00\x00..q\x02M..J....G........\x8a\x01..",
            b"\x80\x04\x95........\x8c\x01.\x94K.C\x02..\x8d\x01\x00\x00\x00\x00\x00\x00\x00.\x8f(\x90.",
            b"\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00.\x94B\x01\x00\x00\x00.j....r....h.q.U\x01.T\x01\x00\x00\x00.P.\n.",
        ] {
            let whole = [pickle, b"rest"].concat();
            let mut rest = &whole[..];
            assert!(walk(&mut rest, &mut 0));
            assert_eq!(rest, b"rest", "{pickle:?}");
            for length in 0..pickle.len() {
                assert!(!walk(&mut &pickle[..length], &mut 0), "{length} bytes of {pickle:?}");
            }
        }
        // PROTO, EMPTY_DICT, BINPUT, MARK, BINUNICODE, NONE, SETITEMS, STOP.
        let mut opcodes = 0;
        assert!(walk(&mut &b"\x80\x02}q\x00(X\x01\x00\x00\x00aNu."[..], &mut opcodes));
        assert_eq!(opcodes, 8);
    }

    #[test]
    fn a_small_file_that_would_make_millions_of_values_is_refused_in_each_container() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("net.pth");
        for (values, refused) in [(999_000, false), (1_000_000, true)] {
            let bomb = [b"\x80\x02(".to_vec(), vec![b'N'; values], b"t.".to_vec()].concat();
            let mut zip = ZipWriter::new(fs::File::create(&file).unwrap());
            zip.start_file("net/data.pkl", SimpleFileOptions::default()).unwrap();
            zip.write_all(&bomb).unwrap();
            zip.finish().unwrap();
            assert_eq!(Container::Zip.check(&file).is_err(), refused);
            let legacy = fs::read(fixture("legacy.pth")).unwrap();
            let magic = legacy.windows(2).position(|bytes| bytes == b".\x80").unwrap() + 1;
            fs::write(&file, [&legacy[..magic], &bomb].concat()).unwrap();
            assert_eq!(Container::of(&file).unwrap(), Some(Container::Legacy));
            assert_eq!(Container::Legacy.check(&file).is_err(), refused);
        }
        for name in ["zip.pth", "half.pth", "nested.pth", "code.pth"] {
            Container::Zip.check(&fixture(name)).unwrap();
        }
        Container::Legacy.check(&fixture("legacy.pth")).unwrap();
    }
}
