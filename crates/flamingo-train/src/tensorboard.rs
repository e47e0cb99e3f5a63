//! The figures of a run as an event file, which TensorBoard opens.
//!
//! An event file is a sequence of records: the length of the data (u64, little-endian), that length's masked CRC-32C,
//! the data and its masked CRC-32C. The data are `Event` messages of protocol buffers; of their fields these are
//! written: `wall_time` (1, double), `step` (2, varint), `file_version` (3, string), and `summary` (5) with a `value`
//! (1) for each figure, whose `tag` (1) is a string and whose `simple_value` (2) is a float.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Error, Line, Result};

/// TensorBoard looks for files that have `tfevents` in their names.
const FILE: &str = "events.out.tfevents.flamingo";
/// What the first event of a file says.
const VERSION: &str = "brain.Event:2";

/// The event file of a run, open for more.
pub(crate) struct Events {
    path: PathBuf,
    file: std::fs::File,
}

impl Events {
    /// Begins the file anew with the lines that a run has had so far.
    pub(crate) fn open(run: &Path, lines: &[Line]) -> Result<Self> {
        let path = run.join(FILE);
        let began = lines.first().map_or_else(now, |line| line.wall_time);
        let mut bytes = record(&event(began, 0, &version()));
        for line in lines {
            bytes.extend(of_line(line));
        }
        flamingo_files::write(&path, &bytes)?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        Ok(Self { path, file })
    }

    pub(crate) fn push(&mut self, line: &Line) -> Result<()> {
        self.file
            .write_all(&of_line(line))
            .map_err(Error::io("write", &self.path))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

fn of_line(line: &Line) -> Vec<u8> {
    let mut summary = Vec::new();
    let mut figure = |tag: String, value: f64| {
        let mut bytes = Vec::new();
        text(&mut bytes, 1, tag.as_bytes());
        bytes.push(field(2, FOUR_BYTES));
        bytes.extend((value as f32).to_le_bytes());
        text(&mut summary, 1, &bytes);
    };
    for (folder, figures) in [
        ("loss", &line.losses),
        ("accuracy", &line.accuracies),
        ("gate", &line.gates),
    ] {
        for (name, value) in figures {
            figure(format!("{folder}/{name}"), *value);
        }
    }
    figure("learning rate".to_owned(), line.rate);
    figure("gradient norm".to_owned(), line.norm);
    figure("targets a second".to_owned(), line.targets_per_second);
    let mut fields = Vec::new();
    text(&mut fields, 5, &summary);
    record(&event(line.wall_time, line.step, &fields))
}

fn version() -> Vec<u8> {
    let mut fields = Vec::new();
    text(&mut fields, 3, VERSION.as_bytes());
    fields
}

fn event(wall_time: f64, step: u64, fields: &[u8]) -> Vec<u8> {
    let mut bytes = vec![field(1, EIGHT_BYTES)];
    bytes.extend(wall_time.to_le_bytes());
    bytes.push(field(2, VARINT));
    varint(&mut bytes, step);
    bytes.extend(fields);
    bytes
}

/// How the value behind a field's number is written.
const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const LENGTH: u8 = 2;
const FOUR_BYTES: u8 = 5;

fn field(number: u8, kind: u8) -> u8 {
    number << 3 | kind
}

fn text(bytes: &mut Vec<u8>, number: u8, text: &[u8]) {
    bytes.push(field(number, LENGTH));
    varint(bytes, text.len() as u64);
    bytes.extend(text);
}

/// Seven bits a byte, the lowest first.
fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(masked(&length).to_le_bytes());
    bytes.extend(data);
    bytes.extend(masked(data).to_le_bytes());
    bytes
}

fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn records_are_spelt_byte_for_byte() {
        // Of the CRC-32C of "123456789", 0xe3069283, which its definition gives.
        assert_eq!(
            masked(b"123456789"),
            0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8)
        );
        let bytes = record(&event(1.0, 300, &version()));
        let data: &[u8] = b"\x09\0\0\0\0\0\0\xf0\x3f\x10\xac\x02\x1a\x0dbrain.Event:2";
        assert_eq!(bytes[..8], (data.len() as u64).to_le_bytes());
        assert_eq!(&bytes[12..12 + data.len()], data);
        assert_eq!(bytes.len(), 16 + data.len());
    }

    #[test]
    fn a_resumed_run_has_each_line_once() {
        let folder = tempfile::tempdir().unwrap();
        let line = |step| Line {
            step,
            losses: [("pages".to_owned(), 2.5)].into(),
            wall_time: step as f64,
            ..Line::default()
        };
        let mut events = Events::open(folder.path(), &[]).unwrap();
        for step in 1..4 {
            events.push(&line(step)).unwrap();
        }
        let read = || std::fs::read(folder.path().join(FILE)).unwrap();
        let of_lines = |bytes: &[u8]| -> Vec<u8> {
            // Behind the version, whose time is when the run began.
            bytes[16 + 9 + 2 + 15..].to_vec()
        };
        let whole = of_lines(&read());
        let mut events = Events::open(folder.path(), &[line(1), line(2)]).unwrap();
        events.push(&line(3)).unwrap();
        assert_eq!(of_lines(&read()), whole);
        let tag = b"loss/pages";
        assert_eq!(
            whole.windows(tag.len()).filter(|part| part == tag).count(),
            3
        );
    }
}
