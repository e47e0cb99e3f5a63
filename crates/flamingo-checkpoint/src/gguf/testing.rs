//! Small files for tests.

use super::GgufValue;

/// The bytes of a file in the making.
pub(crate) struct Written {
    version: u32,
    alignment: usize,
    keys: Vec<(String, GgufValue)>,
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

impl Written {
    pub(crate) fn new() -> Self {
        Self {
            version: 3,
            alignment: 32,
            keys: Vec::new(),
            tensors: Vec::new(),
        }
    }

    pub(crate) fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    pub(crate) fn alignment(mut self, alignment: u32) -> Self {
        self.alignment = alignment as usize;
        self.key("general.alignment", GgufValue::Unsigned(alignment.into()))
    }

    pub(crate) fn key(mut self, key: &str, value: GgufValue) -> Self {
        self.keys.push((key.to_string(), value));
        self
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.key(key, GgufValue::Text(value.to_string()))
    }

    pub(crate) fn texts(self, key: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|v| GgufValue::Text(v.to_string()));
        self.key(key, GgufValue::Array(values.collect()))
    }

    /// `axes` in the file's order: the length of a row first.
    pub(crate) fn tensor(mut self, name: &str, axes: &[u64], kind: u32, bytes: &[u8]) -> Self {
        let tensor = (name.to_string(), axes.to_vec(), kind, bytes.to_vec());
        self.tensors.push(tensor);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.keys.len() as u64).to_le_bytes());
        for (key, value) in &self.keys {
            text(&mut out, key);
            out.extend(kind(value).to_le_bytes());
            put(&mut out, value);
        }
        let mut offset = 0_usize;
        for (name, axes, kind, bytes) in &self.tensors {
            text(&mut out, name);
            out.extend((axes.len() as u32).to_le_bytes());
            axes.iter().for_each(|axis| out.extend(axis.to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend((offset as u64).to_le_bytes());
            offset = (offset + bytes.len()).next_multiple_of(self.alignment);
        }
        for (_, _, _, bytes) in &self.tensors {
            out.resize(out.len().next_multiple_of(self.alignment), 0);
            out.extend(bytes);
        }
        out
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn kind(value: &GgufValue) -> u32 {
    match value {
        GgufValue::Unsigned(_) => 4,
        GgufValue::Signed(_) => 5,
        GgufValue::Float(_) => 6,
        GgufValue::Bool(_) => 7,
        GgufValue::Text(_) => 8,
        GgufValue::Array(_) => 9,
    }
}

fn put(out: &mut Vec<u8>, value: &GgufValue) {
    match value {
        GgufValue::Unsigned(value) => out.extend((*value as u32).to_le_bytes()),
        GgufValue::Signed(value) => out.extend((*value as i32).to_le_bytes()),
        GgufValue::Float(value) => out.extend((*value as f32).to_le_bytes()),
        GgufValue::Bool(value) => out.push((*value).into()),
        GgufValue::Text(value) => text(out, value),
        GgufValue::Array(values) => {
            out.extend(values.first().map_or(4, kind).to_le_bytes());
            out.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| put(out, value));
        }
    }
}
