//! Any bytes, as a file of any name: a picture or a plain sentence, never a panic that reaches a thread or endless memory.

#![no_main]

use std::path::Path;

use lookalike::decode::{Alpha, Detail, bytes_to_picture};

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (how, bytes) = input;
    let name = Path::new(if how & 1 == 0 { "a.jpg" } else { "a.tga" });
    let detail = if how & 2 == 0 { Detail::Full } else { Detail::AtLeast(16) };
    let alpha = if how & 4 == 0 { Alpha::White } else { Alpha::Drop };
    match bytes_to_picture(bytes, name, detail, alpha) {
        Ok(picture) => assert!(picture.rgb.width() > 0 && picture.rgb.height() > 0 && picture.pixels.0 > 0),
        Err(why) => assert!(why.is_lasting() && !why.to_string().is_empty(), "{why}"),
    }
});
