//! `flamingo man`: the manual, for `man` to show.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::{Man, generate_to};

use crate::failure::{Failure, Result};
use crate::output;

/// Print the program's manual page, or write a page for every verb.
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct ManArgs {
    /// Write flamingo.1 and a page for every verb into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, command: Command) -> Result<()> {
    match &args.dir {
        Some(folder) => write_pages(folder, command),
        None => {
            let mut page = Vec::new();
            // As the pages in a folder are made: `help` is no verb of its own there.
            let command = command.disable_help_subcommand(true);
            Man::new(command).render(&mut page)?;
            output::piece(&String::from_utf8_lossy(&page))
        }
    }
}

fn write_pages(folder: &Path, command: Command) -> Result<()> {
    fs::create_dir_all(folder)
        .and_then(|()| generate_to(command, folder))
        .map_err(|error| {
            let folder = folder.display();
            Failure::new(format!("cannot write the manual to {folder}: {error}"))
        })
}
