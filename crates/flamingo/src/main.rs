//! The program `flamingo`: parses first, acts later; one file per verb.

mod args;
mod chat;
mod cli;
mod download_bar;
mod ending;
mod failure;
mod ffmpeg;
mod image_tower;
mod instructions;
mod interrupt;
mod memory;
mod output;
mod part_files;
mod photos_model;
mod sources;
mod standard_output;
mod store_settings;
mod together;
mod verbs;
mod writer;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use tracing_subscriber::filter::LevelFilter;

use crate::cli::Cli;

fn main() -> ExitCode {
    let cli = match Cli::command()
        .try_get_matches_from(cli::words(std::env::args_os()))
        .and_then(|m| Cli::from_arg_matches(&m))
    {
        Ok(cli) => cli,
        Err(error) => return ending::usage(&error),
    };
    start_logs(cli.verbose);
    ending::guarded(|| {
        instructions::limit()?;
        memory::keep_freed();
        verbs::run(cli)
    })
}

/// Logs go to stderr: warnings, with `-v` also what is done, with `-vv` everything.
fn start_logs(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(verbose > 1)
        .without_time()
        .init();
}
