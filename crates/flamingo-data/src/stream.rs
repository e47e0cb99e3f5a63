//! A source that is read while it is drawn from, so that memory does not grow with it.
//!
//! Every epoch shuffles the pieces of the source (its shards, row groups, or some thousand lines each), cuts
//! that order into windows of a few pieces, and shuffles the samples within each window. Which sample comes
//! n-th is a pure function of the seed, n, and how many samples each piece has: a run goes on at any sample
//! without reading what came before it. One window lies in memory at a time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::seq::SliceRandom;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::files::files;
use crate::pieces::Piece;
use crate::{Error, Format, Report, Result, Sample, stream};

/// A source that is read while it is drawn from.
#[derive(Debug)]
pub struct Stream {
    format: Format,
    seed: u64,
    subject: String,
    pieces: Vec<Piece>,
    /// Pieces in memory at a time.
    together: usize,
    /// Samples of an epoch.
    slots: u64,
    epoch: Mutex<Option<Arc<Epoch>>>,
    window: Mutex<Option<Arc<Window>>>,
    counted: Mutex<Counted>,
}

/// The pieces in the order of an epoch.
#[derive(Debug)]
struct Epoch {
    number: u64,
    order: Vec<u32>,
    /// Samples before the end of each window.
    ends: Vec<u64>,
}

/// Some pieces in memory.
#[derive(Debug)]
struct Window {
    epoch: u64,
    number: usize,
    samples: Vec<Sample>,
    /// A number for each sample that was found, in the order in which they come.
    order: Vec<u32>,
}

/// What became of the samples so far.
#[derive(Debug)]
struct Counted {
    report: Report,
    /// Pieces whose samples are counted.
    pieces: HashSet<u32>,
    /// Samples that are counted since.
    samples: HashSet<String>,
}

impl Stream {
    /// Lists and counts what `path` names, as [`crate::Source::read`] takes it; shards, JSONL and Parquet. No document
    /// is kept, and none but those of compressed JSONL is looked at.
    /// `together` pieces are in memory at a time; `subject`, the name of the source, and `seed` make its order.
    ///
    /// # Errors
    /// [`Error::Read`] if a file cannot be read; [`Error::Nothing`] if there is no sample, or the format has no
    /// pieces. A file that is none of its format is left out and counted in the report.
    pub fn open(
        format: Format,
        path: &Path,
        together: usize,
        seed: u64,
        subject: &str,
    ) -> Result<Self> {
        let files = files(path, format.endings())?;
        let counted: Vec<Result<Vec<Piece>>> = files
            .par_iter()
            .map(|file| Piece::of(format, file))
            .collect();
        let (mut report, mut pieces) = (Report::default(), Vec::new());
        let mut hash = Sha256::new();
        for (file, counted) in files.iter().zip(counted) {
            match counted {
                Ok(of_file) => pieces.extend(of_file),
                Err(error @ Error::Nothing { .. }) if files.len() > 1 => {
                    report.found += 1;
                    report.leave_out(&file.display().to_string(), error.reason(), &error);
                }
                Err(error) => return Err(error),
            }
        }
        for piece in &pieces {
            let name = piece.path.file_name().unwrap_or_default();
            hash.update(name.as_encoded_bytes());
            hash.update((piece.found as u64).to_le_bytes());
        }
        report.fingerprint = format!("{:x}", hash.finalize());
        report.found += pieces.iter().map(|piece| piece.found).sum::<usize>();
        let slots: u64 = pieces.iter().map(|piece| piece.found as u64).sum();
        if slots == 0 {
            return Err(Error::Nothing {
                path: path.to_path_buf(),
                problem: "it holds no sample; check the path and the format".into(),
            });
        }
        Ok(Self {
            format,
            seed,
            subject: subject.to_owned(),
            pieces,
            together: together.max(1),
            slots,
            epoch: Mutex::default(),
            window: Mutex::default(),
            counted: Mutex::new(Counted {
                report,
                pieces: HashSet::new(),
                samples: HashSet::new(),
            }),
        })
    }

    /// Samples of an epoch, those included that cannot be used.
    pub fn samples(&self) -> u64 {
        self.slots
    }

    /// Pieces that are read at once, one after another.
    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// What was found, and what of what was read so far is left out. Samples are counted once, in whichever
    /// epoch they come.
    pub fn report(&self) -> Report {
        held(&self.counted).report.clone()
    }

    /// The sample at place `number` (from 0, over all epochs), or, for `attempt` from 1, one that takes its
    /// place because it cannot be used.
    ///
    /// # Errors
    /// [`Error::Read`] if a file is gone or changed since it was counted; [`Error::Nothing`] if no piece has a
    /// sample that can be used.
    pub fn sample(&self, number: u64, attempt: u64) -> Result<Sample> {
        let (mut epoch, mut slot) = (number / self.slots, number % self.slots);
        // A window of which nothing can be used is passed over.
        for _ in 0..=self.pieces.len() {
            let of_epoch = self.epoch(epoch);
            let window = of_epoch.ends.partition_point(|end| *end <= slot);
            let begin = window
                .checked_sub(1)
                .map_or(0, |before| of_epoch.ends[before]);
            let open = self.window(&of_epoch, window)?;
            if !open.samples.is_empty() {
                let place = u64::from(open.order[(slot - begin) as usize]) + attempt;
                return Ok(open.samples[(place % open.samples.len() as u64) as usize].clone());
            }
            slot = of_epoch.ends[window];
            if slot == self.slots {
                (epoch, slot) = (epoch + 1, 0);
            }
        }
        let path = &self.pieces[0].path;
        Err(Error::Nothing {
            path: path.to_path_buf(),
            problem: format!(
                "no sample of it and the {} pieces beside it can be used; see the warnings above",
                self.pieces.len() - 1
            ),
        })
    }

    /// Counts a sample that was drawn and cannot be used, and names it in a warning; once.
    pub fn leave_out(&self, sample: &Sample, reason: &str, detail: &dyn std::fmt::Display) {
        let name = sample.document.id.as_deref();
        let name = name.unwrap_or("a document without id").to_owned();
        let mut counted = held(&self.counted);
        let parts = format!("{:?}", sample.document.parts);
        if counted
            .samples
            .insert(format!("{:x}", Sha256::digest(parts)))
        {
            counted.report.leave_out(&name, reason, detail);
        }
    }

    fn epoch(&self, number: u64) -> Arc<Epoch> {
        let mut held = held(&self.epoch);
        if let Some(epoch) = held.as_ref().filter(|epoch| epoch.number == number) {
            return epoch.clone();
        }
        let mut order: Vec<u32> = (0..self.pieces.len() as u32).collect();
        order.shuffle(&mut stream(self.seed, &self.subject, &[number]));
        let mut end = 0;
        let found = |piece: &u32| self.pieces[*piece as usize].found as u64;
        let windows = order.chunks(self.together);
        let ends = windows.map(|window| {
            end += window.iter().map(found).sum::<u64>();
            end
        });
        let ends = ends.collect();
        let epoch = Arc::new(Epoch {
            number,
            order,
            ends,
        });
        *held = Some(epoch.clone());
        epoch
    }

    fn window(&self, epoch: &Epoch, number: usize) -> Result<Arc<Window>> {
        let mut open = held(&self.window);
        let is_it = |open: &&Arc<Window>| open.epoch == epoch.number && open.number == number;
        if let Some(window) = open.as_ref().filter(is_it) {
            return Ok(window.clone());
        }
        // The one before goes first: there is never more than one.
        *open = None;
        let mut samples = Vec::new();
        let first = number * self.together;
        let pieces = &epoch.order[first..(first + self.together).min(epoch.order.len())];
        let read: Vec<Result<(Report, Vec<Sample>)>> = pieces
            .par_iter()
            .map(|piece| self.read(&self.pieces[*piece as usize]))
            .collect();
        let mut found = 0;
        for (piece, read) in pieces.iter().zip(read) {
            let (report, of_piece) = read?;
            found += report.found as u32;
            samples.extend(of_piece);
            let mut counted = held(&self.counted);
            if counted.pieces.insert(*piece) {
                for (reason, count) in report.left_out {
                    *counted.report.left_out.entry(reason).or_default() += count;
                }
            }
        }
        let mut order: Vec<u32> = (0..found).collect();
        let numbers = [epoch.number, number as u64];
        order.shuffle(&mut stream(self.seed, &self.subject, &numbers));
        let window = Arc::new(Window {
            epoch: epoch.number,
            number,
            samples,
            order,
        });
        *open = Some(window.clone());
        Ok(window)
    }

    fn read(&self, piece: &Piece) -> Result<(Report, Vec<Sample>)> {
        let (mut report, mut samples) = (Report::default(), Vec::new());
        piece.read(self.format, &mut report, &mut samples)?;
        if report.found != piece.found {
            let (before, now) = (piece.found, report.found);
            let changed = format!(
                "it had {before} samples when the run began and has {now} now: put back what it was, or begin anew"
            );
            return Err(Error::Nothing {
                path: piece.path.clone(),
                problem: changed,
            });
        }
        Ok((report, samples))
    }
}

/// What a lock guards; a thread that panicked left it whole.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use flamingo_sequence::Part;

    use super::*;
    use crate::shard::tests::tar;

    /// Shards with so many pairs, whose texts are their numbers; every one in `bad` is no document.
    fn shards(counts: &[usize], bad: &[usize]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut number = 0;
        for (shard, count) in counts.iter().enumerate() {
            let mut members = Vec::new();
            for _ in 0..*count {
                let text = match bad.contains(&number) {
                    true => String::new(),
                    false => number.to_string(),
                };
                members.push((format!("{number}.png"), b"x".to_vec()));
                members.push((format!("{number}.txt"), text.into_bytes()));
                number += 1;
            }
            let members: Vec<(&str, &[u8])> = members
                .iter()
                .map(|(n, b)| (n.as_str(), b.as_slice()))
                .collect();
            let (_keep, path) = tar(&members);
            fs::copy(path, folder.path().join(format!("{shard}.tar"))).unwrap();
        }
        folder
    }

    fn open(folder: &Path, together: usize) -> Stream {
        Stream::open(Format::Shards, folder, together, 3, "pairs").unwrap()
    }

    fn text(sample: &Sample) -> usize {
        let Part::Text(text) = &sample.document.parts[1] else {
            panic!("a pair");
        };
        text.parse().unwrap()
    }

    #[test]
    fn every_epoch_has_every_sample_once_in_another_order() {
        let folder = shards(&[5, 1, 7, 4, 6], &[]);
        for together in [1, 2, 9] {
            let stream = open(folder.path(), together);
            let epoch = |number: u64| -> Vec<usize> {
                let slots = number * 23..(number + 1) * 23;
                slots
                    .map(|slot| text(&stream.sample(slot, 0).unwrap()))
                    .collect()
            };
            assert_eq!((stream.samples(), stream.pieces()), (23, 5));
            let (first, second) = (epoch(0), epoch(1));
            assert_ne!(first, second);
            for mut all in [first.clone(), second] {
                all.sort_unstable();
                assert_eq!(all, (0..23).collect::<Vec<_>>());
            }
            assert_eq!(epoch(0), first, "asked again");
            // Another process that begins in the middle.
            let middle = open(folder.path(), together).sample(17, 0).unwrap();
            assert_eq!(text(&middle), first[17]);
        }
    }

    #[test]
    fn bad_samples_are_counted_once_and_others_take_their_place() {
        let folder = shards(&[4, 5, 3], &[1, 4, 5, 6, 7, 8]);
        fs::write(folder.path().join("x.tar"), "no shard at all").unwrap();
        let stream = open(folder.path(), 1);
        for _ in 0..2 {
            for slot in 0..36 {
                let sample = text(&stream.sample(slot, 0).unwrap());
                assert!([0, 2, 3, 9, 10, 11].contains(&sample), "{sample}");
            }
        }
        let report = stream.report();
        assert_eq!((report.found, report.kept()), (13, 6));
        assert_eq!(
            (
                report.left_out["no caption"],
                report.left_out["nothing to use"]
            ),
            (6, 1)
        );
        let (this, other) = (stream.sample(3, 0).unwrap(), stream.sample(3, 1).unwrap());
        assert_ne!(text(&this), text(&other));
        for _ in 0..2 {
            stream.leave_out(&this, "broken picture or film", &"no PNG");
        }
        assert_eq!(stream.report().left_out["broken picture or film"], 1);
    }

    #[test]
    fn what_is_gone_or_changed_since_it_was_counted_is_named() {
        let folder = shards(&[4, 5], &[]);
        let stream = open(folder.path(), 1);
        let other = shards(&[2], &[]);
        for shard in ["0.tar", "1.tar"] {
            fs::copy(other.path().join("0.tar"), folder.path().join(shard)).unwrap();
        }
        let message = stream.sample(0, 0).unwrap_err().to_string();
        assert!(
            message.contains("has 2 now") && message.contains(".tar"),
            "{message}"
        );
        fs::remove_file(folder.path().join("0.tar")).unwrap();
        fs::remove_file(folder.path().join("1.tar")).unwrap();
        assert!(matches!(stream.sample(0, 0), Err(Error::Read { .. })));
        let all_bad = shards(&[2, 1], &[0, 1, 2]);
        let message = open(all_bad.path(), 1)
            .sample(0, 0)
            .unwrap_err()
            .to_string();
        assert!(message.contains("no sample of it"), "{message}");
        let empty = shards(&[0], &[]);
        assert!(Stream::open(Format::Shards, empty.path(), 1, 3, "x").is_err());
    }
}
