//! What a header says is what the decoder finds.

use flamingo_image::{Format, Limits, Media, decode, decode_still, probe};

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "py"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn format_size_and_frames_are_those_of_the_decoder() {
    for (name, bytes) in fixtures() {
        let found = probe(&bytes).unwrap();
        let media = decode(&bytes, &name, &Limits::default()).unwrap();
        let still = decode_still(&bytes, &name, &Limits::default()).unwrap();
        let (image, animated) = match &media {
            Media::Image(image) => (image, false),
            Media::Film(film) => (&film.frames[0], true),
        };
        if !name.contains("hidden") {
            assert_eq!(&still, image, "{name}");
        }
        assert_eq!((found.animated, found.whole), (animated, true), "{name}");
        let mut sides = [found.width, found.height];
        let is_turned = name.contains("orientation") || name.contains("turned");
        if is_turned {
            // Half of them are stored on their side.
            sides.sort_unstable();
        }
        let mut seen = [image.width, image.height];
        if is_turned {
            seen.sort_unstable();
        }
        assert_eq!(sides, seen, "{name}");
        let extension = name.rsplit('.').next().unwrap();
        assert_eq!(found.format.extension(), extension, "{name}");
    }
}

#[test]
fn only_pictures_with_a_hole_are_not_opaque() {
    for (name, bytes) in fixtures() {
        let still = decode_still(&bytes, &name, &Limits::default()).unwrap();
        let holes = name.contains("rgba") || name.contains("grey_alpha");
        if name.ends_with(".jpg") || holes {
            assert_eq!(still.is_opaque(), !holes, "{name}");
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_not_whole() {
    for (name, bytes) in fixtures() {
        // A GIF is whole without its last byte, and before its second frame begins.
        let forgiving = Format::of(&bytes) == Some(Format::Gif);
        for cut in (0..bytes.len() - 1).filter(|_| !forgiving) {
            let found = probe(&bytes[..cut]);
            assert!(
                found.is_none_or(|found| !found.whole),
                "{name} cut to {cut}"
            );
        }
    }
}

#[test]
fn the_size_of_a_gif_is_known_before_its_first_frame_is() {
    let bytes = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/gif_larger.gif"
    ))
    .unwrap();
    let frame = 13 + 3 * 128 + 8;
    assert_eq!(bytes[frame], b',');
    for (cut, size) in [(frame + 1, (11, 7)), (bytes.len(), (13, 8))] {
        let found = probe(&bytes[..cut]).unwrap();
        assert_eq!((found.width, found.height), size, "cut to {cut}");
    }
}
