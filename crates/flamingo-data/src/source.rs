//! Samples from a file or folder.

use std::fs;
use std::path::{Path, PathBuf};

use flamingo_sequence::Document;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::files::files;
use crate::pieces::Piece;
use crate::{
    Error, Format, MediaBase, Report, Result, Sample, captions, conversations, folders,
    page_document,
};

/// The samples of a file or folder, in an order that does not depend on the disk.
#[derive(Clone, Debug)]
pub struct Source {
    /// The samples that can be used.
    pub samples: Vec<Sample>,
    /// What was found and what was left out.
    pub report: Report,
}

impl Source {
    /// Reads all documents of `path`; media are not touched yet. Where files are wanted, it may be a pattern
    /// or a list of them: `{00000..00127}.tar`, `*.tar`, or a `.txt` with a path a line.
    ///
    /// # Errors
    /// [`Error::Read`] if the path cannot be read, [`Error::Nothing`] if nothing in it can be used.
    /// A bad sample is no error: it is counted in the report, named in a warning and left out.
    pub fn read(format: Format, path: &Path) -> Result<Self> {
        let files = match format {
            Format::Captions => vec![captions::file(path)?],
            _ => files(path, format.endings())?,
        };
        let (mut report, mut samples) = (Report::default(), Vec::new());
        match format {
            Format::Jsonl | Format::Shards | Format::Parquet => {
                for file in &files {
                    Piece::whole(file).read(format, &mut report, &mut samples)?;
                }
            }
            Format::Pages => pages(&files, &mut report, &mut samples),
            Format::Folders => folders::read(path, &files, &mut report, &mut samples)?,
            Format::Captions => captions::read(&files[0], &mut report, &mut samples)?,
            Format::Conversations => {
                for file in &files {
                    conversations::read(file, &mut report, &mut samples)?;
                }
            }
        }
        let mut source = Self { samples, report };
        source.refuse_nothing(path)?;
        source.sign();
        Ok(source)
    }

    /// Hands every sample of `path` to `take`, as [`Source::read`] would give them; of shards, JSONL and Parquet only a
    /// piece is in memory at a time. The report has no fingerprint.
    ///
    /// # Errors
    /// As [`Source::read`], but that nothing can be used is none; and those of `take`.
    pub fn each<E: From<Error>>(
        format: Format,
        path: &Path,
        mut take: impl FnMut(Sample) -> Result<(), E>,
    ) -> Result<Report, E> {
        if !format.is_in_pieces() {
            let source = Self::read(format, path)?;
            source.samples.into_iter().try_for_each(take)?;
            return Ok(source.report);
        }
        let mut report = Report::default();
        for file in files(path, format.endings())? {
            for piece in Piece::of(format, &file)? {
                let mut samples = Vec::new();
                piece.read(format, &mut report, &mut samples)?;
                samples.into_iter().try_for_each(&mut take)?;
            }
        }
        Ok(report)
    }

    /// Keeps the samples for which `keep` gives no reason against; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Nothing`] if none is left.
    pub fn retain(
        &mut self,
        path: &Path,
        mut keep: impl FnMut(usize, &Sample) -> Option<(String, String)>,
    ) -> Result<()> {
        let samples = std::mem::take(&mut self.samples);
        for (index, sample) in samples.into_iter().enumerate() {
            match keep(index, &sample) {
                None => self.samples.push(sample),
                Some((reason, detail)) => {
                    let name = sample
                        .document
                        .id
                        .as_deref()
                        .unwrap_or("a document without id");
                    self.report.leave_out(name, &reason, &detail);
                }
            }
        }
        self.refuse_nothing(path)?;
        self.sign();
        Ok(())
    }

    fn refuse_nothing(&self, path: &Path) -> Result<()> {
        if !self.samples.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = self
            .report
            .left_out
            .iter()
            .map(|(reason, count)| format!("{count} x {reason}"))
            .collect();
        let why = match reasons.is_empty() {
            true => "it is empty".to_owned(),
            false => format!("all are left out: {}", reasons.join(", ")),
        };
        let found = self.report.found;
        Err(Error::Nothing {
            path: path.to_path_buf(),
            problem: format!("no sample of {found} can be used ({why}); see the warnings above"),
        })
    }

    fn sign(&mut self) {
        let mut hash = Sha256::new();
        for sample in &self.samples {
            let json = serde_json::to_vec(&sample.document).expect("a document is plain data");
            hash.update(json);
            hash.update(b"\n");
        }
        self.report.fingerprint = format!("{:x}", hash.finalize());
    }
}

fn pages(files: &[PathBuf], report: &mut Report, samples: &mut Vec<Sample>) {
    let read = |path: &PathBuf| -> Result<Option<Document>> {
        let bytes = fs::read(path).map_err(Error::read(path))?;
        Ok(page_document(&bytes, path))
    };
    let documents: Vec<Result<Option<Document>>> = files.par_iter().map(read).collect();
    for (path, document) in files.iter().zip(documents) {
        report.found += 1;
        let name = path.display().to_string();
        match document {
            Ok(Some(mut document)) => {
                document.id = Some(name);
                let base = MediaBase::beside(path);
                samples.push(Sample { document, base });
            }
            Ok(None) => report.leave_out(&name, "empty page", &"nothing to read in its article"),
            Err(error) => report.leave_out(&name, error.reason(), &error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn bad_lines_are_counted_and_the_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let good = r#"{"parts": [{"text": "x"}]}"#;
        fs::write(&path, format!("{good}\n{{\"part\": 1}}\n\n{good}\n")).unwrap();
        let source = Source::read(Format::Jsonl, &path).unwrap();
        assert_eq!((source.report.found, source.report.kept()), (3, 2));
        assert_eq!(source.samples.len(), 2);
        let again = Source::read(Format::Jsonl, folder.path()).unwrap();
        assert_eq!(source.report, again.report);
    }

    #[test]
    fn a_source_with_nothing_to_use_says_what_was_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        fs::write(&path, "{}\n[]\n").unwrap();
        let message = Source::read(Format::Jsonl, &path).unwrap_err().to_string();
        assert!(
            message.contains("a.jsonl") && message.contains("2 x bad document"),
            "{message}"
        );
        let message = Source::read(Format::Pages, folder.path())
            .unwrap_err()
            .to_string();
        assert!(message.contains("no .html file"), "{message}");
        assert!(Source::read(Format::Shards, &folder.path().join("b.tar")).is_err());
    }

    #[test]
    fn files_are_found_by_their_endings_in_any_case_and_compressed_lines_are_read() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let line = "{\"parts\": [{\"text\": \"x\"}]}\n";
        for name in ["a.jsonl", "b.JSONL", "c.json", ".d.jsonl"] {
            fs::write(folder.path().join(name), line).unwrap();
        }
        let packed = zstd::bulk::compress(line.repeat(3).as_bytes(), 3).unwrap();
        fs::write(folder.path().join("f.jsonl.zst"), packed).unwrap();
        let file = fs::File::create(folder.path().join("e.jsonl.GZ")).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(line.repeat(5).as_bytes()).unwrap();
        encoder.finish().unwrap();
        let source = Source::read(Format::Jsonl, folder.path()).unwrap();
        assert_eq!((source.report.found, source.samples.len()), (10, 10));
    }

    #[test]
    fn pages_of_a_folder_are_read_in_the_order_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("b/2.html", "two"), ("a/9.html", "nine"), ("b/1.html", "")] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("<article>{text}<img src=../p.png></article>")).unwrap();
        }
        fs::write(folder.path().join("empty.html"), "<nav>x</nav>").unwrap();
        let source = Source::read(Format::Pages, folder.path()).unwrap();
        assert_eq!(source.report.left_out["empty page"], 1);
        let said: Vec<usize> = source
            .samples
            .iter()
            .map(|s| s.document.parts.len())
            .collect();
        assert_eq!(said, [2, 1, 2]);
    }
}
