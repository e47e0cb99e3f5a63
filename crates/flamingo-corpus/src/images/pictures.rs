//! The pictures of folders, shards and documents, a batch at a time.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_image::{Format, Limits};
use flamingo_sequence::{MediaKind, read_jsonl};

use crate::{Error, Result};

/// A picture's name and its file.
type Named = (String, Vec<u8>);

/// What of documents was passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Lines that are no documents.
    pub lines: usize,
    /// Pictures that documents name and that are not there, or on the network.
    pub pictures: usize,
}

/// Bytes of a batch, about.
const BATCH_BYTES: usize = 64 << 20;

/// Reads all pictures below a folder, in a shard (`.tar`), of documents (`.jsonl`), or one file, in
/// an order that does not depend on the disk, and hands them on in batches of bounded size: a name and the bytes of each.
/// Other files are among them. Returns what of documents was passed over.
///
/// # Errors
/// [`Error::File`] if a file or folder cannot be read.
pub fn each_batch(
    path: &Path,
    limits: &Limits,
    take: impl FnMut(Vec<Named>),
) -> Result<PassedOver> {
    let mut reader = Reader {
        limits,
        batch: Vec::new(),
        bytes: 0,
        passed_over: PassedOver::default(),
        take,
    };
    reader.any(path)?;
    reader.hand_on();
    Ok(reader.passed_over)
}

struct Reader<'a, T> {
    limits: &'a Limits,
    batch: Vec<Named>,
    bytes: usize,
    passed_over: PassedOver,
    take: T,
}

impl<T: FnMut(Vec<Named>)> Reader<'_, T> {
    fn any(&mut self, path: &Path) -> Result<()> {
        if fs::metadata(path).map_err(Error::file(path))?.is_dir() {
            let mut entries = fs::read_dir(path)
                .map_err(Error::file(path))?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<std::io::Result<Vec<PathBuf>>>()
                .map_err(Error::file(path))?;
            entries.sort();
            return entries.iter().try_for_each(|entry| self.any(entry));
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("tar") => self.shard(path),
            Some("jsonl") => self.documents(path),
            _ => self.file(path),
        }
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).map_err(Error::file(path))?;
        let bytes = self.bounded(file).map_err(Error::file(path))?;
        self.add(path.display().to_string(), bytes);
        Ok(())
    }

    fn shard(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).map_err(Error::file(path))?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        for entry in archive.entries().map_err(Error::file(path))? {
            let entry = entry.map_err(Error::file(path))?;
            let member = entry.path().map_err(Error::file(path))?;
            let name = format!("{} in {}", member.display(), path.display());
            let bytes = self.bounded(entry).map_err(Error::file(path))?;
            self.add(name, bytes);
        }
        Ok(())
    }

    fn documents(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).map_err(Error::file(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.display().to_string();
        let documents = read_jsonl(BufReader::new(file), &name);
        for document in documents {
            let Ok(document) = document else {
                self.passed_over.lines += 1;
                continue;
            };
            let places = document.media();
            for (_, _, place) in places.filter(|(_, kind, _)| *kind == MediaKind::Image) {
                self.place(folder, place)?;
            }
        }
        Ok(())
    }

    /// A picture that a document names.
    fn place(&mut self, folder: &Path, place: &str) -> Result<()> {
        if let Some((head, body)) = place.split_once(";base64,")
            && head.starts_with("data:")
        {
            let bytes = STANDARD.decode(body).unwrap_or_default();
            self.add(format!("{head};..."), bytes);
            return Ok(());
        }
        let file = folder.join(place);
        if file.is_file() {
            return self.file(&file);
        }
        self.passed_over.pictures += 1;
        Ok(())
    }

    /// All bytes, or none of a file that is too large.
    fn bounded(&self, file: impl Read) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = self.limits.max_bytes;
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            bytes.clear();
        }
        Ok(bytes)
    }

    fn add(&mut self, name: String, bytes: Vec<u8>) {
        if Format::of(&bytes).is_none() {
            return;
        }
        self.bytes += bytes.len();
        self.batch.push((name, bytes));
        if self.bytes >= BATCH_BYTES {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        self.bytes = 0;
        (self.take)(std::mem::take(&mut self.batch));
    }
}
