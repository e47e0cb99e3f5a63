//! `flamingo serve`, of a program without it.

use clap::Args;

use crate::failure::Result;
use crate::verbs::absent;

/// Answer over HTTP; not in this program, which lacks the feature `serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    anything: absent::Anything,
}

pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    absent::refuse(&args.anything, "serve", "serve")
}
