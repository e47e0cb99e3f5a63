//! What lies in memory while an animation is read, counted by the bytes that are allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use flamingo_image::{
    Error, Fit, Image, Limits, Media, Preprocess, Rate, Sampling, Wanted, decode, decode_wanted,
    timeline,
};

use crate::hostile::crc32;

/// The system's memory, counted for each thread.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is ending counts no longer.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
}

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// What a function gives, and the bytes that were held at most meanwhile.
fn most_held<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    MOST.set(before);
    let result = run();
    (result, (MOST.get() - before) as usize)
}

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const FRAMES: u32 = 250;
/// Bytes of a frame with transparency.
const CANVAS: usize = 4 * (WIDTH * HEIGHT) as usize;

fn frame(number: u32) -> Image {
    Image::from_fn(WIDTH, HEIGHT, |x, _| [number as u8, 0, (x / 3) as u8])
}

/// Frames of a tenth of a second each.
fn gif() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, WIDTH as u16, HEIGHT as u16, &[]).unwrap();
    for k in 0..FRAMES {
        let palette: Vec<u8> = (0..128).flat_map(|blue| [k as u8, 0, blue]).collect();
        let places: Vec<u8> = (0..WIDTH * HEIGHT)
            .map(|at| (at % WIDTH / 3) as u8)
            .collect();
        let (width, height) = (WIDTH as u16, HEIGHT as u16);
        let mut frame = gif::Frame::from_palette_pixels(width, height, places, palette, None);
        frame.delay = 10;
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    file
}

fn apng() -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let content = [kind, data].concat();
        let sum = crc32(&content).to_be_bytes();
        [&(data.len() as u32).to_be_bytes()[..], &content, &sum].concat()
    };
    let mut file = frame(0).to_png()[..33].to_vec();
    file.extend(chunk(b"acTL", &[FRAMES.to_be_bytes(), [0; 4]].concat()));
    let mut number = 0_u32;
    let mut next = || {
        number += 1;
        (number - 1).to_be_bytes()
    };
    for k in 0..FRAMES {
        let sides = [WIDTH.to_be_bytes(), HEIGHT.to_be_bytes(), [0; 4], [0; 4]].concat();
        file.extend(chunk(
            b"fcTL",
            &[&next()[..], &sides, &[0, 1, 0, 10, 0, 0]].concat(),
        ));
        let still = frame(k).to_png();
        let mut at = 33;
        while at < still.len() {
            let length = u32::from_be_bytes(still[at..at + 4].try_into().unwrap()) as usize;
            let data = &still[at + 8..at + 8 + length];
            match &still[at + 4..at + 8] {
                b"IDAT" if k == 0 => file.extend(chunk(b"IDAT", data)),
                b"IDAT" => file.extend(chunk(b"fdAT", &[&next()[..], data].concat())),
                _ => {}
            }
            at += 12 + length;
        }
    }
    file.extend(chunk(b"IEND", b""));
    file
}

fn webp() -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let padding = vec![0; data.len() % 2];
        [kind, &(data.len() as u32).to_le_bytes(), data, &padding].concat()
    };
    let three = |value: u32| value.to_le_bytes()[..3].to_vec();
    let sides = [three(WIDTH - 1), three(HEIGHT - 1)].concat();
    let mut content = b"WEBP".to_vec();
    content.extend(chunk(b"VP8X", &[&[2, 0, 0, 0][..], &sides].concat()));
    content.extend(chunk(b"ANIM", &[0; 6]));
    for k in 0..FRAMES {
        let mut still = Vec::new();
        let kind = image::ExtendedColorType::Rgb8;
        image::codecs::webp::WebPEncoder::new_lossless(&mut still)
            .encode(&frame(k).rgb, WIDTH, HEIGHT, kind)
            .unwrap();
        let head = [vec![0; 6], sides.clone(), three(100), vec![2]].concat();
        content.extend(chunk(b"ANMF", &[&head, &still[12..]].concat()));
    }
    chunk(b"RIFF", &content)
}

fn animations() -> [(&'static str, Vec<u8>); 3] {
    [("a.gif", gif()), ("a.png", apng()), ("a.webp", webp())]
}

fn wanted(per_second: &str, most: usize) -> Wanted {
    let rate = per_second.parse().unwrap();
    Wanted::of(Sampling { rate, most }, &Preprocess::clip(24, Fit::Pad))
}

fn reds(media: Media) -> Vec<u8> {
    let Media::Film(film) = media else {
        panic!("it moves");
    };
    film.frames
        .iter()
        .map(|frame| frame.pixel(3, 3)[0])
        .collect()
}

#[test]
fn of_an_animation_the_canvas_and_the_frames_kept_lie_in_memory() {
    for (name, file) in animations() {
        let limits = Limits::default();
        let read = || decode_wanted(&file, name, &wanted("1", 30), &limits).unwrap();
        let (media, held) = most_held(read);
        let expected: Vec<u8> = (0..25).map(|k| 10 * k).collect();
        assert_eq!(reds(media), expected, "{name}");
        assert!(
            held < 8 * CANVAS,
            "{name}: {} canvases",
            held as f64 / CANVAS as f64
        );
        let (found, held) = most_held(|| timeline(&file, name, &limits).unwrap().unwrap());
        assert_eq!(
            (found.frames(), found.seconds()),
            (FRAMES as usize, 25.0),
            "{name}"
        );
        assert!(
            held < 8 * CANVAS,
            "{name}: {} canvases",
            held as f64 / CANVAS as f64
        );
        // All of them, as they are.
        let (_, held) = most_held(|| decode(&file, name, &limits).unwrap());
        assert!(held > FRAMES as usize * CANVAS / 2, "{name}");
    }
}

#[test]
fn the_frames_kept_are_those_of_the_whole_film() {
    for (name, file) in animations() {
        let limits = Limits::default();
        let Media::Film(whole) = decode(&file, name, &limits).unwrap() else {
            panic!("{name} moves");
        };
        for (per_second, most) in [("1", 8), ("3", 30), ("1/100", 8), ("20", 1000)] {
            let wanted = wanted(per_second, most);
            let numbers = wanted.numbers(whole.timeline.as_ref(), whole.frames.len(), name);
            let Media::Film(film) = decode_wanted(&file, name, &wanted, &limits).unwrap() else {
                panic!("{name} moves");
            };
            let expected = numbers.unwrap();
            assert_eq!(film.frames.len(), expected.len(), "{name}");
            for (frame, number) in film.frames.iter().zip(expected) {
                assert!(
                    *frame == wanted.frame(whole.frames[number].clone()),
                    "{name} {number}"
                );
            }
        }
    }
}

#[test]
fn frames_that_are_kept_are_bounded_and_those_gone_by_less_strictly() {
    let (name, file) = ("a.gif", gif());
    let pixels = u64::from(WIDTH * HEIGHT);
    let read = |max_film_pixels: u64, max_frames: usize, wanted: &Wanted| {
        let limits = Limits {
            max_film_pixels,
            max_frames,
            ..Limits::default()
        };
        decode_wanted(&file, name, wanted, &limits)
    };
    // Eight small frames, of which the last is the 235th.
    let few = wanted("1", 8);
    assert!(read(4 * pixels, 8, &few).is_ok());
    let too_many = read(4 * pixels, 7, &few).unwrap_err();
    assert!(
        too_many.to_string().contains("8 frames, the limit is 7"),
        "{too_many}"
    );
    let too_far = read(3 * pixels, 8, &few).unwrap_err();
    assert!(matches!(too_far, Error::TooLarge { .. }), "{too_far}");
    let all = Wanted {
        sampling: Some(Sampling {
            rate: Rate::THREE,
            most: 30,
        }),
        ..Wanted::default()
    };
    assert!(read(30 * pixels, 30, &all).is_ok());
    assert!(read(29 * pixels, 30, &all).is_err());
}

#[test]
fn frames_after_the_last_one_wanted_are_not_decoded() {
    for (name, mut file) in [("a.gif", gif()), ("a.webp", webp())] {
        // Damage in the last frame's pixels.
        let end = file.len();
        file[end - 40..end - 20].fill(0xFF);
        let limits = Limits::default();
        let first = Wanted {
            seconds: Some(0.0..2.0),
            ..wanted("1", 8)
        };
        assert_eq!(
            reds(decode_wanted(&file, name, &first, &limits).unwrap()),
            [0, 10],
            "{name}"
        );
    }
}
