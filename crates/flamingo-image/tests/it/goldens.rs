//! `open_clip`'s evaluation transform on RGB pictures, where golden data is at hand. They were made
//! with Pillow 13.

use std::path::PathBuf;

use flamingo_image::{Filter, Fit, Image, PassOrder, Preprocess, Transparency};
use safetensors::SafeTensors;

#[test]
fn clip_preprocessing_matches_the_golden_pixels() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/goldens/metrics");
    let Ok(file) = std::fs::read(folder.join("preprocess.safetensors")) else {
        println!("skipped: no golden data at {}", folder.display());
        return;
    };
    let golden = SafeTensors::deserialize(&file).unwrap();
    let cases = (0..7).map(|case| (32, case)).chain([(224, 5)]);
    for (size, case) in cases {
        let source = golden.tensor(&format!("rgb.{case}")).unwrap();
        let (width, height) = (source.shape()[1] as u32, source.shape()[0] as u32);
        let source = Image::new(width, height, source.data().to_vec()).unwrap();
        let expected = golden.tensor(&format!("out{size}.{case}")).unwrap();
        assert_eq!(expected.shape(), [3, size, size]);
        let preprocess = Preprocess {
            pass_order: PassOrder::Cheaper,
            ..Preprocess::clip(size, Fit::CenterCrop)
        };
        let pixels = preprocess.pixels(&source);
        compare(
            &pixels,
            expected.data(),
            &format!("{width}x{height} to {size}"),
        );
    }
}

/// Within 1/255 before normalisation, and equal to rounding in 99.9%.
fn compare(pixels: &[f32], expected: &[u8], case: &str) {
    let expected = expected
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    assert_eq!(pixels.len(), expected.len());
    let area = pixels.len() / 3;
    let mut unequal = 0;
    let mut largest = 0.0_f32;
    for (at, (pixel, expected)) in pixels.iter().zip(expected).enumerate() {
        let difference = (pixel - expected).abs() * flamingo_image::CLIP_STD[at / area];
        largest = largest.max(difference);
        unequal += usize::from(difference > 1e-6);
    }
    println!(
        "{case}: {unequal} of {} differ, at most by {largest:.2e}",
        pixels.len()
    );
    assert!(largest <= 1.0001 / 255.0, "{case}: off by {largest}");
    assert!(
        unequal * 1000 <= pixels.len(),
        "{case}: {unequal} of {} differ",
        pixels.len()
    );
}

#[test]
fn tiles_of_a_picture_match_the_golden_pixels_bit_for_bit() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/goldens/mllama");
    let Ok(file) = std::fs::read(folder.join("inputs.safetensors")) else {
        println!("skipped: no golden data at {}", folder.display());
        return;
    };
    let golden = SafeTensors::deserialize(&file).unwrap();
    let preprocess = Preprocess {
        transparency: Transparency::White,
        filter: Filter::Bilinear,
        ..Preprocess::clip(28, Fit::Tiles { most: 4 })
    };
    for case in 0..5 {
        let source = golden.tensor(&format!("image_rgb.{case}")).unwrap();
        let (width, height) = (source.shape()[1] as u32, source.shape()[0] as u32);
        let source = Image::new(width, height, source.data().to_vec()).unwrap();
        let expected = golden.tensor(&format!("tiles.{case}")).unwrap();
        let expected: Vec<f32> = expected
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let pixels = preprocess.pixels(&source);
        let (there, absent) = expected.split_at(pixels.len());
        assert!(pixels == there, "picture {case}, {width}x{height}");
        assert!(absent.iter().all(|value| *value == 0.0));
    }
}
