//! Ids of the Hugging Face hub, resolved to local directories.
//!
//! [`Hub::resolve`] turns `org/name` into the directory of a snapshot in the cache that Python's
//! `huggingface_hub` uses too: what either has downloaded, the other finds. The layout's names are
//! those of the crate `hf-hub`; the transfers are ours, as a weight file must be checked before it
//! takes its name.

mod cache;
mod cached;
mod client;
mod error;
mod failure;
mod fetch;
mod id;
mod listing;
mod names;
mod options;
mod part;
mod progress;
mod retry;

use std::path::PathBuf;

pub use error::HubError;
pub(crate) use error::Result;
pub use id::is_hub_id;
pub use options::HubOptions;
pub use progress::Progress;

use cache::RepoCache;
use cached::complete_snapshot;
use client::Client;
use failure::Subject;
use fetch::Fetch;
use id::RepoId;
use listing::{Listing, list};
use names::is_safe_name;
use retry::retrying;

/// Resolves ids by one hub and one cache.
#[derive(Clone, Debug)]
pub struct Hub {
    options: HubOptions,
}

impl Hub {
    /// A hub as the options describe it. Nothing is asked or read yet.
    pub fn new(options: HubOptions) -> Self {
        Self { options }
    }

    /// The local directory of `org/name` or `org/name@revision`, with all of its files whose names
    /// are `wanted`. Those that the cache lacks are downloaded.
    ///
    /// Offline, or where the hub does not answer, a snapshot in the cache is good enough if all of
    /// it is there that is known to belong to it.
    ///
    /// # Errors
    ///
    /// Says in each case which id, which hub and what to do next; see [`HubError`].
    pub fn resolve(
        &self,
        id: &str,
        wanted: &dyn Fn(&str) -> bool,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf> {
        let id = RepoId::parse(id, self.options.revision.as_deref())?;
        let cache = RepoCache::new(&self.options.cache, &id);
        if self.options.offline {
            let snapshot = complete_snapshot(&cache, &id.revision, wanted);
            return snapshot.map_err(|missing| self.offline(&id, missing));
        }
        let client = Client::new(&self.options)?;
        let listing = retrying(|| list(&client, &id));
        match listing.map_err(|failure| self.subject(&id).explain(failure)) {
            Ok(listing) => {
                let names = wanted_names(&id, &listing, wanted)?;
                let fetch = Fetch {
                    client: &client,
                    cache: &cache,
                    commit: &listing.commit,
                    subject: self.subject(&id),
                };
                fetch.files(&names, progress)
            }
            Err(error) if error.is_outage() => {
                let snapshot = complete_snapshot(&cache, &id.revision, wanted);
                let snapshot = snapshot.map_err(|_| error)?;
                let endpoint = &self.options.endpoint;
                tracing::warn!("{endpoint} gave no answer for {id}: using the copy in the cache");
                Ok(snapshot)
            }
            Err(error) => Err(error),
        }
    }

    fn subject<'a>(&'a self, id: &'a RepoId) -> Subject<'a> {
        let has_token = self.options.token.is_some();
        Subject {
            id,
            file: None,
            endpoint: &self.options.endpoint,
            has_token,
        }
    }

    fn offline(&self, id: &RepoId, missing: String) -> HubError {
        HubError::Offline {
            id: id.to_string(),
            endpoint: self.options.endpoint.clone(),
            cache: self.options.cache.clone(),
            missing,
            command: id.download_command(),
        }
    }
}

/// The wanted names of a listing, once all of them are known to be safe.
fn wanted_names<'a>(
    id: &RepoId,
    listing: &'a Listing,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<&'a str>> {
    let all = listing.files.iter().map(String::as_str);
    let names: Vec<&str> = all.filter(|name| wanted(name)).collect();
    if let Some(name) = names.iter().find(|name| !is_safe_name(name)) {
        return Err(HubError::UnsafeName {
            id: id.to_string(),
            name: (*name).to_owned(),
        });
    }
    if names.is_empty() {
        return Err(HubError::NothingWanted {
            id: id.to_string(),
            files: listing.files.len(),
        });
    }
    Ok(names)
}
