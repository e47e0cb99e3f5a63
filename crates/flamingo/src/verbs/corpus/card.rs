//! `flamingo corpus card`: the data card of a corpus.

use std::path::PathBuf;

use clap::Args;
use flamingo::corpus::Config;
use flamingo::corpus::build::Units;
use flamingo::corpus::card::Card;
use flamingo::corpus::folder;
use flamingo::corpus::summary::Summary;

use super::build::built;
use crate::failure::Result;
use crate::{output, writer};

/// Write the data card of a corpus anew: card.html and card.json in its folder.
#[derive(Debug, Args)]
pub(crate) struct CardArgs {
    /// The folder of `corpus build`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print the card as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CardArgs) -> Result<()> {
    let folder = built(&args.folder)?;
    let _lock = writer::alone(&args.folder)?;
    let units = Units::stored(&folder)?.len();
    let config = Config::read(&folder.path(folder::CONFIG))?;
    let card = Card::of(&config, &folder, Summary::of(&folder, units)?)?;
    card.write(&folder)?;
    if args.json {
        return output::json(&card);
    }
    output::line(&folder.path(folder::CARD).display().to_string())
}
