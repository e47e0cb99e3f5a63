//! Any bytes as an MP4 file, by themselves and as the inside of a movie's index and of a fragment.
#![no_main]

use std::io::Cursor;

use flamingo_film::read_mp4;

fn a_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = body.len() as u32 + 8;
    [&size.to_be_bytes()[..], kind, body].concat()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = read_mp4(Cursor::new(bytes));
    let _ = read_mp4(Cursor::new(a_box(b"moov", bytes)));
    let handler = a_box(b"hdlr", b"\0\0\0\0\0\0\0\0vide");
    let table = a_box(b"minf", &a_box(b"stbl", bytes));
    let scale = a_box(b"mdhd", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90]);
    let media = a_box(b"mdia", &[scale, handler, table].concat());
    let head = a_box(b"tkhd", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let track = a_box(b"trak", &[head, media].concat());
    let movie = a_box(b"moov", &[track, a_box(b"mvex", b"")].concat());
    let _ = read_mp4(Cursor::new([movie, a_box(b"moof", bytes)].concat()));
});
