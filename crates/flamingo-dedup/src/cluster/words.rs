//! Errors of the engine in words: nodes send them as Rust prints its own values.

use std::io;

/// What stands before what happened.
const BEFORE: [&str; 10] = [
    "Task failed due to IO error: ",
    "Task failed due to runtime execution error: ",
    "Execution error: ",
    "External error: ",
    "General error: ",
    "DataFusion error: ",
    "Arrow error: ",
    "IO error: ",
    "Internal Ballista error: ",
    "Object Store error: ",
];

/// The error without the names of types around it: what the system said and of which file, if it comes from the system,
/// else the innermost message.
pub(super) fn plain(error: &str) -> String {
    if let Some(said) = system_error(error) {
        return match file(error) {
            Some(path) => format!("{path}: {said}"),
            None => said,
        };
    }
    if let Some((_, said)) = error
        .split_once("code: '")
        .and_then(|(_, status)| status.split_once("message: \""))
    {
        return unquoted(said);
    }
    let mut text = error.trim();
    while let Some(inner) = before(text).or_else(|| job(text)).or_else(|| wrapped(text)) {
        text = inner.trim();
    }
    text.strip_prefix('"')
        .map_or_else(|| text.to_owned(), unquoted)
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What the system says for the number in `os error 28` or `Os { code: 28, ..`.
fn system_error(text: &str) -> Option<String> {
    let number = ["os error ", "Os { code: "].iter().find_map(|before| {
        let rest = &text[text.find(before)? + before.len()..];
        let end = rest.find(|letter: char| !letter.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })?;
    let said = io::Error::from_raw_os_error(number).to_string();
    let end = said.find(" (os error").unwrap_or(said.len());
    Some(said[..end].to_lowercase())
}

/// The file that the error names.
fn file(text: &str) -> Option<String> {
    let quoted = |before: &str| {
        let rest = &text[text.find(before)? + before.len()..];
        Some(unquoted(rest)).filter(|path| path.starts_with('/'))
    };
    quoted("path: \"").or_else(|| quoted("at path \""))
}

fn before(text: &str) -> Option<&str> {
    BEFORE.iter().find_map(|before| text.strip_prefix(before))
}

/// What follows `Job ID failed: ` or `Error planning job ID: `.
fn job(text: &str) -> Option<&str> {
    let after = |start: &str, end: &str| {
        let (id, rest) = text.strip_prefix(start)?.split_once(end)?;
        (!id.contains(' ')).then_some(rest)
    };
    after("Job ", " failed: ").or_else(|| after("Error planning job ", ": "))
}

/// What stands in `Name(..)`.
fn wrapped(text: &str) -> Option<&str> {
    let (name, inner) = text.strip_suffix(')')?.split_once('(')?;
    let named = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric());
    named.then_some(inner)
}

/// A string as Rust prints it, from behind its first quotation mark to its last.
fn unquoted(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => match letters.next() {
                Some('n' | 't' | 'r') => plain.push(' '),
                Some(other) => plain.push(other),
                None => break,
            },
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_errors_are_what_it_says_and_of_which_file() {
        let full = "Task failed due to IO error: IoError(Os { code: 28, kind: StorageFull, message: \"No space left on device\" })";
        assert_eq!(plain(full), "no space left on device");
        let denied = "ObjectStore(Generic { store: \"LocalFileSystem\", source: UnableToCreateFile { source: Os { code: 13, \
                      kind: PermissionDenied, message: \"Permission denied\" }, path: \"/data/a b\" } })";
        assert_eq!(plain(denied), "/data/a b: permission denied");
        assert_eq!(
            plain("Io error: gone (os error 2)"),
            "no such file or directory"
        );
    }

    #[test]
    fn other_errors_lose_the_names_of_types_around_them() {
        let nested = "Job x1 failed: Task failed due to runtime execution error: DataFusionError(ResourcesExhausted(\"needs \\\"more\\\"\\nmemory\"))";
        assert_eq!(plain(nested), "needs \"more\" memory");
        let pair = "ArrowError(ComputeError(\"overflow\"), Some(\"\"))";
        assert_eq!(plain(pair), "overflow");
        assert_eq!(
            plain("Execution error: Job 7f failed: executor a is gone"),
            "executor a is gone"
        );
        assert_eq!(plain("said plainly (here)"), "said plainly (here)");
        let status = "status: code: 'Unknown error', message: \"the \\\"stream\\\" ended\", source: hyper::Error(Body, Error { kind: Io })";
        assert_eq!(plain(status), "the \"stream\" ended");
    }
}
