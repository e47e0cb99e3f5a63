//! Animated WebP and PNG files against frames that Pillow sees or, where it errs, that a formula gives
//! (`../fixtures/make.py`).

use flamingo_image::{Image, Limits, Media, decode, decode_still, probe};

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

/// Frames of 3x2, of which the second has the right column alone.
fn apng(colour: png::ColorType, depth: png::BitDepth, frames: [&[u8]; 2]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 3, 2);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_animated(2, 0).unwrap();
    encoder.set_frame_delay(1, 10).unwrap();
    if colour == png::ColorType::Indexed {
        encoder.set_palette(&[200, 0, 0, 0, 200, 0, 0, 0, 200][..]);
        encoder.set_trns(&[255, 0][..]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(frames[0]).unwrap();
    writer.set_frame_dimension(1, 2).unwrap();
    writer.set_frame_position(2, 0).unwrap();
    writer.set_blend_op(png::BlendOp::Over).unwrap();
    writer.write_image_data(frames[1]).unwrap();
    writer.finish().unwrap();
    file
}

fn last_frame(file: &[u8]) -> Image {
    match decode(file, "a.png", &Limits::default()).unwrap() {
        Media::Film(mut film) => film.frames.pop().unwrap(),
        Media::Image(_) => panic!("it moves"),
    }
}

#[test]
fn frames_of_png_are_of_any_depth() {
    // Places of 2 bits: 0, 0, 2 in both rows; then 1, which is transparent, and 0.
    let file = apng(
        png::ColorType::Indexed,
        png::BitDepth::Two,
        [&[0b0000_1000; 2], &[0b0100_0000, 0]],
    );
    let expected = Image::from_fn(3, 2, |x, y| match (x, y) {
        (2, 0) => [0, 0, 200],
        _ => [200, 0, 0],
    });
    assert_eq!(last_frame(&file), expected);

    let file = apng(
        png::ColorType::Grayscale,
        png::BitDepth::Sixteen,
        [&[0x12, 0xFF].repeat(6), &[0x80, 0, 0xFF, 0x7F]],
    );
    let expected = Image::from_fn(3, 2, |x, y| match (x, y) {
        (2, 0) => [0x80; 3],
        (2, 1) => [0xFF; 3],
        _ => [0x12; 3],
    });
    assert_eq!(last_frame(&file), expected);
}

#[test]
fn a_frame_of_webp_that_does_not_fit_is_refused() {
    let bytes = std::fs::read(fixture("webp_mixed.webp")).unwrap();
    let frame = bytes.windows(4).position(|kind| kind == b"ANMF").unwrap() + 8;
    for (place, value, says) in [
        (0, 9, "a frame of it lies outside of the picture"),
        (6, 0, "a frame of it is 9x7 and said to be 1x7"),
        (16, b'X', "a frame of it has no pixels"),
    ] {
        let mut bytes = bytes.clone();
        bytes[frame + place] = value;
        let error = decode(&bytes, "a.webp", &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}
