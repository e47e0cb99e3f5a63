//! Bytes that are damaged, or that ask for too much.

use flamingo_image::{Bound, Error, Limits, Media, decode, load, probe};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::{fixture, picture};

const FILES: [&str; 23] = [
    "rgb.png",
    "palette.png",
    "orientation_6.png",
    "walk.apng.png",
    "lossless.webp",
    "walk.webp",
    "webp_over_lossy.webp",
    "orientation_6.webp",
    "walk.gif",
    "still.gif",
    "smooth.jpg",
    "progressive.jpg",
    "cmyk.jpg",
    "orientation_8.jpg",
    "jpeg_420.jpg",
    "jpeg_411.jpg",
    "jpeg_progressive_422.jpg",
    "jpeg_restarts.jpg",
    "jpeg_separate.jpg",
    "gif_clearing_transparent.gif",
    "gif_restoring.gif",
    "gif_larger.gif",
    "holes_palette.png",
];

/// Small, so that a mutated header that passes costs little.
fn small() -> Limits {
    Limits {
        max_side: 999,
        max_pixels: 100_000,
        max_film_pixels: 300_000,
        ..Limits::default()
    }
}

/// A PNG whose header claims these sides, with its checksum right.
fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut file = picture(3, 2).to_png();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    mend_png(&mut file);
    file
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    })
}

/// Makes the checksum of each chunk right, so that damage gets past it.
fn mend_png(file: &mut [u8]) {
    let mut at = 8;
    while let Some(&[a, b, c, d]) = file.get(at..at + 4) {
        let end = (at + 8).saturating_add(u32::from_be_bytes([a, b, c, d]) as usize);
        let Some(chunk) = file.get(at + 4..end) else {
            return;
        };
        let crc = crc32(chunk);
        let Some(place) = file.get_mut(end..end + 4) else {
            return;
        };
        place.copy_from_slice(&crc.to_be_bytes());
        at = end + 4;
    }
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_decoding() {
    assert!(decode(&png_claiming(3, 2), "own.png", &Limits::default()).is_ok());
    for (width, height, bound) in [
        (50_000, 50_000, Bound::Side),
        (20_001, 1, Bound::Side),
        (1, u32::MAX >> 1, Bound::Side),
        (19_000, 19_000, Bound::Pixels),
    ] {
        let error =
            decode(&png_claiming(width, height), "bomb.png", &Limits::default()).unwrap_err();
        let Error::TooLarge { what, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(what, bound);
    }
    let error = decode(
        &png_claiming(50_000, 50_000),
        "bomb.png",
        &Limits::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "bomb.png has 50000 pixels on a side, the limit is 20000; make it smaller or, if you \
         trust it, allow more with `max_pixels` (`--max-pixels`)"
    );
}

#[test]
fn films_and_files_are_bounded() {
    let frames = Limits {
        max_frames: 4,
        ..Limits::default()
    };
    let pixels = Limits {
        max_film_pixels: 4 * 17 * 11,
        ..Limits::default()
    };
    let bytes = Limits {
        max_bytes: 100,
        ..Limits::default()
    };
    for name in ["walk.gif", "walk.webp", "walk.apng.png"] {
        for (limits, bound) in [
            (frames, Bound::Frames),
            (pixels, Bound::FilmPixels),
            (bytes, Bound::Bytes),
        ] {
            let error = load(fixture(name), &limits).unwrap_err();
            let Error::TooLarge { what, .. } = error else {
                panic!("{name}: {error}")
            };
            assert_eq!(what, bound, "{name}");
        }
    }
}

#[test]
fn a_file_cut_short_is_broken_at_any_length() {
    for name in FILES {
        let bytes = std::fs::read(fixture(name)).unwrap();
        // A GIF that is cut between two frames only lacks its end mark.
        let is_cut = |length: &usize| probe(&bytes[..*length]).is_none_or(|found| !found.whole);
        for length in (12..bytes.len() * 3 / 4).filter(is_cut) {
            let result = decode(&bytes[..length], name, &small());
            assert!(
                matches!(result, Err(Error::Broken { .. })),
                "{name} at {length}: {result:?}"
            );
        }
    }
}

#[test]
fn an_animation_that_lacks_frames_says_how_many_it_has() {
    let bytes = std::fs::read(fixture("walk.apng.png")).unwrap();
    let second = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, kind)| kind == b"fcTL");
    let second = second.map(|(at, _)| at).nth(1).unwrap();
    let mut file = bytes[..second - 4].to_vec();
    file.extend(b"\0\0\0\0IEND\xAE\x42\x60\x82");
    let error = decode(&file, "a.png", &small()).unwrap_err().to_string();
    assert!(error.contains("it has 1 of its 5 frames"), "{error}");
}

#[test]
fn an_empty_file_and_an_html_page_are_called_what_they_are() {
    for (bytes, says) in [
        (&b""[..], "it is empty"),
        (b"<html>\n404", "starts with \"<html>\\n404\""),
    ] {
        let error = decode(bytes, "cat.jpg", &Limits::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cat.jpg is not a") && error.contains(says),
            "{error}"
        );
    }
}

/// What a caller may rely on in whatever was decoded.
fn check(result: flamingo_image::Result<Media>) -> Result<(), TestCaseError> {
    match result {
        Ok(Media::Image(image)) => {
            prop_assert_eq!(image.rgb.len(), 3 * (image.width * image.height) as usize);
        }
        Ok(Media::Film(film)) => {
            prop_assert!(
                film.frames.len() > 1 && film.seconds().is_some_and(|seconds| seconds > 0.0)
            );
        }
        Err(error) => prop_assert!(error.to_string().contains("some.file"), "{}", error),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(decode(&bytes, "some.file", &small()))?;
    }

    #[test]
    fn random_bytes_after_a_true_signature_never_panic(
        name in select(&FILES[..]),
        keep in 8_usize..64,
        tail in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        bytes.truncate(keep);
        bytes.extend(tail);
        check(decode(&bytes, "some.file", &small()))?;
    }

    #[test]
    fn mutated_files_never_panic(
        name in select(&FILES[..]),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in prop::option::of((any::<Index>(), any::<Index>())),
        mend in any::<bool>(),
    ) {
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((from, to)) = cut {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            bytes.drain(from.min(to)..from.max(to));
        }
        if mend && name.ends_with(".png") {
            mend_png(&mut bytes);
        }
        check(decode(&bytes, "some.file", &small()))?;
    }
}
