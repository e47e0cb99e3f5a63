//! What CI and people run: `cargo xtask check`, `demo-model`, `dist`, `examples`, `faults`, `photos-data`,
//! `photos-model`.

#![allow(clippy::print_stderr, reason = "a program for people at a terminal")]

mod check;
mod clone;
mod command;
mod demo_model;
mod dist;
mod faults;
mod lean;
mod pen_figures;
mod photos_data;
mod photos_model;
mod structure;
mod textbooks;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::command::cargo;

const WRITE_EXAMPLES: &str =
    "run --quiet --package flamingo-world --example write_examples -- examples";

/// The work on this repository that is more than one command of cargo's.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change lands: all steps, or those named
    Check {
        /// The steps to take
        #[arg(value_enum)]
        steps: Vec<check::Step>,
    },
    /// Make models/demo from nothing: the world, then three trainings
    DemoModel(demo_model::Options),
    /// Build the program as it is given away: optimised, stripped, packed with all that goes with it
    Dist(dist::Options),
    /// Kill processes at random moments and compare what they make with what they make in one go
    #[command(subcommand)]
    Faults(faults::Fault),
    /// Write examples/ again: shots and queries of the demo world
    Examples,
    /// The photos that models/photos is trained on, from clones of the repositories that have them
    PhotosData(photos_data::Options),
    /// Make models/photos from its photos
    PhotosModel(photos_model::Options),
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    match run(task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::set_current_dir(&root)
        .with_context(|| format!("cannot enter the repository at {}", root.display()))?;
    match task {
        Task::Check { steps } => check::run(&steps),
        Task::DemoModel(options) => demo_model::run(&options),
        Task::Dist(options) => dist::run(&options),
        Task::Faults(fault) => faults::run(&fault),
        Task::Examples => command::run(&mut cargo(WRITE_EXAMPLES)),
        Task::PhotosData(options) => photos_data::run(&options),
        Task::PhotosModel(options) => photos_model::run(&options),
    }
}
