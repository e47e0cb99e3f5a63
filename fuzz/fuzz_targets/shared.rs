//! Opens a file from memory and reads everything in it.

use flamingo_checkpoint::Checkpoint;

pub fn open_and_read(bytes: Vec<u8>) {
    let Ok(file) = Checkpoint::from_bytes("fuzzed file", bytes) else {
        return;
    };
    for name in file.names() {
        let info = file.info(name).expect("it is listed");
        let first = info.elements().saturating_sub(5_000);
        let range = first..info.elements();
        let read = if info.dtype.is_float() {
            file.read(name, range.clone(), &mut vec![0_f32; range.len()])
        } else {
            file.read(name, range.clone(), &mut vec![0_i64; range.len()])
        };
        read.expect("what is opened can be read");
        if info.elements() < 5_000 {
            file.copy(name, &mut std::io::sink())
                .expect("it can be copied");
        }
    }
}
