#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn a_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = body.len() as u32 + 8;
    [&size.to_be_bytes()[..], kind, body].concat()
}

/// A box with version and flags 0 and these numbers.
fn full(kind: &[u8; 4], numbers: &[u32]) -> Vec<u8> {
    with_flags(kind, 0, numbers)
}

fn with_flags(kind: &[u8; 4], flags: u32, numbers: &[u32]) -> Vec<u8> {
    let numbers = [&[flags], numbers].concat();
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect();
    a_box(kind, &bytes)
}

/// A track with 90 ticks a second, these tables and this edit list.
fn track(handler: &[u8; 4], tables: &[Vec<u8>], edits: &[u8]) -> Vec<u8> {
    let entry = a_box(b"avc1", &[0; 70]);
    let entries = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat();
    let table = [&[a_box(b"stsd", &entries)], tables].concat().concat();
    let handler = [&[0; 8][..], handler, &[0; 13]].concat();
    let information = a_box(b"minf", &a_box(b"stbl", &table));
    let media = [
        full(b"mdhd", &[0, 0, 90, 0, 0]),
        a_box(b"hdlr", &handler),
        information,
    ]
    .concat();
    let head = full(b"tkhd", &[0, 0, 7, 0, 0]);
    a_box(
        b"trak",
        &[head, a_box(b"edts", edits), a_box(b"mdia", &media)].concat(),
    )
}

fn movie(inside: &[Vec<u8>]) -> Vec<u8> {
    let head = full(b"mvhd", &[0, 0, 1000, 0]);
    a_box(b"moov", &[&[head], inside].concat().concat())
}

fn read(file: &[Vec<u8>]) -> Result<Option<Movie>, String> {
    read_mp4(Cursor::new(file.concat()))
}

fn timeline(starts: &[i64], end: i64) -> Option<Timeline> {
    Timeline::new(Rate::new(90, 1).unwrap(), starts.to_vec(), end)
}

fn tables() -> [Vec<u8>; 2] {
    let times = full(b"stts", &[2, 3, 30, 1, 60]);
    // Frame 1 is shown last but one, frame 2 after frame 0.
    let offsets = full(b"ctts", &[3, 1, 30, 1, 60, 2, 0]);
    [times, offsets]
}

#[test]
fn frames_are_shown_when_the_tables_say() {
    let sound = track(b"soun", &[full(b"stts", &[1, 999, 90])], &[]);
    let file = [
        a_box(b"ftyp", b"isom"),
        movie(&[sound, track(b"vide", &tables(), &[])]),
        a_box(b"mdat", &[1; 99]),
    ];
    let found = read(&file).unwrap().unwrap();
    assert_eq!((found.codec.as_str(), found.missing), ("avc1", 0));
    assert_eq!(found.timeline, timeline(&[30, 90, 60, 90], 150));
}

#[test]
fn edit_lists_say_what_is_shown() {
    // 500 ms are empty, then 100 ticks from tick 60 on.
    let edits = full(b"elst", &[2, 500, u32::MAX, 1 << 16, 1112, 60, 1 << 16]);
    let found = read(&[movie(&[track(b"vide", &tables(), &edits)])])
        .unwrap()
        .unwrap();
    assert_eq!(found.timeline, timeline(&[30, 0, 30], 90));
    let none = full(b"elst", &[1, 1000, 5000, 1 << 16]);
    let found = read(&[movie(&[track(b"vide", &tables(), &none)])])
        .unwrap()
        .unwrap();
    assert_eq!(found.timeline, None);
}

#[test]
fn fragments_go_on_where_the_one_before_ends_or_where_they_say() {
    let extends = a_box(b"mvex", &full(b"trex", &[7, 1, 30, 0, 0]));
    let first = [
        with_flags(b"tfhd", 0x8, &[7, 45]),
        with_flags(b"trun", 0x1, &[2, 0]),
    ];
    let other = [full(b"tfhd", &[8]), full(b"trun", &[2])];
    let second = [
        full(b"tfhd", &[7]),
        full(b"tfdt", &[200]),
        with_flags(b"trun", 0xF00, &[1, 10, 0, 0, 5]),
        full(b"trun", &[1]),
    ];
    let fragment = |inside: &[Vec<u8>]| a_box(b"moof", &a_box(b"traf", &inside.concat()));
    let file = [
        movie(&[track(b"vide", &[full(b"stts", &[0])], &[]), extends]),
        fragment(&first),
        a_box(b"mdat", &[1; 9]),
        fragment(&other),
        fragment(&second),
    ];
    let found = read(&file).unwrap().unwrap();
    assert_eq!(found.timeline, timeline(&[0, 45, 205, 210], 240));
}

#[test]
fn a_file_cut_short_says_by_how_much() {
    let file = [
        movie(&[track(b"vide", &tables(), &[])]),
        a_box(b"mdat", &[1; 99]),
    ]
    .concat();
    let cut = read_mp4(Cursor::new(&file[..file.len() - 31]))
        .unwrap()
        .unwrap();
    assert_eq!(cut.missing, 31);
    let without_index = read(&[a_box(b"mdat", &[1; 99])]).unwrap_err();
    assert!(
        without_index.contains("`moov`) is missing"),
        "{without_index}"
    );
    assert_eq!(read(&[movie(&[track(b"soun", &tables(), &[])])]), Ok(None));
}

proptest! {
    #[test]
    fn damage_is_told_and_never_more(at in 0..400_usize, byte: u8, length in 0..500_usize) {
        let extends = a_box(b"mvex", &full(b"trex", &[7, 1, 30, 0, 0]));
        let edits = full(b"elst", &[1, 1112, 60, 1 << 16]);
        let run = [full(b"tfhd", &[7]), with_flags(b"trun", 0xF00, &[1, 10, 0, 0, 5])].concat();
        let mut file = [
            movie(&[track(b"vide", &tables(), &edits), extends]),
            a_box(b"moof", &a_box(b"traf", &run)),
        ]
        .concat();
        if let Some(place) = file.get_mut(at) {
            *place = byte;
        }
        file.truncate(length);
        drop(read_mp4(Cursor::new(file)));
    }
}
