//! Any bytes as a picture or film, and after the beginning of each format.
#![no_main]

use flamingo_image::{
    Fit, Limits, Preprocess, Sampling, Wanted, decode, decode_luma, decode_still, decode_wanted,
    probe, timeline,
};

/// Small, so that a header that claims much costs little.
fn small() -> Limits {
    Limits {
        max_side: 999,
        max_pixels: 100_000,
        max_film_pixels: 300_000,
        ..Limits::default()
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for beginning in [&b""[..], b"\xFF\xD8\xFF", b"GIF89a", b"\x89PNG\r\n\x1a\n"] {
        let file = [beginning, bytes].concat();
        probe(&file);
        let _ = decode(&file, "file", &small());
        let _ = decode_still(&file, "file", &small());
        decode_luma(&file, &small());
        let _ = timeline(&file, "file", &small());
        let wanted = Wanted::of(Sampling::TRAINING, &Preprocess::clip(8, Fit::Pad));
        let few = Limits {
            max_pixels: 500,
            reduce_to: 1,
            ..small()
        };
        let _ = decode_wanted(&file, "file", &wanted, &few);
    }
});
