//! Files by path or URL: local ones by the system, others through `object_store`, for code that blocks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::{Error, Result};

/// How much of an object is asked for at once.
const PIECE: u64 = 8 << 20;
/// Folders deeper than this are not looked into.
const MAX_DEPTH: usize = 64;

/// Opens files by path or URL, and keeps connections to the stores that were used.
#[derive(Clone, Default)]
pub struct Stores(Arc<Inner>);

#[derive(Default)]
struct Inner {
    settings: Vec<(String, String)>,
    open: Mutex<BTreeMap<String, Arc<dyn ObjectStore>>>,
    runtime: OnceLock<Runtime>,
}

/// A file that is being read.
pub(crate) struct Opened {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) size: u64,
}

/// What a path or URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    File(u64),
    Folder,
}

/// An object in its store.
struct Object {
    store: Arc<dyn ObjectStore>,
    key: Key,
}

/// A path or URL, told apart.
enum Name {
    Local(PathBuf),
    Remote(Url),
}

impl Stores {
    /// Stores with settings by the names that `object_store` gives them, such as `aws_region`.
    #[must_use]
    pub fn new(settings: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Arc::new(Inner {
            settings: settings.into_iter().collect(),
            ..Inner::default()
        }))
    }

    /// Uses a store for all URLs of a scheme and host, such as `memory://here`.
    pub fn register(&self, root: &str, store: Arc<dyn ObjectStore>) {
        self.open_stores().insert(root.to_owned(), store);
    }

    pub(crate) fn open(&self, name: &str) -> Result<Opened> {
        self.open_at(name, 0)
    }

    /// Reads from an offset to the file's end.
    pub(crate) fn open_at(&self, name: &str, offset: u64) -> Result<Opened> {
        match parse(name) {
            Name::Local(path) => {
                let open = || -> io::Result<Opened> {
                    let mut file = File::open(&path)?;
                    if offset > 0 {
                        file.seek(SeekFrom::Start(offset))?;
                    }
                    Ok(Opened {
                        size: file.metadata()?.len(),
                        reader: Box::new(file),
                    })
                };
                open().map_err(Error::io(name))
            }
            Name::Remote(url) => {
                let object = self.object(&url)?;
                let (store, key) = (Arc::clone(&object.store), object.key.clone());
                let meta = self.wait(async move { store.head(&key).await });
                let size = meta.map_err(store_error(name))?.size;
                let reader = Box::new(Pieces {
                    stores: self.clone(),
                    object,
                    piece: bytes::Bytes::new(),
                    next: offset,
                    size,
                    ahead: None,
                });
                Ok(Opened { reader, size })
            }
        }
    }

    /// The bytes from `offset` on, fewer than `length` if the file ends.
    pub(crate) fn read_range(&self, name: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
        match parse(name) {
            Name::Local(path) => {
                let read = || -> io::Result<Vec<u8>> {
                    let mut file = File::open(&path)?;
                    file.seek(SeekFrom::Start(offset))?;
                    let left = file.metadata()?.len().saturating_sub(offset).min(length);
                    // One more than there is: the end is seen without growing.
                    let mut bytes = Vec::with_capacity(usize::try_from(left).unwrap_or(0) + 1);
                    file.take(length).read_to_end(&mut bytes)?;
                    Ok(bytes)
                };
                read().map_err(Error::io(name))
            }
            Name::Remote(url) => {
                let Object { store, key } = self.object(&url)?;
                let range = offset..offset.saturating_add(length);
                let bytes = self.wait(async move { store.get_range(&key, range).await });
                Ok(bytes.map_err(store_error(name))?.to_vec())
            }
        }
    }

    /// Whether a name is that of a file or of a folder; `None` if there is neither.
    pub(crate) fn entry(&self, name: &str) -> Result<Option<Entry>> {
        match parse(name) {
            Name::Local(path) => match std::fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => Ok(Some(Entry::Folder)),
                Ok(meta) => Ok(Some(Entry::File(meta.len()))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::io(name)(error)),
            },
            Name::Remote(url) => {
                let Object { store, key } = self.object(&url)?;
                match self.wait(async move { store.head(&key).await }) {
                    Ok(meta) => return Ok(Some(Entry::File(meta.size))),
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(store_error(name)(error)),
                }
                let Object { store, key } = self.object(&url)?;
                let first = async move { store.list(Some(&key)).try_next().await };
                let first = self.wait(first).map_err(store_error(name))?;
                Ok(first.map(|_| Entry::Folder))
            }
        }
    }

    /// The files below a folder, in order of name: their paths from there, with `/` between names.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<String>> {
        let mut files = match parse(folder) {
            Name::Local(path) => {
                let mut files = Vec::new();
                list_folder(&path, "", 0, &mut files).map_err(Error::io(folder))?;
                files
            }
            Name::Remote(url) => {
                let Object { store, key } = self.object(&url)?;
                let prefix = key.clone();
                let listed = async move { store.list(Some(&key)).try_collect::<Vec<_>>().await };
                let listed = self.wait(listed).map_err(store_error(folder))?;
                let below = listed.into_iter().filter_map(|meta| {
                    let parts = meta.location.prefix_match(&prefix)?;
                    let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
                    (!parts.is_empty()).then(|| parts.join("/"))
                });
                below.collect()
            }
        };
        files.sort_unstable();
        Ok(files)
    }

    fn object(&self, url: &Url) -> Result<Object> {
        let root = url[..url::Position::BeforePath].to_owned();
        let key = Key::from_url_path(url.path()).map_err(|error| Error::Store {
            name: url.to_string(),
            source: error.into(),
        })?;
        if let Some(store) = self.open_stores().get(&root) {
            let store = Arc::clone(store);
            return Ok(Object { store, key });
        }
        check_support(url)?;
        let settings = self.0.settings.iter().cloned();
        let opened = object_store::parse_url_opts(url, settings);
        let (store, key) = opened.map_err(store_error(url.as_str()))?;
        let store: Arc<dyn ObjectStore> = Arc::from(store);
        self.register(&root, Arc::clone(&store));
        Ok(Object { store, key })
    }

    fn open_stores(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn ObjectStore>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something on threads of our own, so that callers may be on a runtime's thread or not.
    fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<Receiver<T>> {
        let runtime = match self.0.runtime.get() {
            Some(runtime) => runtime,
            None => {
                let runtime = Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()?;
                self.0.runtime.get_or_init(|| runtime)
            }
        };
        let (sender, receiver) = sync_channel(1);
        runtime.spawn(async move {
            // Nobody waits any more if this fails.
            let _ = sender.send(work.await);
        });
        Ok(receiver)
    }

    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> object_store::Result<T> {
        let receiver = self.start(work).map_err(generic)?;
        receiver.recv().map_err(generic)?
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Settings hold secrets.
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}

fn generic(source: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic {
        store: "stores",
        source: Box::new(source),
    }
}

fn store_error(name: &str) -> impl FnOnce(object_store::Error) -> Error {
    let name = name.to_owned();
    move |source| Error::Store { name, source }
}

/// An object read piece by piece; while one is used, the next is on its way.
struct Pieces {
    stores: Stores,
    object: Object,
    piece: bytes::Bytes,
    /// Where the piece begins that is asked for next.
    next: u64,
    size: u64,
    ahead: Option<Receiver<object_store::Result<bytes::Bytes>>>,
}

impl Pieces {
    fn ask(&mut self) -> io::Result<()> {
        if self.next < self.size {
            let range = self.next..self.size.min(self.next + PIECE);
            self.next = range.end;
            let (store, key) = (Arc::clone(&self.object.store), self.object.key.clone());
            let work = async move { store.get_range(&key, range).await };
            self.ahead = Some(self.stores.start(work)?);
        }
        Ok(())
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            if self.ahead.is_none() {
                self.ask()?;
            }
            let Some(ahead) = self.ahead.take() else {
                return Ok(0);
            };
            let piece = ahead.recv().map_err(io::Error::other)?;
            self.piece = piece.map_err(io::Error::other)?;
            self.ask()?;
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

/// Says which feature a URL needs that this program was built without.
fn check_support(url: &Url) -> Result<()> {
    let feature = match ObjectStoreScheme::parse(url).map(|(scheme, _)| scheme) {
        Ok(ObjectStoreScheme::AmazonS3) if !cfg!(feature = "s3") => "s3",
        Ok(ObjectStoreScheme::GoogleCloudStorage) if !cfg!(feature = "gcs") => "gcs",
        Ok(ObjectStoreScheme::MicrosoftAzure) if !cfg!(feature = "azure") => "azure",
        Ok(ObjectStoreScheme::Http) if !cfg!(feature = "http") => "http",
        _ => return Ok(()),
    };
    Err(Error::Unsupported {
        url: url.to_string(),
        scheme: url.scheme().to_owned(),
        feature,
    })
}

fn parse(name: &str) -> Name {
    match Url::parse(name) {
        Ok(url) if url.scheme() == "file" => {
            Name::Local(url.to_file_path().unwrap_or_else(|()| name.into()))
        }
        Ok(url) if name.contains("://") => Name::Remote(url),
        _ => Name::Local(name.into()),
    }
}

/// The URL of a file or folder, whose path ends in `/` if it is a folder.
pub(crate) fn url_of(name: &str, is_folder: bool) -> Option<Url> {
    let mut url = match parse(name) {
        Name::Local(path) => {
            let path = std::fs::canonicalize(&path).or_else(|_| std::path::absolute(path));
            Url::from_file_path(path.ok()?).ok()?
        }
        Name::Remote(url) => url,
    };
    if is_folder && !url.path().ends_with('/') {
        url.path_segments_mut().ok()?.push("");
    }
    Some(url)
}

/// The name of a file below a folder.
pub(crate) fn below(folder: &str, path: &str) -> String {
    match folder.trim_end_matches('/') {
        "" if folder.is_empty() => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

/// Adds the files below a folder. Links to files are followed, those to folders are not: they may lead
/// in circles.
fn list_folder(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<String>,
) -> io::Result<()> {
    if depth > MAX_DEPTH {
        tracing::warn!("{} is too deep: not looked into", folder.display());
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry
            .file_name()
            .to_str()
            .map(|name| format!("{prefix}{name}"))
        else {
            tracing::warn!(
                "{} has a name that is not UTF-8: left out",
                entry.path().display()
            );
            continue;
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list_folder(&entry.path(), &format!("{name}/"), depth + 1, files)?;
        } else if kind.is_file() || entry.path().is_file() {
            files.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use object_store::memory::InMemory;

    use super::*;

    /// A store in memory, with files as big as two and a half pieces, and of no bytes.
    fn stores() -> (Stores, Vec<u8>) {
        let bytes: Vec<u8> = (0..PIECE * 5 / 2).map(|n| (n % 251) as u8).collect();
        let stores = Stores::default();
        let store = Arc::new(InMemory::new());
        stores.register("memory://here", Arc::clone(&store) as Arc<dyn ObjectStore>);
        let (big, empty) = (bytes.clone(), Vec::new());
        stores
            .wait(async move {
                store.put(&"a/b/empty".into(), empty.into()).await?;
                store.put(&"a/big file".into(), big.into()).await
            })
            .unwrap();
        (stores, bytes)
    }

    #[test]
    fn object_is_read_in_pieces_and_in_ranges() {
        let (stores, bytes) = stores();
        let name = "memory://here/a/big%20file";
        let mut opened = stores.open(name).unwrap();
        let mut read = Vec::new();
        opened.reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes && opened.size == bytes.len() as u64);
        assert_eq!(stores.read_range(name, 7, 5).unwrap(), bytes[7..12]);
        let mut empty = stores.open("memory://here/a/b/empty").unwrap();
        assert_eq!(empty.reader.read_to_end(&mut read).unwrap(), 0);
    }

    #[test]
    fn folders_of_a_store_are_listed_in_order_of_name() {
        let (stores, _) = stores();
        assert_eq!(
            stores.list("memory://here/a/").unwrap(),
            ["b/empty", "big file"]
        );
        assert_eq!(
            stores.entry("memory://here/a").unwrap(),
            Some(Entry::Folder)
        );
        assert_eq!(
            stores.entry("memory://here/a/b/empty").unwrap(),
            Some(Entry::File(0))
        );
        assert_eq!(stores.entry("memory://here/x").unwrap(), None);
        assert!(matches!(
            stores.open("memory://here/x"),
            Err(Error::Store { .. })
        ));
    }

    #[test]
    fn local_files_are_listed_in_order_of_name_by_path_and_by_url() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2", "b/10", "a", "b-1"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let stores = Stores::default();
        let expected = ["a", "b-1", "b/10", "b/2"];
        let path = folder.path().to_str().unwrap();
        assert_eq!(stores.list(path).unwrap(), expected);
        assert_eq!(stores.list(&format!("file://{path}")).unwrap(), expected);
        assert_eq!(
            stores.read_range(&below(path, "b/10"), 2, 100).unwrap(),
            b"10"
        );
        assert_eq!(
            stores.entry(&below(path, "b")).unwrap(),
            Some(Entry::Folder)
        );
        assert_eq!(stores.entry(&below(path, "c")).unwrap(), None);
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn url_that_needs_a_feature_says_which() {
        let error = Stores::default()
            .open("s3://bucket/crawl.warc.gz")
            .err()
            .unwrap();
        let expected = "s3://bucket/crawl.warc.gz needs support for s3 URLs: build with `--features stores` (of this crate: `s3`)";
        assert_eq!(error.to_string(), expected);
    }
}
