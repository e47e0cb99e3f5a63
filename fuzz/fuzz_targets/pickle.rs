//! The saved object of a stream of the older `torch.save`, and what follows it.
#![no_main]

mod shared;

const HEADER: &[u8] =
    b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    shared::open_and_read([HEADER, bytes].concat());
});
