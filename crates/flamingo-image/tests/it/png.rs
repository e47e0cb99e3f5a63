//! PNG files that are not right, and animations whose default picture is none of their frames.

use flamingo_image::{Error, Image, Limits, decode_still};

use crate::{film, fixture, image};

fn still(bytes: &[u8]) -> flamingo_image::Result<Image> {
    decode_still(bytes, "some.png", &Limits::default())
}

/// Where a chunk's length stands.
fn chunk(bytes: &[u8], kind: &[u8]) -> usize {
    bytes.windows(4).position(|name| name == kind).unwrap() - 4
}

#[test]
fn wrong_checksums_of_pixels_and_a_missing_end_are_forgiven() {
    let whole = std::fs::read(fixture("rgb.png")).unwrap();
    let (data, end) = (chunk(&whole, b"IDAT"), chunk(&whole, b"IEND"));
    let mut wrong = whole.clone();
    wrong[end - 1] ^= 1;
    assert_eq!(still(&wrong).unwrap(), image("rgb.png"));
    assert_eq!(still(&whole[..end]).unwrap(), image("rgb.png"));
    assert_eq!(still(&wrong[..end]).unwrap(), image("rgb.png"));
    for cut in data..end {
        let error = still(&whole[..cut]).unwrap_err();
        assert!(
            matches!(error, Error::Broken { .. }),
            "cut to {cut}: {error}"
        );
    }
    let mut header = whole.clone();
    header[data - 1] ^= 1;
    assert!(still(&header).is_err(), "the header's checksum counts");
}

#[test]
fn a_hidden_default_picture_is_the_picture_and_no_frame() {
    let bytes = std::fs::read(fixture("hidden.apng.png")).unwrap();
    assert_eq!(still(&bytes).unwrap(), Image::solid(7, 5, [250, 0, 0]));
    let colours: Vec<_> = film("hidden.apng.png")
        .frames
        .iter()
        .map(|it| it.pixel(3, 3))
        .collect();
    assert_eq!(colours, [[0, 250, 0], [0, 0, 250]]);

    let bytes = std::fs::read(fixture("hidden_alone.apng.png")).unwrap();
    assert_eq!(still(&bytes).unwrap(), Image::solid(7, 5, [250, 0, 0]));
    let film = film("hidden_alone.apng.png");
    assert_eq!(film.frames, [Image::solid(7, 5, [0, 250, 0])]);
    assert_eq!(film.seconds(), Some(0.1));
}
