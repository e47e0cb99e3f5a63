//! `flamingo corpus evaluate`: extracted pages against pages whose content is known.

use std::path::PathBuf;

use clap::Args;
use flamingo::page::evaluate::{Evaluation, Gold, Row, Score, documents, evaluate};

use crate::failure::Result;
use crate::output;

/// Compare what was extracted with what the pages say: text, images, and the images' order.
///
/// Precision is the share of what was found that is right, recall the share of what is right that was
/// found. Text is compared by runs of four words; its precision and recall are means over pages, as in
/// the article-extraction benchmark.
#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// What the pages say: ground-truth.json of the article-extraction benchmark, a JSONL file of pages
    /// with `items` (texts and images), or a folder of Readability's test pages
    #[arg(long, value_name = "PATH")]
    gold: PathBuf,
    /// What was extracted: the output of `corpus extract`
    #[arg(long, value_name = "docs.jsonl")]
    docs: PathBuf,
    /// Also show the N pages that agree least
    #[arg(long, value_name = "N", default_value_t = 0)]
    worst: usize,
    /// Print JSON, with a row for each page
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let evaluation = evaluate(&Gold::open(&args.gold)?, &documents(&args.docs)?);
    if args.json {
        return output::json(&evaluation);
    }
    output::line(&summary(&evaluation))?;
    for row in worst(&evaluation, args.worst) {
        output::line(&row)?;
    }
    Ok(())
}

fn summary(evaluation: &Evaluation) -> String {
    let mut lines = vec![format!("{} pages", evaluation.pages)];
    let score = |name: &str, score: Score| {
        let Score {
            precision,
            recall,
            f1,
        } = score;
        format!("{name:<8} precision {precision:.4}  recall {recall:.4}  F1 {f1:.4}")
    };
    lines.extend(evaluation.text.map(|text| score("text", text)));
    lines.extend(evaluation.images.map(|images| score("images", images)));
    lines.extend(evaluation.images_in_order.map(|share| {
        format!(
            "{:<8} in the right order on {:.1}% of the pages with images",
            "",
            100.0 * share
        )
    }));
    for (what, names) in [
        ("missing", &evaluation.missing),
        ("not known", &evaluation.unknown),
    ] {
        if !names.is_empty() {
            lines.push(format!(
                "{what}: {} ({}{})",
                names.len(),
                names[..names.len().min(5)].join(", "),
                if names.len() > 5 { ", ..." } else { "" }
            ));
        }
    }
    lines.join("\n")
}

/// A line for each of the `count` pages whose texts and images agree least.
fn worst(evaluation: &Evaluation, count: usize) -> Vec<String> {
    let mut rows: Vec<&Row> = evaluation.rows.iter().collect();
    rows.sort_by(|a, b| agreement(a).total_cmp(&agreement(b)));
    rows.iter().take(count).map(|row| line(row)).collect()
}

/// The share that is right of all that was found or should have been, of text or images, whichever is less.
fn agreement(row: &Row) -> f64 {
    let share = |right: usize, all: usize| {
        if all == 0 {
            1.0
        } else {
            right as f64 / all as f64
        }
    };
    let text = row.text.map_or(1.0, |text| {
        share(text.matched, text.matched + text.excess + text.lost)
    });
    let images = row.images.map_or(1.0, |images| {
        share(
            images.matched,
            images.found + images.expected - images.matched,
        )
    });
    text.min(images)
}

fn line(row: &Row) -> String {
    let mut line = format!("{:5.1}%  {}", 100.0 * agreement(row), row.page);
    if let Some(text) = row.text {
        line += &format!(
            "  text: {} right, {} too many, {} lost",
            text.matched, text.excess, text.lost
        );
    }
    if let Some(images) = row.images {
        let order = if images.in_order {
            ""
        } else {
            ", not in order"
        };
        line += &format!(
            "  images: {} right of {} found and {} there{order}",
            images.matched, images.found, images.expected
        );
    }
    line
}
