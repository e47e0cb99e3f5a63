//! What a clone of a repository holds, by git.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// What git answers to a command in a clone.
///
/// # Errors
/// If git cannot be run, or fails.
pub(crate) fn git(clone: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(clone)
        .args(arguments)
        .output();
    let output = output.context("cannot run git")?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!(
            "git {} in {}: {}",
            arguments[0],
            clone.display(),
            told.trim()
        );
    }
    Ok(output.stdout)
}
