//! Other programs, run so that a person sees what is run.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

/// What cargo says of a package to the program that it runs, by how the names begin.
const OF_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// The cargo that runs us, with the arguments of `line`, which are split at spaces.
///
/// It does not learn about our package: build scripts such as that of `ring` ask for these variables, and would run
/// again, with all that depends on them, whenever a person and xtask call cargo in turn.
pub(crate) fn cargo(line: &str) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(line.split_whitespace());
    for (name, _) in env::vars_os() {
        if is_of_package(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn is_of_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    OF_PACKAGE.iter().any(|start| name.starts_with(start))
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
        if let Some(value) = value {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            words.push(format!("{name}='{value}'"));
        }
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

    #[test]
    fn what_cargo_says_of_our_package_goes_no_further() {
        let command = cargo("build");
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_owned())
            .collect();
        // Tests run under cargo, too.
        assert!(removed.contains(&"CARGO_PKG_NAME".into()), "{removed:?}");
        assert!(!removed.contains(&"CARGO_HOME".into()), "{removed:?}");
    }
}
