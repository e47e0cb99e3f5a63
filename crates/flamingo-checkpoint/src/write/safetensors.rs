//! Writing safetensors files.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_files::Draft;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::sink::{Fill, fill_one};
use super::{Entry, check_entries};
use crate::{Error, Result};

/// Where tensors may begin: at a multiple of the largest element.
const ALIGNMENT: usize = 8;

/// Writes tensors into one safetensors file, whole or not at all.
///
/// `fill(i, out)` writes the elements of `entries[i]` into `out`, row by row and little-endian. It
/// is called once for each, those of the largest elements first, so that all of them are aligned.
/// The same entries, metadata and elements give the same bytes.
///
/// # Errors
/// If the file cannot be written, a name stands twice, or `fill` fails or writes more or fewer
/// bytes than its tensor has.
pub fn write_safetensors(
    path: &Path,
    entries: &[Entry],
    metadata: Option<&BTreeMap<String, String>>,
    fill: &mut Fill<'_>,
) -> Result<()> {
    check_entries(path, entries)?;
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(entries[i].dtype.bytes()));
    let header = header(path, entries, &order, metadata)?;
    let mut file = Draft::create(path)?;
    file.add(&(header.len() as u64).to_le_bytes())?;
    file.add(&header)?;
    for &i in &order {
        fill_one(path, (i, &entries[i]), &mut file, fill)?;
    }
    Ok(file.commit()?)
}

/// The header in the order of the bytes, whatever order maps of JSON keep.
struct Header<'a> {
    metadata: Option<&'a BTreeMap<String, String>>,
    tensors: Vec<(&'a str, Tensor<'a>)>,
}

#[derive(Serialize)]
struct Tensor<'a> {
    dtype: &'static str,
    shape: &'a [usize],
    data_offsets: (usize, usize),
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(metadata) = self.metadata {
            map.serialize_entry("__metadata__", metadata)?;
        }
        for (name, tensor) in &self.tensors {
            map.serialize_entry(name, tensor)?;
        }
        map.end()
    }
}

fn header(
    path: &Path,
    entries: &[Entry],
    order: &[usize],
    metadata: Option<&BTreeMap<String, String>>,
) -> Result<Vec<u8>> {
    let mut tensors = Vec::with_capacity(entries.len());
    let mut at = 0_usize;
    for &i in order {
        let entry = &entries[i];
        let end = at
            .checked_add(entry.bytes()?)
            .ok_or_else(|| Error::malformed(path, "its tensors are larger than any file"))?;
        let tensor = Tensor {
            dtype: entry.dtype.name(),
            shape: &entry.shape,
            data_offsets: (at, end),
        };
        tensors.push((entry.name.as_str(), tensor));
        at = end;
    }
    let mut header = serde_json::to_vec(&Header { metadata, tensors })
        .map_err(|e| Error::malformed(path, format!("its header cannot be written: {e}")))?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    Ok(header)
}
