//! Protobuf and files for the tests.

use std::path::Path;

/// A field that holds an integer.
pub(crate) fn int_field(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

/// A field that holds bytes, a string or a message.
pub(crate) fn bytes_field(number: u64, value: &[u8]) -> Vec<u8> {
    [
        varint(number << 3 | 2),
        varint(value.len() as u64),
        value.to_vec(),
    ]
    .concat()
}

/// A field that holds a float.
pub(crate) fn float_field(number: u64, value: f32) -> Vec<u8> {
    [varint(number << 3 | 5), value.to_le_bytes().to_vec()].concat()
}

/// A piece as a field of a sentencepiece model.
pub(crate) fn piece(text: &str, score: f32, kind: u64) -> Vec<u8> {
    let message = [
        bytes_field(1, text.as_bytes()),
        float_field(2, score),
        int_field(3, kind),
    ];
    bytes_field(1, &message.concat())
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Writes files into a folder.
pub(crate) fn write(dir: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        std::fs::write(dir.join(name), bytes).expect("a temporary folder can be written");
    }
}
