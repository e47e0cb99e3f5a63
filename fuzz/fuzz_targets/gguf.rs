//! A whole GGUF file, and one whose head is right.
#![no_main]

mod shared;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    shared::open_and_read([b"GGUF", bytes].concat());
    shared::open_and_read([b"GGUF\x03\0\0\0", bytes].concat());
});
