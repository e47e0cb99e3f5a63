//! A case of Llama-3.2-Vision, which holds three readings of one model, since its peers differ. Ours is
//! Meta's (`meta.`): the encoder's features are what enters its layers, and a token that sees no
//! picture gets nothing from a gated block. What holds for it alone of the other two is compared, the
//! rest is left out by name.

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Tensor, cross_entropy, floats};
use flamingo_model::vision::Tiling;
use flamingo_model::{Flamingo, Media, Medium};
use flamingo_sequence::{Tokenizer, Visibility, visible};
use serde_json::{Value, json};

use crate::case::Rows;
use crate::generation::{Behind, Generation, Wanted};
use crate::mllama_lines::READING;
use crate::options::VerifyOptions;
use crate::rows::{self, Names, Ragged, Read, Sees};
use crate::{Array, Case, Computed, Error, Line, Result, mllama_lines};

/// The model of a case.
pub(crate) struct Mllama<'a> {
    pub(crate) model: &'a Flamingo,
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) preprocess: &'a Preprocess,
    pub(crate) device: &'a Device,
}

/// The rows of a case.
struct Batch {
    rows: Ragged,
    ids: Rows,
    mask: Rows,
    media: Media,
    sees: Vec<Sees>,
}

impl Mllama<'_> {
    pub(crate) fn verify(
        &self,
        case: &Case,
        options: &VerifyOptions,
    ) -> Result<(Vec<Line>, Computed)> {
        let mut computed = Computed::default();
        self.tilings(case, &mut computed)?;
        let batch = self.batch(case, &mut computed)?;
        self.pass(&batch, &mut computed);
        self.forced(case, &batch, &mut computed)?;
        self.generations(case, &batch, &mut computed)?;
        let loss = self.loss(&batch);
        computed.say("meta.loss", loss);
        self.words(case, &mut computed)?;
        let lines = mllama_lines::lines(case, &computed, self.preprocess, options.tolerance)?;
        Ok((lines, computed))
    }

    /// Each picture as our image processor gives it.
    fn tilings(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        let pictures = (0..).take_while(|i| case.has_input(&format!("image_rgb.{i}")));
        let (most, size) = (self.most(), self.preprocess.size);
        let mut said = Vec::new();
        for i in pictures {
            let picture = case.picture(None, &format!("image_rgb.{i}"))?;
            let mut pixels = self.preprocess.pixels(&picture);
            pixels.resize(most * 3 * size * size, 0.0);
            let [rows, columns] = self.preprocess.tiling(&picture);
            let all: Vec<Tiling> = Tiling::all(most).collect();
            let number = all.iter().position(|t| *t == Tiling { rows, columns });
            let mask: Vec<u8> = (0..most)
                .map(|tile| u8::from(tile < rows * columns))
                .collect();
            said.push(json!({
                "size_wh": [picture.width, picture.height],
                "aspect_ratio_id": number.map(|number| number + 1),
                "aspect_ratio_mask": mask,
                "num_tiles": rows * columns,
            }));
            let pixels = Array::new([most, 3, size, size], pixels);
            computed.inputs.insert(format!("tiles.{i}"), pixels);
        }
        computed.say("tiling", said);
        Ok(())
    }

    fn most(&self) -> usize {
        self.model.config().vision.most_tiles()
    }

    /// The tokens, and what the encoder makes of the case's own pixels.
    fn batch(&self, case: &Case, computed: &mut Computed) -> Result<Batch> {
        let (ids, mask) = case.tokens("batch.input_ids", "batch.attention_mask", self.model)?;
        let rows = Ragged::new(&ids, &mask);
        let pictures = self.pictures(case, rows.rows.len())?;
        let most = pictures.iter().map(Vec::len).max().unwrap_or(0);
        let mut media: Vec<Medium> = Vec::new();
        let (mut features, mut states) = (Vec::new(), Vec::new());
        for picture in pictures.iter().flatten() {
            let (own, projected) = self.encoded(case, *picture)?;
            media.extend(self.model.media(projected.clone()).each());
            features.push(Array::of(own));
            states.push(Array::of(projected));
        }
        self.put_features(&pictures, most, [&features, &states], computed);
        let mut first = 0;
        let (width, mut sees) = (rows.width(), Vec::new());
        for (row, pictures) in rows.rows.iter().zip(&pictures) {
            let seen = visible(row, self.tokenizer.specials(), Visibility::LastRow);
            let mut of_row: Vec<Sees> = seen
                .into_iter()
                .map(|range| match range.len() {
                    0 => Sees::nothing(),
                    1 => Sees::One(first + range.start..first + range.end),
                    _ => Sees::All(first + range.start..first + range.end),
                })
                .collect();
            of_row.resize(width, Sees::nothing());
            sees.extend(of_row);
            first += pictures.len();
        }
        self.put_mask(case, &rows, &sees, &pictures, computed)?;
        Ok(Batch {
            rows,
            ids,
            mask,
            media: Media::Each(media),
            sees,
        })
    }

    /// Which of the case's pictures each row has.
    fn pictures(&self, case: &Case, rows: usize) -> Result<Vec<Vec<usize>>> {
        let of_row = |row: &Value| -> Option<Vec<usize>> {
            let pictures = row.get("pictures")?.as_array()?.iter();
            pictures.map(|n| Some(n.as_u64()? as usize)).collect()
        };
        let said = case.said("rows").and_then(Value::as_array);
        let pictures: Option<Vec<Vec<usize>>> =
            said.and_then(|rows| rows.iter().map(of_row).collect());
        pictures.filter(|all| all.len() == rows).ok_or_else(|| {
            Error::case(
                &case.directory,
                format!("`rows` of expected.json does not list the pictures of {rows} rows"),
            )
        })
    }

    /// Features of a picture, `[tiles, S, Dv]`, and its latents, `[1, R, D]`.
    fn encoded(&self, case: &Case, picture: usize) -> Result<(Tensor<3>, Tensor<3>)> {
        let wrong = |what: String| Error::case(&case.directory, what);
        let name = format!("tiles.{picture}");
        let given = case.input(&name)?;
        let (most, size) = (self.most(), self.preprocess.size);
        if given.shape != [most, 3, size, size] {
            return Err(wrong(format!(
                "`{name}` is {:?}, tiles are [{most}, 3, {size}, {size}]",
                given.shape
            )));
        }
        let number = case
            .said("tiling")
            .and_then(|all| all.get(picture)?.get("aspect_ratio_id")?.as_u64());
        let tiling = number
            .and_then(|number| Tiling::all(most).nth((number as usize).checked_sub(1)?))
            .ok_or_else(|| {
                wrong(format!(
                    "`tiling` does not tell the tiles of picture {picture}"
                ))
            })?;
        let there = tiling.tiles() * 3 * size * size;
        let pixels = given.values[..there].to_vec();
        let pixels = floats(pixels, [tiling.tiles(), 3, size, size], self.device);
        let features = self.model.encode_tiles(pixels, tiling);
        let latents = self.model.resample(features.clone().unsqueeze::<4>(), &[0]);
        Ok((features, latents))
    }

    /// The features of the first two rows and the states of all in the peer's places, 0 where there is
    /// no tile. They are those of both older readings.
    fn put_features(
        &self,
        pictures: &[Vec<usize>],
        per_row: usize,
        [features, states]: [&[Array]; 2],
        computed: &mut Computed,
    ) {
        let Some([tokens, d]) = features
            .first()
            .map(|first| [first.shape[1], first.shape[2]])
        else {
            return;
        };
        let width = self.model.config().language.width;
        let most = self.most();
        let rows = pictures.len();
        let mut output = Array::zeros([rows.min(2), per_row, most, tokens, d]);
        let mut all = Array::zeros([rows, per_row * most * tokens, width]);
        let mut next = 0;
        for (row, own) in pictures.iter().enumerate() {
            for place in 0..own.len() {
                let at = (row * per_row + place) * most * tokens;
                if row < 2 {
                    let from = &features[next].values;
                    output.values[at * d..at * d + from.len()].copy_from_slice(from);
                }
                let from = &states[next].values;
                all.values[at * width..at * width + from.len()].copy_from_slice(from);
                next += 1;
            }
        }
        computed.put("hf4.vision.output", output);
        computed.put("hf4.cross_states", all);
    }

    /// Which tiles each token sees by our own rule, in the peer's layout.
    fn put_mask(
        &self,
        case: &Case,
        rows: &Ragged,
        sees: &[Sees],
        pictures: &[Vec<usize>],
        computed: &mut Computed,
    ) -> Result<()> {
        let given = case.mask("batch.cross_attention_mask")?;
        let [b, l, per_row, most] = given.shape[..] else {
            return Err(Error::case(
                &case.directory,
                format!(
                    "`batch.cross_attention_mask` is {:?}, not of four axes",
                    given.shape
                ),
            ));
        };
        let tiles = |picture: usize| {
            let tiling = computed.json["tiling"].get(picture)?;
            Some(tiling.get("num_tiles")?.as_u64()? as usize)
        };
        let mut mask = Array::zeros([b, l, per_row, most]);
        let mut first = 0;
        for (row, own) in pictures.iter().enumerate() {
            for (place, column) in rows.columns[row].iter().enumerate() {
                let (Sees::One(range) | Sees::All(range) | Sees::Evenly(range)) =
                    &sees[row * rows.width() + place];
                for medium in range.clone() {
                    let at = ((row * l + column) * per_row + medium - first) * most;
                    let seen = tiles(own[medium - first]).unwrap_or(0);
                    mask.values[at..at + seen].fill(1.0);
                }
            }
            first += own.len();
        }
        computed
            .inputs
            .insert("batch.cross_attention_mask".into(), mask);
        Ok(())
    }

    /// Layers of the peer's count: those that are blocks, and the model's own.
    fn layers(&self) -> [Vec<usize>; 2] {
        let config = self.model.config();
        let blocks = config.gated.layers.clone();
        let all = config.language.layers + blocks.len();
        let own = (0..all).filter(|layer| !blocks.contains(layer)).collect();
        [blocks, own]
    }

    fn pass(&self, batch: &Batch, computed: &mut Computed) {
        let [blocks, own] = self.layers();
        let common = blocks.first().copied().unwrap_or(0);
        // Before the first block all readings are one.
        let named = |station: &str, layer: usize| match layer < common {
            true => format!("{station}.{layer}"),
            false => format!("{READING}{station}.{layer}"),
        };
        let stream = |point: usize| {
            let before = point.checked_sub(1).and_then(|point| own.get(point));
            let next = before.map_or(0, |layer| layer + 1);
            let behind = before.map(|layer| named("layer_out", *layer));
            let first = match next == common {
                true => format!("{READING}layer_in.{next}"),
                false => named("layer_in", next),
            };
            behind.into_iter().chain([first]).collect()
        };
        let names = Names {
            stream: &stream,
            attention: &|block| Some(format!("{READING}xattn_raw.{}", blocks[block])),
            block: &|block| {
                let layer = blocks[block];
                let next = format!("{READING}layer_in.{}", layer + 1);
                let next = blocks.contains(&(layer + 1)).then_some(next);
                let out = format!("{READING}layer_out.{layer}");
                [out].into_iter().chain(next).collect()
            },
        };
        let record = Some((&mut *computed, &names));
        let (media, sees) = (&batch.media, &batch.sees);
        let logits = rows::pass(self.model, &batch.rows, media, sees, self.device, record);
        computed.put("meta.logits", batch.rows.padded(logits));
    }

    /// Logits behind the prompts and behind each of some forced tokens, read one by one.
    fn forced(&self, case: &Case, batch: &Batch, computed: &mut Computed) -> Result<()> {
        let Some(said) = case.said("forced_tokens").and_then(Value::as_array) else {
            return Ok(());
        };
        let tokens: Option<Vec<u32>> = said.iter().map(|n| Some(n.as_u64()? as u32)).collect();
        let known = self.model.config().language.vocabulary as u32;
        let tokens = tokens.filter(|tokens| tokens.iter().all(|token| *token < known));
        let tokens = tokens.ok_or_else(|| {
            Error::case(
                &case.directory,
                "`forced_tokens` are no tokens of the model",
            )
        })?;
        let (mut read, first) = self.read(batch);
        let last = batch.rows.last(&batch.sees);
        let mut steps = vec![first];
        for token in &tokens {
            steps.push(read.step(&vec![*token; last.len()], &last));
        }
        let width = self.model.config().language.logits();
        let of_row = |row: usize| steps.iter().flat_map(move |step| step[row].clone());
        let values = (0..last.len()).flat_map(of_row).collect();
        let shape = [last.len(), steps.len(), width];
        computed.put("meta.decode_logits", Array::new(shape, values));
        Ok(())
    }

    fn read(&self, batch: &Batch) -> (Read<'_>, Vec<Vec<f32>>) {
        let (media, sees) = (&batch.media, &batch.sees);
        Read::prompts(self.model, &batch.rows, media, sees, self.device)
    }

    /// Greedy search behind all rows together, and behind each alone.
    fn generations(&self, case: &Case, batch: &Batch, computed: &mut Computed) -> Result<()> {
        let Some(wanted) = case.said("meta.generate").and_then(Value::as_object) else {
            return Ok(());
        };
        let specials = self.tokenizer.specials();
        let eos = specials.end_of_chunk;
        let (read, first) = self.read(batch);
        let first = rows::over_vocabulary(self.model, first);
        let last = batch.rows.last(&batch.sees);
        let mut said = serde_json::Map::new();
        for (name, entry) in wanted {
            let sequences = entry.get("sequences").and_then(Value::as_array);
            let Some(length) = sequences
                .and_then(|rows| rows.first()?.as_array())
                .map(Vec::len)
            else {
                continue;
            };
            let alone = name.strip_prefix("single_greedy.").map(str::parse::<usize>);
            let chosen = match alone {
                Some(Ok(row)) if row < last.len() => row..row + 1,
                Some(_) => continue,
                None => 0..last.len(),
            };
            let kwargs = json!({"max_new_tokens": length, "do_sample": false});
            let wanted = Wanted::new(&kwargs, eos, specials.pad, (5, 0), case)?;
            let mut own = read.clone();
            own.caches = own.caches[chosen.clone()].to_vec();
            let sees = last[chosen.clone()].to_vec();
            let counts = vec![0; sees.len()];
            let behind = Behind::LastOfPrompt;
            let mut generation = Generation::new(own, behind, specials.image, 1, sees, counts);
            let padded = Rows {
                width: batch.ids.width,
                values: batch
                    .ids
                    .rows()
                    .skip(chosen.start)
                    .take(chosen.len())
                    .flatten()
                    .copied()
                    .collect(),
            };
            let found = wanted.run(&mut generation, &padded, &first[chosen])?;
            said.insert(name.clone(), behind_prompts(&found, padded.width));
        }
        computed.say("meta.generate", said);
        Ok(())
    }

    /// The mean over tokens that are no padding and no pictures; the last padding of a row is asked for
    /// the row's first token, as in the peer.
    fn loss(&self, batch: &Batch) -> f64 {
        let image = i64::from(self.tokenizer.specials().image);
        let (logits, targets) = rows::over_padding(
            self.model,
            [&batch.ids, &batch.mask],
            &batch.rows,
            &batch.media,
            &batch.sees,
            |id| id != image,
            self.device,
        );
        let mean = cross_entropy(logits, &targets, 0.0).mean;
        f64::from(mean.into_scalar::<f32>())
    }

    /// Ids of the rows' texts and of the rendered chat.
    fn words(&self, case: &Case, computed: &mut Computed) -> Result<()> {
        let raw = crate::texts::raw(self.tokenizer, case)?;
        let ids = |text: &str| {
            let encoding = raw.encode(text, false);
            encoding
                .map(|encoding| encoding.get_ids().to_vec())
                .map_err(|error| Error::case(&case.directory, error))
        };
        let config = &self.model.config().language;
        computed.say("image_token_id", self.tokenizer.specials().image);
        computed.say("num_embedding_rows", config.vocabulary);
        computed.say("num_logits", config.logits());
        if let Some(rows) = case.said("rows").and_then(Value::as_array) {
            let bos = self.tokenizer.specials().bos;
            let of_row = |row: &Value| {
                let text = row.get("text").and_then(Value::as_str).unwrap_or_default();
                let ids = bos.into_iter().chain(ids(text)?).collect::<Vec<u32>>();
                Ok(json!({"text": text, "pictures": row.get("pictures"), "ids": ids}))
            };
            let said = rows.iter().map(of_row).collect::<Result<Vec<Value>>>()?;
            computed.say("rows", said);
        }
        if let Some(text) = case.said("chat/text").and_then(Value::as_str) {
            computed.say("chat_ids", ids(text)?);
        }
        Ok(())
    }
}

/// What was generated, without the prompts before it.
fn behind_prompts(said: &Value, width: usize) -> Value {
    let rows = said.get("sequences").and_then(Value::as_array);
    let cut = |row: &Value| {
        let row = row.as_array().map(Vec::as_slice).unwrap_or_default();
        json!(row.get(width..).unwrap_or_default())
    };
    let rows: Vec<Value> = rows.into_iter().flatten().map(cut).collect();
    json!({ "sequences": rows })
}
