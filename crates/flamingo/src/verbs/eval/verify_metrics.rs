//! `flamingo eval verify-metrics`: what the official code computed, computed by us, and compared.

use std::path::PathBuf;

use clap::Args;
use flamingo::metrics::{FileReport, VerifyResources, verify_file};

use super::lexicon::LexiconArgs;
use crate::failure::{Failure, Result};
use crate::output;

/// Compute cases that a metric's official code computed, and compare.
///
/// A file holds a case a line (JSONL): what the metric is computed of, and what came of it. Prints for each
/// file how many agree to 1e-6, the worst difference and the first case that differs. The exit code is 0 only
/// if all were computed and agree.
#[derive(Debug, Args)]
pub(crate) struct VerifyMetricsArgs {
    /// Files of cases
    #[arg(required = true, value_name = "FILE.jsonl")]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lexicon: LexiconArgs,
}

pub(crate) fn run(args: &VerifyMetricsArgs) -> Result<()> {
    let lexicon = args.lexicon.read()?;
    let resources = VerifyResources {
        wordnet: lexicon.wordnet.as_ref(),
        tagger: lexicon.tagger.as_ref(),
    };
    let mut reports: Vec<FileReport> = Vec::new();
    for file in &args.files {
        let report = verify_file(file, &resources)?;
        if !args.json {
            output::line(&report.to_string())?;
        }
        reports.push(report);
    }
    if args.json {
        output::json(&reports)?;
    }
    let cases: usize = reports.iter().map(|report| report.cases).sum();
    let agree: usize = reports.iter().map(|report| report.agree).sum();
    let not_computed: usize = reports.iter().map(|report| report.not_computed).sum();
    match (cases, cases - agree - not_computed, not_computed) {
        (0, _, _) => Err(Failure::new("the files hold no case")),
        (_, 0, 0) => Ok(()),
        (_, 0, count) => Err(Failure::new(format!(
            "{count} of {cases} cases were not computed"
        ))),
        (_, count, _) => Err(Failure::new(format!(
            "{count} of {cases} cases do not agree"
        ))),
    }
}
