//! `flamingo describe`: what a model weighs and costs, from its configuration alone.

use clap::Args;
use flamingo::model::{FlamingoConfig, describe};
use flamingo::weights::ModelConfig;

use crate::args::SourceArgs;
use crate::failure::{Failure, Hint, Result};
use crate::output;

/// Count the parameters and operations of a model.
#[derive(Debug, Args)]
pub(crate) struct DescribeArgs {
    /// One of the paper's models: flamingo-3b, flamingo-9b or flamingo-80b
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    preset: Option<String>,
    #[command(flatten)]
    files: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DescribeArgs) -> Result<()> {
    let description = describe(&config(args)?);
    if args.json {
        output::json(&description)
    } else {
        output::line(&description.to_string())
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
