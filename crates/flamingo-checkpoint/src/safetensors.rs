//! The header of a safetensors file: 8 bytes of length, JSON, then the tensors without gaps.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::Dtype;
use crate::error::{Fault, quoted};
use crate::layout::{self, MAX_AXES};
use crate::parts::CONSOLIDATE;
use crate::tensor::{Found, MAX_NAME, MAX_TENSORS, Placed};

/// The longest header; names and shapes of as many tensors as are read fit in it.
const MAX_HEADER: usize = 1 << 25;

/// Whether the file begins as a safetensors file whose header is all there.
pub(crate) fn is_whole_header(bytes: &[u8]) -> bool {
    header_length(bytes)
        .and_then(|length| bytes[8..].get(..length))
        .is_some_and(|header| header.trim_ascii_start().starts_with(b"{"))
}

fn header_length(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()
}

pub(crate) fn read(bytes: &[u8]) -> Result<Found, Fault> {
    let length = header_length(bytes).unwrap_or(usize::MAX);
    if length > MAX_HEADER {
        return Err(Fault::new(format!(
            "its header says it is {length} bytes long, at most {MAX_HEADER} are read: it is damaged, copy it again"
        )));
    }
    let end = 8 + length;
    let json = bytes.get(8..end).ok_or_else(|| {
        Fault::new(format!(
            "its header ends at byte {end}, the file at byte {}: it was cut off, copy it again",
            bytes.len()
        ))
    })?;
    let Header { entries, part } = serde_json::from_slice(json).map_err(|e| {
        Fault::new(format!(
            "its header is no safetensors header: {e}; copy it again"
        ))
    })?;
    if part {
        return Err(Fault::new(CONSOLIDATE));
    }
    place(entries, end, bytes.len())
}

/// What a file says of itself beside its tensors; empty if it says nothing.
///
/// # Errors
/// If the file cannot be read or is no safetensors file.
pub fn safetensors_metadata(path: &Path) -> crate::Result<BTreeMap<String, String>> {
    #[derive(Default, Deserialize)]
    struct Described {
        #[serde(default, rename = "__metadata__")]
        metadata: BTreeMap<String, String>,
    }
    let failed = crate::Error::io("read", path);
    let header = File::open(path).and_then(|mut file| {
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let mut header = Vec::new();
        file.take(u64::from_le_bytes(length).min(MAX_HEADER as u64))
            .read_to_end(&mut header)?;
        Ok(header)
    });
    let header = header.map_err(failed)?;
    let read: Result<Described, _> = serde_json::from_slice(&header);
    read.map(|described| described.metadata)
        .map_err(|e| crate::Error::malformed(path, format!("it is no safetensors file: {e}")))
}

/// Checks that the tensors fill the file from `data` on, one after the other.
fn place(entries: BTreeMap<String, Entry>, data: usize, file: usize) -> Result<Found, Fault> {
    let mut ordered: Vec<_> = entries.into_iter().collect();
    ordered.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut found = Found::new();
    let mut at = 0;
    for (storage, (name, entry)) in ordered.into_iter().enumerate() {
        let shown = quoted(&name);
        let (dtype, size) = entry.size(&shown)?;
        let (begin, end) = entry.data_offsets;
        if begin != at || end < begin {
            return Err(Fault::new(format!(
                "tensor `{shown}` lies at bytes {begin} to {end}, it should begin at {at} where the one before it ends: save it again"
            )));
        }
        if end - begin != size {
            return Err(Fault::new(format!(
                "tensor `{shown}` has {} bytes, its shape {:?} of {dtype} needs {size}: save it again",
                end - begin,
                entry.shape.0
            )));
        }
        let placed = Placed {
            dtype,
            strides: layout::row_major(&entry.shape.0),
            shape: entry.shape.0,
            start: data.saturating_add(begin),
            storage,
            negated: false,
        };
        found.insert(name, placed);
        at = end;
    }
    let wanted = data.saturating_add(at);
    if wanted != file {
        return Err(Fault::new(format!(
            "its tensors end at byte {wanted}, the file at byte {file}: it was cut off or something was added, copy it again"
        )));
    }
    Ok(found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Shape,
    data_offsets: (usize, usize),
}

impl Entry {
    fn size(&self, shown: &str) -> Result<(Dtype, usize), Fault> {
        let dtype = Dtype::from_name(&self.dtype).ok_or_else(|| {
            Fault::new(format!(
                "tensor `{shown}` holds {}, which is not read: convert it to F32, F16 or BF16",
                quoted(&self.dtype)
            ))
        })?;
        let size = layout::elements(&self.shape.0)
            .and_then(|elements| elements.checked_mul(dtype.bytes()))
            .ok_or_else(|| {
                Fault::new(format!(
                    "tensor `{shown}` of shape {:?} is larger than any file: save it again",
                    self.shape.0
                ))
            })?;
        Ok((dtype, size))
    }
}

struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Axes;

        impl<'de> Visitor<'de> for Axes {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a shape of at most {MAX_AXES} axes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while let Some(axis) = seq.next_element()? {
                    if shape.len() == MAX_AXES {
                        return Err(A::Error::invalid_length(MAX_AXES + 1, &self));
                    }
                    shape.push(axis);
                }
                Ok(Shape(shape))
            }
        }

        deserializer.deserialize_seq(Axes)
    }
}

/// The header's tensors; unlike a map of serde's own, it refuses a key that stands twice.
struct Header {
    entries: BTreeMap<String, Entry>,
    /// Whether each tensor is a part of one, with its place in the whole in the metadata.
    part: bool,
}

/// The key of the metadata that tells where in the whole tensors the parts lie.
const SHARDING: &str = "DCP_SHARDING_INFO";

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let (mut entries, mut part) = (BTreeMap::new(), false);
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        let metadata: serde_json::Value = map.next_value()?;
                        part |= metadata.get(SHARDING).is_some();
                        continue;
                    }
                    check_name::<A::Error>(&name, &entries)?;
                    entries.insert(name, map.next_value()?);
                }
                Ok(Header { entries, part })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

fn check_name<E: serde::de::Error>(name: &str, entries: &BTreeMap<String, Entry>) -> Result<(), E> {
    if name.len() > MAX_NAME {
        return Err(E::custom(format!(
            "a tensor's name is {} bytes long, at most {MAX_NAME} are read",
            name.len()
        )));
    }
    if entries.contains_key(name) {
        return Err(E::custom(format!(
            "tensor `{}` stands in it twice",
            quoted(name)
        )));
    }
    if entries.len() == MAX_TENSORS {
        return Err(E::custom(format!("it has more than {MAX_TENSORS} tensors")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 7);
        bytes
    }

    fn reason(header: &str, data: usize) -> String {
        match read(&file(header, data)) {
            Err(Fault::Malformed(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tensors_are_found_where_the_header_says() {
        let header = r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[],"data_offsets":[24,26]},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
        let found = read(&file(header, 26)).expect("valid");
        assert_eq!(found["a"].shape, [2, 3]);
        assert_eq!(found["a"].start, 8 + header.len());
        assert_eq!(found["b"].start, 8 + header.len() + 24);
        assert_eq!(found["b"].dtype, Dtype::F16);
    }

    #[test]
    fn space_before_the_header_is_passed_over() {
        let header = " \n{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}} ";
        let bytes = file(header, 3);
        assert!(is_whole_header(&bytes));
        assert_eq!(read(&bytes).expect("valid")["a"].shape, [3]);
        assert!(!is_whole_header(&file("  x{}", 0)));
        assert!(!is_whole_header(&bytes[..20]));
    }

    #[test]
    fn a_file_of_parts_of_tensors_is_told_as_such() {
        let header = r#"{"__metadata__":{"DCP_SHARDING_INFO":"{\"a\":{\"saved_offsets\":[2]}}"},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#;
        let reason = reason(header, 3);
        assert!(reason.contains("one part of each tensor"), "{reason}");
        assert!(reason.contains("consolidate_safetensors_files"), "{reason}");
    }

    #[test]
    fn every_way_to_lie_about_offsets_is_told_apart() {
        let one = |offsets: &str| {
            format!(r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}}}"#)
        };
        assert!(read(&file(&one("[0,8]"), 8)).is_ok());
        assert!(reason(&one("[0,8]"), 7).contains("cut off"));
        assert!(reason(&one("[0,8]"), 9).contains("something was added"));
        assert!(reason(&one("[0,4]"), 4).contains("needs 8"));
        assert!(reason(&one("[4,12]"), 12).contains("should begin at 0"));
        assert!(reason(&one("[8,0]"), 8).contains("should begin at 0"));
        let two = r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#;
        assert!(reason(two, 6).contains("should begin at 4"));
    }

    #[test]
    fn names_twice_and_formats_not_known_are_named() {
        let twice = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
        assert!(reason(twice, 1).contains("`a` stands in it twice"));
        let format = r#"{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#;
        assert!(reason(format, 1).contains("F8_E4M3"));
    }

    #[test]
    fn shapes_that_overflow_or_have_a_thousand_axes_are_refused() {
        let shape = |shape: &str| {
            format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#)
        };
        assert!(reason(&shape("[18446744073709551615,3]"), 0).contains("larger than any file"));
        assert!(
            reason(&shape(&format!("[{}0]", "1,".repeat(1000))), 0).contains("at most 16 axes")
        );
        assert!(read(&file(&shape("[0,5]"), 0)).is_ok());
    }

    #[test]
    fn a_header_that_claims_to_be_huge_is_refused_by_its_length() {
        let mut bytes = file("{}", 0);
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(
            matches!(read(&bytes), Err(Fault::Malformed(reason)) if reason.contains("at most 33554432"))
        );
    }
}
