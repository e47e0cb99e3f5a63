//! The directory of a zip archive, over bytes in memory; only stored entries can be had.
//!
//! Nothing is allocated but one small record an entry, and every entry is at least 46 bytes of the
//! file, so that a hostile directory costs no more than it weighs.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{Fault, quoted};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const SATURATED: u64 = u32::MAX as u64;

/// The most entries of an archive: several times the tensors that are read.
const MAX_ENTRIES: u64 = 1 << 18;

pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    entries: HashMap<&'a str, Entry>,
}

struct Entry {
    method: u16,
    encrypted: bool,
    size: u64,
    stored_size: u64,
    header: u64,
}

/// Little-endian numbers of a slice; past its end is an error.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn at(bytes: &'a [u8], at: u64) -> Self {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        Self { bytes, at }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| damaged("it points past its end"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    fn expect(&mut self, signature: u32, what: &str) -> Result<(), Fault> {
        if self.u32()? == signature {
            return Ok(());
        }
        Err(damaged(&format!(
            "there is no {what} at byte {}",
            self.at - 4
        )))
    }
}

fn damaged(how: &str) -> Fault {
    Fault::new(format!(
        "it is a damaged zip archive, {how}: it was perhaps cut off, copy it again"
    ))
}

impl<'a> Archive<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (count, directory) = find_directory(bytes)?;
        let mut entries = HashMap::new();
        let mut fields = Fields::at(&bytes[..directory.end], directory.start as u64);
        for _ in 0..count {
            let (name, entry) = read_entry(&mut fields)?;
            if entries.insert(name, entry).is_some() {
                return Err(damaged(&format!(
                    "entry `{}` stands in it twice",
                    quoted(name)
                )));
            }
        }
        if fields.at != directory.end {
            return Err(damaged("its directory is longer than its entries"));
        }
        let archive = Self { bytes, entries };
        archive.check_overlaps(directory.start as u64)?;
        Ok(archive)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// Where the bytes of an entry lie in the file, or nothing if there is no such entry.
    pub(crate) fn stored(&self, name: &str) -> Result<Option<Range<usize>>, Fault> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(None);
        };
        let shown = quoted(name);
        if entry.encrypted {
            return Err(Fault::new(format!(
                "entry `{shown}` is encrypted: save it again with torch.save"
            )));
        }
        if entry.method != 0 || entry.size != entry.stored_size {
            return Err(Fault::new(format!(
                "entry `{shown}` is compressed (method {}), weights are stored as they are: save it again with torch.save",
                entry.method
            )));
        }
        self.data(name, entry).map(Some)
    }

    fn data(&self, name: &str, entry: &Entry) -> Result<Range<usize>, Fault> {
        let mut fields = Fields::at(self.bytes, entry.header);
        fields.expect(LOCAL, "entry")?;
        fields.take(22)?;
        let (name_length, extra) = (fields.u16()?, fields.u16()?);
        if fields.take(usize::from(name_length))? != name.as_bytes() {
            return Err(damaged(&format!(
                "`{}` has another name where it lies",
                quoted(name)
            )));
        }
        fields.take(usize::from(extra))?;
        let start = fields.at;
        let size = usize::try_from(entry.stored_size).unwrap_or(usize::MAX);
        fields.take(size)?;
        Ok(start..fields.at)
    }

    /// No byte belongs to two entries, nor to an entry and the directory.
    fn check_overlaps(&self, directory: u64) -> Result<(), Fault> {
        let mut ranges = Vec::with_capacity(self.entries.len());
        for (name, entry) in &self.entries {
            ranges.push((entry.header, self.data(name, entry)?.end as u64, *name));
        }
        ranges.sort_unstable();
        let next_headers = ranges
            .iter()
            .skip(1)
            .map(|&(header, _, name)| (header, name));
        let limits = next_headers.chain([(directory, "the directory")]);
        for (&(_, end, name), (limit, next)) in ranges.iter().zip(limits) {
            if end > limit {
                return Err(damaged(&format!(
                    "`{}` ends at byte {end}, `{}` begins at byte {limit}",
                    quoted(name),
                    quoted(next)
                )));
            }
        }
        Ok(())
    }
}

/// How many entries the archive has, and where its directory lies.
fn find_directory(bytes: &[u8]) -> Result<(u64, Range<usize>), Fault> {
    let end = find_end(bytes)?;
    let mut fields = Fields::at(bytes, end as u64 + 8);
    let (here, total) = (fields.u16()?, fields.u16()?);
    let (size, start) = (fields.u32()?, fields.u32()?);
    if here != total {
        return Err(damaged("it is one part of several"));
    }
    let saturated = total == u16::MAX || size == u32::MAX || start == u32::MAX;
    let (count, size, start, limit) = match saturated.then(|| read_end_64(bytes, end)) {
        Some(found) => found?,
        None => (u64::from(total), u64::from(size), u64::from(start), end),
    };
    let directory = start
        .checked_add(size)
        .filter(|&end| end <= limit as u64)
        .and_then(|end| Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?))
        .ok_or_else(|| damaged("its directory lies outside it"))?;
    if count > directory.len() as u64 / 46 {
        return Err(damaged(&format!(
            "it claims {count} entries in a directory of {} bytes",
            directory.len()
        )));
    }
    if count > MAX_ENTRIES {
        return Err(Fault::new(format!(
            "it is a zip archive of {count} entries, at most {MAX_ENTRIES} are read: split it"
        )));
    }
    Ok((count, directory))
}

/// The last record of the file, which a comment may follow.
fn find_end(bytes: &[u8]) -> Result<usize, Fault> {
    let last = bytes
        .len()
        .checked_sub(22)
        .ok_or_else(|| damaged("it has no directory"))?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let is_end = |&at: &usize| {
        let comment = u16::from_le_bytes([bytes[at + 20], bytes[at + 21]]);
        bytes[at..].starts_with(&END.to_le_bytes()) && at + 22 + usize::from(comment) == bytes.len()
    };
    (first..=last)
        .rev()
        .find(is_end)
        .ok_or_else(|| damaged("it has no directory"))
}

/// Entries, size and start of the directory, and where it must end, of an archive past 4 GiB.
fn read_end_64(bytes: &[u8], end: usize) -> Result<(u64, u64, u64, usize), Fault> {
    let locator = end
        .checked_sub(20)
        .ok_or_else(|| damaged("it has no locator"))?;
    let mut fields = Fields::at(bytes, locator as u64);
    fields.expect(LOCATOR_64, "locator")?;
    fields.u32()?;
    let at = fields.u64()?;
    let mut fields = Fields::at(&bytes[..locator], at);
    fields.expect(END_64, "64-bit directory end")?;
    fields.take(28)?;
    let (count, size, start) = (fields.u64()?, fields.u64()?, fields.u64()?);
    Ok((count, size, start, usize::try_from(at).unwrap_or(0)))
}

fn read_entry<'a>(fields: &mut Fields<'a>) -> Result<(&'a str, Entry), Fault> {
    fields.expect(CENTRAL, "directory entry")?;
    fields.take(4)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.take(8)?;
    let (stored_size, size) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    fields.take(8)?;
    let header = u64::from(fields.u32()?);
    let name = std::str::from_utf8(fields.take(usize::from(name))?)
        .map_err(|_| damaged("the name of an entry is no text"))?;
    let extra = fields.take(usize::from(extra))?;
    fields.take(usize::from(comment))?;
    let mut entry = Entry {
        method,
        encrypted: flags & 1 != 0,
        size,
        stored_size,
        header,
    };
    widen(&mut entry, extra)?;
    Ok((name, entry))
}

/// Takes the numbers that do not fit 32 bits from the extra field that holds them.
fn widen(entry: &mut Entry, extra: &[u8]) -> Result<(), Fault> {
    let mut numbers = [&mut entry.size, &mut entry.stored_size, &mut entry.header];
    if numbers.iter().all(|number| **number != SATURATED) {
        return Ok(());
    }
    let mut fields = Fields::at(extra, 0);
    while fields.at < extra.len() {
        let (id, length) = (fields.u16()?, fields.u16()?);
        let mut field = Fields::at(fields.take(usize::from(length))?, 0);
        if id == 1 {
            for number in &mut numbers {
                if **number == SATURATED {
                    **number = field.u64()?;
                }
            }
            return Ok(());
        }
    }
    Ok(())
}
