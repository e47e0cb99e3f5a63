//! What is compared of a case of Llama-3.2-Vision, and what is left out because it is of another
//! reading.

use flamingo_image::Preprocess;

use crate::{Case, Computed, Line, Result, Status, case, compare, compare_json};

/// What stands before the names of our reading.
pub(crate) const READING: &str = "meta.";

const LEFT_OUTPUT: &str = "of transformers from 4.55 on: features are what leaves the encoder's layers, tokens \
                           without a picture attend to all";
const LEFT_OLDER: &str =
    "of transformers up to 4.54: tokens without a picture attend to all pictures of their row";

pub(crate) fn lines(
    case: &Case,
    computed: &Computed,
    preprocess: &Preprocess,
    tolerance: f64,
) -> Result<Vec<Line>> {
    let note = "meta: the encoder's features are what enters its layers, a token without a picture gets nothing";
    let mut lines = vec![Line::exact("reading", true, note)];
    lines.extend(inputs(case, computed, preprocess)?);
    lines.extend(tensors(case, computed, tolerance)?);
    lines.extend(said(case, computed));
    Ok(lines)
}

/// Pixels to the bit, and who sees which tile.
fn inputs(case: &Case, computed: &Computed, preprocess: &Preprocess) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (name, ours) in &computed.inputs {
        let rows = case.integers("batch.attention_mask")?;
        if name.starts_with("tiles.") {
            let given = case.input(name)?;
            let same = given.shape == ours.shape && given.values == ours.values;
            lines.push(match same {
                true => Line::exact(name.clone(), true, "bit for bit"),
                false => Line {
                    status: Status::Differs,
                    ..compare::pixels(name.clone(), &given, ours, preprocess.std)
                },
            });
            continue;
        }
        let given = case.mask(name)?;
        let of_token = given.values.len() / rows.values.len().max(1);
        let counts = |i: &usize| rows.values[i / of_token.max(1)] != 0;
        let same = given.shape == ours.shape
            && (0..given.values.len())
                .filter(counts)
                .all(|i| given.values[i] == ours.values[i]);
        lines.push(Line::exact(name.clone(), same, ""));
    }
    Ok(lines)
}

fn tensors(case: &Case, computed: &Computed, tolerance: f64) -> Result<Vec<Line>> {
    let Some(file) = &case.expected else {
        return Ok(Vec::new());
    };
    let rows = case.integers("batch.attention_mask")?;
    let tokens: Vec<bool> = rows.values.iter().map(|&value| value != 0).collect();
    let mut names: Vec<String> = file.names().map(str::to_owned).collect();
    names.sort_by_key(|name| station(name));
    let mut lines = Vec::new();
    for name in names {
        let Some(ours) = computed.tensors.get(&name) else {
            lines.push(not_computed(&name));
            continue;
        };
        let expected = case::array(file, &name)?;
        if ours.shape != expected.shape {
            let note = format!("is {:?}, expected {:?}", ours.shape, expected.shape);
            lines.push(Line::with(name, Status::Differs, note));
            continue;
        }
        let mask = match name.starts_with("hf4.") {
            // Tiles and pictures that are not there: the encoder's output for them is read by no one.
            true => Some(
                ours.values
                    .chunks(ours.width())
                    .map(|row| row.iter().any(|v| *v != 0.0))
                    .collect(),
            ),
            false => {
                (tokens.len() * expected.width() == expected.values.len()).then(|| tokens.clone())
            }
        };
        let mask: Option<Vec<bool>> = mask;
        lines.push(compare::one(
            name,
            &expected,
            ours,
            mask.as_deref(),
            tolerance,
        ));
    }
    Ok(lines)
}

/// The way of a pass: the encoder, what the text sees, the layers, the logits.
fn station(name: &str) -> (usize, usize, usize) {
    let bare = name
        .strip_prefix(READING)
        .or(name.strip_prefix("hf4."))
        .unwrap_or(name);
    let (kind, number) = match bare.rsplit_once('.') {
        Some((kind, number)) => (kind, number.parse().unwrap_or(0)),
        None => (bare, 0),
    };
    let stations = ["layer_in", "xattn_raw", "xmlp_raw", "layer_out"];
    match stations.iter().position(|station| *station == kind) {
        Some(place) => (2, number, place),
        None if kind == "vision" || bare.starts_with("vision.") => (0, 0, number),
        None if kind == "cross_states" => (1, 0, 0),
        None if kind == "logits" => (3, 0, 0),
        None => (4, 0, 0),
    }
}

fn not_computed(name: &str) -> Line {
    let why = if name.starts_with("hf4.") {
        LEFT_OLDER
    } else if name.starts_with("meta.xmlp_raw") {
        "the feed-forward is not computed for tokens that see nothing: layer_out has what it gives to the others"
    } else if name.starts_with("vision.") && name != "vision.output" {
        "inside the encoder, empty tiles included: hf4.vision.output has what comes of it"
    } else if name == "inv_freq" {
        "a table of the peer's: the layers have what comes of it"
    } else if name.starts_with(READING) {
        return Line::with(name, Status::Missing, "not computed");
    } else {
        LEFT_OUTPUT
    };
    Line::with(name, Status::Left, why)
}

/// Keys of `expected.json` that say how the case was made.
const DESCRIBED: [&str; 12] = [
    "batch_minus_single_max_abs",
    "call_signature",
    "case",
    "cross_attention_layers",
    "decode_minus_full_max_abs",
    "forced_prompt_note",
    "forced_tokens",
    "image_sizes_wh",
    "peer",
    "processor_takes_text_only_row",
    "rope_attention_scaling",
    "tiles_max_abs_difference_to_pillow_backend",
];

fn said(case: &Case, computed: &Computed) -> Vec<Line> {
    let mut lines = Vec::new();
    for (key, expected) in case.json.as_object().into_iter().flatten() {
        let ours = computed.json.get(key);
        let bare = key
            .strip_prefix(READING)
            .or(key.strip_prefix("hf4."))
            .unwrap_or(key);
        match (key.as_str(), ours) {
            _ if DESCRIBED.contains(&bare) => {}
            ("meta.loss", _) => {
                let expected = expected.as_f64().unwrap_or(f64::NAN);
                lines.push(compare_json::number(
                    key,
                    expected,
                    ours,
                    compare_json::LOSS,
                ));
            }
            ("meta.generate", _) => {
                for (name, expected) in expected.as_object().into_iter().flatten() {
                    let ours = ours.and_then(|ours| ours.get(name));
                    lines.push(compare_json::generation(
                        &format!("{READING}{name}"),
                        expected,
                        ours,
                    ));
                }
            }
            ("chat", _) => {
                let ids = expected.get("ids");
                let same = ids == computed.json.get("chat_ids");
                lines.push(Line::exact("ids of the chat", same, ""));
            }
            ("processor_default_ids", _) => {
                let why = "the peer's plain call puts the first token twice";
                lines.push(Line::with(key.clone(), Status::Left, why));
            }
            ("loss" | "generate", _) => {
                lines.push(Line::with(key.clone(), Status::Left, LEFT_OUTPUT))
            }
            ("hf4.loss" | "hf4.generate", _) => {
                lines.push(Line::with(key.clone(), Status::Left, LEFT_OLDER));
            }
            (_, Some(ours)) => lines.push(Line::exact(key.clone(), expected == ours, "")),
            (_, None) => {
                let why = "not a tensor, loss or generation of a model";
                lines.push(Line::with(key.clone(), Status::Left, why));
            }
        }
    }
    lines
}
