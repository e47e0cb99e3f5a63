//! A case of IDEFICS.

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Tensor, cross_entropy, floats};
use flamingo_model::{Flamingo, Media};
use flamingo_sequence::{SpecialTokens, Tokenizer, Visibility, visible};
use serde_json::Value;

use crate::case::Rows;
use crate::generation::{Behind, Generation, Wanted};
use crate::rows::{self, Names, Ragged, Read, Sees};
use crate::{Array, Case, Computed, Error, Result, pictures};

/// The model of a case.
pub(crate) struct Idefics<'a> {
    pub(crate) model: &'a Flamingo,
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) preprocess: &'a Preprocess,
    pub(crate) device: &'a Device,
}

struct Seen {
    media: Media,
    per_row: usize,
    features: Tensor<3>,
    pooled: Tensor<2>,
    latents: Tensor<3>,
}

impl Idefics<'_> {
    pub(crate) fn compute(&self, case: &Case) -> Result<Computed> {
        let mut computed = Computed::default();
        self.batch(case, &mut computed)?;
        if case.has_input("text_only_input_ids") {
            self.text_only(case, &mut computed)?;
        }
        if case.has_input("image_rgb.0") {
            self.pixels(case, &mut computed)?;
        }
        let vocabulary = self.model.config().language.vocabulary;
        crate::texts::compute(case, self.tokenizer, vocabulary, &mut computed)?;
        self.decoded(case, &mut computed)?;
        Ok(computed)
    }

    fn specials(&self) -> &SpecialTokens {
        self.tokenizer.specials()
    }

    fn see(&self, case: &Case, name: &str, rows: usize) -> Result<Seen> {
        let pixels = case.input(name)?;
        let [b, n, 3, h, w] = pixels.shape[..] else {
            return Err(Error::case(
                &case.directory,
                format!(
                    "`{name}` is {:?}, pictures are [B, N, 3, h, w]",
                    pixels.shape
                ),
            ));
        };
        let size = self.model.config().vision.image_size();
        case.check_pictures(name, &pixels.shape, rows, size)?;
        let pixels: Tensor<4> = floats(pixels.values, [b * n, 3, h, w], self.device);
        let encoded = self.model.vision.encode(pixels);
        let latents = self
            .model
            .resample(encoded.features.clone().unsqueeze_dim(1), &[]);
        Ok(Seen {
            media: self.model.media(latents.clone()),
            per_row: n,
            features: encoded.features,
            pooled: encoded.pooled,
            latents,
        })
    }

    /// What each token sees by the case's mask, and the mask that we would make.
    fn sees(&self, case: &Case, rows: &Ragged, per_row: usize) -> Result<(Vec<Sees>, Array)> {
        let given = case.mask("image_attention_mask")?;
        let ours = self.mask(rows, per_row);
        if given.shape != ours.shape {
            return Err(Error::case(
                &case.directory,
                format!(
                    "`image_attention_mask` is {:?}, for these tokens and pictures it is {:?}",
                    given.shape, ours.shape
                ),
            ));
        }
        let width = rows.width();
        let mut sees = Vec::with_capacity(rows.rows.len() * width);
        for (row, columns) in rows.columns.iter().enumerate() {
            let of_token = |column: &usize| {
                let at = (row * rows.padded + column) * per_row;
                let seen: Vec<usize> = (0..per_row)
                    .filter(|i| given.values[at + i] != 0.0)
                    .collect();
                match seen[..] {
                    [] => Sees::nothing(),
                    [one] => Sees::One(row * per_row + one..row * per_row + one + 1),
                    [first, .., last] => Sees::All(row * per_row + first..row * per_row + last + 1),
                }
            };
            let mut of_row: Vec<Sees> = columns.iter().map(of_token).collect();
            of_row.resize(width, Sees::nothing());
            sees.extend(of_row);
        }
        Ok((sees, ours))
    }

    /// The image mask by our own rule, in the peer's layout.
    fn mask(&self, rows: &Ragged, per_row: usize) -> Array {
        let mut mask = Array::zeros([rows.rows.len(), rows.padded, per_row]);
        for (row, (ids, columns)) in rows.rows.iter().zip(&rows.columns).enumerate() {
            let sees = visible(ids, self.specials(), Visibility::LastInText);
            for (range, column) in sees.into_iter().zip(columns) {
                for medium in range.filter(|medium| *medium < per_row) {
                    mask.values[(row * rows.padded + column) * per_row + medium] = 1.0;
                }
            }
        }
        mask
    }

    fn batch(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        let (ids, mask) = case.tokens("input_ids", "attention_mask", self.model)?;
        case.check_length(ids.width, self.model)?;
        let seen = self.see(case, "pixel_values", ids.rows().len())?;
        computed.put("vision_tokens", Array::of(seen.features.clone()));
        computed.put("vision_pooled", Array::of(seen.pooled.clone()));
        computed.put("perceiver_out", Array::of(seen.latents.clone()));
        let rows = Ragged::new(&ids, &mask);
        let (sees, ours) = self.sees(case, &rows, seen.per_row)?;
        computed.inputs.insert("image_attention_mask".into(), ours);
        let names = Names {
            stream: &|point| {
                let layer = point.checked_sub(1);
                layer
                    .map(|layer| format!("layer_out.{layer}"))
                    .into_iter()
                    .collect()
            },
            attention: &|_| None,
            block: &|block| vec![format!("xattn_out.{block}")],
        };
        let record = Some((&mut *computed, &names));
        let logits = rows::pass(self.model, &rows, &seen.media, &sees, self.device, record);
        computed.put("logits", rows.padded(logits));
        let loss = self.loss(&ids, &mask, &rows, &seen, &sees);
        computed.say("loss", loss);
        computed.say("labels_kwarg", loss);
        self.generations(case, &rows, &seen, &sees, computed)
    }

    /// The mean over all tokens but the first column that are no padding. The peer asks the last
    /// padding of a row for the row's first token, too; so this pass is made over the rows with
    /// their padding, as they stand.
    fn loss(&self, ids: &Rows, mask: &Rows, rows: &Ragged, seen: &Seen, sees: &[Sees]) -> f64 {
        let (media, all) = (&seen.media, |_| true);
        let padded = [ids, mask];
        let (logits, targets) =
            rows::over_padding(self.model, padded, rows, media, sees, all, self.device);
        let mean = cross_entropy(logits, &targets, 0.0).mean;
        f64::from(mean.into_scalar::<f32>())
    }

    fn generations(
        &self,
        case: &Case,
        rows: &Ragged,
        seen: &Seen,
        sees: &[Sees],
        computed: &mut Computed,
    ) -> Result<()> {
        let Some(wanted) = case.said("generate").and_then(Value::as_object) else {
            return Ok(());
        };
        let specials = self.specials();
        let (read, first) = Read::prompts(self.model, rows, &seen.media, sees, self.device);
        let last = rows.last(sees);
        let ids = case.integers("input_ids")?;
        let mut said = serde_json::Map::new();
        for (name, entry) in wanted {
            // What the peer itself could not do is recorded as its error.
            let Some(kwargs) = entry.get("kwargs").filter(|_| entry.get("error").is_none()) else {
                continue;
            };
            let (eos, pad) = (specials.eos.unwrap_or(specials.end_of_chunk), specials.pad);
            let wanted = Wanted::new(kwargs, eos, pad, (4, 45), case)?;
            case.check_length(rows.width() + wanted.decoding.max_new_tokens, self.model)?;
            let counts = vec![0; last.len()];
            let mut generation = Generation::new(
                read.clone(),
                Behind::LastOfPrompt,
                specials.image,
                seen.per_row,
                last.clone(),
                counts,
            );
            said.insert(name.clone(), wanted.run(&mut generation, &ids, &first)?);
        }
        computed.say("generate", said);
        Ok(())
    }

    /// A text without any picture.
    fn text_only(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        let [ids, mask] = ["text_only_input_ids", "text_only_attention_mask"];
        let (ids, mask) = case.tokens(ids, mask, self.model)?;
        let rows = Ragged::new(&ids, &mask);
        let sees = vec![Sees::nothing(); rows.rows.len() * rows.width()];
        let logits = rows::pass(self.model, &rows, &Media::none(), &sees, self.device, None);
        computed.put("text_only_logits", rows.padded(logits));
        Ok(())
    }

    /// The pictures as our preprocessing gives them, in the peer's places.
    fn pixels(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        let given = case.input("pixel_values")?;
        let [rows, per_row, ..] = given.shape[..] else {
            unreachable!("checked when it was encoded")
        };
        let one = given.values.len() / (rows * per_row);
        let ids = case.integers("input_ids")?;
        let image = i64::from(self.specials().image);
        let wanted = ids.values.iter().filter(|id| **id == image).count();
        let there = (0..)
            .take_while(|i| case.has_input(&format!("image_rgb.{i}")))
            .count();
        if wanted != there {
            // Which picture stands where is told only by their order: each is to be there once.
            return Ok(());
        }
        let mut pixels = Array::zeros(given.shape.clone());
        let mut picture = 0;
        for (row, ids) in ids.rows().enumerate() {
            let images = ids.iter().filter(|id| **id == image).count();
            for place in 0..images.min(per_row) {
                let name = format!("image_rgb.{picture}");
                picture += 1;
                if case.has_input(&name) {
                    let array = pictures::pixels(case, None, &name, self.preprocess)?;
                    let at = (row * per_row + place) * one;
                    pixels.values[at..at + one].copy_from_slice(&array.values);
                }
            }
        }
        computed.inputs.insert("pixel_values".into(), pixels);
        Ok(())
    }

    /// The rows as texts, special tokens among them.
    fn decoded(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        if case.said("tokenizer/decoded").is_none() {
            return Ok(());
        }
        let raw = crate::texts::raw(self.tokenizer, case)?;
        let decode = |row: &[i64]| {
            let ids: Vec<u32> = row.iter().map(|&id| id as u32).collect();
            raw.decode(&ids, false)
                .map_err(|e| Error::case(&case.directory, e))
        };
        let texts = case
            .integers("input_ids")?
            .rows()
            .map(decode)
            .collect::<Result<Vec<_>>>()?;
        if let Some(said) = computed.json.get_mut("tokenizer") {
            said["decoded"] = texts.into();
        }
        Ok(())
    }
}
