//! What is done to inputs against learning them by heart.
//!
//! A language model that is to copy a name from where a *word* stood must later do so where a
//! *picture* stood, whose trace in the stream is no known word. So while it learns from texts, the
//! words that stand for pictures (keys) are blurred: mixed with other words, shaken, marked by the
//! `<image>` token's embedding.

use std::collections::BTreeMap;

use flamingo_kernels::{Device, Tensor, floats, indices};
use flamingo_model::{LanguageModel, TextInput};
use flamingo_sequence::{Batch, Document, IGNORE, Part, Result as SequenceResult, Tokenizer};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What is done to inputs; nothing by default.
///
/// A key, in a text, is what stands where a picture would: neighbouring text parts come in twos, the
/// first of which is a key and the second what is said of it
/// (`{"text": " pig-face"}, {"text": "Output: daxo"}, {"end": true}`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegulariseSpec {
    /// Language only: how often a key of one token is mixed with another, the same one wherever it
    /// recurs in its row.
    pub mix: f64,
    /// Least and greatest share of that other key.
    pub mix_share: [f64; 2],
    /// Language only: normal noise on keys, in units of the embedding's root mean square; each row's
    /// strength is drawn between 0 and this.
    pub noise: f64,
    /// Language only: in how many of the rows the `<image>` embedding is added to keys.
    pub image: f64,
    /// Language only: whether keys are to be predicted, too.
    pub predict_keys: bool,
    /// Flamingo only: standard deviation of normal noise on the features of the frozen encoder.
    pub feature_noise: f64,
}

impl Default for RegulariseSpec {
    fn default() -> Self {
        Self {
            mix: 0.0,
            mix_share: [0.25, 0.5],
            noise: 0.0,
            image: 0.0,
            predict_keys: true,
            feature_noise: 0.0,
        }
    }
}

impl RegulariseSpec {
    /// Refuses what has no use in a kind of training, and shares beyond 0 to 1.
    pub(crate) fn check(&self, kind: &str) -> Result<(), String> {
        let plain = RegulariseSpec {
            feature_noise: self.feature_noise,
            ..Self::default()
        };
        if kind != "language" && *self != plain {
            return Err(format!(
                "regularise: keys have no use in a {kind} training: leave them out"
            ));
        }
        if kind != "flamingo" && self.feature_noise != 0.0 {
            return Err(format!(
                "regularise.feature_noise has no use in a {kind} training"
            ));
        }
        let [least, most] = self.mix_share;
        for (name, share) in [
            ("mix", self.mix),
            ("image", self.image),
            ("mix_share", least),
            ("mix_share", most),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("regularise.{name} is {share}, not within 0 to 1"));
            }
        }
        Ok(())
    }
}

/// What a token of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Anything else.
    Said,
    /// Part of a key of several tokens.
    KeyPart,
    /// A key of one token.
    Key,
}

/// The role of each of a document's tokens; `ids` are those of its training sequence.
pub(crate) fn roles(
    document: &Document,
    ids: &[u32],
    tokenizer: &Tokenizer,
) -> SequenceResult<Vec<Role>> {
    let specials = tokenizer.specials();
    let structural = |id: u32| {
        id == specials.end_of_chunk || Some(id) == specials.bos || Some(id) == specials.eos
    };
    let mut roles = vec![Role::Said; ids.len()];
    let (mut at, mut neighbours) = (0, 0);
    for (index, part) in document.parts.iter().enumerate() {
        let Part::Text(text) = part else {
            neighbours = 0;
            continue;
        };
        at += ids[at..].iter().take_while(|id| structural(**id)).count();
        let length = tokenizer.encode(text)?.len();
        let followed = matches!(document.parts.get(index + 1), Some(Part::Text(_)));
        if neighbours % 2 == 0 && followed {
            let role = if length == 1 {
                Role::Key
            } else {
                Role::KeyPart
            };
            roles[at..at + length].fill(role);
        }
        neighbours += 1;
        at += length;
    }
    Ok(roles)
}

/// The blurring of keys in a training.
pub(crate) struct Keys(RegulariseSpec);

/// One token of a key in a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    /// Flat place in the batch.
    place: usize,
    /// The key that is mixed in, its own id if none.
    other: u32,
    /// That one's share.
    share: f32,
    /// Strength of its noise.
    noise: f32,
    /// Whether the `<image>` embedding is added.
    image: bool,
}

impl Keys {
    /// `None` if nothing is to be done.
    pub(crate) fn new(spec: &RegulariseSpec) -> Option<Self> {
        let idle = spec.mix == 0.0 && spec.noise == 0.0 && spec.image == 0.0 && spec.predict_keys;
        (!idle).then(|| Self(spec.clone()))
    }

    fn draw(&self, batch: &Batch, roles: &[Vec<Role>], rng: &mut ChaCha8Rng) -> Vec<Key> {
        let keys_of = |(row, roles): (usize, &Vec<Role>)| -> Vec<(usize, Role)> {
            let places = roles
                .iter()
                .enumerate()
                .filter(|(_, role)| **role != Role::Said);
            places
                .map(|(column, role)| (row * batch.width + column, *role))
                .collect()
        };
        let rows: Vec<Vec<(usize, Role)>> = roles.iter().enumerate().map(keys_of).collect();
        let single = rows.iter().flatten().filter(|(_, role)| *role == Role::Key);
        let all: Vec<u32> = single.map(|(place, _)| batch.ids[*place]).collect();
        let mut keys = Vec::new();
        for places in rows {
            let strength = rng.random::<f32>() * self.0.noise as f32;
            let image = rng.random_bool(self.0.image);
            let mut mixed: BTreeMap<u32, (u32, f32)> = BTreeMap::new();
            for (place, role) in places {
                let id = batch.ids[place];
                let (other, share) = match role {
                    Role::Key => *mixed
                        .entry(id)
                        .or_insert_with(|| self.partner(id, &all, rng)),
                    _ => (id, 0.0),
                };
                keys.push(Key {
                    place,
                    other,
                    share,
                    noise: strength,
                    image,
                });
            }
        }
        keys
    }

    fn partner(&self, id: u32, all: &[u32], rng: &mut ChaCha8Rng) -> (u32, f32) {
        let mixes = rng.random_bool(self.0.mix);
        let [least, most] = self.0.mix_share;
        let share = least + (most - least) * rng.random::<f64>();
        match all.choose(rng) {
            Some(&other) if mixes => (other, share as f32),
            _ => (id, 0.0),
        }
    }

    /// Blurs the keys of a batch, and takes them from its labels if they are not to be predicted;
    /// `image` is the id of the `<image>` token.
    ///
    /// # Shapes
    /// - output: `[B, L, D]`, in place of [`LanguageModel::embed`]
    pub(crate) fn embed(
        &self,
        model: &LanguageModel,
        input: &TextInput,
        batch: &mut Batch,
        roles: &[Vec<Role>],
        image: u32,
        rng: &mut ChaCha8Rng,
    ) -> Tensor<3> {
        let plain = model.embed(input);
        let keys = self.draw(batch, roles, rng);
        if !self.0.predict_keys {
            for key in keys.iter().filter(|key| key.place % batch.width > 0) {
                batch.labels[key.place - 1] = IGNORE;
            }
        }
        if keys.is_empty() {
            return plain;
        }
        let [b, l, d] = plain.dims();
        let device = plain.device();
        let blurred = self.blurred(model, plain.clone().reshape([b * l, d]), &keys, image, rng);
        let mut take: Vec<usize> = (0..b * l).collect();
        for (number, key) in keys.iter().enumerate() {
            take[key.place] = b * l + number;
        }
        let both = Tensor::cat(vec![plain.reshape([b * l, d]), blurred], 0);
        both.select(0, indices(take, &device)).reshape([b, l, d])
    }

    /// The embeddings that stand in place of the keys, `[K, D]`.
    fn blurred(
        &self,
        model: &LanguageModel,
        plain: Tensor<2>,
        keys: &[Key],
        image: u32,
        rng: &mut ChaCha8Rng,
    ) -> Tensor<2> {
        let (device, d) = (plain.device(), plain.dims()[1]);
        let column = |value: &dyn Fn(&Key) -> f32| -> Tensor<2> {
            floats(keys.iter().map(value).collect(), [keys.len(), 1], &device)
        };
        let others = indices(keys.iter().map(|key| key.other as usize), &device);
        let own = plain.select(0, indices(keys.iter().map(|key| key.place), &device));
        // Shares that sum to one make a shorter vector than a word's: lengthened again.
        let length = |key: &Key| ((1.0 - key.share).powi(2) + key.share.powi(2)).sqrt();
        let mut x = own * column(&|key| (1.0 - key.share) / length(key))
            + model.embed.forward(others) * column(&|key| key.share / length(key));
        if self.0.image > 0.0 {
            let image = indices([image as usize], &device);
            x = x + model.embed.forward(image) * column(&|key| f32::from(key.image));
        }
        if self.0.noise > 0.0 {
            let weight = model.embed.weight.val().detach();
            let size = (weight.clone() * weight).mean().sqrt();
            x = x + normal([keys.len(), d], rng, &device)
                * column(&|key| key.noise)
                * size.reshape([1, 1]);
        }
        x
    }
}

/// Normal numbers by Box and Muller.
pub(crate) fn normal<const D: usize>(
    shape: [usize; D],
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<D> {
    let draw = |_| {
        let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
        radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
    };
    floats(
        (0..shape.iter().product::<usize>()).map(draw).collect(),
        shape,
        device,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_data::stream;
    use flamingo_kernels::Init;
    use flamingo_model::LanguageConfig;
    use flamingo_model::language::QueryKeyNorm;
    use flamingo_sequence::{Form, Predict, Sequence, SpecialTokenNames, Visibility};

    use super::*;

    /// The special tokens, then letters from 5 on; a text is its letters.
    fn tokenizer() -> Tokenizer {
        let specials = ["<PAD>", "<BOS>", "<EOS>", "<image>", "<EOC>"].map(str::to_owned);
        let letters = ('a'..='z').map(String::from);
        let vocab: serde_json::Map<_, _> = specials
            .into_iter()
            .chain(letters)
            .zip(0..)
            .map(|(t, id)| (t, id.into()))
            .collect();
        let json = serde_json::json!({
            "version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
            "decoder": null, "truncation": null, "padding": null,
            "model": {"type": "BPE", "vocab": vocab, "merges": []}
        });
        let names = SpecialTokenNames {
            bos: Some("<BOS>".into()),
            eos: Some("<EOS>".into()),
            pad: "<PAD>".into(),
            image: "<image>".into(),
            end_of_chunk: "<EOC>".into(),
            image_border: None,
        };
        Tokenizer::from_bytes(json.to_string().as_bytes(), &names).unwrap()
    }

    /// One letter for each role, `S`, `P` or `K`.
    fn roles_of(parts: &str) -> String {
        let document = Document::from_json(&format!("{{\"parts\": [{parts}]}}")).unwrap();
        let tokenizer = tokenizer();
        let ids = Sequence::of_training(&document, &tokenizer, Form::Page)
            .unwrap()
            .ids;
        let roles = roles(&document, &ids, &tokenizer).unwrap();
        let letter = |role: &Role| match role {
            Role::Said => 'S',
            Role::KeyPart => 'P',
            Role::Key => 'K',
        };
        roles.iter().map(letter).collect()
    }

    #[test]
    fn of_two_neighbouring_texts_the_first_is_a_key() {
        let chunk = r#"{"text": "q"}, {"text": "ab"}, {"end": true}"#;
        assert_eq!(roles_of(&format!("{chunk}, {chunk}")), "SKSSSKSSS");
        let list = r#"{"text": "q"}, {"text": "ab"}, {"text": "r"}, {"text": "cd"}"#;
        assert_eq!(roles_of(list), "SKSSKSSS");
        assert_eq!(roles_of(r#"{"text": "xyz"}, {"text": "a"}"#), "SPPPSS");
        assert_eq!(roles_of(r#"{"text": "abc"}"#), "SSSSS");
        assert_eq!(
            roles_of(r#"{"text": "a"}, {"end": true}, {"text": "b"}"#),
            "SSSSS"
        );
    }

    fn spec() -> RegulariseSpec {
        RegulariseSpec {
            mix: 1.0,
            noise: 0.5,
            image: 1.0,
            predict_keys: false,
            ..Default::default()
        }
    }

    #[test]
    fn keys_alone_are_blurred_alike_where_they_recur_and_not_predicted() {
        let tokenizer = tokenizer();
        let row = |ids: &[u32]| Sequence {
            ids: ids.to_vec(),
            media: Vec::new(),
        };
        let rows = [row(&[1, 7, 8, 9, 4, 7, 8]), row(&[1, 11, 12])];
        let roles = [vec![1, 5], vec![1]].map(|keys| {
            (0..7)
                .map(|i| {
                    if keys.contains(&i) {
                        Role::Key
                    } else {
                        Role::Said
                    }
                })
                .collect()
        });
        let modes = [Visibility::Last; 2];
        let mut batch = Batch::new(&rows, &modes, tokenizer.specials(), Predict::Text);
        let before = batch.labels.clone();
        let config = LanguageConfig {
            vocabulary: 31,
            ..LanguageConfig::mpt(6, 1, 3, QueryKeyNorm::None)
        };
        let model = LanguageModel::new(&config, &mut Init::new(3, &Device::flex()));
        let input = TextInput::ragged(&batch.ids, batch.width, &batch.lengths);
        let plain: Vec<f32> = model.embed(&input).into_data().try_to_vec().unwrap();
        let keys = Keys::new(&RegulariseSpec {
            noise: 0.0,
            ..spec()
        })
        .unwrap();
        let mut rng = stream(1, "test", &[]);
        let blurred = keys.embed(&model, &input, &mut batch, &roles, 3, &mut rng);
        let blurred: Vec<f32> = blurred.into_data().try_to_vec().unwrap();
        for (place, (a, b)) in plain.chunks(6).zip(blurred.chunks(6)).enumerate() {
            assert_eq!(a != b, [1, 5, 8].contains(&place), "{place}");
        }
        assert_eq!(
            blurred[6..12],
            blurred[30..36],
            "the same key, the same blur"
        );
        for (place, (was, is)) in before.iter().zip(&batch.labels).enumerate() {
            let expected = if [0, 4, 7].contains(&place) {
                IGNORE
            } else {
                *was
            };
            assert_eq!(*is, expected, "{place}");
        }
    }

    #[test]
    fn a_spec_that_does_nothing_has_no_keys_and_shares_are_checked() {
        assert!(Keys::new(&RegulariseSpec::default()).is_none());
        assert!(
            Keys::new(&RegulariseSpec {
                predict_keys: false,
                ..Default::default()
            })
            .is_some()
        );
        assert!(spec().check("language").is_ok());
        assert!(spec().check("flamingo").is_err());
        assert!(
            RegulariseSpec { mix: 1.5, ..spec() }
                .check("language")
                .is_err()
        );
        assert!(
            RegulariseSpec {
                feature_noise: 0.1,
                ..Default::default()
            }
            .check("language")
            .is_err()
        );
    }
}
