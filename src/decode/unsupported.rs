//! Names what a file is when it is not a picture that can be read here, so that people know what to do with it.

use std::{ffi::OsStr, path::Path};

use super::Unreadable;

/// Camera raw formats, most of which are TIFF inside: the TIFF decoder would come back with a thumbnail or with nonsense.
const RAW_EXTENSIONS: &[&str] = &[
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "k25", "kdc", "mef", "mos", "mrw",
    "nef", "nrw", "orf", "pef", "raf", "rw2", "rwl", "rwz", "sr2", "srf", "srw", "x3f",
];

/// What to say of bytes that no decoder claims.
pub(super) fn explain(bytes: &[u8]) -> Unreadable {
    if let Some(kind) = by_signature(bytes) {
        return Unreadable::Unsupported(kind.into());
    }
    let head = &bytes[..bytes.len().min(512)];
    let text = head.trim_ascii_start().to_ascii_lowercase();
    Unreadable::NotAnImage(if text.starts_with(b"<!doctype html") || text.starts_with(b"<html") {
        "it is a web page, not an image"
    } else if head.iter().all(|&byte| byte == 0) {
        "it holds only zeros, as files do after a failed copy"
    } else if std::str::from_utf8(head).is_ok_and(|text| !text.contains(|c: char| c.is_control() && !c.is_whitespace()))
    {
        "it is text, not an image"
    } else {
        "it is not an image in any known format"
    })
}

/// Whether this is a camera raw file that looks like TIFF.
pub(super) fn is_raw(bytes: &[u8], name: &Path) -> bool {
    let raw_name = name
        .extension()
        .and_then(OsStr::to_str)
        .is_some_and(|extension| RAW_EXTENSIONS.iter().any(|raw| extension.eq_ignore_ascii_case(raw)));
    raw_name && (bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*"))
}

fn by_signature(bytes: &[u8]) -> Option<&'static str> {
    const SIGNATURES: &[(&[u8], &str)] = &[
        (&[0xff, 0x0a], "JPEG XL"),
        (b"\0\0\0\x0cJXL ", "JPEG XL"),
        (b"\0\0\0\x0cjP  ", "JPEG 2000"),
        (&[0xff, 0x4f, 0xff, 0x51], "JPEG 2000"),
        (b"8BPS", "a Photoshop file (PSD)"),
        (b"FUJIFILMCCD-RAW", "a camera raw file"),
        (b"IIRO", "a camera raw file"),
        (b"MMOR", "a camera raw file"),
        (b"IIU\0", "a camera raw file"),
        (b"FOVb", "a camera raw file"),
        (b"\0MRM", "a camera raw file"),
        (b"II\x1a\0\0\0HEAPCCDR", "a camera raw file"),
        (b"%PDF", "PDF"),
        (b"%!PS", "PostScript"),
        (b"/* XPM */", "XPM"),
        (b"\x01\xda\0", "SGI"),
        (b"\x01\xda\x01", "SGI"),
        (b"gimp xcf", "a GIMP file (XCF)"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"II\xbc\x01", "JPEG XR"),
    ];
    if let Some((_, kind)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Some(kind);
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(match bytes.get(8..12)? {
            b"avif" | b"avis" => "AVIF",
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1" => "HEIC",
            b"crx " => "a camera raw file",
            _ => "a video or other media file",
        });
    }
    // PCX: maker, version, run-length coding, bits a pixel.
    if let [0x0a, 0 | 2..=5, 0 | 1, 1 | 2 | 4 | 8, ..] = bytes {
        return Some("PCX");
    }
    if matches!(bytes.get(4..6), Some([0x11 | 0x12, 0xaf])) {
        return Some("a FLIC animation");
    }
    let head = bytes[..bytes.len().min(1024)].trim_ascii_start();
    if head.starts_with(b"#define ") && contains(head, b"_width ") {
        return Some("XBM");
    }
    let is_markup = head.starts_with(b"<") || head.starts_with(b"\xef\xbb\xbf<");
    if is_markup && contains(head, b"<svg") {
        return Some("SVG");
    }
    // Compressed SVG is the only gzip file that carries a picture's name.
    bytes.starts_with(&[0x1f, 0x8b]).then_some("a compressed file")
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
