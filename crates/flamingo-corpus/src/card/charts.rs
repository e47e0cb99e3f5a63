//! Bars of funnels, spreads and shares, drawn by styles alone.

use std::fmt::Write as _;

use super::format::{escape, grouped, percent};
use crate::funnel::Counts;
use crate::histogram::Histogram;
use crate::manifest::StepCount;

/// Reasons of a step that are shown at once; the others can be unfolded.
const REASONS: usize = 6;

/// Steps as bars, each a share of what there is at the beginning, with the reasons for what it drops.
pub(super) fn funnel(noun: &str, whole: u64, steps: &[&StepCount]) -> String {
    let mut html = format!(
        "<ol class=funnel><li><div class=head><span>{noun}</span><b>{}</b></div>{}</li>",
        grouped(whole),
        bar(whole, whole)
    );
    for step in steps {
        let _ = write!(
            html,
            "<li><div class=head><span>{}</span><b>{}<small>{}</small></b></div>{}{}</li>",
            step.step.title(),
            grouped(step.kept),
            percent(step.kept, whole),
            bar(step.kept, whole),
            reasons(&step.dropped)
        );
    }
    html + "</ol>"
}

fn bar(part: u64, whole: u64) -> String {
    let width = 100.0 * part as f64 / whole.max(1) as f64;
    format!("<div class=bar><i style=\"width:{width:.2}%\"></i></div>")
}

fn reasons(dropped: &Counts) -> String {
    if dropped.is_empty() {
        return String::new();
    }
    let mut sorted: Vec<(&String, &u64)> = dropped.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let chips = |reasons: &[(&String, &u64)]| {
        let chips = reasons.iter().map(|(reason, count)| {
            let words = escape(&reason.replace('_', " "));
            format!(
                "<span class=chip>\u{2212}{} <em>{words}</em></span>",
                grouped(**count)
            )
        });
        chips.collect::<String>()
    };
    let shown = sorted.len().min(REASONS);
    let mut html = format!("<div class=chips>{}", chips(&sorted[..shown]));
    if sorted.len() > shown {
        let more = sorted.len() - shown;
        let rest = chips(&sorted[shown..]);
        let _ = write!(
            html,
            "<details><summary>{more} more reasons</summary>{rest}</details>"
        );
    }
    html + "</div>"
}

/// A spread as columns.
pub(super) fn histogram(title: &str, histogram: &Histogram) -> String {
    let most = histogram.bins().map(|(_, _, count)| count).max();
    let Some(most) = most else {
        return format!(
            "<figure class=histogram><figcaption>{title}</figcaption><p>nothing</p></figure>"
        );
    };
    let mut html =
        format!("<figure class=histogram><figcaption>{title}</figcaption><div class=columns>");
    // On a phone there is room for about twelve labels.
    let every = histogram.bins().count().div_ceil(12);
    for (at, (low, high, count)) in histogram.bins().enumerate() {
        let height = 100.0 * count as f64 / most as f64;
        let range = range(low, high);
        let _ = write!(
            html,
            "<div title=\"{range}: {}\"><i style=\"height:{height:.2}%\"></i><span>{}</span></div>",
            grouped(count),
            if at % every == 0 {
                short(low)
            } else {
                String::new()
            }
        );
    }
    html + "</div></figure>"
}

fn range(low: u64, high: Option<u64>) -> String {
    match high {
        Some(high) if high - low == 1 => grouped(low),
        Some(high) => format!("{} to {}", grouped(low), grouped(high - 1)),
        None => format!("{} and more", grouped(low)),
    }
}

/// A bound in as few characters as it takes: 1500 is `1.5k`.
fn short(bound: u64) -> String {
    match bound {
        1_000_000.. => format!("{}M", bound as f64 / 1e6),
        1_000.. => format!("{}k", bound as f64 / 1e3),
        _ => bound.to_string(),
    }
}

/// The most frequent names, as bars.
pub(super) fn shares(title: &str, counts: &Counts, most: usize) -> String {
    let whole: u64 = counts.values().sum();
    let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let largest = sorted.first().map_or(1, |(_, count)| **count).max(1);
    let mut html = format!("<section class=shares><h3>{title}</h3><table>");
    for (name, count) in sorted.iter().take(most) {
        let width = 100.0 * **count as f64 / largest as f64;
        let _ = write!(
            html,
            "<tr><th>{}</th><td><i style=\"width:{width:.2}%\"></i></td><td>{}</td><td>{}</td></tr>",
            escape(&name.replace('_', " ")),
            grouped(**count),
            percent(**count, whole)
        );
    }
    html += "</table>";
    if sorted.len() > most {
        let _ = write!(
            html,
            "<p class=note>and {} more</p>",
            grouped((sorted.len() - most) as u64)
        );
    }
    html + "</section>"
}
