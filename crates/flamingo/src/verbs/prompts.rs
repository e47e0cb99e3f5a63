//! Files of prompts, shots and candidates.

use std::io::Read;
use std::path::Path;

use flamingo::beside;
use flamingo::engine::Error;
use flamingo::sequence::{Candidates, Document, Line, read_candidates, read_jsonl, read_prompts};

use crate::failure::{Failure, Hint, Result};

const FORM: &str = "a prompt is {\"parts\": [{\"image\": \"a.png\"}, {\"text\": \"Output: a pig\"}, \
                    {\"end\": true}, ...]}";

/// Where prompts stand, for messages.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    file: String,
    /// The line of each prompt.
    numbers: Vec<usize>,
}

impl Lines {
    fn of<T>(file: &Path, lines: &[Line<T>]) -> Self {
        Self {
            file: name(file),
            numbers: lines.iter().map(|line| line.number).collect(),
        }
    }

    /// Why prompt `nth`, from 0, cannot be answered, with its line if it has one.
    pub(crate) fn told(&self, nth: usize, error: Error) -> Failure {
        let (nth, failure) = match error {
            Error::Prompt { number, source } => (number - 1, Failure::from(*source)),
            error => (nth, Failure::from(error)),
        };
        match self.numbers.get(nth) {
            Some(line) => Failure {
                message: format!("{}:{line}: {}", self.file, failure.message),
                ..failure
            },
            None => failure,
        }
    }
}

/// One document, or one a line; `-` is stdin.
pub(crate) fn prompts(file: &Path) -> Result<(Vec<Document>, Lines)> {
    let lines = read_prompts(&text(file)?, &name(file)).hint(FORM)?;
    let places = Lines::of(file, &lines);
    let documents = lines.into_iter().map(|line| beside(line.value, file));
    Ok((documents.collect(), places))
}

/// The documents of `--shots`; none without the flag.
pub(crate) fn shots(file: Option<&Path>) -> Result<Vec<Document>> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    let shots: Vec<Document> = read_jsonl(text(file)?.as_bytes(), &name(file))
        .collect::<Result<_, _>>()
        .hint(FORM)?;
    if shots.is_empty() {
        return Err(Failure::new(format!(
            "{} holds no shots: give one a line",
            name(file)
        )));
    }
    Ok(shots
        .into_iter()
        .map(|document| beside(document, file))
        .collect())
}

/// Documents with candidates, one a line.
pub(crate) fn candidates(file: &Path) -> Result<(Vec<Candidates>, Lines)> {
    let form = "a line is {\"parts\": [{\"text\": \"Output:\"}], \"candidates\": [\" a pig\", \" a dog\"]}";
    let lines: Vec<Line<Candidates>> = read_candidates(text(file)?.as_bytes(), &name(file))
        .collect::<Result<_, _>>()
        .hint(form)?;
    if lines.is_empty() {
        return Err(Failure::new(format!(
            "{} holds no prompts: give one a line",
            name(file)
        )));
    }
    let places = Lines::of(file, &lines);
    let line = |Line { value, .. }: Line<Candidates>| Candidates {
        document: beside(value.document, file),
        ..value
    };
    Ok((lines.into_iter().map(line).collect(), places))
}

fn name(file: &Path) -> String {
    if is_stdin(file) {
        "stdin".to_owned()
    } else {
        file.display().to_string()
    }
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn text(file: &Path) -> Result<String> {
    let bytes = if is_stdin(file) {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let name = name(file);
    let bytes = bytes.map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(format!("{name} is not UTF-8 text: {}", error.utf8_error())))
}
