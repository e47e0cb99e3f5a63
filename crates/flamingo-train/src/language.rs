//! Language modelling: next-token cross-entropy over rows packed with documents.

use std::path::Path;

use flamingo_data::stream;
use flamingo_kernels::{Device, Init, indices};
use flamingo_model::{LanguageConfig, LanguageModel, TextInput};
use flamingo_sequence::{Batch, Form, IGNORE, Predict, Sequence, Tokenizer, Visibility, starts};
use flamingo_weights::{FORMAT_VERSION, ModelConfig, ModelFile, named_tensors, save};
use rand::Rng;

use crate::batches::Feed;
use crate::regularise::{Keys, Role, roles};
use crate::task::{Part, Task};
use crate::{Error, Recipe, Result, Together};

/// A language training.
pub(crate) struct Language {
    recipe: Recipe,
    config: LanguageConfig,
    tokenizer: Tokenizer,
    feeds: Vec<Feed>,
    keys: Option<Keys>,
}

impl Language {
    /// Reads the data and builds the model on `device` (with autodiff).
    pub(crate) fn prepare(
        recipe: &Recipe,
        config: &LanguageConfig,
        device: &Device,
    ) -> Result<(Self, LanguageModel)> {
        config.check().map_err(Error::Contradiction)?;
        let tokenizer = recipe_tokenizer(recipe)?;
        check_vocabulary(&tokenizer, config.vocabulary)?;
        let feeds = recipe.data.iter().map(|spec| open(spec, recipe.seed));
        let feeds = feeds.collect::<Result<Vec<_>>>()?;
        let model = LanguageModel::new(config, &mut Init::new(recipe.seed, device));
        check_lengths(recipe, &model)?;
        let model = recipe.initial.changed(recipe.initial.mimetic(model)?)?;
        let keys = Keys::new(&recipe.regularise);
        let (recipe, config) = (recipe.clone(), config.clone());
        Ok((
            Self {
                recipe,
                config,
                tokenizer,
                feeds,
                keys,
            },
            model,
        ))
    }

    /// A row of `length` tokens: documents drawn at random, one after another, the last cut off; of
    /// a document longer than the row a random window.
    fn row(&self, feed: &Feed, number: u64, row: u64) -> Result<(Sequence, Vec<Role>)> {
        let mut rng = stream(self.recipe.seed, &feed.spec.name, &[number, row]);
        let length = feed.spec.length;
        let (mut ids, mut all_roles) = (Vec::with_capacity(length), Vec::with_capacity(length));
        while ids.len() < length {
            let sample = rng.random_range(0..feed.source.samples.len());
            let document = &feed.source.samples[sample].document;
            let whole = Sequence::of_training(document, &self.tokenizer, Form::Page)?.ids;
            let roles = roles(document, &whole, &self.tokenizer)?;
            let start = rng.random_range(0..starts(whole.len(), length));
            ids.extend_from_slice(&whole[start..]);
            all_roles.extend_from_slice(&roles[start..]);
        }
        ids.truncate(length);
        all_roles.truncate(length);
        Ok((
            Sequence {
                ids,
                media: Vec::new(),
            },
            all_roles,
        ))
    }
}

/// Documents that show something are no texts.
fn open(spec: &crate::DataSpec, seed: u64) -> Result<Feed> {
    let mut feed = Feed::open(spec, seed)?;
    feed.retain(|document| {
        let media = document.media().count();
        let detail = || format!("it shows {media} pictures or films, which a text cannot");
        (media > 0).then(|| ("not only text".to_owned(), detail()))
    })?;
    Ok(feed)
}

/// The tokenizer that a recipe names.
pub(crate) fn recipe_tokenizer(recipe: &Recipe) -> Result<Tokenizer> {
    match (&recipe.tokenizer, &recipe.tokens) {
        (Some(path), Some(names)) => Ok(Tokenizer::from_file(path, names)?),
        _ => Err(Error::contradiction(
            "the recipe needs `tokenizer` and `tokens`",
        )),
    }
}

/// No row may be longer than the text that the model has places for.
pub(crate) fn check_lengths(recipe: &Recipe, model: &LanguageModel) -> Result<()> {
    let longest = model.max_length();
    match recipe.data.iter().find(|data| data.length > longest) {
        Some(data) => Err(Error::contradiction(format!(
            "source {:?}: length is {}, the language model has places for {longest} tokens: lower it",
            data.name, data.length
        ))),
        None => Ok(()),
    }
}

pub(crate) fn check_vocabulary(tokenizer: &Tokenizer, rows: usize) -> Result<()> {
    if tokenizer.vocab_size() <= rows {
        return Ok(());
    }
    Err(Error::contradiction(format!(
        "the tokenizer has {} tokens, the model's vocabulary is {rows}: make it as large",
        tokenizer.vocab_size()
    )))
}

/// The places that have a label, and the labels.
pub(crate) fn labelled(labels: &[i64]) -> (Vec<usize>, Vec<usize>) {
    let labels = labels
        .iter()
        .enumerate()
        .filter(|(_, label)| **label != IGNORE);
    labels
        .map(|(place, label)| (place, *label as usize))
        .unzip()
}

impl Task for Language {
    type Model = LanguageModel;

    fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    fn losses(
        &self,
        model: &LanguageModel,
        feed: usize,
        number: u64,
        _together: &dyn Together,
        take: &mut dyn FnMut(Part) -> Result<()>,
    ) -> Result<()> {
        let feed = &self.feeds[feed];
        let rows = (0..feed.spec.batch as u64).map(|row| self.row(feed, number, row));
        let (rows, roles): (Vec<_>, Vec<_>) = rows.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let modes = vec![Visibility::Last; rows.len()];
        let mut batch = Batch::new(&rows, &modes, self.tokenizer.specials(), Predict::Text);
        let input = TextInput::ragged(&batch.ids, batch.width, &batch.lengths);
        let embedded = match &self.keys {
            Some(keys) => {
                let mut rng = stream(self.recipe.seed, &feed.spec.name, &[number]);
                let image = self.tokenizer.specials().image;
                keys.embed(model, &input, &mut batch, &roles, image, &mut rng)
            }
            None => model.embed(&input),
        };
        let hidden = model.hidden(embedded, &input, &mut |_, y, _| y);
        let [b, l, d] = hidden.dims();
        let (places, targets) = labelled(&batch.labels);
        if targets.is_empty() {
            return Err(Error::contradiction(format!(
                "source {:?}: a batch has nothing to predict: its texts are too short",
                feed.spec.name
            )));
        }
        let device = hidden.device();
        let read = hidden
            .reshape([b * l, d])
            .select(0, indices(places, &device)); // [n, D]
        let loss = model.loss(read, &targets).loss;
        take(Part {
            loss: loss.mean,
            share: 1.0,
            targets: loss.targets,
            accuracy: None,
        })
    }

    fn save(&self, model: &LanguageModel, folder: &Path) -> Result<()> {
        let file = ModelFile {
            version: FORMAT_VERSION,
            preprocess: None,
            tokens: self
                .recipe
                .tokens
                .clone()
                .expect("the tokenizer was read with them"),
            sees: Default::default(),
            parts: Default::default(),
            template: None,
            model: ModelConfig::Language(self.config.clone()),
        };
        let tensors = named_tensors(model);
        Ok(save(
            folder,
            &file,
            &self.tokenizer,
            &tensors,
            self.recipe.weights,
        )?)
    }
}
