//! Animated WebP and PNG files against frames that Pillow sees or, where it errs, that a formula gives
//! (`../fixtures/make.py`).

use flamingo_image::{Image, Limits, decode_still, probe};

use crate::{film, fixture, image};

/// The largest difference of values, opacities included, from the frames expected.
fn differences(name: &str, extension: &str) -> u8 {
    let frames = film(&format!("{name}.{extension}")).frames;
    let strip = image(&format!("{name}.frames.png"));
    assert_eq!(
        strip.height,
        frames.len() as u32 * frames[0].height,
        "{name}"
    );
    let parts = |image: &Image| {
        let opaque = vec![255; image.rgb.len() / 3];
        (image.rgb.clone(), image.alpha.clone().unwrap_or(opaque))
    };
    let (rgb, alpha): (Vec<_>, Vec<_>) = frames.iter().map(parts).unzip();
    let expected = parts(&strip);
    let found = rgb.concat().into_iter().chain(alpha.concat());
    let expected = expected.0.into_iter().chain(expected.1);
    let differences = found.zip(expected).map(|(a, b)| a.abs_diff(b));
    differences.max().unwrap()
}

#[test]
fn frames_of_webp_are_composed_as_libwebp_does() {
    for name in [
        "webp_over",
        "webp_over_lossy",
        "webp_mixed",
        "webp_mixed_lossy",
    ] {
        assert_eq!(differences(name, "webp"), 0, "{name}");
    }
}

#[test]
fn frames_of_png_are_composed_to_the_nearest() {
    for name in ["apng_open", "apng_staying", "apng_restored"] {
        assert_eq!(differences(&format!("{name}.apng"), "png"), 0, "{name}");
    }
}

#[test]
fn as_a_still_an_animation_is_its_first_picture() {
    for name in [
        "webp_over.webp",
        "webp_mixed_lossy.webp",
        "apng_open.apng.png",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let still = decode_still(&bytes, name, &Limits::default()).unwrap();
        assert_eq!(still, film(name).frames[0], "{name}");
        assert!(probe(&bytes).unwrap().animated, "{name}");
    }
}
