//! Gradients of OpenFlamingo's loss and some steps of its optimiser, by our own trainer's parts.
//!
//! The loss is `0.2 * pairs + 1.0 * pages`; of the embedding only the rows of `<image>` and
//! `<|endofchunk|>` learn; the mask comes before the global norm is clipped to 1; the gated blocks
//! decay, everything else does not.

use std::collections::BTreeMap;

use flamingo_kernels::{Device, Init, Module, Param, Tensor};
use flamingo_model::Flamingo;
use flamingo_train::{AdamW, Flat, Group, OptimiserSpec, add_gradients, keep_rows, trained};
use flamingo_weights::{Link, ModelConfig, Opened, apply_tensors};
use serde_json::{Value, json};

use crate::labels::Mixture;
use crate::open_flamingo::OpenFlamingo;
use crate::{Array, Case, Computed, Error, Result};

const EMBEDDING: &str = "language.embed.weight";

pub(crate) struct Training<'a> {
    pub(crate) case: &'a Case,
    pub(crate) opened: &'a Opened,
    pub(crate) device: Device,
}

/// What `expected.json` says of the training.
struct Settings {
    lambda: [f64; 2],
    rate: f64,
    optimiser: OptimiserSpec,
    steps: usize,
}

impl Training<'_> {
    pub(crate) fn compute(&self, computed: &mut Computed) -> Result<()> {
        let settings = self.settings();
        let mut model = self.model()?;
        let mut adam = AdamW::new(&settings.optimiser, &model)?;
        let width = model.config().language.width;
        let specials = self.opened.tokenizer.specials();
        let rows = [specials.image as usize, specials.end_of_chunk as usize];
        let mut steps = Vec::new();
        for step in 0..settings.steps {
            let (losses, mut gradients) = self.gradients(&model, settings.lambda)?;
            if step == 0 {
                for (name, array) in self.theirs(&model, &gradients)? {
                    computed.gradients.insert(name, array);
                }
            }
            keep_rows(&mut gradients, EMBEDDING, width, &rows);
            let norm = adam.norm(&gradients);
            steps.push(json!({
                "loss_laion": losses[0],
                "loss_mmc4": losses[1],
                "grad_norm_masked": norm,
            }));
            model = adam.step(model, gradients, norm, settings.rate, step as u64);
        }
        let after = trained(&model);
        for (name, array) in self.theirs(&model, &after)? {
            computed.after_train.insert(name, array);
        }
        let table = Array::of(after[EMBEDDING].clone());
        let values =
            [rows[1], rows[0]].map(|row| table.values[row * width..(row + 1) * width].to_vec());
        let [end, image] = values;
        let rows = Array::new([2, width], [image, end].concat());
        computed.after_train.insert("embedding_rows".into(), rows);
        computed.say("train", json!({"steps": steps}));
        Ok(())
    }

    fn settings(&self) -> Settings {
        let number = |key: &str, default: f64| {
            let said = self.case.said(&format!("train/{key}"));
            said.and_then(Value::as_f64).unwrap_or(default)
        };
        let steps = self
            .case
            .said("train/steps")
            .and_then(Value::as_array)
            .map_or(3, Vec::len);
        Settings {
            lambda: [
                number("loss_multiplier_laion", 0.2),
                number("loss_multiplier_mmc4", 1.0),
            ],
            rate: number("lr", 1e-3),
            steps,
            optimiser: OptimiserSpec {
                epsilon: number("eps", 1e-8),
                weight_decay: 0.0,
                clip: number("max_norm", 1.0),
                group: vec![Group {
                    parameters: "^gated\\.".into(),
                    weight_decay: Some(number("weight_decay_gated_cross_attn", 0.1)),
                    ..Group::default()
                }],
                ..OptimiserSpec::default()
            },
        }
    }

    /// The model with resampler, blocks and embedding to be trained.
    fn model(&self) -> Result<Flamingo> {
        let ModelConfig::Flamingo(config) = &self.opened.file.model else {
            return Err(Error::case(&self.case.directory, "it is no Flamingo"));
        };
        let mut init = Init::new(0, &self.device);
        let model = Flamingo::new(config, &mut init).map_err(flamingo_weights::Error::from)?;
        let mut model = apply_tensors(model, &self.opened.tensors, "")?;
        if let Some(head) = crate::fresh_rows::fresh_head(self.opened, &self.device)? {
            crate::fresh_rows::set_head(&mut model, head);
        }
        model.vision = model.vision.freeze();
        model.language = model.language.freeze();
        let embedding = &model.language.embed.weight;
        let table: Tensor<2> = Tensor::from_inner(embedding.val().inner());
        model.language.embed.weight =
            Param::initialized(embedding.id, table).set_require_grad(true);
        Ok(model)
    }

    fn gradients(&self, model: &Flamingo, lambda: [f64; 2]) -> Result<([f32; 2], Flat)> {
        let peer = OpenFlamingo {
            model,
            tokenizer: &self.opened.tokenizer,
            device: &self.device,
        };
        let mut sum = Flat::new();
        let mut losses = [0.0; 2];
        let mixtures = [("laion", Mixture::Pairs), ("mmc4", Mixture::Pages)];
        for (i, (name, mixture)) in mixtures.into_iter().enumerate() {
            let (loss, _) = peer.loss(self.case, name, mixture)?;
            losses[i] = loss.clone().inner().into_scalar::<f32>();
            add_gradients(model, (loss * lambda[i]).backward(), &mut sum);
        }
        Ok((losses, sum))
    }

    /// Values by our names under theirs.
    fn theirs(&self, model: &Flamingo, flat: &Flat) -> Result<BTreeMap<String, Array>> {
        let shapes: BTreeMap<String, Vec<usize>> =
            flamingo_weights::named_tensors(&model.clone().no_grad())
                .into_iter()
                .map(|tensor| (tensor.name, tensor.shape))
                .collect();
        let mut theirs = BTreeMap::new();
        let whole = |link: &&Link| link.ours.iter().all(|name| flat.contains_key(name));
        for link in self.opened.links.iter().filter(whole) {
            let ours: Vec<(Vec<usize>, Vec<f32>)> = link
                .ours
                .iter()
                .map(|name| (shapes[name].clone(), Array::of(flat[name].clone()).values))
                .collect();
            let made = link
                .theirs(&ours)
                .map_err(|what| Error::case(&self.case.directory, what))?;
            theirs.insert(link.theirs[0].clone(), Array::new(made.0, made.1));
        }
        Ok(theirs)
    }
}
