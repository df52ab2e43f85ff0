//! The reduced JPEG decoder beside `jpeg-decoder`: the same size, and the same levels where both take one coefficient of
//! each block.

#![no_main]

use lookalike::decode::reduced_jpeg;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for eighths in [1, 2] {
        let Some(ours) = reduced_jpeg(bytes, eighths) else { continue };
        let mut decoder = jpeg_decoder::Decoder::new(bytes);
        let Some(info) = decoder.read_info().ok().and_then(|()| decoder.info()) else { continue };
        let scaled = |length: u16| (u32::from(length) * eighths as u32).div_ceil(8) as u16;
        let Ok(size) = decoder.scale(scaled(info.width), scaled(info.height)) else { continue };
        let Ok(theirs) = decoder.decode() else { continue };
        assert_eq!(ours.dimensions(), (size.0.into(), size.1.into()));
        if eighths == 1 && info.pixel_format == jpeg_decoder::PixelFormat::L8 {
            for (ours, theirs) in ours.pixels().zip(theirs) {
                assert!(ours.0[0].abs_diff(theirs) <= 1, "{ours:?} beside {theirs}");
            }
        }
    }
});
