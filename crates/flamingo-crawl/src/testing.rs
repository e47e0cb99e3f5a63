//! Good files made bad, for readers of all kinds.

use proptest::prelude::*;

/// A change to a file: where, with which byte, and of which kind.
pub(crate) type Edit = (usize, u8, u8);

/// A few changes.
pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec((0_usize..10_000, any::<u8>(), 0_u8..4), 1..12)
}

/// A file with bytes changed, put in, taken out, and cut off; never an empty one.
pub(crate) fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for &(at, byte, edit) in edits {
        let at = at % bytes.len().max(1);
        match edit {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => bytes.truncate(at.max(1)),
            _ => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
        }
        if bytes.is_empty() {
            bytes.push(byte);
        }
    }
    bytes
}
