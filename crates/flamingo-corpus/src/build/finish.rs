//! Stage `finish`: what all units tell, added up; the data card and the manifest.

use super::{Stage, Units, report};
use crate::card::Card;
use crate::config::Config;
use crate::error::Result;
use crate::folder::{self, Folder};
use crate::manifest::Manifest;
use crate::summary::Summary;

pub(super) fn finish(config: &Config, folder: &Folder, units: &Units) -> Result<()> {
    let settings = config.fingerprint(Stage::Finish);
    if report::is_done(folder, Stage::Finish, 0, &settings) {
        return Ok(());
    }
    folder.sweep()?;
    let summary = Summary::of(folder, units.len())?;
    Card::of(config, folder, summary.clone())?.write(folder)?;
    let manifest = Manifest::new(config, settings, units, summary);
    folder.write_json(folder::MANIFEST, &manifest)
}
