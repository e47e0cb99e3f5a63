//! Tensors: expected against computed.

use std::collections::BTreeMap;

use flamingo_checkpoint::Checkpoint;

use crate::case::{self, Case};
use crate::{Array, Computed, Line, Result, Status};

/// Relative differences of gradients, and of what came of them, that are allowed.
pub(crate) const GRADIENT: f64 = 1e-3;

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

/// One tensor, in those rows of its last axis that `mask` says, or all.
pub(crate) fn one(
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
