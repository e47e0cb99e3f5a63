//! The pairs of a contrastive training, of samples in memory or of a stream, and which of them are about the same.
//!
//! A text is read without the spaces around it, which some formats put before a caption for a language model's sake: so it
//! is asked for as anyone writes it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use flamingo_data::{Order, Sample, stream};
use flamingo_image::{Image, Media, Preprocess, Wanted};
use flamingo_sequence::{Document, MediaKind, Tokenizer};
use rand::Rng;
use rand::seq::IndexedRandom;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::batches::{Feed, compile, said};
use crate::streamed::{Drawing, Make, Streamed, Unusable};
use crate::together::{gather, own_part};
use crate::{DataSpec, Error, Result, Texts, Together};

/// What this process works on of a batch.
pub(crate) struct Batch {
    /// Its pictures, as the encoder sees them.
    pub(crate) pictures: Vec<Image>,
    /// Its texts, as tokens.
    pub(crate) texts: Vec<Vec<u32>>,
    /// Which pictures and which texts these are of those of all processes; text `i` of all is that of picture `i`.
    pub(crate) own: [Range<usize>; 2],
    /// The pictures of all processes.
    pub(crate) count: usize,
    /// What each text of all processes is about.
    pub(crate) about: Vec<usize>,
}

/// A source as pairs in memory, by what they are about.
pub(crate) struct Held {
    /// Tokens of each sample's caption.
    captions: Vec<Vec<u32>>,
    /// The picture of each sample.
    pictures: Vec<usize>,
    /// The samples about each thing.
    about: Vec<Vec<usize>>,
    order: Order,
}

impl Held {
    /// Of a source whose samples show these pictures.
    pub(crate) fn new(
        feed: &Feed,
        shown: Vec<Vec<usize>>,
        tokenizer: &Tokenizer,
        seed: u64,
    ) -> Result<Self> {
        let regex = match &feed.spec.about {
            Some(pattern) => Some(compile(pattern, &feed.spec.name, "about")?),
            None => None,
        };
        let mut about: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut captions = Vec::new();
        for (index, sample) in feed.source.samples.iter().enumerate() {
            let text = said(&sample.document);
            let thing = regex
                .as_ref()
                .and_then(|regex| Some(regex.captures(&text)?.get(1)?.as_str()));
            about
                .entry(thing.unwrap_or(&text).to_owned())
                .or_default()
                .push(index);
            let mut ids = tokenizer.encode(text.trim())?;
            ids.truncate(feed.spec.length);
            captions.push(ids);
        }
        let about: Vec<Vec<usize>> = about.into_values().collect();
        if about.len() < feed.spec.batch {
            return Err(Error::contradiction(format!(
                "source {:?}: batch is {}, but its captions are about {} things, and no two pairs of \
                 a batch may be about the same: lower it",
                feed.spec.name,
                feed.spec.batch,
                about.len()
            )));
        }
        let order = Order::new(seed, &feed.spec.name, about.len());
        let pictures = shown.into_iter().map(|media| media[0]).collect();
        Ok(Self {
            captions,
            pictures,
            about,
            order,
        })
    }

    /// Batch `number`, of all pictures of the run.
    pub(crate) fn batch(
        &self,
        spec: &DataSpec,
        seed: u64,
        number: u64,
        pictures: &[Image],
        together: &dyn Together,
    ) -> Batch {
        let mut rng = stream(seed, &spec.name, &[number]);
        let things = self.things(number, spec.batch as u64);
        let mut any = |thing: usize| *self.about[thing].choose(&mut rng).expect("never empty");
        let samples: Vec<usize> = things.iter().map(|thing| any(*thing)).collect();
        let (mut said, mut about) = (samples.clone(), things);
        if spec.texts == Texts::All {
            let mut absent = vec![true; self.about.len()];
            about.iter().for_each(|thing| absent[*thing] = false);
            for thing in (0..absent.len()).filter(|thing| absent[*thing]) {
                said.push(any(thing));
                about.push(thing);
            }
        }
        let seeds: Vec<u64> = samples.iter().map(|_| rng.random()).collect();
        let own = [samples.len(), said.len()].map(|count| own_part(together, count));
        let [of_pictures, of_texts] = &own;
        let changed = samples[of_pictures.clone()]
            .par_iter()
            .zip(&seeds[of_pictures.clone()])
            .map(|(sample, seed)| {
                let mut rng = stream(*seed, "augment", &[]);
                let picture = &pictures[self.pictures[*sample]];
                spec.augment.apply(picture, &mut rng)
            });
        let texts = said[of_texts.clone()].iter();
        Batch {
            pictures: changed.collect(),
            texts: texts.map(|sample| self.captions[*sample].clone()).collect(),
            own,
            count: samples.len(),
            about,
        }
    }

    /// The things of batch `number`: all different, each once an epoch (but for a last few).
    fn things(&self, number: u64, batch: u64) -> Vec<usize> {
        let things = self.about.len() as u64;
        let in_epoch = things / batch;
        let first = number / in_epoch * things + number % in_epoch * batch;
        (first..first + batch)
            .map(|place| self.order.item(place))
            .collect()
    }
}

/// What makes pairs of the documents of a stream.
pub(crate) struct StreamedPairs {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) preprocess: Preprocess,
}

/// A pair of a stream.
pub(crate) struct Pair {
    /// The square that the encoder sees, changed as the recipe says.
    picture: Image,
    /// Tokens of its text.
    text: Vec<u32>,
    /// A hash of its text.
    hash: u64,
}

impl Make for StreamedPairs {
    type Row = Pair;

    fn row(
        &self,
        drawing: &Drawing<Self>,
        sample: &Sample,
        number: u64,
        row: u64,
    ) -> Result<Pair, Unusable> {
        let (place, text) = pair(&sample.document)?;
        let (reader, wanted) = (&drawing.reader, &Wanted::default());
        let media = sample.base.load(place, MediaKind::Image, reader, wanted)?;
        let subject = format!("augment {}", drawing.spec.name);
        let mut rng = stream(drawing.seed, &subject, &[number, row]);
        let picture = square(&media, &self.preprocess);
        let text = text.trim();
        let ids = self.tokenizer.encode(text);
        let mut ids = ids.map_err(flamingo_data::Error::from)?;
        ids.truncate(drawing.spec.length);
        Ok(Pair {
            picture: drawing.spec.augment.apply(&picture, &mut rng),
            text: ids,
            hash: xxh3_64(text.as_bytes()),
        })
    }
}

/// Batch `number` of a stream: the next pairs. Those that say the same are about the same.
pub(crate) fn of_stream(
    streamed: &Streamed<StreamedPairs>,
    count: usize,
    number: u64,
    together: &dyn Together,
) -> Result<Batch> {
    let pairs = streamed.batch(number)?;
    let own = own_part(together, count);
    let hashes: Vec<f32> = pairs.iter().flat_map(|pair| digits(pair.hash)).collect();
    let hashes = gather(together, hashes, DIGITS * own.start, DIGITS * count);
    let (pictures, texts) = pairs
        .into_iter()
        .map(|pair| (pair.picture, pair.text))
        .unzip();
    Ok(Batch {
        pictures,
        texts,
        own: [own.clone(), own],
        count,
        about: first_alike(&hashes),
    })
}

/// Numbers that a hash is sent in.
const DIGITS: usize = 3;

/// A hash in numbers that f32 holds exactly, so that processes can send it to each other.
fn digits(hash: u64) -> [f32; DIGITS] {
    let places = [0, 22, 44];
    places.map(|place| ((hash >> place) & ((1 << 22) - 1)) as f32)
}

/// For each hash, the place of the first that is the same.
fn first_alike(hashes: &[f32]) -> Vec<usize> {
    let mut first = HashMap::new();
    let hashes = hashes.as_chunks::<DIGITS>().0.iter().enumerate();
    hashes
        .map(|(place, hash)| *first.entry(hash.map(f32::to_bits)).or_insert(place))
        .collect()
}

/// Where a document's picture is and what it says, or why it is no pair: contrastive training wants one picture and its
/// caption.
pub(crate) fn pair(document: &Document) -> Result<(&str, String), Unusable> {
    let media: Vec<_> = document.media().collect();
    let text = said(document);
    match media[..] {
        [(_, MediaKind::Image, place)] if !text.trim().is_empty() => Ok((place, text)),
        _ => Err(Unusable {
            reason: "not a picture with a caption".to_owned(),
            detail: format!("{} pictures or films and the text {text:?}", media.len()),
        }),
    }
}

/// The square that the encoder sees of a picture.
pub(crate) fn square(media: &Media, preprocess: &Preprocess) -> Image {
    match media {
        Media::Image(image) => preprocess.picture(image),
        Media::Film(film) => preprocess.picture(&film.frames[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_the_same_have_the_place_of_the_first() {
        let texts = ["a cat", "a dog", "a cat", "", "a dog", "a cat "];
        let hashes: Vec<f32> = texts
            .iter()
            .flat_map(|text| digits(xxh3_64(text.as_bytes())))
            .collect();
        assert_eq!(first_alike(&hashes), [0, 1, 0, 3, 1, 5]);
    }

    #[test]
    fn no_bit_of_a_hash_is_lost_on_its_way() {
        for bit in 0..64 {
            let hash = 1u64 << bit;
            let sent = digits(hash).map(|digit| digit as u64);
            assert_eq!(sent[0] | sent[1] << 22 | sent[2] << 44, hash);
        }
        assert!(
            digits(u64::MAX)
                .iter()
                .all(|digit| *digit < (1 << 24) as f32)
        );
    }
}
