//! Writing what `torch.load` reads, with `weights_only=True`, too: a dictionary of tensors.

use std::io::Write;
use std::path::Path;

use flamingo_files::Draft;

use super::sink::{Fill, fill_one};
use super::zip::ZipWriter;
use super::{Entry, check_entries};
use crate::{Error, Result, layout};

/// The folder in the archive: torch's own name for one that is not named after its file.
const ROOT: &str = "archive";

/// Writes tensors into one archive of `torch.save`, whole or not at all.
///
/// `fill(i, out)` writes the elements of `entries[i]` into `out`, row by row and little-endian; it
/// is called once for each, in their order. The same entries and elements give the same bytes.
///
/// # Errors
/// If the file cannot be written, a name stands twice, or `fill` fails or writes more or fewer
/// bytes than its tensor has.
pub fn write_torch(path: &Path, entries: &[Entry], fill: &mut Fill<'_>) -> Result<()> {
    check_entries(path, entries)?;
    let pickle = pickle(entries)?;
    let mut file = Draft::create(path)?;
    let mut archive = ZipWriter::new(&mut file);
    let failed = |error| match error {
        Error::Fill(source) => Error::io("write", path)(source),
        other => other,
    };
    for (name, bytes) in [("data.pkl", pickle.as_slice()), ("byteorder", b"little")] {
        add(&mut archive, name, bytes).map_err(Error::io("write", path))?;
    }
    for (i, entry) in entries.iter().enumerate() {
        let size = entry.bytes()? as u64;
        archive
            .entry(format!("{ROOT}/data/{i}"), size, |out| {
                fill_one(path, (i, entry), out, fill)
            })
            .map_err(failed)?;
    }
    add(&mut archive, "version", b"3\n").map_err(Error::io("write", path))?;
    archive.finish().map_err(Error::io("write", path))?;
    Ok(file.commit()?)
}

fn add<W: Write + std::io::Seek>(
    archive: &mut ZipWriter<W>,
    name: &str,
    bytes: &[u8],
) -> std::io::Result<()> {
    archive.entry(format!("{ROOT}/{name}"), bytes.len() as u64, |out| {
        out.write_all(bytes)?;
        Ok(crc32fast::hash(bytes))
    })
}

/// The dictionary as a pickle of protocol 2, of the instructions that `weights_only` knows.
fn pickle(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut pickle = Pickle {
        bytes: b"\x80\x02".to_vec(),
        remembered: Vec::new(),
    };
    pickle.constant(ORDERED_DICT);
    pickle.add(b")R("); // an empty dictionary, then its items
    for (i, entry) in entries.iter().enumerate() {
        pickle.item(i, entry)?;
    }
    pickle.add(b"u.");
    Ok(pickle.bytes)
}

const ORDERED_DICT: &[u8] = b"ccollections\nOrderedDict\n";
const REBUILD: &[u8] = b"ctorch._utils\n_rebuild_tensor_v2\n";
const STORAGE: &[u8] = b"X\x07\0\0\0storage";
const CPU: &[u8] = b"X\x03\0\0\0cpu";

struct Pickle {
    bytes: Vec<u8>,
    /// The constants that have been written: a pickle recalls them by number.
    remembered: Vec<&'static [u8]>,
}

impl Pickle {
    /// A name and its tensor.
    fn item(&mut self, index: usize, entry: &Entry) -> Result<()> {
        self.text(&entry.name);
        self.constant(REBUILD);
        self.add(b"((");
        self.constant(STORAGE);
        self.add(format!("ctorch\n{}\n", entry.dtype.torch_storage()).as_bytes());
        self.text(&index.to_string());
        self.constant(CPU);
        self.number(entry.elements()?);
        self.add(b"tQ");
        self.number(0);
        self.sizes(&entry.shape);
        self.sizes(&layout::row_major(&entry.shape));
        self.add(b"\x89"); // no gradient
        self.constant(ORDERED_DICT);
        self.add(b")RtR"); // no hooks
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn constant(&mut self, constant: &'static [u8]) {
        match self.remembered.iter().position(|&known| known == constant) {
            Some(index) => self.add(&[b'h', index as u8]),
            None => {
                self.add(constant);
                self.add(&[b'q', self.remembered.len() as u8]);
                self.remembered.push(constant);
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.add(b"X");
        self.add(&(text.len() as u32).to_le_bytes());
        self.add(text.as_bytes());
    }

    fn sizes(&mut self, sizes: &[usize]) {
        self.add(b"(");
        for &size in sizes {
            self.number(size);
        }
        self.add(b"t");
    }

    /// A number below 2^63.
    fn number(&mut self, number: usize) {
        match i32::try_from(number) {
            Ok(number) => {
                self.add(b"J");
                self.add(&number.to_le_bytes());
            }
            Err(_) => {
                self.add(b"\x8a\x08");
                self.add(&(number as u64).to_le_bytes());
            }
        }
    }
}
