//! A language model alone: a prompt of numbers read, and tokens written behind it.

use std::path::Path;
use std::time::Instant;

use cpu_time::ProcessTime;
use flamingo::kernels::{Device, Tensor, WeightType};
use flamingo::model::{LanguageConfig, LanguageModel, TextCache, TextRow};
use flamingo::weights::{Weighed, build_language, open_language};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::clock::time;
use super::cost::{self, Cost};
use super::tasks::{DECODED, Fields, fields};
use crate::failure::Result;

/// Reads `tokens` tokens and writes [`DECODED`] more.
pub(crate) fn run(path: &Path, tokens: usize, weights: WeightType, reps: usize) -> Result<Fields> {
    let (model, weighed) = build_language(&open_language(path)?, &Device::flex(), weights)?;
    let config = model.config();
    let wanted = tokens + DECODED;
    if wanted > model.max_length() {
        let most = model.max_length();
        let why = format!("{wanted} tokens, and the model has places for {most}");
        return Ok(fields([("skipped", why.into())]));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let words = config.vocabulary as u32;
    let ids: Vec<u32> = (0..tokens).map(|_| rng.random_range(0..words)).collect();
    let prefill = time(reps, TextCache::default, |mut cache| {
        drop(read(&model, &ids, &mut cache));
    });
    let mut cache = TextCache::default();
    let mut logits = read(&model, &ids, &mut cache);
    let mut all = Vec::with_capacity(DECODED);
    let start = ProcessTime::now();
    for _ in 0..DECODED {
        let start = Instant::now();
        let next = logits.argmax(1).into_data().convert::<i32>();
        let next = next.try_to_vec::<i32>().expect("converted")[0] as u32;
        logits = read(&model, &[next], &mut cache);
        all.push(start.elapsed().as_secs_f64());
    }
    let cpu = start.elapsed().as_secs_f64() / DECODED as f64;
    all.sort_by(f64::total_cmp);
    let (best, median) = (all[0], all[all.len() / 2]);
    let within = |cost: Cost, seconds: f64| cost.of_products(products(&weighed, weights), seconds);
    let bytes = bytes_read(&weighed, config, weights);
    Ok(fields([
        ("tokens", tokens.into()),
        ("tokens_per_s", (tokens as f64 / prefill.median_s).into()),
        (
            "limit",
            within(cost::text(config, tokens, 0, bytes), prefill.median_s),
        ),
        ("prefill", json!(prefill)),
        ("decoded", DECODED.into()),
        ("best_s_per_token", best.into()),
        ("median_s_per_token", median.into()),
        ("decoded_per_s", (1.0 / median).into()),
        ("cpu_s_per_token", cpu.into()),
        (
            "decode_limit",
            within(cost::text(config, 1, tokens, bytes), median),
        ),
    ]))
}

/// The scores of what follows `ids`.
fn read(model: &LanguageModel, ids: &[u32], cache: &mut TextCache) -> Tensor<2> {
    let mut row = TextRow::new(ids, cache);
    let hidden = model.read(std::slice::from_mut(&mut row), &mut |_, stream, _| stream);
    let last = hidden.narrow(1, ids.len() - 1, 1).squeeze_dim::<2>(0);
    model.logits(last)
}

/// Bytes of the matrices that a token is multiplied with.
fn bytes_read(weighed: &Weighed, config: &LanguageConfig, weights: WeightType) -> u64 {
    let quantised = weighed.quantised.values().map(|amount| amount.bytes);
    let table = config.vocabulary * config.width * weights.precision.bytes();
    match weighed.quantised.is_empty() {
        false => quantised.sum(),
        true if config.tied_head => weighed.dense.bytes,
        true => weighed.dense.bytes.saturating_sub(table as u64),
    }
}

/// In what numbers most products are made.
fn products(weighed: &Weighed, weights: WeightType) -> &'static str {
    match weighed.quantised.is_empty() {
        true => cost::products(weights),
        false => "int8",
    }
}
