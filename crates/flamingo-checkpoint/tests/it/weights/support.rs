//! Files made by hand.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use flamingo_checkpoint::{Checkpoint, Dtype, Entry, Result, write_safetensors, write_torch};
use zip::write::SimpleFileOptions;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/weights")
        .join(name)
}

pub(crate) fn open(bytes: &[u8]) -> Result<Checkpoint> {
    Checkpoint::from_bytes("test file", bytes.to_vec())
}

/// The message of a file that must not open.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    open(bytes).unwrap_err().to_string()
}

/// Reads everything there is, as a program would.
pub(crate) fn read_all(checkpoint: &Checkpoint) {
    for name in checkpoint.names() {
        let info = checkpoint.info(name).unwrap();
        let elements = info.elements().min(10_000);
        if info.dtype.is_float() {
            let mut out = vec![0_f32; elements];
            checkpoint.read(name, 0..elements, &mut out).unwrap();
        } else {
            let mut out = vec![0_i64; elements];
            checkpoint.read(name, 0..elements, &mut out).unwrap();
        }
    }
}

pub(crate) fn floats(checkpoint: &Checkpoint, name: &str) -> Vec<f32> {
    let mut out = vec![0.0; checkpoint.info(name).unwrap().elements()];
    checkpoint.read(name, 0..out.len(), &mut out).unwrap();
    out
}

pub(crate) fn integers(checkpoint: &Checkpoint, name: &str) -> Vec<i64> {
    let mut out = vec![0; checkpoint.info(name).unwrap().elements()];
    checkpoint.read(name, 0..out.len(), &mut out).unwrap();
    out
}

pub(crate) fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        archive.start_file(*name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An archive of torch.save around a pickle, with one storage of 24 bytes.
pub(crate) fn archive_of(pickle: &[u8]) -> Vec<u8> {
    archive_with(pickle, &[0; 24])
}

/// An archive of torch.save around a pickle and storage `0`.
pub(crate) fn archive_with(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    zip_of(&[
        ("a/data.pkl", pickle),
        ("a/data/0", storage),
        ("a/version", b"3\n"),
    ])
}

/// A pickled string.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![b'X'];
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn int(number: i64) -> Vec<u8> {
    [&b"\x8a\x08"[..], &number.to_le_bytes()].concat()
}

fn tuple(numbers: &[i64]) -> Vec<u8> {
    let numbers: Vec<u8> = numbers.iter().flat_map(|&number| int(number)).collect();
    [b"(", &numbers[..], b"t"].concat()
}

/// A pickled tensor of F32 over storage `0` of `elements`.
pub(crate) fn tensor(elements: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    tensor_with(b"", elements, offset, shape, strides)
}

/// As [`tensor`], with further arguments that are pickled already.
pub(crate) fn tensor_with(
    further: &[u8],
    elements: i64,
    offset: i64,
    shape: &[i64],
    strides: &[i64],
) -> Vec<u8> {
    let arguments = arguments(further, elements, offset, shape, strides);
    [b"ctorch._utils\n_rebuild_tensor_v2\n", &arguments[..], b"R"].concat()
}

/// The arguments of a tensor of F32 over storage `0` of `elements`, and further ones.
pub(crate) fn arguments(
    further: &[u8],
    elements: i64,
    offset: i64,
    shape: &[i64],
    strides: &[i64],
) -> Vec<u8> {
    [
        b"((",
        &text("storage")[..],
        b"ctorch\nFloatStorage\n",
        &text("0"),
        &text("cpu"),
        &int(elements),
        b"tQ",
        &int(offset),
        &tuple(shape),
        &tuple(strides),
        b"\x89N",
        further,
        b"t",
    ]
    .concat()
}

/// A pickled dictionary of values that are pickled already.
pub(crate) fn dict(items: &[(&str, &[u8])]) -> Vec<u8> {
    let items: Vec<u8> = items
        .iter()
        .flat_map(|(key, value)| [&text(key)[..], value].concat())
        .collect();
    [b"}(", &items[..], b"u"].concat()
}

pub(crate) fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

/// A small safetensors file of two tensors.
pub(crate) fn small_safetensors() -> Vec<u8> {
    small(|path, entries, fill| write_safetensors(path, entries, None, fill))
}

/// A small archive of two tensors, as this crate writes it for torch.
pub(crate) fn small_archive() -> Vec<u8> {
    small(|path, entries, fill| write_torch(path, entries, fill))
}

pub(crate) type Fill<'a> = &'a mut dyn FnMut(usize, &mut dyn Write) -> Result<()>;

fn small(write: fn(&Path, &[Entry], Fill<'_>) -> Result<()>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small");
    let entries = [
        Entry::new("a", Dtype::F32, [2, 3]),
        Entry::new("b", Dtype::Bool, [5]),
    ];
    write(&path, &entries, &mut |i, out| {
        Ok(out.write_all(&vec![1; entries[i].bytes()?])?)
    })
    .unwrap();
    std::fs::read(path).unwrap()
}
