//! What `expected.json` says (losses, texts, generations, steps), against what was computed.

use serde_json::Value;

use crate::compare::GRADIENT;
use crate::{Case, Computed, Line, Status};

/// Differences of losses, as a share of the loss.
pub(crate) const LOSS: f64 = 1e-5;
/// Below this difference of the two best logits an id is not safe to compare.
const SAFE_GAP: f64 = 1e-4;

/// All but the steps.
pub(crate) fn said(case: &Case, computed: &Computed) -> Vec<Line> {
    let mut lines = Vec::new();
    for key in ["loss_laion", "loss_mmc4", "loss", "labels_kwarg"] {
        let expected = case.said(key).and_then(Value::as_f64);
        if let Some(expected) = expected {
            lines.push(number(key, expected, computed.json.get(key), LOSS));
        }
    }
    if let Some(tokenizer) = case.said("tokenizer").and_then(Value::as_object) {
        lines.extend(texts(tokenizer, computed.json.get("tokenizer")));
    }
    if let Some(generate) = case.said("generate").and_then(Value::as_object) {
        let ours = computed.json.get("generate");
        for (name, expected) in generate {
            lines.push(generation(
                name,
                expected,
                ours.and_then(|ours| ours.get(name)),
            ));
            if let Some(scores) = expected.get("sequences_scores") {
                let ours = ours
                    .and_then(|o| o.get(name))
                    .and_then(|o| o.get("sequences_scores"));
                lines.push(numbers(&format!("generate {name} scores"), scores, ours));
            }
        }
    }
    lines
}

/// Keys of `expected.json` that are compared, or that say how the case was made.
const KNOWN: [&str; 26] = [
    "add_end_of_utterance_token",
    "alpha_type",
    "case",
    "checkpoint",
    "checkpoint_file_keys",
    "checkpoint_keys",
    "counterpart",
    "cross_attn_every_n_layers",
    "generate",
    "generate_uses_lost_rows",
    "images_per_row",
    "labels_kwarg",
    "lm_head_rows_on_disk",
    "loss",
    "loss_laion",
    "loss_mmc4",
    "peer",
    "preprocess",
    "prompts",
    "prompts_int_is_image",
    "rank_classes",
    "reload_max_abs_diff",
    "tokenizer",
    "trainable_names",
    "trainable_parameters",
    "what",
];

/// What `expected.json` says beside, so that nothing is left out in silence.
pub(crate) fn not_compared(case: &Case, gradients: bool) -> Vec<Line> {
    let keys = case.json.as_object().into_iter().flatten();
    let unknown = keys.filter_map(|(key, _)| {
        let why = match key.as_str() {
            "train" if gradients => return None,
            "train" => "steps of the optimiser are computed with --gradients",
            key if KNOWN.contains(&key) => return None,
            _ => "not a tensor, loss, generation or score of a model",
        };
        Some(Line::with(key.clone(), Status::Left, why))
    });
    unknown.collect()
}

/// The recorded steps of the optimiser.
pub(crate) fn steps(case: &Case, computed: &Computed) -> Vec<Line> {
    let expected = case.said("train/steps").and_then(Value::as_array);
    let ours = computed
        .json
        .get("train")
        .and_then(|train| train.get("steps"));
    let mut lines = Vec::new();
    for (i, step) in expected.into_iter().flatten().enumerate() {
        for (key, value) in step.as_object().into_iter().flatten() {
            let tolerance = if i == 0 && key.starts_with("loss") {
                LOSS
            } else {
                GRADIENT
            };
            if let Some(value) = value.as_f64() {
                let found = ours
                    .and_then(|steps| steps.get(i))
                    .and_then(|step| step.get(key));
                lines.push(number(&format!("step {i} {key}"), value, found, tolerance));
            }
        }
    }
    lines
}

pub(crate) fn number(name: &str, expected: f64, ours: Option<&Value>, tolerance: f64) -> Line {
    let Some(ours) = ours.and_then(Value::as_f64) else {
        return Line::with(name, Status::Missing, "not computed");
    };
    let absolute = (expected - ours).abs();
    let relative = absolute / expected.abs().max(1e-12);
    Line {
        absolute: Some(absolute),
        relative: Some(relative),
        tolerance: Some(tolerance),
        ..Line::exact(name, relative <= tolerance, format!("{ours:.6}"))
    }
}

fn numbers(name: &str, expected: &Value, ours: Option<&Value>) -> Line {
    let list = |value: &Value| -> Option<Vec<f64>> {
        value.as_array()?.iter().map(Value::as_f64).collect()
    };
    let (Some(expected), Some(ours)) = (list(expected), ours.and_then(list)) else {
        return Line::with(name, Status::Missing, "not computed");
    };
    let largest = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    let differences = expected.iter().zip(&ours).map(|(a, b)| (a - b).abs());
    let absolute = differences.fold(0f64, f64::max);
    let relative = absolute / largest.max(1e-12);
    Line {
        absolute: Some(absolute),
        relative: Some(relative),
        ..Line::exact(name, expected.len() == ours.len() && relative <= 1e-4, "")
    }
}

/// What is compared of `tokenizer`; the rest describes the peer's objects.
const COMPUTED: [&str; 11] = [
    "ids",
    "decoded",
    "decoded_skip_special",
    "len",
    "embedding_rows",
    "media_token_id",
    "image_token_id",
    "fake_token_id",
    "eoc_token_id",
    "pad_token_id",
    "eos_token_id",
];

fn texts(expected: &serde_json::Map<String, Value>, ours: Option<&Value>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (key, expected) in expected {
        if !COMPUTED.contains(&key.as_str()) {
            continue;
        }
        let name = format!("tokenizer {key}");
        let Some(found) = ours.and_then(|ours| ours.get(key)) else {
            lines.push(Line::with(name, Status::Missing, "not computed"));
            continue;
        };
        let note = match (expected.as_array(), found.as_array()) {
            (Some(a), Some(b)) => {
                let wrong = a.iter().zip(b).position(|(a, b)| a != b);
                wrong.map_or(String::new(), |i| format!("text {i} differs first"))
            }
            _ if expected != found => format!("{found}, expected {expected}"),
            _ => String::new(),
        };
        lines.push(Line::exact(name, expected == found, note));
    }
    lines
}

pub(crate) fn generation(name: &str, expected: &Value, ours: Option<&Value>) -> Line {
    let name = format!("generate {name}");
    if let Some(error) = expected.get("error").and_then(Value::as_str) {
        let error: String = error.chars().take(60).collect();
        return Line::with(name, Status::Left, format!("the peer failed: {error}..."));
    }
    let Some(found) = ours.and_then(|ours| ours.get("sequences")) else {
        return Line::with(name, Status::Missing, "not computed");
    };
    let wanted = expected.get("sequences").cloned().unwrap_or_default();
    if wanted == *found {
        return Line::exact(name, true, "");
    }
    let gap = expected.get("min_top2_gap").and_then(Value::as_f64);
    let note = differs_at(&wanted, found);
    match gap {
        Some(gap) if gap < SAFE_GAP => Line::with(
            name,
            Status::Left,
            format!("{note}; the two best are only {gap:.1e} apart"),
        ),
        _ => Line::exact(name, false, note),
    }
}

fn differs_at(wanted: &Value, found: &Value) -> String {
    let rows = |value: &Value| -> Vec<Vec<i64>> {
        serde_json::from_value(value.clone()).unwrap_or_default()
    };
    let (wanted, found) = (rows(wanted), rows(found));
    if wanted.len() != found.len() {
        return format!("{} sequences, expected {}", found.len(), wanted.len());
    }
    for (row, (a, b)) in wanted.iter().zip(&found).enumerate() {
        if a != b {
            let at = a
                .iter()
                .zip(b)
                .position(|(a, b)| a != b)
                .unwrap_or(a.len().min(b.len()));
            let show = |row: &[i64]| row.get(at).map_or("nothing".to_owned(), i64::to_string);
            return format!("row {row} has {} at {at}, expected {}", show(b), show(a));
        }
    }
    String::new()
}
