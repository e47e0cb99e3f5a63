//! `flamingo weights inspect`: a model's tensors by part.

use std::collections::BTreeMap;

use clap::Args;
use flamingo::model::print_count;
use flamingo::weights::{LoadReport, LoadedTensor, ModelConfig, Opened, open};
use serde::Serialize;

use crate::failure::Result;
use crate::{output, sources};

/// Show the tensors of a model by part: shapes, types, parameters, and where they came from.
///
/// Nothing is loaded; a file of weights is only mapped.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The model, as for --model of other verbs; `demo` for the one in this program
    model: String,
    /// The language model of an OpenFlamingo checkpoint: a directory or a hub id
    #[arg(long, value_name = "DIR")]
    lm: Option<String>,
    /// Its image tower: a file, a directory or a hub id
    #[arg(long, value_name = "PATH")]
    vision: Option<String>,
    /// Show every tensor of every layer
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A part of the model.
#[derive(Debug, Serialize)]
struct Part<'a> {
    name: &'static str,
    parameters: u64,
    trainable: bool,
    tensors: Vec<&'a LoadedTensor>,
}

#[derive(Debug, Serialize)]
struct Inspection<'a> {
    configuration: &'a ModelConfig,
    parts: Vec<Part<'a>>,
    parameters: u64,
    trainable: u64,
    missing: &'a [String],
    misfits: Vec<&'a String>,
    unused: &'a [String],
    ignored: &'a [String],
}

/// First words of our names, what they are, and whether training leaves them as they are.
const PARTS: [(&str, &str, bool); 5] = [
    ("vision", "vision encoder", true),
    ("resampler", "perceiver resampler", false),
    ("media_projection", "media projection", false),
    ("gated", "gated xattn-dense", false),
    ("language", "language model", true),
];

pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let model = (args.model != "demo").then_some(args.model.as_str());
    let source = sources::source(model, args.lm.as_deref(), args.vision.as_deref())?;
    let opened = open(&source)?;
    let inspection = inspect(&opened);
    match args.json {
        true => output::json(&inspection)?,
        false => output::line(text(&inspection, &opened.report, args.all).trim_end())?,
    }
    // Said last, so that it is seen; and the exit code tells.
    Ok(opened.report.check()?)
}

fn inspect(opened: &Opened) -> Inspection<'_> {
    let report = &opened.report;
    let whole = matches!(opened.file.model, ModelConfig::Flamingo(_));
    let part = |(first, name, frozen): (&'static str, &'static str, bool)| {
        let of_part =
            |tensor: &&LoadedTensor| !whole || tensor.name.split('.').next() == Some(first);
        let tensors: Vec<&LoadedTensor> = report.tensors.iter().filter(of_part).collect();
        Part {
            name,
            parameters: tensors.iter().map(|tensor| count(tensor)).sum(),
            trainable: !frozen,
            tensors,
        }
    };
    let parts: Vec<Part<'_>> = match whole {
        true => PARTS
            .into_iter()
            .map(part)
            .filter(|p| !p.tensors.is_empty())
            .collect(),
        false => vec![part(("", opened.file.model.kind(), false))],
    };
    Inspection {
        configuration: &opened.file.model,
        parameters: parts.iter().map(|part| part.parameters).sum(),
        trainable: parts
            .iter()
            .filter(|p| p.trainable)
            .map(|p| p.parameters)
            .sum(),
        parts,
        missing: &report.missing,
        misfits: report.misfits.iter().map(|(_, what)| what).collect(),
        unused: &report.unused,
        ignored: &report.ignored,
    }
}

fn count(tensor: &LoadedTensor) -> u64 {
    tensor.shape.iter().product::<usize>() as u64
}

fn text(inspection: &Inspection<'_>, report: &LoadReport, all: bool) -> String {
    let mut out = String::new();
    for part in &inspection.parts {
        let state = if part.trainable { "trained" } else { "frozen" };
        out += &format!(
            "{:<48} {:>8} parameters, {state}\n",
            part.name,
            print_count(part.parameters)
        );
        out += &match all {
            true => part
                .tensors
                .iter()
                .map(|tensor| line(tensor, &tensor.name, 1))
                .collect(),
            false => folded(&part.tensors),
        };
    }
    out += &format!(
        "{:<48} {:>8} parameters, {} of them trained\n",
        "total",
        print_count(inspection.parameters),
        print_count(inspection.trainable)
    );
    for (name, rows) in report.new_rows() {
        out += &format!(
            "rows {}..{} of {name} are in no file: 0\n",
            rows.start, rows.end
        );
    }
    let lists = [
        ("missing", inspection.missing),
        ("unused", inspection.unused),
        ("ignored", inspection.ignored),
    ];
    for (what, names) in lists {
        if !names.is_empty() {
            let shown: Vec<&str> = names.iter().take(6).map(String::as_str).collect();
            let more = if names.len() > 6 { ", ..." } else { "" };
            out += &format!("{what} ({}): {}{more}\n", names.len(), shown.join(", "));
        }
    }
    out
}

/// Tensors that differ only in the number of their layer, in one line.
fn folded(tensors: &[&LoadedTensor]) -> String {
    let mut order = Vec::new();
    let mut groups: BTreeMap<(String, Vec<usize>), Vec<&LoadedTensor>> = BTreeMap::new();
    for tensor in tensors {
        let key = (pattern(&tensor.name), tensor.shape.clone());
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(tensor);
    }
    order
        .iter()
        .map(|key| {
            let group = &groups[key];
            let name = if group.len() == 1 {
                &group[0].name
            } else {
                &key.0
            };
            line(group[0], name, group.len())
        })
        .collect()
}

/// A name with its numbers as `*`.
fn pattern(name: &str) -> String {
    let word = |word: &str| match word.parse::<usize>() {
        Ok(_) => "*".to_owned(),
        Err(_) => word.to_owned(),
    };
    name.split('.').map(word).collect::<Vec<_>>().join(".")
}

fn line(tensor: &LoadedTensor, name: &str, times: usize) -> String {
    let shape = format!("{:?}", tensor.shape);
    let times = if times > 1 {
        format!(" x{times}")
    } else {
        String::new()
    };
    let theirs = match tensor.theirs.as_slice() {
        [own] if *own == tensor.name => String::new(),
        [first] => format!("  <- {first}"),
        [first, ..] => format!("  <- {first}, ..."),
        [] => String::new(),
    };
    format!(
        "  {:<46} {shape:>20} {}{times}{theirs}\n",
        name, tensor.dtype
    )
}
