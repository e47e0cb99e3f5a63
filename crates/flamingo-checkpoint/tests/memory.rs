//! Reading a file does not fill memory with it. A program of its own, for what other tests use would
//! be counted, too.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::io::Write;
use std::path::Path;

use flamingo_checkpoint::{Checkpoint, Dtype, Entry, write_safetensors, write_torch};

const MIB: usize = 1 << 20;
const ROWS: usize = 16;

/// Of `/proc/self/status`, in MiB.
fn resident(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

fn write_large(path: &Path, torch: bool) {
    let entries = [Entry::new("a", Dtype::F32, [ROWS, MIB])];
    let row: Vec<u8> = (0..4 * MIB).map(|i| (i / 3 % 61) as u8).collect();
    let mut fill = |_: usize, out: &mut dyn Write| {
        for _ in 0..ROWS {
            out.write_all(&row)?;
        }
        Ok(())
    };
    if torch {
        write_torch(path, &entries, &mut fill).unwrap();
    } else {
        write_safetensors(path, &entries, None, &mut fill).unwrap();
    }
}

#[test]
fn a_file_of_64_mib_is_read_in_a_few_mib() {
    let folder = tempfile::tempdir().unwrap();
    for torch in [false, true] {
        let path = folder.path().join("large");
        write_large(&path, torch);
        let file = Checkpoint::open(&[path]).unwrap();
        let mut out = vec![0_f32; 4 * MIB];
        file.read("a", 0..1, &mut out[..1]).unwrap();
        let before = resident("VmRSS");
        for first in (0..ROWS * MIB).step_by(out.len()) {
            let end = (first + out.len()).min(ROWS * MIB);
            file.read("a", first..end, &mut out[..end - first]).unwrap();
        }
        let after = resident("VmRSS");
        let peak = resident("VmHWM");
        let limit = before + 16 + 8; // `out`, and pieces
        assert!(
            after <= limit && peak <= limit,
            "{before} MiB, then {after}, at most {peak}"
        );
    }
}
