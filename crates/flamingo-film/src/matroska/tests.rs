#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn element(id: u32, body: &[u8]) -> Vec<u8> {
    let id: Vec<u8> = id
        .to_be_bytes()
        .into_iter()
        .skip_while(|byte| *byte == 0)
        .collect();
    let size = (body.len() as u32 | 0x1000_0000).to_be_bytes();
    [&id[..], &size, body].concat()
}

fn endless(id: u32, body: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], &[0xFF], body].concat()
}

fn track(number: u8, kind: u8, codec: &str) -> Vec<u8> {
    let inside = [
        element(TRACK_NUMBER, &[number]),
        element(TRACK_TYPE, &[kind]),
        element(CODEC, codec.as_bytes()),
        element(DEFAULT_DURATION, &40_000_000_u32.to_be_bytes()),
    ];
    element(TRACK, &inside.concat())
}

fn block(track: u8, time: i16, flags: u8) -> Vec<u8> {
    let [high, low] = time.to_be_bytes();
    [&[0x80 | track, high, low, flags][..], &[7; 50]].concat()
}

/// Sound in track 1 that goes on, pictures in track 2: at 0, 40, 80, 1000 and 5000 ms.
fn file(list: fn(u32, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let tracks = [track(1, 2, "A_OPUS"), track(2, 1, "V_VP9")].concat();
    let first = [
        element(TIMESTAMP, &[0]),
        element(SIMPLE_BLOCK, &block(2, 0, 0x80)),
        element(SIMPLE_BLOCK, &block(1, 5, 0)),
        element(SIMPLE_BLOCK, &block(2, 80, 0)),
        element(SIMPLE_BLOCK, &block(2, 60, 0x08)),
        element(SIMPLE_BLOCK, &block(2, 40, 0)),
    ];
    let group = |time, duration| {
        let inside = [
            element(BLOCK, &block(2, time, 0)),
            element(BLOCK_DURATION, &[duration]),
        ];
        element(BLOCK_GROUP, &inside.concat())
    };
    let second = [
        element(TIMESTAMP, &1000_u16.to_be_bytes()),
        group(0, 250),
        group(4000, 200),
        element(SIMPLE_BLOCK, &block(1, 9000, 0)),
    ];
    let inside = [
        element(0xEC, &[0; 9]),
        element(
            INFORMATION,
            &element(TIMESTAMP_SCALE, &1_000_000_u32.to_be_bytes()),
        ),
        element(TRACKS, &tracks),
        list(CLUSTER, &first.concat()),
        list(CLUSTER, &second.concat()),
    ];
    let head = element(0x1A45_DFA3, &element(0x4282, b"webm"));
    [head, list(SEGMENT, &inside.concat())].concat()
}

fn read(bytes: &[u8]) -> Result<Option<Movie>, String> {
    read_matroska(Cursor::new(bytes))
}

#[test]
fn pictures_are_shown_when_their_blocks_say_and_sound_makes_no_film_longer() {
    for list in [element, endless] {
        let found = read(&file(list)).unwrap().unwrap();
        assert_eq!((found.codec.as_str(), found.missing), ("V_VP9", 0));
        let ticks = Rate::new(1000, 1).unwrap();
        let starts = vec![0, 40, 80, 1000, 5000];
        assert_eq!(found.timeline, Timeline::new(ticks, starts, 5200));
    }
}

#[test]
fn a_file_cut_short_says_it_if_it_told_its_size() {
    let bytes = file(element);
    let found = read(&bytes[..bytes.len() - 100]).unwrap().unwrap();
    assert_eq!(found.missing, 100);
    assert_eq!(read(b"\x1A\x45\xDF\xA3\x80").unwrap(), None);
    assert!(read(&[0; 20]).is_err());
}

proptest! {
    #[test]
    fn damage_is_told_and_never_more(at in 0..600_usize, byte: u8, length in 0..700_usize) {
        let mut bytes = file(element);
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(length);
        drop(read(&bytes));
    }
}
