//! Verbs that this program was built without: who asks for one is told the command that adds it.

use std::ffi::OsString;

use clap::Args;

use crate::failure::{Failure, Hint, Result};

/// What stands behind the verb, whatever it is.
#[derive(Debug, Args)]
pub(crate) struct Anything {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// The error of a verb that is not there, with the command that has it.
pub(super) fn refuse(args: &Anything, verb: &str, feature: &str) -> Result<()> {
    let words: Vec<_> = args
        .rest
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let asked = ["corpus", verb].join(" ");
    let whole = [&asked, words.join(" ").as_str()].join(" ");
    Err(Failure::new(format!(
        "`{asked}` is not in this program: it was built without the feature `{feature}`"
    )))
    .hint(format!(
        "cargo run --features {feature} -- {}; released programs have it",
        whole.trim_end()
    ))
}
