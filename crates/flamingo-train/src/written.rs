//! What a Flamingo in training writes where samples have their text, as a file of JSON lines that a person can follow.

use std::fs;
use std::path::{Path, PathBuf};

use flamingo_kernels::{Device, indices};
use flamingo_model::{Flamingo, Looking, Media, TextInput};
use flamingo_sequence::{IGNORE, SpecialTokens};
use serde::{Deserialize, Serialize};

use crate::rows::Rows;
use crate::{Error, Result};

/// Tokens that are written at most.
const MOST: usize = 32;

/// What a model wrote at some step of its training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Updates until then.
    pub step: u64,
    /// The source.
    pub source: String,
    /// The document, by its id.
    pub sample: String,
    /// Its text after its last picture, or behind its prompt.
    pub wanted: String,
    /// What the model wrote in its place, the likeliest token each time.
    pub written: String,
}

/// `samples.jsonl` of a run.
pub(crate) struct WrittenFile {
    path: PathBuf,
    lines: Vec<Written>,
}

impl WrittenFile {
    /// Opens the file of a run that has had `step` updates; lines beyond it will be written again.
    pub(crate) fn open(run: &Path, step: u64) -> Result<Self> {
        let path = run.join("samples.jsonl");
        let text = match path.exists() {
            true => fs::read_to_string(&path).map_err(Error::io("read", &path))?,
            false => String::new(),
        };
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Written| line.step <= step)
            .collect();
        Ok(Self { path, lines })
    }

    pub(crate) fn add(&mut self, lines: Vec<Written>) -> Result<()> {
        self.lines.extend(lines);
        let to_json = |line| serde_json::to_string(line).expect("texts can be written") + "\n";
        let text: String = self.lines.iter().map(to_json).collect();
        Ok(flamingo_files::write(&self.path, text.as_bytes())?)
    }
}

/// The place behind which the last text that is predicted in a single sequence begins, and that text; none if nothing is
/// predicted.
pub(crate) fn last_text(rows: &Rows) -> Option<(usize, Vec<u32>)> {
    let predicted = |label: &i64| *label != IGNORE;
    let last = rows.labels.iter().rposition(predicted)?;
    let first = rows.labels[..last]
        .iter()
        .rposition(|label| !predicted(label))
        .map_or(0, |before| before + 1);
    let text = rows.labels[first..=last].iter().map(|label| *label as u32);
    Some((first, text.collect()))
}

/// What a model writes behind the place `first` of a single sequence that has `count` media, the likeliest token each time, until a chunk
/// or the text ends.
pub(crate) fn greedily(
    model: &Flamingo,
    rows: &Rows,
    (media, count): (&Media, usize),
    first: usize,
    specials: &SpecialTokens,
    device: &Device,
) -> Vec<u32> {
    let mut ids = rows.input.ids[..=first].to_vec();
    let mut sees = rows.sees[..=first].to_vec();
    let mut written = Vec::new();
    let ends = [Some(specials.end_of_chunk), specials.eos];
    let longest = model.language.max_length();
    while written.len() < MOST && ids.len() <= longest {
        let looking = Looking::new(&sees, count, device);
        let input = TextInput::ragged(&ids, ids.len(), &[ids.len()]);
        let hidden = model.hidden(&input, media, &looking);
        let [_, length, width] = hidden.dims();
        let last = hidden
            .reshape([length, width])
            .select(0, indices(vec![length - 1], device));
        let likeliest = model.logits(last).inner().argmax(1).into_data();
        let likeliest: Vec<i64> = likeliest
            .convert::<i64>()
            .try_to_vec()
            .expect("converted to i64");
        let token = likeliest[0] as u32;
        if ends.contains(&Some(token)) {
            break;
        }
        written.push(token);
        ids.push(token);
        sees.extend(sees.last().cloned());
    }
    written
}
