//! `flamingo weights inspect`: a model's tensors by part.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::model::vision::VisionConfig;
use flamingo::model::{LanguageConfig, print_count};
use flamingo::weights::{
    self, Adapter, AdapterHeader, Checkpoint, GgufMetadata, LoadReport, LoadedTensor, ModelConfig,
    ModelFile, Opened, Source, Words, open, open_language, open_vision, open_with,
};
use serde::Serialize;

use crate::failure::Result;
use crate::{output, part_files, sources};

/// Show the tensors of a model by part: shapes, types, parameters, and where they came from.
///
/// Nothing is loaded; a file of weights is only mapped.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The model, as for --model, or a file of weights; `demo` for the one in this program
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

/// A part whose tensors are in a file elsewhere.
#[derive(Debug, Serialize)]
struct Elsewhere {
    part: &'static str,
    #[serde(flatten)]
    file: flamingo::weights::Part,
    /// Its place in the cache, if it is here.
    path: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Inspection<'a> {
    configuration: &'a ModelConfig,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elsewhere: Vec<Elsewhere>,
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
    if let Some(file) = file_alone(args)? {
        return show_file(&file, args);
    }
    let source = sources::without_parts(
        Some(&args.model),
        args.lm.as_deref(),
        args.vision.as_deref(),
    )?;
    let elsewhere = elsewhere(&source)?;
    if elsewhere.iter().any(|file| file.path.is_none()) {
        return show_without(&elsewhere, args);
    }
    let source = sources::with_parts(source)?;
    let opened = match open(&source) {
        Err(error) if error.is_of_tokenizer() => {
            tracing::warn!("{error}; the tensors are there nevertheless");
            open_with(&source, Words::Numbers)?
        }
        opened => opened?,
    };
    let inspection = inspect(&opened, elsewhere);
    match args.json {
        true => output::json(&inspection)?,
        false => {
            let files: String = inspection.elsewhere.iter().map(Elsewhere::lines).collect();
            let text = text(&inspection, &opened.report, args.all);
            output::line((text + &files).trim_end())?;
        }
    }
    // Said last, so that it is seen; and the exit code tells.
    Ok(opened.report.check()?)
}

/// The files elsewhere that a model of ours names.
fn elsewhere(source: &Source) -> Result<Vec<Elsewhere>> {
    let Source::Directory(directory) = source else {
        return Ok(Vec::new());
    };
    let file = ModelFile::read(directory)?;
    let parts = file.map(|file| file.parts).unwrap_or_default();
    let store = part_files::store();
    let row = |(part, file): (&'static str, &flamingo::weights::Part)| Elsewhere {
        part,
        file: file.clone(),
        path: store.find(file).ok(),
    };
    Ok(parts.iter().map(row).collect())
}

/// What is known of a model whose parts are not all here.
fn show_without(files: &[Elsewhere], args: &InspectArgs) -> Result<()> {
    if args.json {
        return output::json(&serde_json::json!({ "elsewhere": files }));
    }
    let lines: String = files.iter().map(Elsewhere::lines).collect();
    output::line(&format!(
        "{lines}its tensors are shown once these are here: flamingo fetch {}",
        args.model
    ))
}

impl Elsewhere {
    fn lines(&self) -> String {
        let Self { part, file, path } = self;
        let state = match path {
            Some(path) => format!("here: {}", path.display()),
            None => "not here".to_owned(),
        };
        let mut lines = format!("{part} is a file elsewhere: {}\n", file.describe());
        lines += &format!("  sha256 {}\n", file.sha256);
        for origin in &file.from {
            lines += &format!("  published as {origin}\n");
        }
        lines + &format!("  {state}\n")
    }
}

/// A file of weights that is no model by itself, and for which no other parts are given.
fn file_alone(args: &InspectArgs) -> Result<Option<Checkpoint>> {
    let path = Path::new(&args.model);
    if !path.is_file() || args.lm.is_some() || args.vision.is_some() {
        return Ok(None);
    }
    let file = Checkpoint::open(&[path.to_path_buf()]).map_err(weights::Error::from)?;
    Ok((!sources::is_trained_part(&file)).then_some(file))
}

/// What a file of weights can be used as.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Use {
    /// As `init.lm` of a recipe.
    Language(LanguageConfig),
    /// As `init.vision` of a recipe.
    Vision(VisionConfig),
    /// As `--adapter`.
    Adapter(AdapterHeader),
}

#[derive(Debug, Serialize)]
struct FileInspection<'a> {
    file: &'a str,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usable: Option<Use>,
    parameters: u64,
    tensors: &'a [LoadedTensor],
}

/// The tensors of a file: ours with those that they are made of if it is a part of a model, else under their own names.
fn show_file(file: &Checkpoint, args: &InspectArgs) -> Result<()> {
    let path = Path::new(&args.model);
    let of_file = || LoadedTensor::of_file(file, path);
    let (usable, tensors) = match Adapter::is_one(path) {
        true => (Some(Use::Adapter(Adapter::open(path)?.header)), of_file()),
        false => match part(path)? {
            Some((usable, report)) => (Some(usable), report.tensors),
            None => (None, of_file()),
        },
    };
    let inspection = FileInspection {
        file: &args.model,
        usable,
        parameters: tensors.iter().map(count).sum(),
        tensors: &tensors,
    };
    if args.json {
        return output::json(&inspection);
    }
    let all: Vec<&LoadedTensor> = tensors.iter().collect();
    let rows = rows(&all, args.all);
    let widths = widths(rows.iter());
    let lines: String = rows.iter().map(|row| row.line(widths)).collect();
    let parameters = print_count(inspection.parameters);
    let what = match &inspection.usable {
        Some(Use::Language(config)) => format!(
            "a language model of {} layers and {} tokens, for `init.lm` of a recipe",
            config.layers, config.vocabulary
        ),
        Some(Use::Adapter(AdapterHeader { base, lora, .. })) => format!(
            "what a fine-tuning has learnt over {}{}, for --adapter; the weights of that model have the hash {}",
            base.name,
            lora.map(|lora| format!(", with LoRA of rank {} and alpha {}", lora.rank, lora.alpha))
                .unwrap_or_default(),
            base.fingerprint
        ),
        Some(Use::Vision(_)) => "a vision encoder, for `init.vision` of a recipe".to_owned(),
        None => "a file of weights, no model by itself".to_owned(),
    };
    let title = format!("{}: {what}", args.model);
    output::line(format!("{title}; {parameters} parameters\n{lines}").trim_end())
}

/// The part of a model that a file holds, if it does. What is wrong with one that is meant as a part is told.
fn part(path: &Path) -> Result<Option<(Use, LoadReport)>> {
    let metadata = GgufMetadata::read(path).map_err(weights::Error::from)?;
    if metadata.is_some() {
        return Ok(match open_language(path) {
            Ok(part) => Some((Use::Language(part.config), part.report)),
            Err(error) => {
                tracing::warn!("{error}; the tensors are there nevertheless");
                None
            }
        });
    }
    // Of any other file nobody said that it is one.
    let part = open_vision(path).ok();
    Ok(part.map(|part| (Use::Vision(part.config), part.report)))
}

fn inspect(opened: &Opened, elsewhere: Vec<Elsewhere>) -> Inspection<'_> {
    let report = &opened.report;
    let whole = matches!(opened.file.model, ModelConfig::Flamingo(_));
    let part = |(first, name, frozen): (&'static str, &'static str, bool)| {
        let of_part =
            |tensor: &&LoadedTensor| !whole || tensor.name.split('.').next() == Some(first);
        let tensors: Vec<&LoadedTensor> = report.tensors.iter().filter(of_part).collect();
        Part {
            name,
            parameters: tensors.iter().copied().map(count).sum(),
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
        elsewhere,
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
    let of_part = |part: &Part<'_>| rows(&part.tensors, all);
    let rows: Vec<Vec<Row>> = inspection.parts.iter().map(of_part).collect();
    let widths = widths(rows.iter().flatten());
    let title = widths.0 + widths.1 + 3;
    let mut out = String::new();
    for (part, rows) in inspection.parts.iter().zip(&rows) {
        let state = if part.trainable { "trained" } else { "frozen" };
        let parameters = print_count(part.parameters);
        out += &format!("{:<title$} {parameters} parameters, {state}\n", part.name);
        for row in rows {
            out += &row.line(widths);
        }
    }
    out += &format!(
        "{:<title$} {} parameters, {} of them trained\n",
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

/// The lines of some tensors: of all, or of those in many layers together.
fn rows(tensors: &[&LoadedTensor], all: bool) -> Vec<Row> {
    match all {
        true => tensors.iter().map(|tensor| Row::of(&[tensor])).collect(),
        false => folded(tensors),
    }
}

/// One line of a part: a tensor, or the same tensor of several layers.
struct Row {
    ours: String,
    shape: String,
    dtype: String,
    times: String,
    theirs: String,
}

impl Row {
    fn of(tensors: &[&LoadedTensor]) -> Self {
        let ours = common(tensors.iter().map(|tensor| tensor.name.as_str()));
        let first = |tensor: &&'_ LoadedTensor| tensor.theirs.first().cloned().unwrap_or_default();
        let firsts: Vec<String> = tensors.iter().map(first).collect();
        let theirs = common(firsts.iter().map(String::as_str));
        let shape = tensors[0].shape.iter().map(usize::to_string);
        Self {
            shape: shape.collect::<Vec<_>>().join("x"),
            dtype: tensors[0].type_name().to_owned(),
            times: match tensors.len() {
                1 => String::new(),
                times => format!("x{times}"),
            },
            theirs: match tensors[0].theirs.len() {
                0 => String::new(),
                1 if ours == theirs => String::new(),
                1 => format!("<- {theirs}"),
                several => format!("<- {theirs} and {} more", several - 1),
            },
            ours,
        }
    }

    fn line(&self, (ours, shape): (usize, usize)) -> String {
        let line = format!(
            "  {:<ours$} {:>shape$} {:<4} {:<4} {}",
            self.ours, self.shape, self.dtype, self.times, self.theirs
        );
        format!("{}\n", line.trim_end())
    }
}

/// Widths of the columns of our names and of shapes.
fn widths<'a>(rows: impl Iterator<Item = &'a Row>) -> (usize, usize) {
    rows.fold((0, 0), |(ours, shape), row| {
        (ours.max(row.ours.len()), shape.max(row.shape.len()))
    })
}

/// Tensors that differ only in the number of their layer, in one line.
fn folded(tensors: &[&LoadedTensor]) -> Vec<Row> {
    let mut order = Vec::new();
    let mut groups: BTreeMap<(String, &[usize]), Vec<&LoadedTensor>> = BTreeMap::new();
    for tensor in tensors {
        let key = (pattern(&tensor.name), &tensor.shape[..]);
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(tensor);
    }
    order.iter().map(|key| Row::of(&groups[key])).collect()
}

/// A name with its numbers as `*`.
fn pattern(name: &str) -> String {
    let word = |word: &str| match word.parse::<usize>() {
        Ok(_) => "*".to_owned(),
        Err(_) => word.to_owned(),
    };
    name.split('.').map(word).collect::<Vec<_>>().join(".")
}

/// Names as one, with `*` for the words in which they differ.
fn common<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let words = |name: &'a str| name.split('.').collect::<Vec<_>>();
    let mut common = names.next().map(words).unwrap_or_default();
    for name in names {
        for (word, other) in common.iter_mut().zip(words(name)) {
            if *word != other {
                *word = "*";
            }
        }
    }
    common.join(".")
}
