//! `flamingo describe`: what a model weighs and costs, and what a training takes, from the configuration alone.

mod training;

use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::model::{FlamingoConfig, describe};
use flamingo::train::{Recipe, predict};
use flamingo::weights::ModelConfig;

use crate::args::SourceArgs;
use crate::failure::{Failure, Hint, Result};
use crate::{output, part_files};

/// Count the parameters and operations of a model, or the memory and operations of a training.
///
/// Of a recipe: what a process of its training takes at the highest and what for, and the operations of a step. Rows are
/// taken to be full. Where the parts that a recipe names are not there, their shapes are those of its preset.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo describe recipes/openflamingo-3b.toml --processes 8 --flops 1e14"
)]
pub(crate) struct DescribeArgs {
    /// A recipe, a TOML file; without one, a model is described
    #[arg(value_name = "RECIPE.toml", conflicts_with_all = ["preset", "model", "lm", "vision", "adapter"])]
    recipe: Option<PathBuf>,
    /// Processes that share the rows of each batch of the recipe
    #[arg(long, value_name = "N", default_value_t = 1, requires = "recipe")]
    processes: usize,
    /// Operations a second of each process, to tell the time of a step
    #[arg(long, value_name = "RATE", requires = "recipe")]
    flops: Option<f64>,
    /// A model that has a name: flamingo-3b, flamingo-9b, flamingo-80b, openflamingo-3b, openflamingo-4b or openflamingo-9b
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    preset: Option<String>,
    #[command(flatten)]
    files: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DescribeArgs) -> Result<()> {
    if let Some(recipe) = &args.recipe {
        return of_recipe(args, recipe);
    }
    let description = describe(&config(args)?);
    if args.json {
        output::json(&description)
    } else {
        output::line(&description.to_string())
    }
}

fn of_recipe(args: &DescribeArgs, recipe: &Path) -> Result<()> {
    if args.processes == 0 {
        return Err(Failure::new("--processes is 0: give 1 or more"));
    }
    if args
        .flops
        .is_some_and(|rate| !(rate.is_finite() && rate > 0.0))
    {
        return Err(Failure::new("--flops must be above 0, such as 1e14"));
    }
    let prediction = predict(&Recipe::read(recipe)?, &part_files::store(), args.processes)?;
    match args.json {
        true => output::json(&training::json(&prediction, args.flops)),
        false => output::line(&training::table(&prediction, args.flops)),
    }
}

fn config(args: &DescribeArgs) -> Result<FlamingoConfig> {
    if let Some(name) = &args.preset {
        return Ok(FlamingoConfig::preset(name)?);
    }
    if let Some(adapter) = &args.files.adapter {
        let failure = Failure::new("a whole model is described, without an adapter");
        let hint = format!(
            "`flamingo weights inspect {}` shows what it holds",
            adapter.display()
        );
        return Err(failure).hint(hint);
    }
    match args.files.model_file()?.model {
        ModelConfig::Flamingo(config) => Ok(config),
        other => Err(Failure::new(format!(
            "this is a {} model: only flamingo models can be described",
            other.kind()
        ))),
    }
}
