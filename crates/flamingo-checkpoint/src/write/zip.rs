//! Writing zip archives of stored, aligned entries; those past 4 GiB take 64-bit records.

use std::io::{self, Seek, SeekFrom, Write};

/// Where the bytes of an entry may begin.
const ALIGNMENT: u64 = 64;
/// The id of the extra field that torch pads entries with.
const PADDING: u16 = u16::from_le_bytes(*b"FB");
const SATURATED: u32 = u32::MAX;
/// 1 January 1980, the first day a zip archive knows: the same bytes every day.
const DATE: u16 = 0x21;

struct Written {
    name: String,
    size: u64,
    checksum: u32,
    header: u64,
}

pub(super) struct ZipWriter<W> {
    out: W,
    at: u64,
    entries: Vec<Written>,
}

/// A number that may not fit 32 bits, for the record that has room for that many.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(SATURATED)
}

fn is_wide(number: u64) -> bool {
    narrow(number) == SATURATED
}

/// A record in the making, little-endian.
#[derive(Default)]
struct Record(Vec<u8>);

impl Record {
    fn u16s(mut self, numbers: &[u16]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        self
    }

    fn u32s(mut self, numbers: &[u32]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        self
    }

    fn u64s(mut self, numbers: &[u64]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

fn version(wide: bool) -> u16 {
    if wide { 45 } else { 20 }
}

impl<W: Write + Seek> ZipWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            at: 0,
            entries: Vec::new(),
        }
    }

    /// Writes an entry of `size` bytes, which `fill` writes; it gives their checksum.
    pub(super) fn entry<E: From<io::Error>>(
        &mut self,
        name: String,
        size: u64,
        fill: impl FnOnce(&mut W) -> Result<u32, E>,
    ) -> Result<(), E> {
        let header = self.at;
        let local = local_header(&name, size, header);
        self.out.write_all(&local)?;
        let checksum = fill(&mut self.out)?;
        self.at = header + local.len() as u64 + size;
        self.out.seek(SeekFrom::Start(header + 14))?;
        self.out.write_all(&checksum.to_le_bytes())?;
        self.out.seek(SeekFrom::Start(self.at))?;
        self.entries.push(Written {
            name,
            size,
            checksum,
            header,
        });
        Ok(())
    }

    /// Writes the directory.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let start = self.at;
        for entry in &self.entries {
            let record = central_header(entry);
            self.out.write_all(&record)?;
            self.at += record.len() as u64;
        }
        let (size, count) = (self.at - start, self.entries.len() as u64);
        let wide = is_wide(start) || is_wide(size) || count >= u64::from(u16::MAX);
        if wide {
            let end = Record::default()
                .u32s(&[0x0606_4b50])
                .u64s(&[44])
                .u16s(&[45, 45])
                .u32s(&[0, 0])
                .u64s(&[count, count, size, start])
                .u32s(&[0x0706_4b50, 0])
                .u64s(&[self.at])
                .u32s(&[1]);
            self.out.write_all(&end.0)?;
        }
        let count = if wide { u16::MAX } else { count as u16 };
        let end = Record::default()
            .u32s(&[0x0605_4b50])
            .u16s(&[0, 0, count, count])
            .u32s(&if wide {
                [SATURATED, SATURATED]
            } else {
                [narrow(size), narrow(start)]
            })
            .u16s(&[0]);
        self.out.write_all(&end.0)
    }
}

/// The header before an entry's bytes, padded so that they are aligned; the checksum comes later.
fn local_header(name: &str, size: u64, at: u64) -> Vec<u8> {
    let wide = is_wide(size);
    let mut extra = Record::default();
    if wide {
        extra = extra.u16s(&[1, 16]).u64s(&[size, size]);
    }
    let unpadded = at + 30 + (name.len() + extra.0.len() + 4) as u64;
    let padding = (unpadded.next_multiple_of(ALIGNMENT) - unpadded) as u16;
    extra = extra.u16s(&[PADDING, padding]);
    extra.0.resize(extra.0.len() + usize::from(padding), 0);
    let size = if wide { SATURATED } else { narrow(size) };
    Record::default()
        .u32s(&[0x0403_4b50])
        .u16s(&[version(wide), 0, 0, 0, DATE])
        .u32s(&[0, size, size])
        .u16s(&[name.len() as u16, extra.0.len() as u16])
        .bytes(name.as_bytes())
        .bytes(&extra.0)
        .0
}

/// The entry's record in the directory.
fn central_header(entry: &Written) -> Vec<u8> {
    let mut wide = Vec::new();
    if is_wide(entry.size) {
        wide.extend([entry.size, entry.size]);
    }
    if is_wide(entry.header) {
        wide.push(entry.header);
    }
    let mut extra = Record::default();
    if !wide.is_empty() {
        extra = extra.u16s(&[1, 8 * wide.len() as u16]).u64s(&wide);
    }
    let (size, version) = (narrow(entry.size), version(!wide.is_empty()));
    Record::default()
        .u32s(&[0x0201_4b50])
        .u16s(&[version, version, 0, 0, 0, DATE])
        .u32s(&[entry.checksum, size, size])
        .u16s(&[entry.name.len() as u16, extra.0.len() as u16, 0, 0, 0])
        .u32s(&[0, narrow(entry.header)])
        .bytes(entry.name.as_bytes())
        .bytes(&extra.0)
        .0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapped::Bytes;
    use crate::zip::Archive;

    #[test]
    fn entries_past_4_gib_are_found_where_they_were_written() {
        const LARGE: u64 = (5 << 30) + 3;
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut archive = ZipWriter::new(file.as_file());
        for (name, size) in [("a", 7), ("large", LARGE), ("after", 11)] {
            archive
                .entry(name.to_string(), size, |out| {
                    // A hole: it takes no room on the disk.
                    out.seek(SeekFrom::Current(size as i64))?;
                    Ok::<_, io::Error>(0)
                })
                .expect("written");
        }
        archive.finish().expect("written");
        let bytes = Bytes::open(file.path()).expect("mapped");
        let archive = Archive::open(&bytes).expect("an archive");
        for (name, size) in [("a", 7), ("large", LARGE), ("after", 11)] {
            let range = archive.stored(name).expect("stored").expect("there");
            assert_eq!(range.len() as u64, size, "{name}");
            assert_eq!(range.start as u64 % ALIGNMENT, 0, "{name}");
        }
    }
}
