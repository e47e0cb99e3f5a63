//! Operations and bytes of a model's work, counted from its configuration.

use flamingo::kernels::{Precision, WeightType};
use flamingo::model::{FlamingoConfig, LanguageConfig, StepOperations, describe};
use serde_json::{Value, json};

use super::machine::Machine;

/// What a piece of work costs at least.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Operations, 2 a multiply-add.
    pub(crate) flop: f64,
    /// Bytes of weights read, each once.
    pub(crate) bytes: f64,
}

impl Cost {
    /// Of weights that are all of this type, where they were counted as f32.
    pub(crate) fn stored_in(self, weights: WeightType) -> Self {
        let bytes = match (weights.quantised(), weights.precision) {
            (Some(kind), _) => kind.block_bytes() as f64 / kind.block() as f64,
            (None, Precision::F32) => 4.0,
            (None, Precision::Bf16 | Precision::F16) => 2.0,
        };
        Self {
            bytes: self.bytes * bytes / 4.0,
            ..self
        }
    }

    /// As it is reported, of work with such weights that took `seconds`; [`against`] adds the rest.
    pub(crate) fn within(self, weights: WeightType, seconds: f64) -> Value {
        self.of_products(products(weights), seconds)
    }

    /// As [`Cost::within`], of products in such numbers.
    pub(crate) fn of_products(self, products: &str, seconds: f64) -> Value {
        json!({
            "gflop": self.flop / 1e9,
            "gb": self.bytes / 1e9,
            "products": products,
            "seconds": seconds,
        })
    }
}

/// In what numbers products with such weights are made.
pub(crate) fn products(weights: WeightType) -> &'static str {
    match (weights.quantised(), weights.precision) {
        (Some(_), _) => "int8",
        (None, Precision::Bf16) => "bf16",
        (None, Precision::F32 | Precision::F16) => "f32",
    }
}

/// Adds to a reported cost the share that it reaches of the limit of `machine` which lets it take the
/// longer.
pub(crate) fn against(machine: &Machine, reported: &mut Value) {
    let number = |name: &str| reported.get(name).and_then(Value::as_f64);
    let (Some(gflop), Some(gb), Some(seconds)) = (number("gflop"), number("gb"), number("seconds"))
    else {
        return;
    };
    let rate = match reported.get("products").and_then(Value::as_str) {
        Some("int8") => machine.product_int8_gflop_s,
        Some("bf16") => machine.product_bf16_gflop_s,
        _ => machine.product_gflop_s,
    };
    let (of_products, of_memory) = (gflop / rate, gb / machine.read_gb_s);
    let (limit, least) = match of_products > of_memory {
        true => ("products", of_products),
        false => ("memory", of_memory),
    };
    reported["limit"] = limit.into();
    reported["least_s"] = least.into();
    reported["share"] = (least / seconds).into();
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            flop: self.flop + other.flop,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Of `tokens` tokens behind `before` others, read by a language model alone, and the vocabulary's scores of the
/// last one; the matrices take `bytes`.
pub(crate) fn text(config: &LanguageConfig, tokens: usize, before: usize, bytes: u64) -> Cost {
    let head = 2.0 * (config.logits() * config.width) as f64;
    let mean = before + tokens.div_ceil(2);
    Cost {
        flop: tokens as f64 * (config.flops_per_token(mean) as f64 - head) + head,
        bytes: bytes as f64,
    }
}

/// Of the encoder alone.
pub(crate) fn encoder(config: &FlamingoConfig, images: usize) -> Cost {
    let all = describe(config).flops_per_image as f64;
    Cost {
        flop: images as f64 * all - resampler(config, images).flop,
        bytes: 0.0,
    }
}

/// Of the resampler alone.
pub(crate) fn resampler(config: &FlamingoConfig, images: usize) -> Cost {
    let (dv, positions) = (config.vision.width(), config.vision.positions());
    let one = config
        .resampler
        .as_ref()
        .map_or(0, |r| r.flops(dv, 1, positions));
    Cost {
        flop: (images as u64 * one) as f64,
        bytes: 0.0,
    }
}

/// Of the keys and values of images in all gated blocks.
pub(crate) fn keys_values(config: &FlamingoConfig, images: usize) -> Cost {
    let inner = config.gated.of_keys() * config.gated.head_dim;
    let one = 4 * config.latents() * config.media_width() * inner * config.gated_blocks();
    Cost {
        flop: (images * one) as f64,
        bytes: 0.0,
    }
}

/// Of a step of a training, by part.
pub(crate) fn step(operations: &StepOperations) -> [(&'static str, Cost); 5] {
    let cost = |flop: f64| Cost { flop, bytes: 0.0 };
    [
        ("encoder", cost(operations.encoder)),
        ("resampler", cost(operations.resampler)),
        ("layers", cost(operations.layers)),
        ("gated_blocks", cost(operations.gated_blocks)),
        ("head", cost(operations.head)),
    ]
}

/// Of `tokens` tokens of each of `rows` texts behind `before` others, read together, each looking at
/// one image; the vocabulary's scores of the last one.
pub(crate) fn tokens(config: &FlamingoConfig, rows: usize, tokens: usize, before: usize) -> Cost {
    let (language, gated) = (&config.language, &config.gated);
    let blocks = config.gated_blocks();
    let head = (language.logits() * language.width) as f64;
    let mean = before + tokens.div_ceil(2);
    let of_block = blocks as u64 * config.block_flops_per_token(mean);
    let one = (language.flops_per_token(mean) + of_block) as f64 - 2.0 * head;
    let of_blocks = blocks as u64 * config.block_parameters();
    // The blocks' keys and values of images are not made here, their weights not read.
    let unread = blocks * 2 * config.media_width() * gated.of_keys() * gated.head_dim;
    let table = match language.tied_head {
        true => 0.0,
        false => (language.vocabulary * language.width) as f64,
    };
    let weights = (language.parameters() + of_blocks - unread as u64) as f64 - table;
    Cost {
        flop: (rows * tokens) as f64 * one + rows as f64 * 2.0 * head,
        bytes: 4.0 * weights,
    }
}
