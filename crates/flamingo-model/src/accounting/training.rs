//! Memory of a training, counted from the configuration: what stands in it all the time, and what a micro-batch adds.
//!
//! A step goes through phases that hold different things, and the highest of them is what the training needs:
//!
//! 1. The encoder looks at the pictures, and keeps nothing.
//! 2. The forward pass ends: all that the backward pass needs is there, and the scores of some rows of the vocabulary.
//! 3. The backward pass begins: the gradient of the table of tokens is made whole, if any of its rows learn.
//! 4. It has left the language model: the blocks' gradients are there, and the resampler's part is still kept.
//! 5. It has ended: all gradients are there, beside the sum of those before, if a step has several parts.

use flamingo_kernels::{Precision, SCORED_AT_ONCE};
use serde::Serialize;

use super::kept::{Kept, Looked, gated_block, language_layer, resampler};
use crate::contrastive::ContrastiveConfig;
use crate::language::{Point, Positions};
use crate::{FlamingoConfig, LanguageConfig, Placement};

/// Rows of a source that are worked on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MicroBatch {
    /// Texts.
    pub rows: usize,
    /// Tokens of a text, padding included.
    pub length: usize,
    /// Pictures or films of all rows.
    pub media: usize,
    /// Frames of each.
    pub frames: usize,
    /// Tokens of the longest stretch that sees one medium: all stretches are filled up to it.
    pub stretch: usize,
    /// Tokens that are predicted.
    pub targets: usize,
}

impl MicroBatch {
    /// Tokens of all rows.
    pub fn tokens(&self) -> usize {
        self.rows * self.length
    }
}

/// Pairs of a contrastive source in a step of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PairsBatch {
    /// Pairs of all processes, which are told apart from each other.
    pub of_all: usize,
    /// Pictures, or texts, that a tower sees at once.
    pub at_once: usize,
    /// Tokens of a text, padding included.
    pub length: usize,
}

impl PairsBatch {
    /// Whether the vectors of all are made first, and the towers see everything twice.
    pub fn is_in_parts(&self) -> bool {
        self.at_once < self.of_all
    }
}

/// What a training changes, and how it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Learning {
    /// What frozen matrices are kept in.
    pub precision: Precision,
    /// Whether some rows of the tables of tokens learn.
    pub tables: bool,
    /// Whether the language model learns.
    pub language: bool,
    /// Whether the encoder sees the pictures in each step.
    pub encodes: bool,
    /// Whether what is cheap to make is made again for the backward pass.
    pub recompute: bool,
    /// Parts of a step whose gradients are summed: micro-batches of all sources.
    pub parts: usize,
}

impl Learning {
    /// Layers of the language model that gradients pass: those behind the first thing that learns.
    pub(super) fn layers_with_gradients(&self, config: &FlamingoConfig) -> usize {
        let layers = config.language.layers;
        if self.tables || self.language {
            return layers;
        }
        let blocks = |point| config.gated.blocks_at(point, layers);
        let has_one =
            |&layer: &usize| blocks(Point::Before(layer)) + blocks(Point::Within(layer)) > 0;
        let first = (0..=layers).find(has_one);
        layers - first.unwrap_or(layers)
    }
}

/// What is kept of a micro-batch, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct KeptBytes {
    /// Without making anything again.
    pub whole: f64,
    /// With `recompute`.
    pub recomputed: f64,
}

/// Bytes that a training of one process takes at the highest, and what for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct TrainingMemory {
    /// What does not learn, the encoder included.
    pub frozen: f64,
    /// What learns, in f32.
    pub trained: f64,
    /// AdamW's two means of each trained parameter.
    pub moments: f64,
    /// Gradients, the sum of earlier parts included.
    pub gradients: f64,
    /// What is kept for the backward pass.
    pub kept: KeptBytes,
    /// What is worked on in between, in the phase that takes the most.
    pub work: f64,
    /// All of a step at the highest.
    pub peak: f64,
    /// While the finished model is written: all its tensors in f32 beside what learns.
    pub saving: f64,
}

/// Bytes of an f32.
const F32: f64 = 4.0;

/// Pictures that a frozen encoder sees at once.
pub const ENCODED_AT_ONCE: usize = 128;

impl TrainingMemory {
    /// Of a Flamingo whose encoder is frozen.
    pub fn of_flamingo(config: &FlamingoConfig, learning: &Learning, batch: &MicroBatch) -> Self {
        Phases::new(config, learning, batch).memory()
    }

    /// Of a language model on `rows` texts of `length` tokens.
    pub fn of_language(config: &LanguageConfig, parts: usize, [rows, length]: [usize; 2]) -> Self {
        let tokens = (rows * length) as f64;
        let layers = language_layer(config, true, length) * config.layers as f64;
        let kept = (layers + Kept::always(2.0 * config.width as f64)) * tokens;
        let scores = scores(config, rows * length, Precision::F32);
        Self::all_learning(config.parameters() as f64, parts, kept, scores)
    }

    /// Of two towers; none where what the encoder keeps is not counted.
    pub fn of_contrastive(
        config: &ContrastiveConfig,
        parts: usize,
        batch: &PairsBatch,
    ) -> Option<Self> {
        let image = config.vision.kept_per_image()? as f64;
        let text = batch.length as f64 * config.text.kept_per_token() as f64;
        let scores = 6.0 * (batch.of_all * batch.of_all) as f64;
        // Of each convolution the weights are kept twice, as they are centred and as they are used.
        let weights = 2.0 * config.vision.parameters() as f64;
        let at_once = batch.at_once as f64;
        let kept = match batch.is_in_parts() {
            false => at_once * (image + text) + scores + weights,
            // First the loss and then the towers, one at a time, beside the vectors of all and their gradients.
            true => {
                let vectors = 4.0 * (batch.of_all * config.joint_width) as f64;
                vectors + scores.max(at_once * image.max(text) + weights)
            }
        };
        let kept = Kept::always(kept);
        let work = at_once * config.vision.work_per_image() as f64 * F32;
        Some(Self::all_learning(
            config.parameters() as f64,
            parts,
            kept,
            work,
        ))
    }

    fn all_learning(parameters: f64, parts: usize, kept: Kept, work: f64) -> Self {
        let trained = parameters * F32;
        let summed = if parts > 1 { trained } else { 0.0 };
        let kept = in_bytes(kept);
        let standing = 3.0 * trained + summed;
        Self {
            frozen: 0.0,
            trained,
            moments: 2.0 * trained,
            gradients: trained + summed,
            kept,
            work,
            peak: (standing + kept.whole + work).max(standing + trained),
            saving: 4.0 * trained,
        }
    }
}

fn in_bytes(kept: Kept) -> KeptBytes {
    KeptBytes {
        whole: kept.whole * F32,
        recomputed: kept.lean.max(kept.made_again) * F32,
    }
}

/// Bytes of the scores of some rows, and of the table as products of bf16 read it.
fn scores(config: &LanguageConfig, targets: usize, precision: Precision) -> f64 {
    let rows = targets.min(SCORED_AT_ONCE) as f64;
    let table = match precision {
        Precision::F32 => 0.0,
        Precision::Bf16 | Precision::F16 => 4.0 * (config.logits() * config.table_width()) as f64,
    };
    rows * config.logits() as f64 * F32 + table
}

/// The phases of a step on a micro-batch.
struct Phases<'a> {
    config: &'a FlamingoConfig,
    learning: &'a Learning,
    batch: &'a MicroBatch,
}

impl<'a> Phases<'a> {
    fn new(config: &'a FlamingoConfig, learning: &'a Learning, batch: &'a MicroBatch) -> Self {
        Self {
            config,
            learning,
            batch,
        }
    }

    fn memory(&self) -> TrainingMemory {
        let (frozen, trained) = (self.frozen(), self.trained() * F32);
        let tables = self.gradient_of_tables();
        let summed = if self.learning.parts > 1 {
            trained
        } else {
            0.0
        };
        let standing = frozen + 3.0 * trained + summed;
        let all = self.kept_of_resampler() + self.kept_of_text();
        let kept = in_bytes(all);
        let lean = self.learning.recompute;
        let pick = |kept: Kept, is_begun: bool| match (lean, is_begun) {
            (false, _) => kept.whole * F32,
            (true, false) => kept.lean * F32,
            (true, true) => kept.made_again * F32,
        };
        let scores = scores(
            &self.config.language,
            self.batch.targets,
            self.learning.precision,
        );
        let media = self.keys_values();
        let media_held = if lean { 0.0 } else { media };
        // What a phase has beside what stands: what is kept, gradients, and what is worked on.
        let phases = [
            [0.0, 0.0, self.encoding()],
            [pick(all, false), 0.0, media_held + scores + self.read()],
            [pick(all, true), tables, self.layer_at_work() + self.read()],
            [
                pick(self.kept_of_resampler(), true),
                tables + self.trained_of_blocks() * F32 + media,
                self.layer_at_work(),
            ],
            [0.0, trained, tables],
        ];
        let sum = |phase: &[f64; 3]| phase.iter().sum::<f64>();
        let highest = phases.iter().max_by(|a, b| sum(a).total_cmp(&sum(b)));
        let highest = highest.copied().unwrap_or_default();
        let all_parameters = trained / F32 + self.frozen_parameters();
        TrainingMemory {
            frozen,
            trained,
            moments: 2.0 * trained,
            gradients: summed + trained,
            kept,
            work: highest[2],
            peak: standing + sum(&highest),
            saving: standing - summed + all_parameters * F32,
        }
    }

    /// Parameters that learn.
    fn trained(&self) -> f64 {
        let (config, language) = (self.config, &self.config.language);
        let visual = config.vision.width();
        let resampler = config.resampler.as_ref();
        let resampler = resampler.map_or(0, |r| r.parameters(visual)) as f64;
        let of_language = match (self.learning.language, self.learning.tables) {
            (true, _) => language.parameters(),
            (false, true) => language.table_parameters(),
            (false, false) => 0,
        };
        resampler + self.trained_of_blocks() + of_language as f64
    }

    /// Those of the gated blocks and of the map before them.
    fn trained_of_blocks(&self) -> f64 {
        let config = self.config;
        let block = config.block_parameters();
        (config.gated_blocks() as u64 * block + config.media_projection_parameters()) as f64
    }

    fn frozen_parameters(&self) -> f64 {
        let language = &self.config.language;
        let of_language = match (self.learning.language, self.learning.tables) {
            (true, _) => 0,
            (false, true) => language.parameters() - language.table_parameters(),
            (false, false) => language.parameters(),
        };
        (self.config.vision.parameters() + of_language) as f64
    }

    /// Bytes of what is frozen: matrices of layers and of the encoder in the precision asked for, the rest in f32.
    fn frozen(&self) -> f64 {
        let language = &self.config.language;
        let size = self.learning.precision.dtype().size() as f64;
        let encoder = match self.learning.encodes {
            true => self.config.vision.parameters() as f64 * size,
            false => 0.0,
        };
        if self.learning.language {
            return encoder;
        }
        let layers = language.parameters_of_layers() as f64;
        let tables = language.table_parameters() as f64;
        let rest = language.parameters() as f64 - layers - tables;
        let tables = if self.learning.tables { 0.0 } else { tables };
        encoder + (layers + tables) * size + rest * F32
    }

    /// Bytes of the gradient of the tables, which is made whole though few rows learn.
    fn gradient_of_tables(&self) -> f64 {
        match self.learning.tables || self.learning.language {
            true => self.config.language.table_parameters() as f64 * F32,
            false => 0.0,
        }
    }

    fn latents(&self) -> f64 {
        (self.batch.media * self.config.latents()) as f64
    }

    /// Bytes of the keys and values of all media in all blocks, or of their gradients.
    fn keys_values(&self) -> f64 {
        let width = self.config.gated.of_keys() * self.config.gated.head_dim;
        2.0 * self.latents() * (width * self.config.gated_blocks()) as f64 * F32
    }

    /// Of the resampler, and the latents that the blocks' keys and values are made of.
    fn kept_of_resampler(&self) -> Kept {
        let config = self.config;
        let features = (self.batch.frames * config.vision.positions()) as f64;
        let media = self.batch.media as f64;
        let of_resampler = config.resampler.as_ref().map_or(Kept::default(), |r| {
            resampler(r, config.vision.width(), [media, features])
        });
        let projected = match config.projects_media() {
            true => config.latent_width(),
            false => 0,
        };
        let width = (config.media_width() + projected) as f64;
        of_resampler + Kept::always(self.latents() * width)
    }

    /// Of layers, blocks, and what all layers add to their scores.
    fn kept_of_text(&self) -> Kept {
        let (config, batch) = (self.config, self.batch);
        let (language, tokens) = (&config.language, batch.tokens() as f64);
        let layer = language_layer(language, self.learning.language, batch.length);
        let layers = layer * (tokens * self.learning.layers_with_gradients(config) as f64);
        let looked = Looked {
            tokens,
            gathered: (batch.media * batch.stretch) as f64,
            latents: self.latents(),
        };
        let block = gated_block(&config.gated, language.width, looked);
        // Blocks on top have a layer of text before them, which learns, too.
        let block = match config.gated.placement {
            Placement::OnTop => block + language_layer(language, true, batch.length) * tokens,
            _ => block,
        };
        let heads = match language.positions {
            Positions::Alibi { .. } => language.heads,
            _ => 1,
        };
        let bias = (batch.rows * heads * batch.length * batch.length) as f64;
        let last = tokens * language.width as f64;
        layers + block * config.gated_blocks() as f64 + Kept::always(bias + last)
    }

    /// Bytes of the rows that are predicted from, and of their gradients.
    fn read(&self) -> f64 {
        2.0 * (self.batch.targets * self.config.language.width) as f64 * F32
    }

    /// Bytes of the gradients inside a feed-forward.
    fn layer_at_work(&self) -> f64 {
        let language = &self.config.language;
        let hidden = self.config.gated.hidden(language.width);
        let widest = 2 * (language.width + language.ffw_width.max(hidden));
        (self.batch.tokens() * widest) as f64 * F32
    }

    /// Bytes of pictures in the encoder.
    fn encoding(&self) -> f64 {
        if !self.learning.encodes {
            return 0.0;
        }
        let vision = &self.config.vision;
        let frames = self.batch.media * self.batch.frames;
        let features = frames * vision.positions() * vision.width();
        let side = vision.image_size();
        let pixels = 3 * side * side * frames;
        let size = self.learning.precision.dtype().size() as f64;
        let at_once = frames.min(ENCODED_AT_ONCE) as f64 * vision.work_per_image() as f64;
        (features + pixels) as f64 * F32 + at_once * size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEARNING: Learning = Learning {
        precision: Precision::F32,
        tables: false,
        language: false,
        encodes: true,
        recompute: false,
        parts: 1,
    };

    const BATCH: MicroBatch = MicroBatch {
        rows: 2,
        length: 128,
        media: 6,
        frames: 1,
        stretch: 100,
        targets: 200,
    };

    fn memory(name: &str, learning: &Learning) -> TrainingMemory {
        let config = FlamingoConfig::preset(name).expect("preset");
        TrainingMemory::of_flamingo(&config, learning, &BATCH)
    }

    #[test]
    fn a_frozen_layer_keeps_nine_numbers_of_each_channel() {
        let config = LanguageConfig::opt(64, 2, 4);
        assert_eq!(language_layer(&config, false, 128).whole, 9.0 * 64.0);
        // The norms of two inputs, the heads, and the hidden layer behind its activation.
        assert_eq!(language_layer(&config, true, 128).whole, 16.0 * 64.0);
    }

    #[test]
    fn layers_before_the_first_block_keep_something_only_if_tokens_learn() {
        let config = FlamingoConfig::preset("openflamingo-9b").expect("preset");
        assert_eq!(LEARNING.layers_with_gradients(&config), 29);
        let learning = Learning {
            tables: true,
            ..LEARNING
        };
        assert_eq!(learning.layers_with_gradients(&config), 32);
        let [without, with] = [LEARNING, learning].map(|l| memory("openflamingo-9b", &l));
        assert!(without.kept.whole < with.kept.whole);
        let table = (config.language.vocabulary * config.language.width) as f64 * F32;
        assert_eq!(with.trained - without.trained, table);
        assert_eq!(without.frozen - with.frozen, table);
    }

    #[test]
    fn half_precision_halves_what_is_frozen_and_a_second_part_adds_a_sum_of_gradients() {
        let plain = memory("flamingo-3b", &LEARNING);
        let half = Learning {
            precision: Precision::Bf16,
            ..LEARNING
        };
        let share = memory("flamingo-3b", &half).frozen / plain.frozen;
        assert!((0.5..0.501).contains(&share), "{share}");
        let parts = Learning {
            parts: 2,
            ..LEARNING
        };
        let summed = memory("flamingo-3b", &parts);
        assert_eq!(summed.gradients, 2.0 * plain.gradients);
        assert_eq!(summed.peak - plain.peak, plain.trained);
    }

    #[test]
    fn a_model_that_is_written_stands_beside_all_its_tensors_in_f32() {
        let memory = memory("flamingo-3b", &LEARNING);
        let config = FlamingoConfig::preset("flamingo-3b").expect("preset");
        let total = crate::describe(&config).total as f64;
        assert_eq!(
            memory.saving,
            memory.frozen + 3.0 * memory.trained + total * F32
        );
    }
}
