//! Pieces of a source: what of its files is read at once. A shard is one, and so are some thousand lines of a
//! JSONL file or a row group of a Parquet file; of a file that is compressed, nothing has a place of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flamingo_sequence::read_jsonl;

use crate::{Error, Format, MediaBase, Report, Result, Sample, Shard, obelics, packed, webdataset};

/// A piece of JSONL has at most so many documents, and ends behind the first that passes so many bytes.
const LINES: usize = 4096;
const BYTES: u64 = 16 << 20;

/// What is read at once: a file, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    part: Part,
    /// Samples in it, those included that cannot be used.
    pub(crate) found: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// So many bytes of lines; `first` documents stand before them.
    Lines {
        offset: u64,
        bytes: u64,
        first: usize,
    },
    /// A row group; `first` rows stand before it.
    Group {
        number: usize,
        first: usize,
    },
}

impl Piece {
    /// The whole file, however large; its samples are not counted.
    pub(crate) fn whole(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            part: Part::Whole,
            found: 0,
        }
    }

    /// The pieces of a file, those without samples left out.
    ///
    /// # Errors
    /// Those of reading the file in this format. [`Error::Nothing`] for a format whose files hold one sample
    /// or none.
    pub(crate) fn of(format: Format, path: &Path) -> Result<Vec<Self>> {
        let piece = |part, found| Self {
            path: path.to_path_buf(),
            part,
            found,
        };
        let pieces: Vec<Self> = match format {
            Format::Shards => vec![piece(Part::Whole, Shard::open(path)?.samples().len())],
            Format::Jsonl if packed::is_packed(path)? => {
                let found = read_jsonl(packed::reader(path)?, "").count();
                vec![piece(Part::Whole, found)]
            }
            Format::Jsonl => of_lines(path)?
                .into_iter()
                .map(|(part, found)| piece(part, found))
                .collect(),
            Format::Parquet => {
                let mut first = 0;
                let groups = obelics::groups(path)?.into_iter().enumerate();
                let group = |(number, rows)| {
                    let part = Part::Group { number, first };
                    first += rows;
                    piece(part, rows)
                };
                groups.map(group).collect()
            }
            Format::Pages | Format::Folders | Format::Captions | Format::Conversations => {
                return Err(Error::Nothing {
                    path: path.to_path_buf(),
                    problem:
                        "only shards, JSONL and Parquet can be read as a stream: leave `stream` out"
                            .into(),
                });
            }
        };
        Ok(pieces.into_iter().filter(|piece| piece.found > 0).collect())
    }

    /// Reads the samples, in their order.
    ///
    /// # Errors
    /// If the file cannot be read; a bad sample is counted in the report.
    pub(crate) fn read(
        &self,
        format: Format,
        report: &mut Report,
        samples: &mut Vec<Sample>,
    ) -> Result<()> {
        let path = &self.path;
        match (format, self.part) {
            (Format::Shards, _) => webdataset::read(path, report, samples),
            (Format::Parquet, Part::Group { number, first }) => {
                obelics::read_group(path, number, first, report, samples)
            }
            (Format::Parquet, _) => obelics::read(path, report, samples),
            (
                _,
                Part::Lines {
                    offset,
                    bytes,
                    first,
                },
            ) => {
                let mut file = File::open(path).map_err(Error::read(path))?;
                file.seek(SeekFrom::Start(offset))
                    .map_err(Error::read(path))?;
                lines(
                    BufReader::new(file.take(bytes)),
                    path,
                    first,
                    report,
                    samples,
                );
                Ok(())
            }
            _ => {
                lines(packed::reader(path)?, path, 0, report, samples);
                Ok(())
            }
        }
    }
}

/// Cuts a file of lines into pieces.
fn of_lines(path: &Path) -> Result<Vec<(Part, usize)>> {
    let mut reader =
        BufReader::with_capacity(1 << 20, File::open(path).map_err(Error::read(path))?);
    let (mut pieces, mut line) = (Vec::new(), Vec::new());
    let (mut offset, mut bytes, mut first, mut found) = (0, 0, 0, 0);
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(Error::read(path))?;
        bytes += read as u64;
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        found += usize::from(!text.trim_ascii().is_empty());
        if read == 0 || found == LINES || bytes >= BYTES {
            let part = Part::Lines {
                offset,
                bytes,
                first,
            };
            pieces.push((part, found));
            (offset, bytes, first, found) = (offset + bytes, 0, first + found, 0);
        }
        if read == 0 {
            return Ok(pieces);
        }
    }
}

/// The documents of lines, before which `first` others stand in their file.
fn lines(
    reader: impl BufRead,
    path: &Path,
    first: usize,
    report: &mut Report,
    samples: &mut Vec<Sample>,
) {
    let name = path.display().to_string();
    let place = match first {
        0 => name.clone(),
        _ => format!("{name}, behind document {first}"),
    };
    let base = MediaBase::beside(path);
    for (number, document) in read_jsonl(reader, &place).enumerate() {
        report.found += 1;
        let sample = format!("{name}, document {}", first + number + 1);
        match document {
            Ok(document) => samples.push(Sample {
                document,
                base: base.clone(),
            }),
            Err(error) => report.leave_out(&sample, "bad document", &error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn texts(samples: &[Sample]) -> Vec<String> {
        samples
            .iter()
            .map(|sample| format!("{:?}", sample.document.parts))
            .collect()
    }

    #[test]
    fn the_pieces_of_a_file_of_lines_are_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut text = "\u{feff}".to_owned();
        for number in 0..10_000 {
            text += &match number % 1000 {
                7 => "{}\n".to_owned(),
                8 => format!("\n{{\"parts\": [{{\"text\": \"{number}\"}}]}}\r\n"),
                _ => format!("{{\"parts\": [{{\"text\": \"{number}\"}}]}}\n"),
            };
        }
        std::fs::write(&path, text.trim_end()).unwrap();
        let pieces = Piece::of(Format::Jsonl, &path).unwrap();
        let found: Vec<usize> = pieces.iter().map(|piece| piece.found).collect();
        assert_eq!(found, [4096, 4096, 1808]);
        let (mut report, mut samples) = (Report::default(), Vec::new());
        for piece in &pieces {
            piece
                .read(Format::Jsonl, &mut report, &mut samples)
                .unwrap();
        }
        let (mut whole, mut expected) = (Report::default(), Vec::new());
        Piece::whole(&path)
            .read(Format::Jsonl, &mut whole, &mut expected)
            .unwrap();
        assert_eq!(texts(&samples), texts(&expected));
        assert_eq!((report.found, report.kept()), (10_000, 9990));
        assert_eq!(report, whole);
    }

    #[test]
    fn long_lines_make_pieces_of_few_and_a_compressed_file_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let line = format!(
            "{{\"parts\": [{{\"text\": \"{}\"}}]}}\n",
            "x".repeat(6 << 20)
        );
        std::fs::write(&path, line.repeat(5)).unwrap();
        let pieces = Piece::of(Format::Jsonl, &path).unwrap();
        let found: Vec<usize> = pieces.iter().map(|piece| piece.found).collect();
        assert_eq!(found, [3, 2]);
        let packed = folder.path().join("a.jsonl.zst");
        std::fs::write(
            &packed,
            zstd::bulk::compress(line.repeat(5).as_bytes(), 1).unwrap(),
        )
        .unwrap();
        let pieces = Piece::of(Format::Jsonl, &packed).unwrap();
        assert_eq!((pieces.len(), pieces[0].found), (1, 5));
        assert!(Piece::of(Format::Pages, &path).is_err());
        std::fs::write(&path, "\n\n").unwrap();
        assert!(Piece::of(Format::Jsonl, &path).unwrap().is_empty());
    }
}
