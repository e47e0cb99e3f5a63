//! Episodes: things are shown with arbitrary words as their names, and then asked for. So the model learns to
//! read names from its shots, not to know them.
//!
//! A source of pairs whose captions say what their pictures show gives the things: pairs of the same text
//! show the same thing. An episode draws some things, a word for each, and shots of each in any order; behind
//! them come queries, which share all that stands before them as branches of one text. What is predicted are
//! the names of the queries, and those of shots whose thing was named before.
//!
//! A composite is a thing that nobody has seen: half of the positions of a picture of one thing, the other
//! half of a picture of another; the same halves in all its pictures. Features are put together so, not
//! pixels, which costs nothing.
//!
//! A mirrored episode is one that nobody has seen: some of the directions in which features vary are turned
//! around, the same ones in all its pictures. What is alike stays alike, but no thing lies where it lay, so that
//! only comparing helps ([`Components::mirrored`](crate::components::Components::mirrored)).

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use flamingo_sequence::{Document, IGNORE, MediaKind, Part, Tokenizer, Words};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How episodes are drawn from a source of pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EpisodeSpec {
    /// Names of an episode, from and to.
    pub names: [usize; 2],
    /// Shots of each, from and to.
    pub shots: [usize; 2],
    /// Queries of an episode.
    pub queries: usize,
    /// How often the things of an episode are composites.
    pub composites: f64,
    /// How often an episode is mirrored: each principal component of the encoder's features is turned around or
    /// not, by chance.
    #[serde(skip_serializing_if = "is_zero")]
    pub mirrored: f64,
    /// How often a name is two words.
    pub two_words: f64,
    /// A file with a word a line; without one, four in five of the words that the tokenizer knows as one
    /// token ([`Words`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<PathBuf>,
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl Default for EpisodeSpec {
    fn default() -> Self {
        Self {
            names: [2, 5],
            shots: [1, 4],
            queries: 6,
            composites: 0.0,
            mirrored: 0.0,
            two_words: 0.0,
            words: None,
        }
    }
}

impl EpisodeSpec {
    pub(crate) fn check(&self) -> Result<(), String> {
        for (key, [from, to], least) in [("names", self.names, 2), ("shots", self.shots, 1)] {
            if from < least || to < from {
                return Err(format!(
                    "episode.{key} is [{from}, {to}]: from at least {least} to as many or more"
                ));
            }
        }
        if self.queries == 0 {
            return Err("episode.queries is 0: give at least 1".into());
        }
        for (key, share) in [
            ("composites", self.composites),
            ("mirrored", self.mirrored),
            ("two_words", self.two_words),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("episode.{key} is {share}, not within 0 to 1"));
            }
        }
        Ok(())
    }

    /// An option that changes features, if one is given.
    pub(crate) fn of_features(&self) -> Option<&'static str> {
        let shares = [("composites", self.composites), ("mirrored", self.mirrored)];
        shares
            .into_iter()
            .find_map(|(key, share)| (share > 0.0).then_some(key))
    }

    /// Things that an episode needs at most.
    fn most_things(&self) -> usize {
        self.names[1] * if self.composites > 0.0 { 2 } else { 1 }
    }
}

/// What a pair says its picture shows; none if it is no pair of one picture and one text.
pub(crate) fn thing(document: &Document) -> Option<&str> {
    let mut texts = document.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.trim()),
        _ => None,
    });
    let mut media = document.media();
    let shown = media
        .next()
        .is_some_and(|(_, kind, _)| kind == MediaKind::Image)
        && media.next().is_none();
    texts
        .next()
        .filter(|text| shown && texts.next().is_none() && !text.is_empty())
}

/// Where episodes are drawn from.
pub(crate) struct Episodes {
    spec: EpisodeSpec,
    /// For each thing the items of its pictures.
    things: Vec<Vec<usize>>,
    /// Tokens of each word, behind a space.
    words: Vec<Vec<u32>>,
    /// Positions of a picture.
    positions: usize,
    /// Components of which a mirrored episode turns some.
    components: usize,
}

/// What stands for one `<image>` token: a picture, or half of each of two.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) item: usize,
    /// Another picture, and the positions at which it is shown.
    pub(crate) over: Option<(usize, Arc<[bool]>)>,
}

/// An episode as integers.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Episode {
    pub(crate) ids: Vec<u32>,
    /// Place of each token in its text.
    pub(crate) positions: Vec<i64>,
    /// Branch of each token: 0 for the shots, and a number for each query.
    pub(crate) branches: Vec<u32>,
    pub(crate) labels: Vec<i64>,
    /// The media that each token sees.
    pub(crate) sees: Vec<Range<usize>>,
    pub(crate) media: Vec<Shown>,
    /// Of a mirrored episode the components that are turned around.
    pub(crate) mirror: Option<Arc<[bool]>>,
}

impl Episode {
    fn push(&mut self, id: u32, branch: u32, label: Option<u32>) {
        let place = match self.branches.last() {
            Some(last) if *last != branch => {
                self.branches.iter().filter(|of| **of == 0).count() as i64
            }
            _ => self.positions.last().map_or(0, |last| last + 1),
        };
        self.ids.push(id);
        self.positions.push(place);
        self.branches.push(branch);
        self.labels.push(label.map_or(IGNORE, i64::from));
        let seen = self.media.len();
        self.sees.push(seen.saturating_sub(1)..seen);
    }
}

/// A thing of an episode: a row of pictures, and what its second half shows.
struct Thing<'a> {
    first: Vec<usize>,
    second: Option<(Vec<usize>, Arc<[bool]>)>,
    name: Vec<&'a [u32]>,
}

impl Thing<'_> {
    fn picture(&self, number: usize) -> Shown {
        let of = |pictures: &Vec<usize>| pictures[number % pictures.len()];
        Shown {
            item: of(&self.first),
            over: self
                .second
                .as_ref()
                .map(|(pictures, where_)| (of(pictures), where_.clone())),
        }
    }

    /// Pictures that are all different.
    fn pictures(&self) -> usize {
        let second = self
            .second
            .as_ref()
            .map_or(usize::MAX, |(pictures, _)| pictures.len());
        self.first.len().min(second)
    }
}

impl Episodes {
    /// Of pairs: for each the thing that it shows, and the item of its picture. A picture has as many positions and
    /// components as the array says; `source` is for messages.
    ///
    /// # Errors
    /// If there are too few things, or too few words for their names.
    pub(crate) fn new<'a>(
        spec: &EpisodeSpec,
        source: &str,
        pairs: impl Iterator<Item = (&'a str, usize)>,
        [positions, components]: [usize; 2],
        tokenizer: &Tokenizer,
    ) -> Result<Self> {
        let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (thing, item) in pairs {
            all.entry(thing).or_default().push(item);
        }
        let (found, least) = (all.len(), spec.shots[1] + 1);
        let things: Vec<Vec<usize>> = all
            .into_values()
            .filter(|pictures| pictures.len() >= least)
            .collect();
        if things.len() < spec.most_things() {
            return Err(Error::contradiction(format!(
                "source {source:?}: an episode shows up to {} things, and {} of {found} have the {least} pictures that \
                 its shots and a query need: give more pictures, or a smaller episode.names or episode.shots",
                spec.most_things(),
                things.len()
            )));
        }
        let words = match &spec.words {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
                text.lines()
                    .map(|line| line.trim().to_owned())
                    .filter(|line| !line.is_empty())
                    .collect()
            }
            None => Words::of(tokenizer).training,
        };
        let needed = 2 * spec.names[1];
        if words.len() < needed {
            return Err(Error::contradiction(format!(
                "source {source:?}: there are {} words to name things by, an episode needs up to {needed}: give a file of words \
                 as episode.words",
                words.len()
            )));
        }
        let encode = |word: &String| Ok(tokenizer.encode(&format!(" {word}"))?);
        Ok(Self {
            spec: spec.clone(),
            things,
            words: words.iter().map(encode).collect::<Result<_>>()?,
            positions,
            components,
        })
    }

    /// How many names, and shots of each. The episodes of a batch have equally many, so that hardly any of it is
    /// padding.
    pub(crate) fn sizes(&self, rng: &mut ChaCha8Rng) -> [usize; 2] {
        let EpisodeSpec { names, shots, .. } = self.spec;
        [names, shots].map(|[from, to]| rng.random_range(from..=to))
    }

    /// An episode of so many names and shots of each; all that is random comes from `rng`.
    pub(crate) fn draw(
        &self,
        [count, shots]: [usize; 2],
        tokenizer: &Tokenizer,
        rng: &mut ChaCha8Rng,
    ) -> Episode {
        let spec = &self.spec;
        let things = self.things(count, rng);
        let specials = tokenizer.specials();
        let mut episode = Episode {
            mirror: self.mirror(rng),
            ..Episode::default()
        };
        if let Some(bos) = specials.bos {
            episode.push(bos, 0, None);
        }
        let mut order: Vec<usize> = (0..count * shots).collect();
        order.shuffle(rng);
        let mut shown = vec![0; count];
        for which in order {
            let which = which % count;
            let thing = &things[which];
            self.name(
                &mut episode,
                thing,
                shown[which],
                0,
                shown[which] > 0,
                specials.image,
            );
            episode.push(specials.end_of_chunk, 0, None);
            shown[which] += 1;
        }
        for query in 1..=spec.queries {
            let thing = &things[rng.random_range(0..count)];
            let picture = rng.random_range(shots..thing.pictures());
            self.name(
                &mut episode,
                thing,
                picture,
                query as u32,
                true,
                specials.image,
            );
        }
        episode
    }

    /// A picture and its name, which is predicted or not; of a query's name the last token is only that.
    fn name(
        &self,
        episode: &mut Episode,
        thing: &Thing<'_>,
        picture: usize,
        branch: u32,
        predicted: bool,
        image: u32,
    ) {
        let name: Vec<u32> = thing.name.iter().copied().flatten().copied().collect();
        let label = |number: usize| name.get(number).copied().filter(|_| predicted);
        episode.media.push(thing.picture(picture));
        episode.push(image, branch, label(0));
        let told = name.len() - usize::from(branch > 0);
        for (number, id) in name[..told].iter().enumerate() {
            episode.push(*id, branch, label(number + 1));
        }
    }

    fn things(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<Thing<'_>> {
        let composite = rng.random_bool(self.spec.composites);
        let wanted = if composite { 2 * count } else { count };
        let mut drawn = rand::seq::index::sample(rng, self.things.len(), wanted).into_iter();
        let mut words = rand::seq::index::sample(rng, self.words.len(), 2 * count).into_iter();
        let shuffled = |thing: usize, rng: &mut ChaCha8Rng| {
            let mut pictures = self.things[thing].clone();
            pictures.shuffle(rng);
            pictures
        };
        let mut things = Vec::with_capacity(count);
        for _ in 0..count {
            let first = shuffled(drawn.next().expect("as many as wanted"), rng);
            let second = composite.then(|| {
                let second = shuffled(drawn.next().expect("as many as wanted"), rng);
                (second, self.half(rng))
            });
            let two = [words.next(), words.next()]
                .map(|word| &self.words[word.expect("two for each")][..]);
            let told = if rng.random_bool(self.spec.two_words) {
                2
            } else {
                1
            };
            things.push(Thing {
                first,
                second,
                name: two[..told].to_vec(),
            });
        }
        things
    }

    /// Nothing is drawn where no episode is mirrored.
    fn mirror(&self, rng: &mut ChaCha8Rng) -> Option<Arc<[bool]>> {
        (self.spec.mirrored > 0.0 && rng.random_bool(self.spec.mirrored))
            .then(|| (0..self.components).map(|_| rng.random()).collect())
    }

    /// Half of the positions of a picture.
    fn half(&self, rng: &mut ChaCha8Rng) -> Arc<[bool]> {
        let mut half: Vec<bool> = (0..self.positions)
            .map(|i| i < self.positions / 2)
            .collect();
        half.shuffle(rng);
        half.into()
    }
}

#[cfg(test)]
mod tests;
