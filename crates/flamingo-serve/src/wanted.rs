//! Pictures and films that a request names: had, checked, and called by their content in its prompt.

use std::sync::Arc;

use flamingo_page::{decode_data_url, is_data_url};
use flamingo_sequence::{Document, MediaKind, Part};
use futures::future::join_all;
use tokio::sync::Semaphore;

use crate::fetch::WebFetcher;
use crate::fields::shown;
use crate::media::{Held, MediaStore};
use crate::refusal::Refusal;

/// Bytes of an address that are decoded and hashed where the request is read: a fraction of a millisecond.
const AT_ONCE: usize = 64 << 10;
/// Bytes of text that are split into tokens there, likewise.
const TEXT_AT_ONCE: usize = 4 << 10;

/// A picture or film that a request wants looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) kind: MediaKind,
    /// The key of the request where it stands.
    pub(crate) place: String,
    /// A `data:` address, or one on the network.
    pub(crate) url: String,
}

/// Gets media.
#[derive(Clone)]
pub(crate) struct Getter {
    pub(crate) store: Arc<MediaStore>,
    /// None if nothing is fetched from the network.
    pub(crate) web: Option<WebFetcher>,
    /// How many media are decoded or fetched, and long texts split into tokens, at once.
    pub(crate) permits: Arc<Semaphore>,
}

impl Getter {
    /// Gets all of them, in order.
    ///
    /// # Errors
    /// If one cannot be had or decoded; it is named by its place.
    pub(crate) async fn get(&self, wanted: Vec<Wanted>) -> Result<Vec<Held>, Refusal> {
        // All are waited for, so that of several that cannot be had the first is named.
        join_all(wanted.into_iter().map(|wanted| self.one(wanted)))
            .await
            .into_iter()
            .collect()
    }

    async fn one(&self, wanted: Wanted) -> Result<Held, Refusal> {
        if let Some(held) = self.known(&wanted) {
            return Ok(held);
        }
        let (store, web) = (Arc::clone(&self.store), self.web.clone());
        let place = wanted.place.clone();
        let got = self.apart(move || {
            let bytes = bytes(&wanted, web.as_ref())?;
            let admitted = store.admit(&bytes, wanted.kind, &wanted.place);
            admitted.map_err(|message| Refusal::bad(&wanted.place, message).called("invalid_image"))
        });
        match got.await? {
            Some(got) => got,
            None => Err(Refusal::ours("a decoder failed").of(&place)),
        }
    }

    /// Computes what takes time with so many bytes of text: here, or on a thread for that if they are many.
    ///
    /// # Errors
    /// If the server ends, or `task` panics.
    pub(crate) async fn with_text<T: Send + 'static>(
        &self,
        bytes: usize,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        if bytes <= TEXT_AT_ONCE {
            return Ok(task());
        }
        let done = self.apart(task).await?;
        done.ok_or_else(|| Refusal::ours("a text could not be split into tokens: this is a bug"))
    }

    /// Computes on a thread for that, of which there are few; none if `task` panics.
    async fn apart<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Refusal> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Refusal::ending())?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            task()
        });
        Ok(done.await.ok())
    }

    /// A picture that came before, if to see that costs less than to hand it to a thread that may compute.
    fn known(&self, wanted: &Wanted) -> Option<Held> {
        if wanted.url.len() > AT_ONCE {
            return None;
        }
        let bytes = decode_data_url(&wanted.url)?;
        self.store.admit_known(&bytes, wanted.kind)
    }
}

fn bytes(wanted: &Wanted, web: Option<&WebFetcher>) -> Result<Vec<u8>, Refusal> {
    let (place, url) = (&wanted.place, wanted.url.trim());
    let bad = |message: String| Refusal::bad(place, message).called("invalid_image_url");
    if is_data_url(url) {
        return decode_data_url(url).ok_or_else(|| {
            let address = shown(&url.into());
            bad(format!(
                "`{place}` is {address}: its data does not decode, give data:image/png;base64,..."
            ))
        });
    }
    let is_web = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    match (is_web, web) {
        (true, Some(web)) => web
            .get(url)
            .map_err(|reason| bad(format!("`{place}` cannot be fetched: {reason}"))),
        (true, None) => Err(bad(format!(
            "`{place}` is {}: this server fetches nothing from the network (it was started without --allow-fetch), send \
             the picture as a data: address",
            shown(&url.into())
        ))),
        (false, _) => Err(bad(format!(
            "`{place}` is {}: give a data: address; files of the server are never opened",
            shown(&url.into())
        ))),
    }
}

/// A document whose media are named by their place among `held`, named by what is held.
pub(crate) fn with_references(document: Document, held: &[Held]) -> Document {
    let reference = |place: &str| {
        let held = place.parse::<usize>().ok().and_then(|i| held.get(i));
        held.expect("media are named by their place")
            .reference
            .clone()
    };
    let part = |part: Part| match part {
        Part::Image(place) => Part::Image(reference(&place)),
        Part::Video(place) => Part::Video(reference(&place)),
        other => other,
    };
    Document {
        id: document.id,
        parts: document.parts.into_iter().map(part).collect(),
    }
}

/// The media of a document that came as it is, which is then named by their places.
pub(crate) fn take_media(
    document: &mut Document,
    place: &str,
    most: usize,
    media: &mut Vec<Wanted>,
) -> Result<(), Refusal> {
    for (i, part) in document.parts.iter_mut().enumerate() {
        let (kind, key, url) = match part {
            Part::Image(url) => (MediaKind::Image, "image", url),
            Part::Video(url) => (MediaKind::Video, "video", url),
            Part::Text(_) | Part::End | Part::Token(_) => continue,
        };
        let place = format!("{place}parts[{i}].{key}");
        if media.len() == most {
            let message =
                format!("the request has more than {most} images and films: leave some out");
            return Err(Refusal::bad(&place, message).called("too_many_images"));
        }
        let url = std::mem::replace(url, media.len().to_string());
        media.push(Wanted { kind, place, url });
    }
    Ok(())
}
