//! Random bytes, and random changes of good files.

use proptest::prelude::*;

use super::support::{archive_of, fixture, open, pickle, read_all, small_safetensors};

fn try_it(bytes: &[u8]) {
    if let Ok(file) = open(bytes) {
        read_all(&file);
    }
}

/// The magic number, protocol and system that a stream of the older torch.save begins with.
fn legacy_header() -> Vec<u8> {
    let bytes = std::fs::read(fixture("legacy.pt")).unwrap();
    let end = bytes
        .windows(3)
        .position(|three| three == b"u.\x80")
        .unwrap()
        + 2;
    bytes[..end].to_vec()
}

/// Bytes among which instructions of pickles are frequent.
fn instructions() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        &b"ctorch._utils\n_rebuild_tensor_v2\n"[..],
        b"ctorch\nFloatStorage\n",
        b"ccollections\nOrderedDict\n",
        b"X\x07\0\0\0storage",
        b"X\x01\0\0\0a",
        b"}q\0",
        b"h\0",
        b"(",
        b"t",
        b"Q",
        b"R",
        b"u",
        b"s",
        b"K\x02",
        b")",
        b"]",
        b"e",
        b"b",
        b"0",
        b"N",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x81",
        b".",
    ];
    let piece = proptest::sample::select(pieces.map(<[u8]>::to_vec).to_vec());
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        try_it(&bytes);
        try_it(&[b"PK\x03\x04", &bytes[..]].concat());
        try_it(&[b"\x80\x02", &bytes[..]].concat());
        let header = [&(bytes.len() as u64 + 1).to_le_bytes()[..], b"{", &bytes].concat();
        try_it(&header);
    }

    #[test]
    fn random_instructions_never_panic(bytes in instructions()) {
        try_it(&archive_of(&pickle(&bytes)));
        try_it(&[legacy_header(), pickle(&bytes)].concat());
    }

    #[test]
    fn random_changes_of_good_files_never_panic(
        file in 0..6_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = match file {
            0 => small_safetensors(),
            file => {
                let name = ["zip.pt", "protocol4.pt", "legacy.pt", "training.pt", "script.pt"][file - 1];
                std::fs::read(fixture(name)).unwrap()
            }
        };
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        try_it(&bytes);
    }
}
