//! The segments of a JPEG file between its scans: sizes, tables, and what colours are meant.

use super::bits::next_marker;
use super::frame::Frame;
use super::huffman::Huffman;
use super::standard;

/// A file, read up to some scan.
pub(super) struct Segments<'a> {
    pub(super) data: &'a [u8],
    at: usize,
    pub(super) quantisers: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Box<Huffman>>; 4],
    pub(super) ac: [Option<Box<Huffman>>; 4],
    /// Units between restart markers; 0 for none.
    pub(super) restart_interval: u32,
    pub(super) jfif: bool,
    /// The transform of an Adobe segment.
    pub(super) adobe: Option<u8>,
    /// The contents of the first EXIF segment.
    pub(super) exif: Option<&'a [u8]>,
}

/// The header of a scan.
pub(super) struct Scan {
    /// The components in it, by their place in the frame, with their DC and AC tables.
    pub(super) parts: Vec<(usize, usize, usize)>,
    /// The first and the last coefficient, in zigzag order.
    pub(super) first: usize,
    pub(super) last: usize,
    /// The bit that earlier scans came down to; 0 if there were none.
    pub(super) high: u32,
    /// The bit that this scan comes down to.
    pub(super) low: u32,
}

pub(super) const CUT_SHORT: &str = "it is cut short";

impl<'a> Segments<'a> {
    /// A file from its start.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 2,
            quantisers: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            restart_interval: 0,
            jfif: false,
            adobe: None,
            exif: None,
        }
    }

    /// Where the data of the scan begins whose header was read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on from the end of a scan.
    pub(super) fn go_on(&mut self, at: usize) {
        self.at = at;
    }

    /// Reads up to the frame header.
    pub(super) fn frame(&mut self) -> Result<Frame, String> {
        loop {
            match self.next()?.ok_or("it has no picture in it")? {
                (0xC4 | 0xC8 | 0xCC, _) => {}
                (marker @ 0xC0..=0xCF, segment) => return Frame::new(marker, segment),
                (0xDA, _) => return Err("a scan stands before the frame".into()),
                _ => {}
            }
        }
    }

    /// Reads up to the next scan's data; none at the end of the picture.
    pub(super) fn next_scan(&mut self, frame: &Frame) -> Result<Option<Scan>, String> {
        while let Some((marker, segment)) = self.next()? {
            match marker {
                0xC4 | 0xC8 | 0xCC => {}
                0xC0..=0xCF => return Err("it has two frames".into()),
                0xDA => return self.scan(segment, frame).map(Some),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The next segment, after what tables and notes it holds are taken; none at the picture's end.
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, String> {
        loop {
            let (marker, at) = next_marker(self.data, self.at).ok_or(CUT_SHORT)?;
            self.at = at;
            match marker {
                0xD9 => return Ok(None),
                0x01 | 0xD0..=0xD8 => continue,
                _ => {}
            }
            let length = self.data.get(at..at + 2).ok_or(CUT_SHORT)?;
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            if length < 2 {
                return Err(format!("segment {marker:02x} claims {length} bytes"));
            }
            let segment = self.data.get(at + 2..at + length).ok_or(CUT_SHORT)?;
            self.at = at + length;
            self.take(marker, segment)?;
            return Ok(Some((marker, segment)));
        }
    }

    fn take(&mut self, marker: u8, segment: &'a [u8]) -> Result<(), String> {
        match marker {
            0xC4 => self.huffman(segment)?,
            0xDB => self.quantisers(segment)?,
            0xDD => {
                let &[high, low, ..] = segment else {
                    return Err("its restart interval is missing".into());
                };
                self.restart_interval = u16::from_be_bytes([high, low]).into();
            }
            0xE0 if segment.len() >= 12 && segment.starts_with(b"JFIF\0") => self.jfif = true,
            0xE1 if self.exif.is_none() => self.exif = segment.strip_prefix(b"Exif\0\0"),
            0xEE if segment.len() >= 12 && segment.starts_with(b"Adobe") => {
                self.adobe = Some(segment[11]);
            }
            _ => {}
        }
        Ok(())
    }

    fn quantisers(&mut self, mut segment: &[u8]) -> Result<(), String> {
        while let [head, rest @ ..] = segment {
            let bytes = if head >> 4 == 0 { 1 } else { 2 };
            let place = usize::from(head & 15);
            if place > 3 || rest.len() < 64 * bytes {
                return Err("a quantisation table is damaged".into());
            }
            let mut table = [0; 64];
            for (at, value) in rest.chunks_exact(bytes).take(64).enumerate() {
                let value = value
                    .iter()
                    .fold(0, |sum, &byte| sum << 8 | u16::from(byte));
                table[usize::from(standard::ZIGZAG[at])] = value;
            }
            self.quantisers[place] = Some(table);
            segment = &rest[64 * bytes..];
        }
        Ok(())
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Result<(), String> {
        const DAMAGED: &str = "a Huffman table is damaged";
        while let [head, rest @ ..] = segment {
            let counts = rest.first_chunk::<16>().ok_or(DAMAGED)?;
            let symbols: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let symbols = rest.get(16..16 + symbols).ok_or(DAMAGED)?;
            let table = Box::new(Huffman::new(counts, symbols).ok_or(DAMAGED)?);
            match head {
                0..=3 if !table.is_dc() => return Err(DAMAGED.into()),
                0..=3 => self.dc[usize::from(*head)] = Some(table),
                0x10..=0x13 => self.ac[usize::from(head & 3)] = Some(table),
                _ => return Err(DAMAGED.into()),
            }
            segment = &rest[16 + symbols.len()..];
        }
        Ok(())
    }

    fn scan(&mut self, segment: &[u8], frame: &Frame) -> Result<Scan, String> {
        const DAMAGED: &str = "the header of a scan is damaged";
        let (&count, rest) = segment.split_first().ok_or(DAMAGED)?;
        let count = usize::from(count);
        if count == 0 || count > frame.components.len() || rest.len() < 2 * count + 3 {
            return Err(DAMAGED.into());
        }
        let mut parts: Vec<(usize, usize, usize)> = Vec::new();
        for entry in rest[..2 * count].chunks_exact(2) {
            let found = frame.components.iter().position(|it| it.id == entry[0]);
            // Some writers give several components one number: each stands for the next of them.
            let is_free = |at: &usize| parts.iter().all(|part| part.0 != *at);
            let found = found.filter(is_free).or_else(|| {
                let mut others = frame.components.iter().enumerate();
                others
                    .find(|(at, it)| it.id == entry[0] && is_free(at))
                    .map(|(at, _)| at)
            });
            let (dc, ac) = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            if dc > 3 || ac > 3 {
                return Err(DAMAGED.into());
            }
            parts.push((found.ok_or(DAMAGED)?, dc, ac));
        }
        let [first, last, bits] = [0, 1, 2].map(|at| usize::from(rest[2 * count + at]));
        let scan = Scan {
            parts,
            first,
            last,
            high: (bits >> 4) as u32,
            low: (bits & 15) as u32,
        };
        if frame.progressive && !scan.is_a_progression() {
            return Err(DAMAGED.into());
        }
        if !frame.progressive {
            standard::fill(&mut self.dc, &mut self.ac);
        }
        Ok(scan)
    }
}

impl Scan {
    /// Whether a progressive picture may have such a scan.
    fn is_a_progression(&self) -> bool {
        let band = match self.first {
            0 => self.last == 0,
            first => first <= self.last && self.last < 64 && self.parts.len() == 1,
        };
        band && self.low <= 13 && (self.high == 0 || self.high == self.low + 1)
    }
}
