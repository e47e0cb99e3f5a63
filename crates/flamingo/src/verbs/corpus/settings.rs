//! Filters and permissions of verbs that need no whole configuration.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flamingo::corpus::Config;
#[cfg(feature = "corpus")]
use flamingo::corpus::deduplication::Deduplication;
use flamingo::corpus::filters::{self, FilterConfig};
use flamingo::crawl::FetchConfig;

use crate::failure::Result;

/// Where settings come from.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// A configuration of `corpus build`, whose filters, permissions and deduplication are used
    #[arg(long, value_name = "corpus.toml", conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// The filters' thresholds
    #[arg(long, value_enum, default_value = "paper")]
    preset: Preset,
}

/// Named sets of thresholds.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// Flamingo's M3W, where the paper says what it is
    Paper,
    /// OBELICS
    Obelics,
    /// Multimodal C4
    Mmc4,
    /// Nothing is dropped
    None,
}

/// The settings that were found.
pub(crate) struct Found {
    pub(crate) filters: FilterConfig,
    pub(crate) fetch: FetchConfig,
    #[cfg(feature = "corpus")]
    pub(crate) deduplication: Deduplication,
    /// Where their relative paths start.
    pub(crate) folder: PathBuf,
}

impl Settings {
    pub(crate) fn read(&self) -> Result<Found> {
        if let Some(path) = &self.config {
            let config = Config::read(path)?;
            return Ok(Found {
                filters: config.filters,
                fetch: config.fetch,
                #[cfg(feature = "corpus")]
                deduplication: config.deduplication,
                folder: path.parent().unwrap_or(Path::new("")).to_path_buf(),
            });
        }
        let preset = match self.preset {
            Preset::Paper => filters::Preset::Paper,
            Preset::Obelics => filters::Preset::Obelics,
            Preset::Mmc4 => filters::Preset::Mmc4,
            Preset::None => filters::Preset::None,
        };
        Ok(Found {
            filters: FilterConfig::preset(preset),
            fetch: FetchConfig::default(),
            #[cfg(feature = "corpus")]
            deduplication: Deduplication::default(),
            folder: PathBuf::new(),
        })
    }
}
