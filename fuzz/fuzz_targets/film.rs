//! Any bytes as a film file, by themselves and after the beginning of each container: what it tells of itself.
#![no_main]

use flamingo_film::Reader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let packet = [&[0x47][..], &[0; 187]].concat().repeat(3);
    for beginning in [
        &b""[..],
        &packet,
        b"FLV\x01\x05\0\0\0\x09\0\0\0\0",
        b"\0\0\x01\xBA",
        b"OggS\0",
        b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\0\xAA\0\x62\xCE\x6C",
        b"RIFF",
    ] {
        let file = [beginning, bytes].concat();
        let _ = Reader::default().seconds_of(&file, "film");
    }
});
