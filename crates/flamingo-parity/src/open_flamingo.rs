//! A case of OpenFlamingo: every station of a batch's pass, generations, class scores, losses.

use flamingo_kernels::{Device, Tensor, floats, log_probabilities};
use flamingo_model::{Flamingo, Media};
use flamingo_sequence::{IGNORE, SpecialTokens, Tokenizer};
use serde_json::{Value, json};

use crate::case::Rows;
use crate::generation::{Behind, Generation, Wanted};
use crate::labels::{self, Mixture};
use crate::rows::{self, Names, Ragged, Read, Sees};
use crate::{Array, Case, Computed, Error, Result};

/// The model of a case.
pub(crate) struct OpenFlamingo<'a> {
    pub(crate) model: &'a Flamingo,
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) device: &'a Device,
}

/// Pictures of a batch, `[B, T, 1, 3, h, w]`, through encoder and resampler.
pub(crate) struct Seen {
    pub(crate) media: Media,
    pub(crate) per_row: usize,
    tokens: Tensor<3>,
    pooled: Tensor<2>,
    latents: Tensor<3>,
}

impl OpenFlamingo<'_> {
    pub(crate) fn compute(&self, case: &Case) -> Result<Computed> {
        let mut computed = Computed::default();
        if case.has_input("lang_x") {
            self.batch(case, &mut computed)?;
        }
        if case.has_input("class_lang_x") {
            self.classes(case, &mut computed)?;
        }
        for (name, mixture) in [("laion", Mixture::Pairs), ("mmc4", Mixture::Pages)] {
            if case.has_input(&format!("{name}_lang_x")) {
                let (loss, found) = self.loss(case, name, mixture)?;
                computed.say(
                    &format!("loss_{name}"),
                    f64::from(loss.into_scalar::<f32>()),
                );
                computed.inputs.insert(format!("{name}_labels"), found);
            }
        }
        let vocabulary = self.model.config().language.vocabulary;
        crate::texts::compute(case, self.tokenizer, vocabulary, &mut computed)?;
        Ok(computed)
    }

    fn specials(&self) -> &SpecialTokens {
        self.tokenizer.specials()
    }

    /// Encodes the pictures of an input, of `rows` texts.
    pub(crate) fn see(&self, case: &Case, name: &str, rows: usize) -> Result<Seen> {
        let pixels = case.input(name)?;
        let [b, t, f, 3, h, w] = pixels.shape[..] else {
            return Err(Error::case(
                &case.directory,
                format!(
                    "`{name}` is {:?}, pictures are [B, T, F, 3, h, w]",
                    pixels.shape
                ),
            ));
        };
        let size = self.model.config().vision.image_size();
        case.check_pictures(name, &pixels.shape, rows, size)?;
        let pixels: Tensor<4> = floats(pixels.values, [b * t * f, 3, h, w], self.device);
        let encoded = self.model.vision.encode(pixels);
        let [_, s, d] = encoded.features.dims();
        let features = encoded.features.clone().reshape([b * t, f, s, d]);
        let places: Vec<usize> = (0..b * t).map(|medium| medium % t).collect();
        let latents = self.model.resample(features, &places);
        Ok(Seen {
            media: self.model.media(latents.clone()),
            per_row: t,
            tokens: encoded.features,
            pooled: encoded.pooled,
            latents,
        })
    }

    /// What each token of ragged rows sees, padded on the right: the row's image of the number of
    /// `<image>` tokens so far; beyond its images, all of them evenly, as the peer's softmax over
    /// hidden scores has it.
    pub(crate) fn sees(&self, rows: &Ragged, per_row: usize) -> Vec<Sees> {
        let mut sees = Vec::new();
        let width = rows.width();
        for (number, row) in rows.rows.iter().enumerate() {
            let first = number * per_row;
            let mut count = 0;
            let mut of_row: Vec<Sees> = Vec::with_capacity(width);
            for id in row {
                count += usize::from(*id == self.specials().image);
                of_row.push(match count {
                    0 => Sees::nothing(),
                    n if n <= per_row => Sees::One(first + n - 1..first + n),
                    _ => Sees::Evenly(first..first + per_row),
                });
            }
            of_row.resize(width, Sees::nothing());
            sees.extend(of_row);
        }
        sees
    }

    /// The main batch with all its stations, and what is generated behind it.
    fn batch(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        let (ids, mask) = case.tokens("lang_x", "attention_mask", self.model)?;
        let seen = self.see(case, "vision_x", ids.rows().len())?;
        computed.put("clip_tokens", Array::of(seen.tokens.clone()));
        computed.put("clip_pooled", Array::of(seen.pooled.clone()));
        computed.put("clip_encode_image", Array::of(seen.pooled.clone()));
        let latents = Array::of(seen.latents.clone());
        let [media, r, d] = latents.shape[..] else {
            unreachable!("three axes")
        };
        let shape = [media / seen.per_row, seen.per_row, r, d];
        computed.put("perceiver_out", latents.reshaped(shape));
        let rows = Ragged::new(&ids, &mask);
        let sees = self.sees(&rows, seen.per_row);
        let (config, layers) = (self.model.config(), self.model.config().language.layers);
        let at: Vec<usize> = (0..=layers)
            .filter(|&p| config.gated.stands_at(p, layers))
            .collect();
        // A block whose attention no token uses gives zeros.
        for layer in &at {
            let width = config.language.width;
            let zeros = Array::zeros([rows.rows.len(), rows.padded, width]);
            computed.put(format!("xattn_raw.{layer}"), zeros);
        }
        let stream = |point: usize| {
            let before = point
                .checked_sub(1)
                .map(|layer| format!("layer_out.{layer}"));
            let behind = (point < layers).then(|| format!("layer_in.{point}"));
            before.into_iter().chain(behind).collect()
        };
        let names = Names {
            stream: &stream,
            attention: &|block| Some(format!("xattn_raw.{}", at[block])),
            block: &|block| vec![format!("xattn_out.{}", at[block])],
        };
        let record = Some((&mut *computed, &names));
        let logits = rows::pass(self.model, &rows, &seen.media, &sees, self.device, record);
        computed.put("logits", rows.padded(logits));
        self.generations(case, &ids, &rows, &seen, computed)
    }

    fn generations(
        &self,
        case: &Case,
        ids: &Rows,
        rows: &Ragged,
        seen: &Seen,
        computed: &mut Computed,
    ) -> Result<()> {
        let Some(wanted) = case.said("generate").and_then(Value::as_object) else {
            return Ok(());
        };
        let specials = self.specials();
        let sees = self.sees(rows, seen.per_row);
        let (read, first) = Read::prompts(self.model, rows, &seen.media, &sees, self.device);
        let last = rows.last(&sees);
        let is_image = |id: &&u32| **id == specials.image;
        let counts: Vec<usize> = rows
            .rows
            .iter()
            .map(|row| row.iter().filter(is_image).count())
            .collect();
        let mut said = serde_json::Map::new();
        for (name, entry) in wanted {
            let Some(kwargs) = entry.get("kwargs").filter(|_| entry.get("error").is_none()) else {
                continue;
            };
            let (eos, pad) = (specials.end_of_chunk, specials.pad);
            let wanted = Wanted::new(kwargs, eos, pad, (4, 35), case)?;
            case.check_length(rows.width() + wanted.decoding.max_new_tokens, self.model)?;
            let behind = if wanted.use_cache {
                Behind::Cached
            } else {
                Behind::Counted
            };
            let mut generation = Generation::new(
                read.clone(),
                behind,
                specials.image,
                seen.per_row,
                last.clone(),
                counts.clone(),
            );
            said.insert(name.clone(), wanted.run(&mut generation, ids, &first)?);
        }
        computed.say("generate", said);
        Ok(())
    }

    /// Mean log-probabilities of class names behind prompts, by whole passes: the right way, which
    /// gives each row what it has alone.
    fn classes(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        let names: Vec<String> = case
            .said("rank_classes/class_names")
            .and_then(|names| serde_json::from_value(names.clone()).ok())
            .unwrap_or_default();
        let (ids, mask) = case.tokens("class_lang_x", "class_attention_mask", self.model)?;
        let prompts = Ragged::new(&ids, &mask);
        let seen = self.see(case, "class_vision_x", prompts.rows.len())?;
        let mut scores = vec![0.0; prompts.rows.len() * names.len()];
        for (class, name) in names.iter().enumerate() {
            let ids = self.tokenizer.encode(name)?;
            let rows: Vec<Vec<u32>> = prompts
                .rows
                .iter()
                .map(|row| [&row[..], &ids].concat())
                .collect();
            let rows = Ragged::of_rows(rows);
            case.check_length(rows.width(), self.model)?;
            let sees = self.sees(&rows, seen.per_row);
            let logits = rows::pass(self.model, &rows, &seen.media, &sees, self.device, None);
            let [_, width, v] = logits.dims();
            for (row, prompt) in prompts.rows.iter().enumerate() {
                let read = row * width + prompt.len() - 1;
                let own =
                    logits
                        .clone()
                        .reshape([rows.rows.len() * width, v])
                        .narrow(0, read, ids.len());
                let targets: Vec<usize> = ids.iter().map(|&id| id as usize).collect();
                let mean = log_probabilities(own, &targets).mean().into_scalar::<f32>();
                scores[row * names.len() + class] = mean;
            }
        }
        let all = Array::new([prompts.rows.len(), names.len()], scores);
        let one = Array::new([1, names.len()], all.values[..names.len()].to_vec());
        for kind in ["cached", "uncached"] {
            computed.put(format!("rank_logprobs_{kind}"), all.clone());
            computed.put(format!("rank_logprobs_one_{kind}"), one.clone());
        }
        let named: Vec<Value> = all
            .values
            .chunks(names.len().max(1))
            .map(|row| {
                names
                    .iter()
                    .cloned()
                    .zip(row.iter().map(|p| json!(p)))
                    .collect()
            })
            .collect();
        computed.say("class_log_probabilities", named);
        Ok(())
    }

    /// The loss of a training batch, and its labels as we make them.
    pub(crate) fn loss(
        &self,
        case: &Case,
        name: &str,
        mixture: Mixture,
    ) -> Result<(Tensor<1>, Array)> {
        let [ids, mask] = ["lang_x", "attention_mask"].map(|of| format!("{name}_{of}"));
        let (ids, mask) = case.tokens(&ids, &mask, self.model)?;
        let labels = labels::labels(&ids, self.specials(), mixture);
        let seen = self.see(case, &format!("{name}_vision_x"), ids.rows().len())?;
        let rows = Ragged::new(&ids, &mask);
        let sees = self.sees(&rows, seen.per_row);
        let logits = rows::pass(self.model, &rows, &seen.media, &sees, self.device, None);
        let loss = shifted_loss(logits, &rows, &labels, self.device);
        let shape = [ids.rows().len(), ids.width];
        let found = Array::new(
            shape,
            labels.into_iter().map(|label| label as f32).collect(),
        );
        Ok((loss, found))
    }
}

/// The mean cross-entropy of labels (in the peer's padded layout) one token on.
pub(crate) fn shifted_loss(
    logits: Tensor<3>,
    rows: &Ragged,
    labels: &[i64],
    device: &Device,
) -> Tensor<1> {
    let [b, width, v] = logits.dims();
    let (mut places, mut targets) = (Vec::new(), Vec::new());
    for (row, columns) in rows.columns.iter().enumerate() {
        for (place, column) in columns.iter().enumerate().skip(1) {
            let label = labels[row * rows.padded + column];
            if label != IGNORE {
                places.push(row * width + place - 1);
                targets.push(label as usize);
            }
        }
    }
    let read = logits
        .reshape([b * width, v])
        .select(0, flamingo_kernels::indices(places, device));
    flamingo_kernels::cross_entropy(read, &targets, 0.0).mean
}
