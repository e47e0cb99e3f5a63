//! A whole safetensors file; the length of the header is made right where it is not.
#![no_main]

mod shared;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    shared::open_and_read(bytes.to_vec());
    if let Some(end) = bytes.iter().rposition(|&byte| byte == b'}') {
        let length = (end as u64 + 1).to_le_bytes();
        shared::open_and_read([&length, bytes].concat());
    }
});
