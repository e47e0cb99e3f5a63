//! Any bytes as a Matroska file, by themselves and after a track of pictures.
#![no_main]

use std::io::Cursor;

use flamingo_film::read_matroska;

/// A segment without an end, and the list of tracks: number 1, pictures.
const BEGINNING: &[u8] =
    b"\x18\x53\x80\x67\xFF\x16\x54\xAE\x6B\x88\xAE\x86\xD7\x81\x01\x83\x81\x01";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = read_matroska(Cursor::new(bytes));
    let _ = read_matroska(Cursor::new([BEGINNING, bytes].concat()));
});
