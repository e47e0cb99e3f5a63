//! Pictures and films of requests: checked before they queue, known by their content, held as long as a request
//! wants them.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flamingo_engine::MediaSource;
use flamingo_film::Reader;
use flamingo_image::{Film, Media, Wanted};
use flamingo_sequence::MediaKind;
use lru::LruCache;
use sha2::{Digest, Sha256};

/// Media that are known to decode.
const KNOWN: usize = 1 << 16;

/// The media that requests hold now, and where those of the server's own come from.
pub(crate) struct MediaStore {
    reader: Reader,
    /// What the model sees of a medium.
    wanted: Wanted,
    /// Bytes of decoded media that are kept until they are read.
    most_decoded: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    files: HashMap<String, File>,
    decoded: LruCache<String, Media>,
    decoded_bytes: usize,
    known: LruCache<String, ()>,
}

struct File {
    bytes: Arc<[u8]>,
    kind: MediaKind,
    holders: usize,
}

/// Keeps a medium while a request wants it.
pub(crate) struct Held {
    store: Arc<MediaStore>,
    /// By which documents name it.
    pub(crate) reference: String,
}

impl MediaStore {
    pub(crate) fn new(reader: Reader, wanted: Wanted, most_decoded: usize) -> Self {
        Self {
            reader,
            wanted,
            most_decoded,
            inner: Mutex::new(Inner {
                files: HashMap::new(),
                decoded: LruCache::unbounded(),
                decoded_bytes: 0,
                known: LruCache::new(KNOWN.try_into().expect("more than none")),
            }),
        }
    }

    /// Takes a file in, after it was decoded once; `name` stands for it in messages. Computes.
    ///
    /// # Errors
    /// If it cannot be decoded, is too large, or is a film where a picture is wanted.
    pub(crate) fn admit(
        self: &Arc<Self>,
        bytes: &[u8],
        kind: MediaKind,
        name: &str,
    ) -> Result<Held, String> {
        let reference = reference(bytes, kind);
        if self.lock().known.get(&reference).is_none() {
            let media = open(bytes, kind, name, &self.reader, &self.wanted)?;
            self.keep(&reference, media);
        }
        Ok(self.hold(bytes, kind, reference))
    }

    /// Takes a file in that was decoded before; none if it was not.
    pub(crate) fn admit_known(self: &Arc<Self>, bytes: &[u8], kind: MediaKind) -> Option<Held> {
        let reference = reference(bytes, kind);
        self.lock().known.get(&reference)?;
        Some(self.hold(bytes, kind, reference))
    }

    fn hold(self: &Arc<Self>, bytes: &[u8], kind: MediaKind, reference: String) -> Held {
        let mut inner = self.lock();
        inner.known.put(reference.clone(), ());
        let file = inner
            .files
            .entry(reference.clone())
            .or_insert_with(|| File {
                bytes: bytes.into(),
                kind,
                holders: 0,
            });
        file.holders += 1;
        Held {
            store: Arc::clone(self),
            reference,
        }
    }

    /// Keeps what was decoded until it is read, the newest first.
    fn keep(&self, reference: &str, media: Media) {
        let size = size(&media);
        let mut inner = self.lock();
        if size > self.most_decoded {
            return;
        }
        inner.decoded_bytes += size;
        if let Some(old) = inner.decoded.put(reference.to_owned(), media) {
            inner.decoded_bytes -= self::size(&old);
        }
        while inner.decoded_bytes > self.most_decoded {
            let Some((_, oldest)) = inner.decoded.pop_lru() else {
                break;
            };
            inner.decoded_bytes -= self::size(&oldest);
        }
    }

    /// How many media requests hold.
    pub(crate) fn held(&self) -> usize {
        self.lock().files.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut inner = self.store.lock();
        let Some(file) = inner.files.get_mut(&self.reference) else {
            return;
        };
        file.holders -= 1;
        if file.holders == 0 {
            inner.files.remove(&self.reference);
            if let Some(media) = inner.decoded.pop(&self.reference) {
                inner.decoded_bytes -= size(&media);
            }
        }
    }
}

impl MediaSource for MediaStore {
    fn media(&self, reference: &str, wanted: &Wanted) -> flamingo_engine::Result<Media> {
        let missing = || flamingo_engine::Error::Media(format!("there is no picture {reference}"));
        let (bytes, kind) = {
            let mut inner = self.lock();
            if *wanted == self.wanted
                && let Some(media) = inner.decoded.pop(reference)
            {
                inner.decoded_bytes -= size(&media);
                return Ok(media);
            }
            let file = inner.files.get(reference).ok_or_else(missing)?;
            (Arc::clone(&file.bytes), file.kind)
        };
        open(&bytes, kind, reference, &self.reader, wanted).map_err(flamingo_engine::Error::Media)
    }

    fn version(&self, reference: &str) -> Option<String> {
        Some(reference.to_owned())
    }
}

/// What a medium is called by: its content, and what it is taken for.
fn reference(bytes: &[u8], kind: MediaKind) -> String {
    let mut name = match kind {
        MediaKind::Image => String::from("image:"),
        MediaKind::Video => String::from("video:"),
    };
    for byte in Sha256::digest(bytes) {
        // A text takes whatever is written to it.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// As documents from files are opened: a picture that is asked for as a film is a film of one frame. Pictures are kept
/// in the size in which the model sees them: a small file may be a large picture, and a prompt may have many.
fn open(
    bytes: &[u8],
    kind: MediaKind,
    name: &str,
    reader: &Reader,
    wanted: &Wanted,
) -> Result<Media, String> {
    let media = reader.decode(bytes, name, wanted);
    match (kind, media.map_err(|error| error.to_string())?) {
        (MediaKind::Image, Media::Film(_)) => Err(format!(
            "{name} is a film or an animation, not a still picture: send it as `video_url` or as a \"video\" part"
        )),
        (MediaKind::Video, Media::Image(image)) => Film::new(vec![wanted.frame(image)], None, name)
            .map(Media::Film)
            .map_err(|error| error.to_string()),
        (_, media) => Ok(in_size(media, wanted)),
    }
}

/// A picture in the size in which it is wanted; films come so.
pub(crate) fn in_size(media: Media, wanted: &Wanted) -> Media {
    match media {
        Media::Image(image) => Media::Image(wanted.frame(image)),
        film @ Media::Film(_) => film,
    }
}

/// Bytes that its pixels take.
fn size(media: &Media) -> usize {
    let of = |image: &flamingo_image::Image| {
        image.width as usize * image.height as usize * if image.alpha.is_some() { 4 } else { 3 }
    };
    match media {
        Media::Image(image) => of(image),
        Media::Film(film) => film.frames.iter().map(of).sum(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::{Fit, Image, Preprocess, Sampling};

    use super::*;

    fn store(decoded: usize) -> Arc<MediaStore> {
        Arc::new(MediaStore::new(
            Reader::default(),
            Wanted::default(),
            decoded,
        ))
    }

    #[test]
    fn a_picture_is_there_while_it_is_held_and_then_gone() {
        let (store, wanted) = (store(1 << 20), Wanted::default());
        let image = Image::solid(7, 5, [2, 3, 11]);
        let png = image.to_png();
        let first = store.admit(&png, MediaKind::Image, "a").unwrap();
        let second = store.admit(&png, MediaKind::Image, "b").unwrap();
        assert_eq!(first.reference, second.reference);
        assert_eq!(store.held(), 1);
        for _ in 0..2 {
            let media = store.media(&first.reference, &wanted).unwrap();
            assert_eq!(media, Media::Image(image.clone()));
        }
        let reference = first.reference.clone();
        drop(first);
        assert!(store.media(&reference, &wanted).is_ok());
        drop(second);
        assert_eq!(store.held(), 0);
        assert!(store.media(&reference, &wanted).is_err());
    }

    #[test]
    fn decoded_pixels_are_kept_within_their_bound_and_decoded_again_beyond() {
        let store = store(7 * 5 * 3 + 1);
        let held: Vec<Held> = (0..3)
            .map(|i| {
                let png = Image::solid(7, 5, [i, 3, 11]).to_png();
                store.admit(&png, MediaKind::Image, "a").unwrap()
            })
            .collect();
        assert_eq!(store.lock().decoded.len(), 1);
        assert_eq!(store.lock().decoded_bytes, 7 * 5 * 3);
        for held in &held {
            assert!(store.media(&held.reference, &Wanted::default()).is_ok());
        }
        assert_eq!(store.lock().decoded_bytes, 0);
    }

    #[test]
    fn a_large_picture_is_kept_in_the_size_that_the_model_sees() {
        let preprocess = Preprocess::clip(16, Fit::Squash);
        let wanted = Wanted::of(Sampling::ASKING, &preprocess);
        let store = MediaStore::new(Reader::default(), wanted.clone(), 1 << 20);
        let store = Arc::new(store);
        let image = Image::from_fn(700, 300, |x, y| [(x * 7) as u8, (y * 3) as u8, 5]);
        let png = image.to_png();
        for kind in [MediaKind::Image, MediaKind::Video] {
            let held = store.admit(&png, kind, "a").unwrap();
            assert_eq!(store.lock().decoded_bytes, 16 * 16 * 3);
            // Once as it was kept, once decoded again.
            for _ in 0..2 {
                let shown = match store.media(&held.reference, &wanted).unwrap() {
                    Media::Image(image) => image,
                    Media::Film(film) => film.frames[0].clone(),
                };
                assert_eq!(preprocess.pixels(&shown), preprocess.pixels(&image));
            }
        }
    }

    #[test]
    fn what_is_no_picture_is_refused_by_its_name() {
        let store = store(0);
        let told = store
            .admit(b"<html>", MediaKind::Image, "image 3")
            .err()
            .unwrap();
        assert!(told.contains("image 3"), "{told}");
        assert_eq!(store.held(), 0);
    }
}
