//! Resizing against Pillow's own output (`../fixtures/make.py`).

use flamingo_image::{Image, resize_bicubic};
use proptest::prelude::*;

use crate::{image, picture};

#[test]
fn resized_bytes_are_pillows() {
    let source = picture(31, 29);
    let rows_first = [(40, 7), (26, 11)];
    let columns_first = [(13, 17), (53, 37), (31, 11), (5, 29), (3, 2)];
    for (width, height) in columns_first.into_iter().chain(rows_first) {
        let expected = image(&format!("resized_{width}x{height}.png"));
        let resized = resize_bicubic(&source, width, height);
        assert!(resized == expected, "{width}x{height} differs");
    }
}

#[test]
fn the_same_size_is_the_same_picture() {
    let source = picture(31, 29);
    assert!(resize_bicubic(&source, 31, 29) == source);
}

proptest! {
    #[test]
    fn one_colour_stays_one_colour(
        (width, height) in (1_u32..90, 1_u32..90),
        (to_width, to_height) in (0_u32..90, 0_u32..90),
        color in any::<[u8; 3]>(),
    ) {
        let resized = resize_bicubic(&Image::solid(width, height, color), to_width, to_height);
        prop_assert!(resized == Image::solid(to_width.max(1), to_height.max(1), color));
    }
}
