//! What a program writes about itself: completions and manual. And how long it takes to start.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use super::archive::Entry;
use crate::command::read;

/// Shells and the names that they look for.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "flamingo.bash"),
    ("elvish", "flamingo.elv"),
    ("fish", "flamingo.fish"),
    ("powershell", "_flamingo.ps1"),
    ("zsh", "_flamingo"),
];
/// How often the start is measured.
const STARTS: u32 = 20;

/// Whether programs for `target` run on `host`.
pub(crate) fn runs_here(target: &str, host: &str) -> bool {
    let linux = |triple: &str| triple.contains("-linux-gnu") || triple.contains("-linux-musl");
    let architecture = |triple: &str| triple.split('-').next().map(str::to_owned);
    // A static program needs no C library of the machine's.
    let static_here = linux(host) && target.contains("-linux-musl");
    target == host || (static_here && architecture(target) == architecture(host))
}

/// Completions and manual, as `program` of `version` writes them.
///
/// # Errors
/// If it does not run, or is of another version.
pub(crate) fn papers(program: &Path, version: &str) -> anyhow::Result<BTreeMap<String, Entry>> {
    let says = read(command(program).arg("--version"))?;
    if says.trim() != format!("flamingo {version}") {
        bail!(
            "{} is {}, this is flamingo {version}: build it again",
            program.display(),
            says.trim()
        );
    }
    let mut files = BTreeMap::new();
    for (shell, name) in COMPLETIONS {
        let script = read(command(program).args(["completions", shell]))?;
        files.insert(format!("completions/{name}"), Entry::text(script));
    }
    let folder = tempfile::tempdir().context("cannot create a folder for the manual")?;
    read(command(program).args(["man", "--dir"]).arg(folder.path()))?;
    for page in fs::read_dir(folder.path()).context("cannot read the manual")? {
        let page = page.context("cannot read the manual")?;
        let name = page.file_name().to_string_lossy().into_owned();
        let text = fs::read(page.path()).with_context(|| format!("cannot read {name}"))?;
        files.insert(format!("man/{name}"), Entry::text(text));
    }
    Ok(files)
}

/// The program, which may be given as a path that is no command by itself.
fn command(program: &Path) -> Command {
    let whole = fs::canonicalize(program);
    Command::new(whole.unwrap_or_else(|_| program.to_owned()))
}

/// What `--version` takes of the processor, on average; on systems that do not tell, nothing.
///
/// # Errors
/// If the program does not run.
pub(crate) fn time_of_start(program: &Path) -> anyhow::Result<Option<Duration>> {
    let before = time_of_children();
    for _ in 0..STARTS {
        read(command(program).arg("--version"))?;
    }
    let both = before.zip(time_of_children());
    Ok(both.map(|(before, after)| (after - before) / STARTS))
}

/// The processor's time that ended children of this process took, their own and the kernel's.
#[cfg(unix)]
fn time_of_children() -> Option<Duration> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a whole `rusage`, of which all zeros are valid, and the call only writes to it.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        let seconds = u64::try_from(time.tv_sec).ok()?;
        let micros = u64::try_from(time.tv_usec).ok()?;
        Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
    };
    Some(time(usage.ru_utime)? + time(usage.ru_stime)?)
}

#[cfg(not(unix))]
fn time_of_children() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn static_programs_run_on_any_linux_of_their_architecture() {
        let host = "x86_64-unknown-linux-gnu";
        assert!(runs_here(host, host));
        assert!(runs_here("x86_64-unknown-linux-musl", host));
        assert!(!runs_here("aarch64-unknown-linux-musl", host));
        assert!(!runs_here("aarch64-unknown-linux-gnu", host));
        assert!(!runs_here("x86_64-pc-windows-msvc", host));
    }

    /// A program that says and writes what flamingo would.
    #[cfg(unix)]
    fn stand_in(folder: &Path) -> std::path::PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("stand-in");
        let script = "#!/bin/sh\ncase $1 in\n--version) echo flamingo 2.3.5;;\ncompletions) echo for $2;;\n\
                      man) echo .TH > $3/flamingo.1; echo .TH > $3/flamingo-ask.1;;\nesac\n";
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    #[cfg(unix)]
    fn a_program_writes_its_completions_and_every_page_of_its_manual() {
        let folder = tempfile::tempdir().unwrap();
        let files = papers(&stand_in(folder.path()), "2.3.5").unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let expected = [
            "completions/_flamingo",
            "completions/_flamingo.ps1",
            "completions/flamingo.bash",
            "completions/flamingo.elv",
            "completions/flamingo.fish",
            "man/flamingo-ask.1",
            "man/flamingo.1",
        ];
        assert_eq!(names, expected);
        assert_eq!(files["completions/_flamingo"], Entry::text("for zsh\n"));
    }

    #[test]
    #[cfg(unix)]
    fn a_program_of_another_version_is_refused_with_both() {
        let folder = tempfile::tempdir().unwrap();
        let error = papers(&stand_in(folder.path()), "2.3.7")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("is flamingo 2.3.5, this is flamingo 2.3.7"),
            "{error}"
        );
    }

    #[test]
    #[cfg(unix)]
    fn starting_a_program_takes_some_time() {
        let folder = tempfile::tempdir().unwrap();
        let time = time_of_start(&stand_in(folder.path())).unwrap();
        assert!(time.unwrap() > Duration::ZERO);
    }
}
