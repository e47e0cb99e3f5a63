//! `flamingo weights verify`: what a peer computed, computed by us, and compared.

use std::path::PathBuf;

use clap::Args;
use flamingo::parity::{VerifyOptions, verify};

use crate::args::DeviceArgs;
use crate::failure::{Failure, Result};
use crate::output;

/// Compute what a case of a peer expects, and compare.
///
/// A case is a directory with a small model, inputs (inputs.safetensors), and what the peer computed
/// of them (expected.safetensors, expected.json). The exit code is 0 only if everything agrees.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The case
    case: PathBuf,
    /// Write what we computed, under the case's names; beside it .json, .inputs.safetensors and
    /// .after_train.safetensors, as far as the case has such
    #[arg(long, value_name = "FILE.safetensors")]
    dump: Option<PathBuf>,
    /// Largest difference of a tensor, as a share of its largest expected value
    #[arg(long, value_name = "SHARE", default_value_t = 1e-4)]
    tolerance: f64,
    /// Compute gradients and steps of the optimiser, too
    #[arg(long)]
    gradients: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<()> {
    if !(args.tolerance > 0.0 && args.tolerance.is_finite()) {
        return Err(Failure::new(format!(
            "tolerance is {}: give more than 0",
            args.tolerance
        )));
    }
    let options = VerifyOptions {
        tolerance: args.tolerance,
        gradients: args.gradients,
        device: args.device.open()?,
    };
    let (report, computed) = verify(&args.case, &options)?;
    if let Some(path) = &args.dump {
        computed.dump(path)?;
    }
    match args.json {
        true => output::json(&report)?,
        false => output::line(&report.to_string())?,
    }
    match &report.first_difference {
        None => Ok(()),
        Some(first) => Err(Failure::new(format!(
            "{} does not agree: {first} is the first",
            report.case
        ))),
    }
}
