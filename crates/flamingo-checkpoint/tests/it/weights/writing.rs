//! What is written is what others read.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use flamingo_checkpoint::{
    Checkpoint, Dtype, Entry, Error, Result, write_safetensors, write_torch,
};

use super::support::{Fill, fixture, floats};

type Writer = fn(&Path, &[Entry], Fill<'_>) -> Result<()>;

const WRITERS: [(&str, Writer); 2] = [
    ("a.safetensors", |path, entries, fill| {
        write_safetensors(path, entries, None, fill)
    }),
    ("a.pt", |path, entries, fill| {
        write_torch(path, entries, fill)
    }),
];

fn entries() -> Vec<Entry> {
    Dtype::ALL
        .into_iter()
        .rev()
        .map(|dtype| Entry::new(format!("x.{dtype}"), dtype, [3, 5]))
        .chain([
            Entry::new("scalar", Dtype::F32, []),
            Entry::new("empty", Dtype::F32, [0, 7]),
            Entry::new("größe \"\n", Dtype::BF16, [2]),
        ])
        .collect()
}

fn bytes_of(entry: &Entry) -> Vec<u8> {
    (0..entry.bytes().unwrap()).map(|i| (i % 2) as u8).collect()
}

fn write(path: &Path, writer: Writer) -> Result<()> {
    let entries = entries();
    writer(path, &entries, &mut |i, out| {
        for part in bytes_of(&entries[i]).chunks(7) {
            out.write_all(part)?;
        }
        Ok(())
    })
}

#[test]
fn both_formats_give_back_every_format_shape_and_name() {
    for (file, writer) in WRITERS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        write(&path, writer).unwrap();
        let read = Checkpoint::open(&[path]).unwrap();
        assert_eq!(read.len(), entries().len());
        for entry in entries() {
            let info = read.info(&entry.name).unwrap();
            assert_eq!((info.dtype, &info.shape), (entry.dtype, &entry.shape));
            let mut copied = Vec::new();
            read.copy(&entry.name, &mut copied).unwrap();
            assert_eq!(copied, bytes_of(&entry), "{}", entry.name);
        }
    }
}

#[test]
fn the_same_tensors_give_the_same_bytes() {
    for (file, writer) in WRITERS {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join(file), folder.path().join("other"));
        write(&a, writer).unwrap();
        write(&b, writer).unwrap();
        assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
    }
}

#[test]
fn the_safetensors_crate_reads_what_is_written_and_everything_is_aligned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let entries = entries();
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    write_safetensors(&path, &entries, Some(&metadata), &mut |i, out| {
        Ok(out.write_all(&bytes_of(&entries[i]))?)
    })
    .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (header, read) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header % 8, 0);
    assert_eq!(read.metadata().as_ref().unwrap()["format"], "pt");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for entry in entries {
        let tensor = tensors.tensor(&entry.name).unwrap();
        assert_eq!(tensor.data(), bytes_of(&entry));
        let begin = read.info(&entry.name).unwrap().data_offsets.0;
        assert_eq!(begin % entry.dtype.bytes(), 0, "{}", entry.name);
    }
}

#[test]
fn the_zip_crate_reads_what_is_written_and_everything_is_aligned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pt");
    write(&path, WRITERS[1].1).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    assert!(!archive.has_overlapping_entries().unwrap());
    for (i, entry) in entries().iter().enumerate() {
        let mut stored = archive.by_name(&format!("archive/data/{i}")).unwrap();
        let mut data = Vec::new();
        stored.read_to_end(&mut data).unwrap(); // checks the checksum
        assert_eq!(data, bytes_of(entry));
        assert_eq!(stored.data_start().unwrap() % 64, 0);
    }
}

#[test]
fn a_tensor_filled_short_long_or_not_at_all_leaves_no_file() {
    for (file, writer) in WRITERS {
        for wrong in [0, 59, 61, 1000] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(file);
            let entries = [Entry::new("a", Dtype::F32, [3, 5])];
            let error = writer(&path, &entries, &mut |_, out| {
                let _ = out.write_all(&vec![0; wrong]);
                Ok(())
            })
            .unwrap_err();
            assert!(matches!(error, Error::Mismatch { .. }), "{error}");
            assert!(error.to_string().contains("is 60 bytes"), "{error}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_closure_that_fails_is_heard_and_leaves_the_old_file() {
    for (file, writer) in WRITERS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::write(&path, "old").unwrap();
        let failed = writer(&path, &entries(), &mut |_, _| {
            Err(std::io::Error::other("the disk is full").into())
        });
        let message = failed.unwrap_err().to_string();
        assert!(
            message.contains("the disk is full") && message.contains(file),
            "{message}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn entries_that_no_file_can_hold_are_refused_first() {
    for (file, writer) in WRITERS {
        let folder = tempfile::tempdir().unwrap();
        for entries in [
            vec![
                Entry::new("a", Dtype::F32, [1]),
                Entry::new("a", Dtype::F16, [1]),
            ],
            vec![Entry::new("a", Dtype::F32, [usize::MAX, 2])],
            vec![Entry::new("a", Dtype::F32, [1; 17])],
            vec![Entry::new("__metadata__", Dtype::F32, [1])],
            vec![Entry::new("x".repeat(5000), Dtype::F32, [1])],
            vec![Entry::new("a", Dtype::F32, [1]); (1 << 16) + 1],
        ] {
            let path = folder.path().join(file);
            assert!(writer(&path, &entries, &mut |_, _| panic!("filled")).is_err());
            assert!(!path.exists());
        }
    }
}

#[test]
fn a_file_may_be_rewritten_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pt");
    std::fs::copy(fixture("zip.pt"), &path).unwrap();
    let read = Checkpoint::open(std::slice::from_ref(&path)).unwrap();
    let names: Vec<_> = read.names().collect();
    let entries: Vec<_> = names
        .iter()
        .map(|name| {
            let info = read.info(name).unwrap();
            Entry::new(*name, info.dtype, info.shape.clone())
        })
        .collect();
    write_safetensors(&path, &entries, None, &mut |i, out| {
        read.copy(names[i], out)
    })
    .unwrap();
    let again = Checkpoint::open(&[path]).unwrap();
    assert_eq!(floats(&again, "transposed"), floats(&read, "transposed"));
}

#[test]
fn an_archive_of_more_tensors_than_16_bits_count_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pt");
    let entries: Vec<_> = (0..1 << 16)
        .map(|i| Entry::new(format!("w.{i}"), Dtype::I16, [1]))
        .collect();
    write_torch(&path, &entries, &mut |i, out| {
        Ok(out.write_all(&(i as u16).to_le_bytes())?)
    })
    .unwrap();
    let archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(archive.len(), entries.len() + 3);
    let read = Checkpoint::open(&[path]).unwrap();
    assert_eq!(read.len(), entries.len());
    let mut last = [0_i64];
    read.read("w.65535", 0..1, &mut last).unwrap();
    assert_eq!(last, [-1]);
}
