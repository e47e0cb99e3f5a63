//! `flamingo weights convert`: a model as a directory of ours, or as OpenFlamingo's files.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flamingo::chat;
use flamingo::kernels::{Matrices, WeightType};
use flamingo::weights::{Source, convert, convert_trained, export_open_flamingo, open};

use crate::args::tell_kept;
use crate::failure::{Failure, Hint, Result};
use crate::{interrupt, output, sources, writer};

/// Write a model in another format or precision.
///
/// Weights go from file to file tensor by tensor: the model need not fit into memory.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// The model, as for --model of other verbs
    model: String,
    /// The language model of an OpenFlamingo checkpoint: a directory or a hub id
    #[arg(long, value_name = "DIR")]
    lm: Option<String>,
    /// Its image tower: a file, a directory or a hub id
    #[arg(long, value_name = "PATH")]
    vision: Option<String>,
    /// What a fine-tuning has learnt over it: it is merged into the model
    #[arg(long, value_name = "FILE", conflicts_with = "trained")]
    adapter: Option<PathBuf>,
    /// Folder to write to; created if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Type of the weights: f32, bf16, f16, or quantised (the matrices of linear layers; all else f32):
    /// q8_0, q6_k, q5_k, q4_k, q4_0, or q5_1, q5_0, q4_1, q3_k, q2_k [default: f32, and quantised what is so
    /// already]
    #[arg(long, value_name = "TYPE")]
    dtype: Option<WeightType>,
    /// Quantise the resampler, too
    #[arg(long, requires = "dtype")]
    quantise_resampler: bool,
    /// Leave parts that are files elsewhere where they are: only what was trained is written
    #[arg(long, conflicts_with_all = ["lm", "vision"])]
    trained: bool,
    /// Format
    #[arg(
        long,
        value_enum,
        default_value = "flamingo",
        conflicts_with = "trained"
    )]
    to: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// flamingo.json, model.safetensors, tokenizer.json
    Flamingo,
    /// checkpoint.pt, lm/ and clip/, which open_flamingo loads
    Openflamingo,
}

pub(crate) fn run(args: &ConvertArgs) -> Result<()> {
    let model = Some(args.model.as_str());
    let from = model.filter(|model| !sources::is_ours(model));
    let inputs = [from, args.lm.as_deref(), args.vision.as_deref()];
    if inputs
        .into_iter()
        .flatten()
        .any(|part| holds(&args.out, part))
    {
        return Err(Failure::new(format!(
            "{} is where the model lies, of which files would be replaced: give another folder with --out",
            args.out.display()
        )));
    }
    let weights = WeightType {
        resampler: args.quantise_resampler,
        ..args.dtype.unwrap_or_default()
    };
    if let (Format::Openflamingo, Matrices::Quantised(kind)) = (args.to, weights.matrices) {
        return Err(Failure::new(format!(
            "OpenFlamingo's files hold no {kind} weights: give --dtype f32, bf16 or f16"
        )));
    }
    let out = args.out.display();
    interrupt::ends_with(format!(
        "files in {out} are whole, but some may be missing; the same command writes all of them again"
    ))?;
    // Better told before the work than after it.
    let _lock = writer::alone(&args.out)?;
    flamingo_files::sweep(&args.out)?;
    let full = "make room, then give the same command again";
    if args.trained {
        let Source::Directory(from) = sources::without_parts(model, None, None)? else {
            return Err(Failure::new(
                "--trained is for directories that name files elsewhere",
            ));
        };
        tell_kept(&convert_trained(&from, &args.out, weights).hint_if_full(full)?);
        return output::line(&format!("{}", args.out.display()));
    }
    let source = sources::source(model, args.lm.as_deref(), args.vision.as_deref())?;
    let source = sources::adapted(source, args.adapter.as_deref());
    let opened = open(&source)?.merged()?;
    match args.to {
        Format::Flamingo => {
            opened.report.check()?;
            if let Some((_, template)) = source.folder().and_then(chat::find) {
                let path = args.out.join(chat::FILE);
                flamingo_files::write(&path, template.as_bytes()).hint_if_full(full)?;
            }
            tell_kept(&convert(&opened, &args.out, weights).hint_if_full(full)?)
        }
        Format::Openflamingo => {
            if opened.tensors.any_quantised() {
                tracing::warn!(
                    "the quantised matrices are widened to {weights}, with what quantising them has cost"
                );
            }
            export_open_flamingo(&opened, &args.out, weights.precision).hint_if_full(full)?;
        }
    }
    output::line(&format!("{}", args.out.display()))
}

/// Whether `out` is the folder `part`, or that of the file `part`.
fn holds(out: &Path, part: &str) -> bool {
    let part = Path::new(part).canonicalize();
    let part = part.map(|part| match part.is_dir() {
        true => part,
        false => part.parent().map(Path::to_path_buf).unwrap_or(part),
    });
    part.is_ok_and(|part| out.canonicalize().is_ok_and(|out| out == part))
}
