//! GIF files against the frames that Pillow sees (`../fixtures/make.py`).

use flamingo_image::{Image, Limits, Media, decode, decode_still};

use crate::{fixture, image};

/// The frames of a file, and whether it is a film.
fn frames(name: &str) -> Vec<Image> {
    let bytes = std::fs::read(fixture(name)).unwrap();
    let media = decode(&bytes, name, &Limits::default()).unwrap();
    let still = decode_still(&bytes, name, &Limits::default()).unwrap();
    let frames = match media {
        Media::Image(image) => vec![image],
        Media::Film(film) => film.frames,
    };
    assert_eq!(frames[0], still, "{name}");
    frames
}

#[test]
fn frames_are_pillows_with_their_transparency() {
    for name in [
        "gif_part",
        "gif_part_transparent",
        "gif_larger",
        "gif_clearing",
        "gif_clearing_transparent",
        "gif_clearing_later",
        "gif_restoring",
        "gif_restoring_transparent",
    ] {
        let strip = image(&format!("{name}.frames.png"));
        let frames = frames(&format!("{name}.gif"));
        assert_eq!(strip.height % frames.len() as u32, 0, "{name}");
        for (k, frame) in frames.iter().enumerate() {
            for y in 0..frame.height {
                for x in 0..frame.width {
                    let at = |image: &Image, y: u32| {
                        let place = (y * image.width + x) as usize;
                        let alpha = image.alpha.as_ref().map_or(255, |alpha| alpha[place]);
                        (image.pixel(x, y), alpha)
                    };
                    let expected = at(&strip, y + k as u32 * frame.height);
                    assert_eq!(at(frame, y), expected, "{name}, frame {k}, {x} {y}");
                }
            }
        }
    }
}

#[test]
fn the_end_mark_may_be_missing_and_nothing_else() {
    for (name, count) in [("gif_endless", 2), ("gif_still_endless", 1)] {
        assert_eq!(frames(&format!("{name}.gif")).len(), count);
        let bytes = std::fs::read(fixture(&format!("{name}.gif"))).unwrap();
        for cut in 1..20 {
            let result = decode(&bytes[..bytes.len() - cut], name, &Limits::default());
            assert!(result.is_err(), "{name} without its last {cut} bytes");
        }
    }
}

#[test]
fn a_frame_that_claims_too_much_is_refused_before_it_is_allocated() {
    let mut bytes = std::fs::read(fixture("gif_part.gif")).unwrap();
    let frame = 13 + 3 * 128 + 8;
    assert_eq!(bytes[frame], b',');
    bytes[frame + 5..frame + 9].fill(0xFF);
    let error = decode(&bytes, "some.gif", &Limits::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("pixels on a side, the limit is 20000"),
        "{error}"
    );
}
