//! JPEG files of every layout against Pillow's pixels (`../fixtures/make.py`).

use flamingo_image::{Error, Image, Limits, Media, Result, decode};

use crate::{fixture, image};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn still(bytes: &[u8]) -> Result<Image> {
    match decode(bytes, "some.jpg", &Limits::default())? {
        Media::Image(image) => Ok(image),
        Media::Film(_) => panic!("a JPEG is a still picture"),
    }
}

/// Where the segment of a marker begins.
fn segment(bytes: &[u8], marker: u8) -> usize {
    let mut at = 2;
    while bytes[at + 1] != marker {
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
    }
    at
}

#[test]
fn every_layout_is_pillows_to_the_last_bit() {
    let mut files = 0;
    for entry in std::fs::read_dir(fixture("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".jpg") else {
            continue;
        };
        if fixture(&format!("{name}.expected.png")).exists() {
            let expected = image(&format!("{name}.expected.png"));
            assert!(image(&format!("{name}.jpg")) == expected, "{name}");
            files += 1;
        }
    }
    assert!(files >= 19, "{files}");
    assert!(image("progressive.jpg") == image("smooth.expected.png"));
}

#[test]
fn a_frame_of_a_film_without_huffman_tables_is_read_with_the_standards() {
    let mut file = bytes("jpeg_420.jpg");
    while let Some(at) = file.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
        let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        file.drain(at..at + 2 + length);
    }
    assert!(still(&file).unwrap() == image("jpeg_420.expected.png"));
}

#[test]
fn codings_that_are_not_read_are_refused_by_name() {
    for (marker, says) in [
        (0xC9, "arithmetic coding"),
        (0xC3, "lossless JPEG coding"),
        (0xC5, "hierarchical JPEG coding"),
    ] {
        let mut file = bytes("jpeg_444.jpg");
        let at = segment(&file, 0xC0);
        file[at + 1] = marker;
        let error = still(&file).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(error.starts_with("some.jpg is a broken or unsupported JPEG file"));
    }
    let mut file = bytes("jpeg_444.jpg");
    let at = segment(&file, 0xC0);
    file[at + 4] = 12;
    let error = still(&file).unwrap_err().to_string();
    assert!(error.contains("12 bits a sample"), "{error}");
}

#[test]
fn a_file_is_cut_short_until_its_last_byte() {
    for name in [
        "jpeg_420.jpg",
        "jpeg_progressive_422.jpg",
        "jpeg_separate.jpg",
    ] {
        let file = bytes(name);
        for length in 3..file.len() {
            let error = still(&file[..length]).unwrap_err().to_string();
            assert!(
                error.contains("it is cut short"),
                "{name} {length}: {error}"
            );
        }
    }
}

#[test]
fn damage_ends_at_the_next_restart() {
    let whole = bytes("jpeg_restarts.jpg");
    let at = whole
        .windows(2)
        .position(|pair| pair == [0xFF, 0xD0])
        .unwrap();
    let mut file = whole.clone();
    // The first two units of 16x16 pixels get no data at all.
    let scan = segment(&whole, 0xDA);
    let data = scan + 2 + usize::from(u16::from_be_bytes([whole[scan + 2], whole[scan + 3]]));
    file.drain(data..at);
    let (damaged, expected) = (still(&file).unwrap(), image("jpeg_restarts.expected.png"));
    assert_ne!(damaged.pixel(3, 3), expected.pixel(3, 3));
    for (x, y) in [(36, 3), (3, 20), (20, 28), (36, 28)] {
        assert_eq!(damaged.pixel(x, y), expected.pixel(x, y), "{x} {y}");
    }
}

#[test]
fn a_picture_in_endless_scans_is_refused() {
    let whole = bytes("jpeg_progressive_420.jpg");
    let scan = segment(&whole, 0xDA);
    let end = scan
        + 2
        + whole[scan + 2..]
            .windows(2)
            .position(|pair| pair[0] == 0xFF && pair[1] != 0)
            .unwrap();
    let mut file = whole[..scan].to_vec();
    for _ in 0..300 {
        file.extend(&whole[scan..end]);
    }
    file.extend([0xFF, 0xD9]);
    let error = still(&file).unwrap_err().to_string();
    assert!(error.contains("more than 256 scans"), "{error}");
}

#[test]
fn a_jpeg_that_is_too_large_is_reduced_where_that_is_allowed() {
    for (name, divisors) in [
        ("jpeg_420", &[2, 4, 8][..]),
        ("jpeg_444", &[2, 4, 8]),
        ("jpeg_grey_restarts", &[2, 4, 8]),
        // It is held in full size before it is reduced.
        ("jpeg_progressive_420", &[2]),
    ] {
        let file = bytes(&format!("{name}.jpg"));
        let strip = image(&format!("{name}.reduced.png"));
        let whole = image(&format!("{name}.expected.png"));
        let mut above = 0;
        for divisor in [2, 4, 8] {
            let (width, height) = (
                whole.width.div_ceil(divisor),
                whole.height.div_ceil(divisor),
            );
            let limits = |reduce_to| Limits {
                max_pixels: u64::from(width) * u64::from(height),
                reduce_to,
                ..Limits::default()
            };
            let read = |reduce_to| decode(&file, name, &limits(reduce_to));
            let least = width.min(height);
            for reduce_to in [0, least + 1] {
                let error = read(reduce_to).unwrap_err();
                assert!(matches!(error, Error::TooLarge { .. }), "{name}: {error}");
            }
            if divisors.contains(&divisor) {
                let expected = Image::from_fn(width, height, |x, y| strip.pixel(x, above + y));
                assert_eq!(
                    read(least).unwrap(),
                    Media::Image(expected),
                    "{name} at 1/{divisor}"
                );
            } else {
                assert!(read(least).is_err(), "{name} at 1/{divisor}");
            }
            above += height;
        }
    }
}

#[test]
fn a_jpeg_within_the_limits_is_never_reduced() {
    let file = bytes("jpeg_420.jpg");
    let limits = Limits {
        reduce_to: 1,
        ..Limits::default()
    };
    let read = decode(&file, "jpeg_420.jpg", &limits).unwrap();
    assert_eq!(read, Media::Image(image("jpeg_420.expected.png")));
}
