//! The page of names for things in photos.

use super::about::About;
use super::template::fill;
use super::{cards, chart, tables};
use crate::{Example, NamingReport};

const PAGE: &str = include_str!("photos.html");

/// The page as HTML. `credits` says whose the photos are; its lines stay lines.
pub fn photos_html(
    report: &NamingReport,
    examples: &[Example],
    about: &About,
    credits: Option<&str>,
) -> String {
    let credits = credits.map_or(String::new(), |credits| {
        format!(
            "<p class=\"credits\">{}</p>",
            super::escape::escape(credits.trim())
        )
    });
    fill(
        PAGE,
        &[
            ("about", tables::about(about, report.seconds)),
            ("table", tables::naming(&report.figures)),
            ("chart", chart::binding(&report.figures)),
            ("prompts", examples.iter().map(cards::card).collect()),
            ("credits", credits),
        ],
    )
}
