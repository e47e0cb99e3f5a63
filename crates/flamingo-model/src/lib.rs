//! The paper: vision encoders, Perceiver Resampler, gated cross-attention, language models, and
//! [`Flamingo`] over them ("Flamingo: a Visual Language Model for Few-Shot Learning", Alayrac et
//! al., 2022; sections are cited as "paper, 2.1").
//!
//! Axis letters: `B` batch rows, `L` text tokens, `M` media (images or films) flat over the batch,
//! `T` frames, `S` positions of a frame, `R` latents, `H` heads, `Dh` width of a head, `D` text
//! width, `Dv` visual width, `V` vocabulary.
//!
//! The way of a prompt: pixels -> [`VisionEncoder`](vision::VisionEncoder) -> [`PerceiverResampler`]
//! -> keys and values of each [`GatedCrossAttention`] ([`Media`]) -> [`LanguageModel`] with a gated
//! block before every n-th layer (or where else [`Placement`] says) -> logits. Nothing is kept between calls: caches are arguments.

mod accounting;
mod config;
pub mod contrastive;
mod flamingo;
mod gated_cross_attention;
pub mod language;
mod looking;
mod media;
mod perceiver_resampler;
mod presets;
mod sizes;
pub mod text_tower;
mod tiny;
pub mod vision;

pub use accounting::{
    Description, ENCODED_AT_ONCE, KeptBytes, Learning, MicroBatch, PairsBatch, PartSize,
    StepOperations, TrainingMemory, describe, print_count,
};
pub use config::{ConfigError, FlamingoConfig};
pub use flamingo::{Flamingo, Passing};
pub use gated_cross_attention::{Gate, GatedConfig, GatedCrossAttention, Placement};
pub use language::{Branches, Chunk, LanguageConfig, LanguageModel, TextCache, TextInput, TextRow};
pub use looking::Looking;
pub use media::{Media, Medium};
pub use perceiver_resampler::{PerceiverResampler, PerceiverResamplerConfig, ResamplerKind};
pub use presets::{CONTRASTIVE_PRESETS, PRESETS};
