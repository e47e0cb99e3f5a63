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
    let failed = |error: std::io::Error| {
        let folder = folder.display();
        Failure::new(format!("cannot write the manual to {folder}: {error}"))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    // It writes by itself, and not whole.
    let made = tempfile::tempdir().map_err(failed)?;
    generate_to(command, made.path()).map_err(failed)?;
    for page in fs::read_dir(made.path()).map_err(failed)? {
        let page = page.map_err(failed)?;
        let text = fs::read(page.path()).map_err(failed)?;
        flamingo_files::write(&folder.join(page.file_name()), &text)?;
    }
    Ok(())
}
