//! `flamingo weights quality`: what quantised weights cost, and what they save.

use clap::Args;
use flamingo::engine::{Engine, EngineOptions};
use flamingo::eval::{Quality, QualityOptions, quality};
use flamingo::kernels::{QuantKind, WeightType};
use flamingo::weights::Weighed;
use serde::Serialize;

use crate::args::{DeviceArgs, SourceArgs, tell_kept};
use crate::failure::Result;
use crate::output;

/// Compare a model with quantised weights with the same model in f32.
///
/// Both read documents of the demo world, and what they expect after every token is compared; both
/// name held-out things after one shot of each. Figures of a model that knows nothing of that world
/// tell how far its answers move, not how good they are.
#[derive(Debug, Args)]
pub(crate) struct QualityArgs {
    #[command(flatten)]
    files: SourceArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Type to compare; can be given several times [default: every quantised one]
    #[arg(long, value_name = "TYPE")]
    dtype: Vec<WeightType>,
    /// Quantise the resampler, too
    #[arg(long)]
    quantise_resampler: bool,
    /// Documents whose every token is compared
    #[arg(long, value_name = "N", default_value_t = QualityOptions::default().documents)]
    documents: usize,
    /// Queries of the accuracy
    #[arg(long, value_name = "N", default_value_t = QualityOptions::default().queries)]
    queries: usize,
    /// Seed of things, names and pictures
    #[arg(long, value_name = "N", default_value_t = QualityOptions::default().seed)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    dtype: String,
    weights: Weighed,
    /// Of the model in f32.
    bytes_before: u64,
    quality: Quality,
}

const BAR: &str =
    "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} queries, {eta} left";

pub(crate) fn run(args: &QualityArgs) -> Result<()> {
    let source = args.files.source()?;
    let device = args.device.open()?;
    let open = |weights: WeightType| {
        let options = EngineOptions {
            precision: weights.precision,
            matrices: weights.matrices,
            quantise_resampler: args.quantise_resampler,
            ..EngineOptions::default()
        };
        Engine::open(&source, &device, options)
    };
    let types = match args.dtype.is_empty() {
        true => QuantKind::ALL.map(WeightType::from).to_vec(),
        false => args.dtype.clone(),
    };
    let options = QualityOptions {
        documents: args.documents,
        queries: args.queries,
        seed: args.seed,
    };
    let mut before = open(WeightType::default())?;
    let bar = output::bar((2 * types.len() * args.queries) as u64, BAR);
    let mut rows = Vec::with_capacity(types.len());
    for weights in types {
        let mut other = open(weights)?;
        let figures = quality(&mut before, &mut other, &options, &mut |queries| {
            bar.inc(queries as u64);
        })?;
        bar.suspend(|| tell_kept(other.weighed()));
        rows.push(Row {
            dtype: weights.to_string(),
            weights: other.weighed().clone(),
            bytes_before: before.weighed().bytes(),
            quality: figures,
        });
    }
    bar.finish_and_clear();
    match args.json {
        true => output::json(&rows),
        false => output::line(table(&rows).trim_end()),
    }
}

fn table(rows: &[Row]) -> String {
    let line = |cells: [&str; 6]| {
        let [dtype, mib, perplexity, divergence, same, accuracy] = cells;
        format!("{dtype:<6} {mib:>9} {perplexity:>11} {divergence:>11} {same:>11} {accuracy:>9}\n")
    };
    let mut out = line([
        "type",
        "MiB",
        "perplexity",
        "divergence",
        "same first",
        "accuracy",
    ]);
    let mib = |bytes: u64| format!("{:.2}", bytes as f64 / f64::from(1 << 20));
    if let Some(Row {
        bytes_before,
        quality,
        ..
    }) = rows.first()
    {
        out += &line([
            "f32",
            &mib(*bytes_before),
            &format!("{:.4}", quality.perplexity_before),
            "0",
            "100.0%",
            &format!("{:.1}%", 100.0 * quality.accuracy_before.accuracy()),
        ]);
    }
    for row in rows {
        out += &line([
            &row.dtype,
            &mib(row.weights.bytes()),
            &format!("{:.4}", row.quality.perplexity),
            &format!("{:.6}", row.quality.divergence),
            &format!("{:.1}%", 100.0 * row.quality.same_first.accuracy()),
            &format!("{:.1}%", 100.0 * row.quality.accuracy.accuracy()),
        ]);
    }
    out
}
