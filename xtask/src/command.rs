//! Other programs, run so that a person sees what is run.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

/// The cargo that runs us, with the arguments of `line`, which are split at spaces.
pub(crate) fn cargo(line: &str) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(line.split_whitespace());
    command
}

/// Prints the command, runs it and waits for its end.
///
/// # Errors
/// If it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = printed(command);
    eprintln!("\n$ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs the command and gives what it prints.
///
/// # Errors
/// If it cannot be started or does not succeed; what it told is part of the error.
pub(crate) fn read(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot start `{program}`"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("`{program}` failed: {}: {}", output.status, told.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{program}` does not print UTF-8"))
}

fn printed(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        let value = value.unwrap_or_default().to_string_lossy();
        words.push(format!("{}='{value}'", name.to_string_lossy()));
    }
    words.push("cargo".to_owned());
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

/// The folder that cargo builds in.
pub(crate) fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_printed_as_a_person_would_type_it() {
        let mut command = cargo("doc  --no-deps");
        command.env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            printed(&command),
            "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps"
        );
    }
}
