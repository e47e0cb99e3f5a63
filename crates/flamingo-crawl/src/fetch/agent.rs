//! Who asks: the settings, the connections, and what is known of sites, for all lists.

use std::fmt::{self, Debug};
use std::sync::Arc;

use super::clock::Clock;
use super::config::{FetchConfig, seconds};
use super::names::{Lookup, NameRules, Names};
use super::request::Client;
use super::sites::Sites;
use crate::{OptOutList, Result};

/// What all turns use.
pub(super) struct Agent {
    pub(super) config: FetchConfig,
    pub(super) client: Client,
    pub(super) sites: Sites,
    pub(super) opt_out: OptOutList,
    pub(super) clock: Arc<dyn Clock>,
}

impl Agent {
    pub(super) fn new(
        config: FetchConfig,
        lookup: Arc<dyn Lookup>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        config.check()?;
        let rules = NameRules {
            found_for: seconds(config.names_kept),
            not_found_for: seconds(config.missing_names_kept),
            allow_private: config.allow_private_addresses,
        };
        Ok(Self {
            client: Client::new(&config, Arc::new(Names::new(lookup, rules))),
            sites: Sites::new(seconds(config.robots_kept)),
            opt_out: OptOutList::read(&config.opt_out)?,
            clock,
            config,
        })
    }
}

impl Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
