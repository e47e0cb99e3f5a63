//! Transparency of each kind against what the models' own code makes of it (`../fixtures/make.py`).

use flamingo_image::{Conversion, Fit, Image, Preprocess, Transparency};

use crate::image;

const FILES: [&str; 8] = [
    "holes.png",
    "holes.webp",
    "holes_grey.png",
    "holes_palette.png",
    "holes_grey_keyed.png",
    "holes_keyed.png",
    "holes_gif.gif",
    "bits.png",
];

#[test]
fn colours_are_those_of_pillows_conversion_however_little_they_show() {
    for name in FILES {
        let expected = image(&format!("{name}.rgb.png"));
        assert!(image(name).rgb == expected.rgb, "{name}");
    }
}

#[test]
fn on_white_is_what_idefics_sees() {
    for name in FILES {
        let expected = image(&format!("{name}.white.png"));
        assert!(*image(name).on_white() == expected, "{name}");
        let preprocess = |transparency| Preprocess {
            transparency,
            ..Preprocess::clip(19, Fit::Squash)
        };
        let seen = preprocess(Transparency::White).pixels(&image(name));
        assert!(
            seen == preprocess(Transparency::Drop).pixels(&expected),
            "{name}"
        );
    }
}

#[test]
fn resized_first_is_what_open_clip_evaluates() {
    let preprocess = Preprocess {
        conversion: Conversion::AfterResize,
        ..Preprocess::clip(17, Fit::CenterCrop)
    };
    for name in FILES.into_iter().chain(["turned.png", "rgb.png"]) {
        let seen = preprocess.picture(&image(name));
        let expected = match name {
            "rgb.png" => Preprocess::clip(17, Fit::CenterCrop).picture(&image(name)),
            name => image(&format!("{name}.open_clip.png")),
        };
        assert!(seen == expected, "{name}: {}", difference(&seen, &expected));
    }
}

fn difference(a: &Image, b: &Image) -> u8 {
    let pairs = a.rgb.iter().zip(&b.rgb);
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}
