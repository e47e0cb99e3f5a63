//! Resizing against Pillow's own output (`../fixtures/make.py`).

use flamingo_image::{Image, PassOrder, resize_bicubic};
use proptest::prelude::*;

use crate::{image, picture};

#[test]
fn resized_bytes_are_pillows() {
    let source = picture(31, 29);
    for order in [PassOrder::WidthFirst, PassOrder::Cheaper] {
        for (width, height) in [(13, 17), (53, 37), (31, 11), (5, 29), (3, 2)] {
            let expected = image(&format!("resized_{width}x{height}.png"));
            let resized = resize_bicubic(&source, width, height, order);
            assert!(resized == expected, "{width}x{height} differs");
        }
    }
}

#[test]
fn pillow_13_resizes_the_height_first_where_that_is_cheaper() {
    let source = picture(31, 29);
    for (width, height) in [(40, 7), (26, 11)] {
        for (order, name) in [
            (PassOrder::WidthFirst, ".width_first"),
            (PassOrder::Cheaper, ""),
        ] {
            let expected = image(&format!("resized_{width}x{height}{name}.png"));
            let resized = resize_bicubic(&source, width, height, order);
            assert!(resized == expected, "{width}x{height}{name} differs");
        }
    }
}

#[test]
fn the_same_size_is_the_same_picture() {
    let source = picture(31, 29);
    assert!(resize_bicubic(&source, 31, 29, PassOrder::WidthFirst) == source);
}

proptest! {
    #[test]
    fn one_colour_stays_one_colour(
        (width, height) in (1_u32..90, 1_u32..90),
        (to_width, to_height) in (0_u32..90, 0_u32..90),
        color in any::<[u8; 3]>(),
    ) {
        let resized = resize_bicubic(&Image::solid(width, height, color), to_width, to_height, PassOrder::Cheaper);
        prop_assert!(resized == Image::solid(to_width.max(1), to_height.max(1), color));
    }
}
