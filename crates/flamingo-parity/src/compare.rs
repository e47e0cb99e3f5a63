//! Expected against computed.

use std::collections::BTreeMap;

use flamingo_checkpoint::Checkpoint;
use serde_json::Value;

use crate::case::{self, Case};
use crate::report::Status;
use crate::{Array, Computed, Line, Result};

/// Differences of losses, as a share of the loss.
const LOSS: f64 = 1e-5;
/// Differences of gradients and of what came of them.
const GRADIENT: f64 = 1e-3;
/// Below this difference of the two best logits an id is not safe to compare.
const SAFE_GAP: f64 = 1e-4;

/// Compares all tensors of a file with those `computed`; `prefix` stands before their names in the
/// report.
pub(crate) fn tensors(
    case: &Case,
    file: &Checkpoint,
    prefix: &str,
    computed: &BTreeMap<String, Array>,
    tolerance: f64,
) -> Result<Vec<Line>> {
    let mut names: Vec<String> = file.names().map(str::to_owned).collect();
    names.sort_by_key(|name| place(name));
    let masks = Masks::read(case)?;
    let mut lines = Vec::new();
    for name in names {
        let expected = case::array(file, &name)?;
        let full = format!("{prefix}{name}");
        let Some(ours) = computed.get(&name) else {
            lines.push(Line::with(full, Status::Missing, "not computed"));
            continue;
        };
        if ours.shape != expected.shape {
            let note = format!("is {:?}, expected {:?}", ours.shape, expected.shape);
            lines.push(Line::with(full, Status::Differs, note));
            continue;
        }
        if name == "rank_logprobs_cached" {
            lines.push(cached_scores(case, &expected, ours, tolerance)?);
            continue;
        }
        let mask = masks.of(&name, &expected);
        lines.push(one(full, &expected, ours, mask.as_deref(), tolerance));
    }
    Ok(lines)
}

/// Where a tensor stands in the way of a pass, so that the first that differs is the cause.
fn place(name: &str) -> (usize, usize, usize, String) {
    let (kind, number) = match name.rsplit_once('.') {
        Some((kind, number)) => (kind, number.parse::<usize>().unwrap_or(0)),
        None => (name, 0),
    };
    let order = |kinds: &[&str]| kinds.iter().position(|k| *k == kind);
    let stations = ["layer_in", "xattn_raw", "xattn_out", "layer_out"];
    let (group, within) = match (
        order(&[
            "clip_tokens",
            "vision_tokens",
            "clip_pooled",
            "vision_pooled",
            "clip_encode_image",
            "perceiver_out",
        ]),
        order(&stations),
    ) {
        (Some(first), _) => (0, first),
        (_, Some(station)) => return (1, number, station, String::new()),
        _ if kind == "logits" => (2, 0),
        _ => (3, 0),
    };
    (group, within, number, name.to_owned())
}

/// Which rows count.
struct Masks {
    main: Option<Vec<bool>>,
    text_only: Option<Vec<bool>>,
}

impl Masks {
    fn read(case: &Case) -> Result<Self> {
        let read = |name: &str| -> Result<Option<Vec<bool>>> {
            if !case.has_input(name) {
                return Ok(None);
            }
            let rows = case.integers(name)?;
            Ok(Some(rows.values.iter().map(|&value| value != 0).collect()))
        };
        Ok(Self {
            main: read("attention_mask")?,
            text_only: read("text_only_attention_mask")?,
        })
    }

    /// For each row of the last axis whether it is no padding; none if all count.
    fn of(&self, name: &str, expected: &Array) -> Option<Vec<bool>> {
        let masked = [
            "layer_in.",
            "layer_out.",
            "xattn_raw.",
            "xattn_out.",
            "logits",
        ];
        let mask = match name {
            "text_only_logits" => self.text_only.as_ref(),
            _ if masked.iter().any(|start| name.starts_with(start)) => self.main.as_ref(),
            _ => None,
        }?;
        (mask.len() * expected.width() == expected.values.len()).then(|| mask.clone())
    }
}

fn one(
    name: String,
    expected: &Array,
    ours: &Array,
    mask: Option<&[bool]>,
    tolerance: f64,
) -> Line {
    let width = expected.width().max(1);
    let counts = |i: &usize| mask.is_none_or(|mask| mask[i / width]);
    let (mut dot, mut a2, mut b2) = (0f64, 0f64, 0f64);
    let (mut absolute, mut largest, mut finite) = (0f64, 0f64, true);
    for i in (0..expected.values.len()).filter(counts) {
        let (a, b) = (f64::from(expected.values[i]), f64::from(ours.values[i]));
        finite &= a.is_finite() && b.is_finite();
        dot += a * b;
        a2 += a * a;
        b2 += b * b;
        absolute = absolute.max((a - b).abs());
        largest = largest.max(a.abs());
    }
    let relative = if absolute == 0.0 {
        0.0
    } else {
        absolute / largest.max(f64::MIN_POSITIVE)
    };
    let both_zero = a2 == 0.0 && b2 == 0.0;
    let cosine = if both_zero {
        1.0
    } else {
        dot / (a2 * b2).sqrt()
    };
    Line {
        name,
        status: if finite && relative <= tolerance {
            Status::Agrees
        } else {
            Status::Differs
        },
        cosine: Some(cosine),
        absolute: Some(absolute),
        relative: Some(relative),
        tolerance: Some(tolerance),
        note: if finite {
            String::new()
        } else {
            "not finite".to_owned()
        },
    }
}

/// The peer's cached scoring forgets the mask of the class tokens: rows with padding come out wrong
/// there, and are right here. Rows without padding are compared.
fn cached_scores(case: &Case, expected: &Array, ours: &Array, tolerance: f64) -> Result<Line> {
    let mask = case.integers("class_attention_mask")?;
    let whole: Vec<bool> = mask.rows().map(|row| row.iter().all(|&m| m != 0)).collect();
    let mut line = one(
        "rank_logprobs_cached".into(),
        expected,
        ours,
        Some(&whole),
        tolerance,
    );
    let padded = whole.iter().filter(|whole| !**whole).count();
    if padded > 0 {
        line.note = format!(
            "{padded} of {} rows have padding, which the peer's cached scoring sees: not compared, ours are the uncached scores",
            whole.len()
        );
    }
    Ok(line)
}

/// Inputs that we make ourselves: labels, image masks, pixels.
pub(crate) fn inputs(case: &Case, computed: &Computed, std: [f32; 3]) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for name in ["laion", "mmc4"] {
        if let Some(ours) = computed.inputs.get(&format!("{name}_labels")) {
            let given = case.mask(&format!("{name}_labels"))?;
            let same = given.values == ours.values;
            lines.push(Line::exact(format!("labels of {name}"), same, ""));
        }
    }
    if let Some(ours) = computed.inputs.get("image_attention_mask") {
        let given = case.mask("image_attention_mask")?;
        let rows = case.integers("attention_mask")?;
        let width = given.width();
        let same = (0..given.values.len())
            .filter(|i| rows.values[i / width] != 0)
            .all(|i| given.values[i] == ours.values[i]);
        lines.push(Line::exact("image attention mask", same, ""));
    }
    if let Some(ours) = computed.inputs.get("pixel_values") {
        lines.push(pixels(
            "pixel_values".into(),
            &case.input("pixel_values")?,
            ours,
            std,
        ));
    }
    Ok(lines)
}

/// Pixels: equal in 99.9%, and nowhere more than one step of 255 apart.
pub(crate) fn pixels(name: String, expected: &Array, ours: &Array, std: [f32; 3]) -> Line {
    let size = expected.width();
    let channel = |i: usize| (i / (size * size)) % 3;
    let step = |i: usize| (1.0 / 255.0 / std[channel(i)]) as f64;
    let (mut farthest, mut equal) = (0f64, 0usize);
    for (i, (a, b)) in expected.values.iter().zip(&ours.values).enumerate() {
        let steps = f64::from((a - b).abs()) / step(i);
        farthest = farthest.max(steps);
        equal += usize::from(steps < 1e-3);
    }
    let share = equal as f64 / expected.values.len().max(1) as f64;
    let same = expected.shape == ours.shape && share >= 0.999 && farthest <= 1.0 + 1e-3;
    let note = format!(
        "{:.3}% equal, at most {farthest:.3} of 255 apart",
        100.0 * share
    );
    Line::exact(name, same, note)
}

/// What `expected.json` says.
pub(crate) fn json(case: &Case, computed: &Computed) -> Vec<Line> {
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

/// Relative differences of gradients that are allowed.
pub(crate) const GRADIENT_TOLERANCE: f64 = GRADIENT;

fn number(name: &str, expected: f64, ours: Option<&Value>, tolerance: f64) -> Line {
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

fn generation(name: &str, expected: &Value, ours: Option<&Value>) -> Line {
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

/// Tensors of `computed` that a file of modules or pictures holds as outputs, too.
pub(crate) fn outputs(
    file: &Checkpoint,
    computed: &Computed,
    compare: impl Fn(String, &Array, &Array) -> Line,
) -> Result<Vec<Line>> {
    let tensors: &BTreeMap<String, Array> = &computed.tensors;
    tensors
        .iter()
        .map(|(name, ours)| Ok(compare(name.clone(), &case::array(file, name)?, ours)))
        .collect()
}

/// One tensor, all of it.
pub(crate) fn whole(name: String, expected: &Array, ours: &Array, tolerance: f64) -> Line {
    one(name, expected, ours, None, tolerance)
}
