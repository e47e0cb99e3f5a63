//! The steps of `cargo xtask check`, the cheapest first, all in cargo's dev profile.

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use crate::command::{cargo, run as execute, target_folder};
use crate::{lean, structure};

/// All that can run on any machine; this one turns on those below it.
const FEATURES: &str = "flamingo/cluster,flamingo/serve,flamingo/stores";
/// What needs a library of the machine, and the command that comes with it.
const WITH_MPI: (&str, &str) = ("flamingo/mpi", "mpicc");
/// The packages of which features change the code.
const FEATURED: [&str; 5] = [
    "flamingo",
    "flamingo-corpus",
    "flamingo-data",
    "flamingo-dedup",
    "flamingo-serve",
];

/// The features that can run on this machine.
fn features() -> String {
    let (feature, command) = WITH_MPI;
    match Command::new(command).arg("--version").output() {
        Ok(_) => format!("{FEATURES},{feature}"),
        Err(_) => {
            eprintln!("there is no {command}: {feature} is not built");
            FEATURES.to_owned()
        }
    }
}

/// The tests of what is behind features: always of the same packages, for others would be compiled anew.
pub(crate) fn featured_tests() -> Command {
    let mut command = cargo("test --features");
    command
        .arg(features())
        .args(FEATURED.map(|name| format!("--package={name}")));
    command
}

/// A thing that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// The code is formatted
    Format,
    /// Licences and sources of the dependencies are those that deny.toml allows
    Licences,
    /// Crates use only those below them, no files of a crate use each other in a circle, and the program without features
    /// is lean
    Structure,
    /// Clippy and the compiler have nothing to say
    Lints,
    /// The documentation builds without a warning
    Docs,
    /// The program answers: `doctor` and a short `demo`
    Program,
    /// The tests of the program without features pass
    Tests,
    /// The tests of what is behind features pass, and those of xtask
    Features,
}

/// Takes the steps, or all of them if none are named; stops at the first that fails.
///
/// # Errors
/// If a step fails.
pub(crate) fn run(steps: &[Step]) -> anyhow::Result<()> {
    let all = Step::value_variants();
    for step in if steps.is_empty() { all } else { steps } {
        step.run()?;
    }
    eprintln!("\ncheck: all is well");
    Ok(())
}

impl Step {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Step::Format => execute(&mut cargo("fmt --all --check")),
            // Not `advisories`: they need a database from the network, and change without us.
            Step::Licences => execute(&mut cargo("deny check licenses bans sources")),
            Step::Structure => {
                eprintln!("\n$ cargo xtask check structure");
                structure::check(Path::new("."))?;
                lean::check()
            }
            Step::Lints => {
                execute(cargo("clippy --workspace --all-targets --features").args([
                    &features(),
                    "--",
                    "--deny",
                    "warnings",
                ]))?;
                execute(&mut cargo("clippy --all-targets -- --deny warnings"))
            }
            Step::Docs => execute(
                cargo("doc --workspace --no-deps --features")
                    .arg(features())
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Step::Tests => execute(&mut cargo("test")),
            Step::Features => {
                execute(&mut featured_tests())?;
                execute(&mut cargo("test --package xtask"))
            }
            Step::Program => {
                execute(&mut cargo("run --quiet -- doctor"))?;
                let page = target_folder().join("check-demo.html");
                execute(cargo("run --quiet -- demo --queries 20 --json --html").arg(page))
            }
        }
    }
}
