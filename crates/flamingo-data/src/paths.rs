//! The files that one path of a recipe names: itself, those of a pattern, or those of a list.
//!
//! A pattern is spelt as shells do: `{00000..00127}` counts, `{a,b}` lists, and `*`, `?` and `[..]` stand for
//! what is there. A list is a file that ends in `.txt`, with a path or pattern a line; relative ones start at
//! its folder, and lines that begin with `#` say nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The most files that one pattern may name.
const MOST: usize = 10_000_000;

/// Whether a path names others, so that it need not be there itself.
pub fn is_pattern(path: &Path) -> bool {
    let text = path.to_string_lossy();
    !path.exists() && text.contains(['{', '*', '?', '['])
}

/// Whether all that a path names is there; an address on the web is not.
pub fn is_there(path: &Path) -> bool {
    named(path).is_ok_and(|all| all.iter().all(|path| path.exists()))
}

/// The files and folders that a path names, in the order that it gives them; what stands for others is sorted.
///
/// # Errors
/// [`Error::Nothing`] for a pattern that cannot be read, finds nothing, or counts files of which some are not
/// there; [`Error::Read`].
pub(crate) fn named(path: &Path) -> Result<Vec<PathBuf>> {
    let ending = path.extension().unwrap_or_default();
    if ending.eq_ignore_ascii_case("txt") && path.is_file() {
        return listed(path);
    }
    match is_pattern(path) {
        true => matching(path),
        false => Ok(vec![path.to_path_buf()]),
    }
}

fn listed(path: &Path) -> Result<Vec<PathBuf>> {
    let text = fs::read_to_string(path).map_err(Error::read(path))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut all = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            all.extend(matching(&folder.join(line))?);
        }
    }
    match all.is_empty() {
        true => Err(nothing(path, "the list names no file")),
        false => Ok(all),
    }
}

fn matching(path: &Path) -> Result<Vec<PathBuf>> {
    if path.exists() {
        return Ok(vec![path.to_path_buf()]);
    }
    let spellings = braces(&path.to_string_lossy()).map_err(|problem| nothing(path, &problem))?;
    let mut all = Vec::new();
    let mut missing = Vec::new();
    for spelling in &spellings {
        if Path::new(spelling).exists() {
            all.push(PathBuf::from(spelling));
        } else if spelling.contains(['*', '?', '[']) {
            let found = glob::glob(spelling).map_err(|error| nothing(path, error.msg))?;
            let before = all.len();
            for entry in found {
                all.push(entry.map_err(|error| {
                    Error::read(error.path())(std::io::Error::from(error.error().kind()))
                })?);
            }
            if all.len() == before {
                missing.push(spelling);
            }
        } else {
            missing.push(spelling);
        }
    }
    match missing.first() {
        None => Ok(all),
        Some(first) => Err(nothing(
            path,
            &format!(
                "{} of the {} files that it names are not there, the first is {first}; correct the pattern or fetch them",
                missing.len(),
                spellings.len()
            ),
        )),
    }
}

fn nothing(path: &Path, problem: &str) -> Error {
    Error::Nothing {
        path: path.to_path_buf(),
        problem: problem.to_owned(),
    }
}

/// All spellings of a text with braces; braces that hold neither a comma nor a range stay as they are.
pub(crate) fn braces(text: &str) -> Result<Vec<String>, String> {
    let Some((before, choices, after)) = first_group(text)? else {
        return Ok(vec![text.to_owned()]);
    };
    let rest = braces(after)?;
    let mut all = Vec::new();
    for choice in choices {
        for choice in braces(&choice)? {
            if all.len() + rest.len() > MOST {
                return Err(format!("it names more than {MOST} files"));
            }
            all.extend(rest.iter().map(|rest| format!("{before}{choice}{rest}")));
        }
    }
    Ok(all)
}

/// What stands before the first group, its choices, and what stands behind it.
#[allow(clippy::type_complexity)]
fn first_group(text: &str) -> Result<Option<(&str, Vec<String>, &str)>, String> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let Some((inner, after)) = group(&text[open..]) else {
            return Err(format!("`{}` has no closing brace", &text[open..]));
        };
        let choices = match range(inner)? {
            Some(range) => range,
            None => split(inner),
        };
        if choices.len() > 1 {
            return Ok(Some((&text[..open], choices, after)));
        }
        from = open + 1;
    }
    Ok(None)
}

/// The inside of the braces that a text begins with, and what follows them.
fn group(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some((&text[1..at], &text[at + 1..])),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parts between the commas that lie in no inner braces.
fn split(inner: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0_i32);
    for letter in inner.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("never empty").push(letter);
    }
    parts
}

/// `007..12`, counted with as many digits as its longer end has if one of them begins with 0.
fn range(inner: &str) -> Result<Option<Vec<String>>, String> {
    let Some((first, last)) = inner.split_once("..") else {
        return Ok(None);
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Ok(None);
    }
    let parse = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("{text} in {{{inner}}} is too large"))
    };
    let (from, to) = (parse(first)?, parse(last)?);
    if from > to {
        return Err(format!(
            "{{{inner}}} counts down: write {{{last}..{first}}}"
        ));
    }
    if to - from >= MOST as u64 {
        return Err(format!("{{{inner}}} names more than {MOST} files"));
    }
    let is_padded = |text: &str| text.len() > 1 && text.starts_with('0');
    let digits = match is_padded(first) || is_padded(last) {
        true => first.len().max(last.len()),
        false => 1,
    };
    Ok(Some((from..=to).map(|n| format!("{n:0digits$}")).collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    fn names(folder: &Path, pattern: &str) -> Vec<String> {
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let found = named(&folder.join(pattern)).unwrap();
        found.into_iter().map(name).collect()
    }

    #[test]
    fn braces_are_spelt_out_as_shells_do() {
        let all = |text: &str| braces(text).unwrap();
        assert_eq!(all("a"), ["a"]);
        assert_eq!(
            all("a{08..11}.tar"),
            ["a08.tar", "a09.tar", "a10.tar", "a11.tar"]
        );
        assert_eq!(all("{9..11}"), ["9", "10", "11"]);
        assert_eq!(all("{0..1}{a,b}"), ["0a", "0b", "1a", "1b"]);
        assert_eq!(all("x{a,b{1..2},}"), ["xa", "xb1", "xb2", "x"]);
        assert_eq!(
            all("{one}-{a..z}-{1,2}"),
            ["{one}-{a..z}-1", "{one}-{a..z}-2"]
        );
        for (wrong, told) in [
            ("{3..1}", "{1..3}"),
            ("a{1,2", "no closing"),
            ("{0..99999999}", "more than"),
        ] {
            assert!(braces(wrong).unwrap_err().contains(told), "{wrong}");
        }
    }

    #[test]
    fn patterns_and_lists_name_the_files_that_are_there() {
        let folder = folder(&["s-00.tar", "s-01.tar", "s-02.tar", "t.tar", "{x}.tar"]);
        let path = folder.path();
        assert_eq!(
            names(path, "s-{00..02}.tar"),
            ["s-00.tar", "s-01.tar", "s-02.tar"]
        );
        assert_eq!(names(path, "s-*.tar"), ["s-00.tar", "s-01.tar", "s-02.tar"]);
        assert_eq!(
            names(path, "{t,s-0[12]}.tar"),
            ["t.tar", "s-01.tar", "s-02.tar"]
        );
        assert_eq!(names(path, "{x}.tar"), ["{x}.tar"]);
        fs::write(
            path.join("list.txt"),
            "\u{feff}# mine\nt.tar\n\n s-{01..02}.tar \n",
        )
        .unwrap();
        assert_eq!(names(path, "list.txt"), ["t.tar", "s-01.tar", "s-02.tar"]);
    }

    #[test]
    fn files_that_a_pattern_counts_but_that_are_not_there_are_told() {
        let folder = folder(&["s-00.tar"]);
        let told = |pattern: &str| named(&folder.path().join(pattern)).unwrap_err().to_string();
        let message = told("s-{00..02}.tar");
        assert!(
            message.contains("2 of the 3") && message.contains("s-01.tar"),
            "{message}"
        );
        assert!(told("u-*.tar").contains("u-*.tar"));
        fs::write(folder.path().join("list.txt"), "# nothing\n").unwrap();
        assert!(told("list.txt").contains("names no file"));
    }
}
