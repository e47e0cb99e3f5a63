//! Brightness alone is that of the decoded picture.

use flamingo_image::{Limits, decode_luma, decode_still};

use crate::fixture;

#[test]
fn brightness_is_that_of_the_whole_picture() {
    let turned = (1..=8).map(|tag| format!("orientation_{tag}.jpg"));
    let names = ["smooth.jpg", "progressive.jpg", "grey.jpg"].map(String::from);
    for name in turned.chain(names) {
        let bytes = std::fs::read(fixture(&name)).unwrap();
        let image = decode_still(&bytes, &name, &Limits::default()).unwrap();
        let luma = decode_luma(&bytes, &Limits::default()).unwrap();
        assert_eq!(
            (luma.width, luma.height),
            (image.width, image.height),
            "{name}"
        );
        for (&value, pixel) in luma.values.iter().zip(image.rgb.chunks_exact(3)) {
            let [r, g, b] = [0, 1, 2].map(|channel| f32::from(pixel[channel]));
            let expected = 0.299 * r + 0.587 * g + 0.114 * b;
            // Colours outside of RGB are clipped there.
            assert!(
                (f32::from(value) - expected).abs() < 20.0,
                "{name}: {value} {expected}"
            );
        }
        let difference =
            luma.values
                .iter()
                .zip(image.rgb.chunks_exact(3))
                .map(|(&value, pixel)| {
                    let [r, g, b] = [0, 1, 2].map(|channel| f32::from(pixel[channel]));
                    (f32::from(value) - (0.299 * r + 0.587 * g + 0.114 * b)).abs()
                });
        let mean = difference.sum::<f32>() / luma.values.len() as f32;
        assert!(mean < 1.5, "{name}: {mean}");
    }
}

#[test]
fn what_has_no_brightness_channel_or_is_refused_has_none() {
    let small = Limits {
        max_side: 9,
        ..Limits::default()
    };
    for name in ["rgb.png", "walk.gif", "lossless.webp", "cmyk.jpg"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        assert_eq!(decode_luma(&bytes, &Limits::default()), None, "{name}");
    }
    let bytes = std::fs::read(fixture("smooth.jpg")).unwrap();
    assert_eq!(decode_luma(&bytes, &small), None);
    for cut in 0..bytes.len() - 1 {
        assert_eq!(
            decode_luma(&bytes[..cut], &Limits::default()),
            None,
            "cut to {cut}"
        );
    }
}
