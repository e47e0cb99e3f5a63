//! Values of the metadata, and how they are read.

use crate::error::{Fault, quoted};

/// A value of a GGUF file's metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum GgufValue {
    /// Of any unsigned type.
    Unsigned(u64),
    /// Of any signed type.
    Signed(i64),
    /// Of either floating-point type.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
    /// Several of one type.
    Array(Vec<GgufValue>),
}

impl GgufValue {
    /// A whole number that is not negative.
    pub fn as_count(&self) -> Option<usize> {
        match self {
            Self::Unsigned(value) => usize::try_from(*value).ok(),
            Self::Signed(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A number of any type.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Unsigned(value) => Some(*value as f64),
            Self::Signed(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// True or false.
    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The values of an array.
    pub fn as_array(&self) -> Option<&[GgufValue]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }
}

/// Arrays of arrays go no deeper.
const MAX_DEPTH: usize = 4;

/// The bytes of a file from some place on.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| {
            Fault::new(format!(
                "its header wants {count} bytes at byte {}, the file ends at byte {}: it was cut off or damaged, copy it again",
                self.at,
                self.bytes.len()
            ))
        })?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let taken = self.take(N)?;
        let mut array = [0; N];
        array.copy_from_slice(taken);
        Ok(array)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of things of at least `least` bytes each, no more than the file can hold.
    pub(super) fn count(&mut self, what: &str, least: usize) -> Result<usize, Fault> {
        let count = self.u64()?;
        let most = (self.bytes.len() - self.at) / least;
        match usize::try_from(count) {
            Ok(count) if count <= most => Ok(count),
            _ => Err(Fault::new(format!(
                "its header says that there are {count} {what}, {most} at most fit in the file: it is damaged, copy it again"
            ))),
        }
    }

    /// # Errors
    /// If it is longer than `most` bytes or no UTF-8.
    pub(super) fn text(&mut self, what: &str, most: usize) -> Result<String, Fault> {
        let length = self.count("bytes of a text", 1)?;
        if length > most {
            return Err(Fault::new(format!(
                "{what} is {length} bytes long, at most {most} are read: it is damaged, copy it again"
            )));
        }
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_string()),
            Err(_) => Err(Fault::new(format!(
                "{what} `{}` is no UTF-8: make the file again",
                quoted(&String::from_utf8_lossy(bytes))
            ))),
        }
    }

    /// A value of type number `kind`, of the key `key`.
    pub(super) fn value(&mut self, key: &str, kind: u32, depth: usize) -> Result<GgufValue, Fault> {
        use GgufValue::{Array, Bool, Float, Signed, Text, Unsigned};
        Ok(match kind {
            0 => Unsigned(u8::from_le_bytes(self.array()?).into()),
            1 => Signed(i8::from_le_bytes(self.array()?).into()),
            2 => Unsigned(u16::from_le_bytes(self.array()?).into()),
            3 => Signed(i16::from_le_bytes(self.array()?).into()),
            4 => Unsigned(self.u32()?.into()),
            5 => Signed(i32::from_le_bytes(self.array()?).into()),
            6 => Float(f32::from_le_bytes(self.array()?).into()),
            7 => Bool(self.array::<1>()? != [0]),
            8 => Text(self.text(&format!("the value of `{key}`"), usize::MAX)?),
            9 if depth < MAX_DEPTH => {
                let of = self.u32()?;
                let count = self.count("values of an array", least_bytes(of))?;
                let values = (0..count).map(|_| self.value(key, of, depth + 1));
                Array(values.collect::<Result<_, _>>()?)
            }
            10 => Unsigned(self.u64()?),
            11 => Signed(i64::from_le_bytes(self.array()?)),
            12 => Float(f64::from_le_bytes(self.array()?)),
            9 => {
                return Err(Fault::new(format!(
                    "`{key}` holds arrays more than {MAX_DEPTH} deep: it is damaged, copy it again"
                )));
            }
            other => {
                return Err(Fault::new(format!(
                    "`{key}` has a value of type {other}, 0 to 12 are known: it is damaged, or of a newer form"
                )));
            }
        })
    }
}

/// The fewest bytes that a value of type number `kind` takes.
fn least_bytes(kind: u32) -> usize {
    match kind {
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10..=12 => 8,
        9 => 12,
        _ => 1,
    }
}
