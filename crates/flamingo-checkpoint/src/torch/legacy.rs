//! The stream of `torch.save` before 1.6: five pickles (magic number, protocol, system, what was
//! saved, keys of storages), then each storage as its length and its elements.

use std::collections::HashMap;

use super::place::{Storages, place_weights};
use crate::error::{Fault, quoted};
use crate::pickle::{Kind, Limits, Pickle, Value};
use crate::tensor::Found;

/// 0x1950a86a20f9469cfc6c
const MAGIC: &[u8] = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
const PROTOCOL: i64 = 1001;

/// What the three pickles before the saved object may cost.
const SMALL: Limits = Limits {
    bytes: 1 << 16,
    values: 1 << 10,
    memo: 1 << 10,
    tensors: 0,
};

pub(crate) fn read_legacy(bytes: &[u8]) -> Result<Found, Fault> {
    let mut stream = Stream { bytes, at: 0 };
    stream.header()?;
    let saved = stream.pickle(Limits::default())?;
    let keys = stream.pickle(Limits::default())?;
    let storages = stream.storages(&saved, &keys)?;
    place_weights(&saved, |key| {
        storages.get(key).cloned().ok_or_else(|| {
            Fault::new(format!(
                "it has no storage `{}`, which its tensors need: it is damaged, copy it again",
                quoted(key)
            ))
        })
    })
}

struct Stream<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Stream<'a> {
    fn pickle(&mut self, limits: Limits) -> Result<Pickle<'a>, Fault> {
        let pickle = Pickle::read(&self.bytes[self.at..], false, limits)?;
        self.at += pickle.length;
        Ok(pickle)
    }

    fn header(&mut self) -> Result<(), Fault> {
        // A plain pickle stops here, however large: its first values need the usual limits.
        let magic = self.pickle(Limits::default())?;
        if !matches!(magic.top, Value::Long(MAGIC)) {
            return Err(Fault::new(format!(
                "it is a plain pickle of {}, not a file of torch.save: save the weights with torch.save(model.state_dict(), path)",
                magic.heap.describe(magic.top)
            )));
        }
        let protocol = self.pickle(SMALL)?;
        if !matches!(protocol.top, Value::Int(PROTOCOL)) {
            return Err(Fault::new(format!(
                "its protocol is not {PROTOCOL}, the only one known: save it again with a current torch"
            )));
        }
        let system = self.pickle(SMALL)?;
        let big_endian = system.heap.dict(system.top).is_some_and(|items| {
            items
                .iter()
                .any(|item| matches!(item, (Value::Text("little_endian"), Value::Bool(false))))
        });
        if big_endian {
            return Err(Fault::new(
                "its byte order is big, only little is read: save it again on a little-endian machine",
            ));
        }
        Ok(())
    }

    /// Where the storages lie, in the order of `keys`; their formats are those of `saved`.
    fn storages(&mut self, saved: &Pickle<'a>, keys: &Pickle<'a>) -> Result<Storages<'a>, Fault> {
        let kinds: HashMap<&str, Kind<'_>> = saved
            .heap
            .storages()
            .map(|storage| (storage.key, storage.kind))
            .collect();
        let keys = keys.heap.items(keys.top).ok_or_else(|| {
            Fault::new("it has no list of storages: it is damaged, copy it again")
        })?;
        let mut storages = Storages::new();
        for &key in keys {
            let Value::Text(key) = key else {
                return Err(Fault::new(
                    "it has a storage without a name: it is damaged, copy it again",
                ));
            };
            let range = self.storage(key, kinds.get(key).copied())?;
            if storages.insert(key, range).is_some() {
                return Err(Fault::new(format!(
                    "storage `{}` stands in it twice: it is damaged, copy it again",
                    quoted(key)
                )));
            }
        }
        if self.at != self.bytes.len() {
            return Err(Fault::new(format!(
                "its storages end at byte {}, the file at byte {}: something was added, copy it again",
                self.at,
                self.bytes.len()
            )));
        }
        Ok(storages)
    }

    fn storage(
        &mut self,
        key: &str,
        kind: Option<Kind<'a>>,
    ) -> Result<std::ops::Range<usize>, Fault> {
        let width = match kind {
            Some(Kind::Known(dtype)) => dtype.bytes(),
            Some(Kind::Untyped) => 1,
            Some(Kind::Unknown(name)) => {
                return Err(Fault::new(format!(
                    "it holds a {}, which is not read: convert it to float32, float16 or bfloat16",
                    quoted(name)
                )));
            }
            None => {
                return Err(Fault::new(format!(
                    "no tensor uses its storage `{}`: it is damaged, copy it again",
                    quoted(key)
                )));
            }
        };
        let cut_off = || {
            Fault::new(format!(
                "it ends at byte {}, within storage `{}`: it was cut off, copy it again",
                self.bytes.len(),
                quoted(key)
            ))
        };
        let length = self.bytes[self.at..].first_chunk().ok_or_else(cut_off)?;
        let start = self.at + 8;
        let end = usize::try_from(u64::from_le_bytes(*length))
            .ok()
            .and_then(|elements| elements.checked_mul(width))
            .and_then(|size| start.checked_add(size))
            .filter(|&end| end <= self.bytes.len())
            .ok_or_else(cut_off)?;
        self.at = end;
        Ok(start..end)
    }
}
