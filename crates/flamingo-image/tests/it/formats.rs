//! What each format and each kind of picture becomes.

use flamingo_image::{
    Error, Fit, Image, Limits, Media, Preprocess, Rate, Sampling, Wanted, decode, load, load_frames,
};

use crate::{film, fixture, image, picture};

#[test]
fn lossless_files_give_the_pixels_that_were_written() {
    for name in ["rgb.png", "lossless.webp"] {
        assert!(image(name) == picture(11, 7), "{name}");
    }
}

#[test]
fn grey_is_repeated() {
    let grey = image("grey.png");
    assert!(
        grey.rgb
            .chunks_exact(3)
            .all(|p| p[0] == p[1] && p[1] == p[2])
    );
    assert!(grey.rgb.chunks_exact(3).any(|p| p[0] != grey.rgb[0]));
}

#[test]
fn sixteen_bits_keep_their_high_byte() {
    let values: [u16; 6] = [0x00ff, 0x0100, 0x7fff, 0x8000, 0xfeff, 0xffff];
    let wide = image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(2, 1, values.to_vec()).unwrap();
    let mut file = std::io::Cursor::new(Vec::new());
    wide.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let expected = Image::new(2, 1, vec![0, 1, 0x7f, 0x80, 0xfe, 0xff]).unwrap();
    let read = decode(file.get_ref(), "wide.png", &Limits::default()).unwrap();
    assert_eq!(read, Media::Image(expected));
}

#[test]
fn every_exif_orientation_is_turned_upright() {
    let upright = image("orientation_1.jpg");
    assert_eq!((upright.width, upright.height), (32, 16));
    let about = |color: [u8; 3], expected: [u8; 3]| {
        color.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 30)
    };
    let files = (1..=8).map(|tag| format!("orientation_{tag}.jpg"));
    for name in files.chain(["orientation_6.webp".into(), "orientation_6.png".into()]) {
        let image = image(&name);
        assert_eq!((image.width, image.height), (32, 16), "{name}");
        assert!(about(image.pixel(2, 2), [250, 250, 250]), "{name}");
        assert!(about(image.pixel(2, 13), [250, 10, 10]), "{name}");
        assert!(about(image.pixel(29, 2), [10, 10, 250]), "{name}");
        assert!(about(image.pixel(29, 13), [10, 10, 250]), "{name}");
    }
}

#[test]
fn animations_are_films_of_whole_frames() {
    for name in ["walk.gif", "walk.webp", "walk.apng.png"] {
        let film = film(name);
        assert_eq!(film.frames.len(), 5, "{name}");
        assert_eq!(film.seconds(), Some(1.0), "{name}");
        for (k, frame) in film.frames.iter().enumerate() {
            let left = 3 * k as u32;
            let expected = Image::from_fn(17, 11, |x, y| {
                let inside = (left..left + 3).contains(&x) && (4..7).contains(&y);
                if inside { [240, 200, 0] } else { [0, 90, 0] }
            });
            assert!(*frame == expected, "{name}, frame {k}");
        }
    }
}

#[test]
fn a_gif_of_one_frame_is_a_picture() {
    assert_eq!(image("still.gif").pixel(0, 4), [240, 200, 0]);
}

#[test]
fn a_folder_of_frames_is_a_film_in_natural_order() {
    let folder = tempfile::tempdir().unwrap();
    for k in [10_u8, 9, 2] {
        let frame = Image::solid(5, 3, [k; 3]).to_png();
        std::fs::write(folder.path().join(format!("frame{k}.png")), frame).unwrap();
    }
    std::fs::write(folder.path().join("notes.txt"), "no frame").unwrap();
    let Media::Film(film) = load(folder.path(), &Limits::default()).unwrap() else {
        panic!("a folder is a film");
    };
    assert_eq!(film.seconds(), None);
    let reds: Vec<u8> = film.frames.iter().map(|frame| frame.rgb[0]).collect();
    assert_eq!(reds, [2, 9, 10]);
    let rate = "1.5".parse().unwrap();
    let film = load_frames(
        folder.path(),
        Some(rate),
        &Wanted::default(),
        &Limits::default(),
    );
    assert_eq!(film.unwrap().seconds(), Some(2.0));

    let few = Limits {
        max_frames: 2,
        ..Limits::default()
    };
    let error = load(folder.path(), &few).unwrap_err().to_string();
    assert!(error.contains("3 frames, the limit is 2"), "{error}");

    std::fs::write(
        folder.path().join("frame11.png"),
        Image::solid(3, 5, [0; 3]).to_png(),
    )
    .unwrap();
    let error = load(folder.path(), &Limits::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("frame11.png is 3x5") && error.contains("frame2.png is 5x3"),
        "{error}"
    );

    std::fs::copy(fixture("walk.gif"), folder.path().join("frame1.gif")).unwrap();
    let error = load(folder.path(), &Limits::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("frame1.gif is animated"), "{error}");
}

#[test]
fn of_a_folder_only_what_is_wanted_is_opened_and_kept_small() {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..20_u8 {
        let file = match k % 5 {
            0 => Image::solid(50, 30, [k; 3]).to_png(),
            _ => b"never opened".to_vec(),
        };
        std::fs::write(folder.path().join(format!("{k}.png")), file).unwrap();
    }
    let sampling = Sampling {
        rate: Rate::ONE,
        most: 30,
    };
    let wanted = Wanted::of(sampling, &Preprocess::clip(10, Fit::Pad));
    let rate = "5".parse().unwrap();
    // Room for frames as they are kept alone.
    let few = Limits {
        max_film_pixels: 4 * 50 * 30,
        max_frames: 4,
        ..Limits::default()
    };
    let film = load_frames(folder.path(), Some(rate), &wanted, &few).unwrap();
    let kept: Vec<_> = film
        .frames
        .iter()
        .map(|f| (f.width, f.height, f.rgb[0]))
        .collect();
    assert_eq!(kept, [0, 5, 10, 15].map(|k| (10, 6, k)));
    assert_eq!(film.timeline, None);
    let held = Wanted {
        sampling: Some(sampling),
        seconds: None,
        preprocess: None,
    };
    let slow = load_frames(folder.path(), Some("1/2".parse().unwrap()), &held, &few);
    assert!(slow.is_err(), "frames 1 to 4 are none");
}

#[test]
fn uneven_animations_are_seen_by_time() {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, 2, 2, &[0, 0, 0, 250, 250, 250]).unwrap();
    for k in 0..14_u8 {
        let palette = [16 * k, 0, 0];
        let mut frame = gif::Frame::from_palette_pixels(2, 2, [0; 4], palette, None);
        frame.delay = if k < 10 { 10 } else { 100 };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    let Media::Film(film) = decode(&file, "uneven.gif", &Limits::default()).unwrap() else {
        panic!("it moves");
    };
    let film = film.sampled(Sampling {
        rate: Rate::ONE,
        most: 8,
    });
    let numbers: Vec<u8> = film.frames.iter().map(|frame| frame.rgb[0] / 16).collect();
    assert_eq!(numbers, [0, 10, 11, 12, 13]);
}

#[test]
fn a_path_without_a_picture_is_named_with_the_next_step() {
    let error = load("no/such/cat.jpg", &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::Read { .. }));
    assert!(
        error
            .to_string()
            .starts_with("cannot read no/such/cat.jpg: "),
        "{error}"
    );

    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path(), &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::NoFrames { .. }), "{error}");

    let error = load(fixture("make.py"), &Limits::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("make.py is not a JPEG, PNG, WebP or GIF file"),
        "{error}"
    );
}
