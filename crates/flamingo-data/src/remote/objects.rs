//! Files of an object store: S3, Google's or Azure's, or what speaks as they do.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path as Key;
use object_store::{Error as StoreError, GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::address::shown;
use super::answer::{Answer, Failure, Start};
use super::settings::StoreSettings;
use crate::{Error, Result};

/// Stores, each opened when one of its objects is asked for: a pattern may count buckets, too.
pub(super) struct Objects {
    settings: StoreSettings,
    runtime: Arc<Runtime>,
}

/// An object in its store.
struct Object {
    store: Box<dyn ObjectStore>,
    key: Key,
}

impl Objects {
    pub(super) fn new(address: &str, settings: &StoreSettings) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            settings: settings.clone(),
            runtime: Arc::new(runtime.map_err(Error::read(Path::new(shown(address))))?),
        })
    }

    /// See [`super::Origin::ask`].
    pub(super) fn ask(
        &self,
        address: &str,
        from: u64,
        mark: Option<&str>,
    ) -> Result<Answer, Failure> {
        let url = Url::parse(address).map_err(Failure::lasting)?;
        let settings = self.settings.0.iter().map(|(key, value)| (key, value));
        let (store, key) =
            object_store::parse_url_opts(&url, settings).map_err(Failure::lasting)?;
        let object = Object { store, key };
        match self.get(&object, from, mark) {
            Ok(answer) => Ok(answer),
            // Another object lies there now.
            Err(StoreError::Precondition { .. }) => {
                self.get(&object, 0, None).map_err(|error| failure(&error))
            }
            Err(_) if from > 0 && self.ends_by(&object, from) => Ok(Answer {
                start: Start::Nowhere,
                total: None,
                body: Box::new(io::empty()),
            }),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Whether an object is known to have no byte at `place`.
    fn ends_by(&self, object: &Object, place: u64) -> bool {
        let head = self.runtime.block_on(object.store.head(&object.key));
        head.is_ok_and(|head| head.size <= place)
    }

    fn get(&self, object: &Object, from: u64, mark: Option<&str>) -> object_store::Result<Answer> {
        let options = GetOptions {
            if_match: mark.map(str::to_owned),
            range: (from > 0).then_some(GetRange::Offset(from)),
            ..GetOptions::default()
        };
        let asked = object.store.get_opts(&object.key, options);
        let found = self.runtime.block_on(asked)?;
        let start = match from {
            0 => Start::Anew(found.meta.e_tag.clone()),
            _ => Start::There,
        };
        Ok(Answer {
            start,
            total: Some(found.meta.size),
            body: Box::new(Body {
                runtime: self.runtime.clone(),
                stream: found.into_stream(),
                piece: Bytes::new(),
            }),
        })
    }
}

fn failure(error: &StoreError) -> Failure {
    Failure {
        problem: error.to_string(),
        is_lasting: matches!(
            error,
            StoreError::NotFound { .. }
                | StoreError::InvalidPath { .. }
                | StoreError::NotSupported { .. }
                | StoreError::PermissionDenied { .. }
                | StoreError::Unauthenticated { .. }
        ),
    }
}

/// An object's bytes as they come.
struct Body {
    runtime: Arc<Runtime>,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(piece) => self.piece = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
