//! Files of prompts, shots and candidates.

use std::io::Read;
use std::path::Path;

use flamingo::beside;
use flamingo::sequence::{Candidates, Document, read_candidates, read_jsonl, read_prompts};

use crate::failure::{Failure, Hint, Result};

const FORM: &str = "a prompt is {\"parts\": [{\"image\": \"a.png\"}, {\"text\": \"Output: a pig\"}, \
                    {\"end\": true}, ...]}";

/// One document, or one a line; `-` is stdin.
pub(crate) fn prompts(file: &Path) -> Result<Vec<Document>> {
    let documents = read_prompts(&text(file)?, &name(file)).hint(FORM)?;
    Ok(documents
        .into_iter()
        .map(|document| beside(document, file))
        .collect())
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
pub(crate) fn candidates(file: &Path) -> Result<Vec<Candidates>> {
    let form = "a line is {\"parts\": [{\"text\": \"Output:\"}], \"candidates\": [\" a pig\", \" a dog\"]}";
    let lines: Vec<Candidates> = read_candidates(text(file)?.as_bytes(), &name(file))
        .collect::<Result<_, _>>()
        .hint(form)?;
    if lines.is_empty() {
        return Err(Failure::new(format!(
            "{} holds no prompts: give one a line",
            name(file)
        )));
    }
    let line = |line: Candidates| Candidates {
        document: beside(line.document, file),
        ..line
    };
    Ok(lines.into_iter().map(line).collect())
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
