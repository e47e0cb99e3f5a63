//! `flamingo completions`: a script for a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Result;
use crate::output;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "flamingo", &mut script);
    output::piece(&String::from_utf8_lossy(&script))
}
