//! A whole zip archive, and the pickle of a TorchScript archive that is otherwise in order.
#![no_main]

mod shared;

use flamingo_checkpoint::Checkpoint;

/// An archive of three stored entries: `data.pkl`, a storage, and what marks TorchScript.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let entries: [(&str, &[u8]); 3] = [
        ("a/data.pkl", pickle),
        ("a/data/0", &[1; 64]),
        ("a/constants.pkl", b"\x80\x02)."),
    ];
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let at = file.len() as u32;
        let size = (data.len() as u32).to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        let common = [&[0; 14][..], &size, &size, &length, &[0, 0]].concat();
        file.extend([b"PK\x03\x04\0\0", &common[2..], name.as_bytes(), data].concat());
        directory.extend(
            [
                b"PK\x01\x02\0\0\0\0",
                &common[2..],
                &[0; 10],
                &at.to_le_bytes(),
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let (size, start) = (directory.len() as u32, file.len() as u32);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0\x03\0\x03\0");
    file.extend([&size.to_le_bytes()[..], &start.to_le_bytes(), &[0, 0]].concat());
    file
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK") {
        shared::open_and_read(bytes.to_vec());
        return;
    }
    let file = archive(bytes);
    if let Err(error) = Checkpoint::from_bytes("fuzzed file", file.clone()) {
        let message = error.to_string();
        assert!(!message.contains("damaged zip archive"), "{message}");
    }
    shared::open_and_read(file);
});
