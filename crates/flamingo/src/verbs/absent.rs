//! Verbs that this program was built without: who asks for one is told the command that adds it.

use std::ffi::{OsStr, OsString};

use clap::Args;

use crate::failure::{Failure, Hint, Result};

/// What stands behind the verb, whatever it is.
#[derive(Debug, Args)]
pub(crate) struct Anything {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// The error of a verb that is not there, with the command that has it.
pub(super) fn refuse(args: &Anything, asked: &str, feature: &str) -> Result<()> {
    let words: Vec<_> = args.rest.iter().map(|word| quoted(word)).collect();
    let whole = [asked, words.join(" ").as_str()].join(" ");
    Err(Failure::new(format!(
        "`{asked}` is not in this program: it was built without the feature `{feature}`"
    )))
    .hint(format!(
        "cargo run --features {feature} -- {}; released programs have it, unless they are called lean",
        whole.trim_end()
    ))
}

/// A word as a shell takes it for one.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_=+./,:@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
