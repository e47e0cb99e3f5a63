//! The card's page: key figures, funnels, spreads, samples, configuration.

use std::fmt::Write as _;

use flamingo_page::Kind;

use super::format::{bytes, escape, grouped, plural};
use super::samples::{ShownPart, ShownSample, data_url};
use super::{Card, charts};
use crate::funnel::Step;
use crate::manifest::StepCount;

const STYLE: &str = include_str!("style.css");

pub(super) fn page(card: &Card) -> String {
    let name = escape(&card.name);
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>{name}: data card</title><style>{STYLE}</style>\n"
    );
    html += &header(card);
    html += "<main>";
    html += &funnels(card);
    html += &spreads(card);
    html += &sources(card);
    html += &samples(&card.samples);
    html += &configuration(card);
    html += "</main></html>\n";
    html
}

fn header(card: &Card) -> String {
    let written = &card.summary.written;
    let figures = [
        (
            grouped(written.documents),
            plural("document", written.documents),
        ),
        (grouped(written.images), plural("image", written.images)),
        (grouped(written.films), plural("film", written.films)),
        (bytes(written.text_bytes), "of text".to_owned()),
        (bytes(written.bytes), "in all".to_owned()),
        (grouped(written.files), plural("file", written.files)),
    ];
    let figures = figures.iter().filter(|(value, _)| value != "0");
    let figures: String = figures
        .map(|(value, label)| format!("<div><b>{value}</b><span>{label}</span></div>"))
        .collect();
    let units = u64::from(card.summary.units);
    format!(
        "<header><p>Data card</p><h1>{}</h1>\
         <p class=lead>Interleaved images and text from {} of raw crawl, {} {}.</p>\
         <div class=figures>{figures}</div></header>",
        escape(&card.name),
        bytes(card.summary.input_bytes),
        grouped(units),
        plural("unit", units)
    )
}

fn funnels(card: &Card) -> String {
    let of = |steps: &[Step]| -> Vec<&StepCount> {
        let all = card.steps.iter();
        all.filter(|count| steps.contains(&count.step)).collect()
    };
    let before = |step| card.summary.funnel.tally(step).before();
    format!(
        "<section><h2>What was kept</h2><p class=note>Each thing that is dropped is counted once, by the first \
         reason for it.</p><div class=pair><div class=card><h3>Documents</h3>{}</div>\
         <div><div class=card><h3>Images of distinct pages</h3>{}</div>\
         <div class=card><h3>Paragraphs of distinct pages</h3>{}</div></div></div></section>",
        charts::funnel("pages", before(Step::Permitted), &of(&Step::DOCUMENTS[1..])),
        charts::funnel(
            "images in place",
            before(Step::ImagesFound),
            &of(&Step::IMAGES)
        ),
        charts::funnel(
            "paragraphs",
            before(Step::ParagraphsDistinct),
            &of(&Step::PARAGRAPHS)
        ),
    )
}

fn spreads(card: &Card) -> String {
    let histograms = &card.summary.histograms;
    let all = [
        ("Words in a document", &histograms.words),
        ("Images in a document", &histograms.images),
        ("Characters between images", &histograms.text_characters),
        (
            "Shorter side of an image, in pixels",
            &histograms.image_sides,
        ),
    ];
    let all = all
        .iter()
        .map(|(title, spread)| charts::histogram(title, spread));
    format!(
        "<section><h2>What it is like</h2><div class=grid>{}</div></section>",
        all.collect::<String>()
    )
}

fn sources(card: &Card) -> String {
    let summary = &card.summary;
    let mut lists = vec![
        charts::shares("Languages", &summary.languages, 10),
        charts::shares("Domains", &summary.domains, 15),
        charts::shares("Answers that are or should be images", &summary.images, 15),
        charts::shares("Records of the inputs", &summary.records, 15),
    ];
    if !summary.join.is_empty() {
        lists.push(charts::shares("Found over all units", &summary.join, 15));
    }
    format!(
        "<section><h2>Where it comes from</h2><div class=grid>{}</div></section>",
        lists.concat()
    )
}

fn samples(samples: &[ShownSample]) -> String {
    if samples.is_empty() {
        return String::new();
    }
    let shown: String = samples.iter().map(sample).collect();
    format!(
        "<section><h2>Samples</h2><p class=note>Chosen by hash, so neither picked nor sorted; shown from their \
         start.</p><div class=samples>{shown}</div></section>"
    )
}

fn sample(sample: &ShownSample) -> String {
    let title = sample.title.as_deref().unwrap_or("Untitled");
    let mut html = format!(
        "<article class=sample><h3>{}</h3><p class=url>{}</p>",
        escape(title),
        escape(&sample.url)
    );
    for part in &sample.parts {
        match part {
            ShownPart::Text { text, kind } => {
                let class = match kind {
                    Kind::Heading => "heading",
                    Kind::Caption => "caption",
                    Kind::Item => "item",
                    Kind::Code => "code",
                    _ => "text",
                };
                let _ = write!(html, "<p class={class}>{}</p>", escape(text));
            }
            ShownPart::Image {
                alt,
                thumbnail,
                image,
            } if thumbnail.is_empty() => {
                let alt = if alt.is_empty() { image } else { alt };
                let _ = write!(html, "<p class=lost>{}</p>", escape(alt));
            }
            ShownPart::Image { alt, thumbnail, .. } => {
                let url = data_url(thumbnail);
                let _ = write!(html, "<img src=\"{url}\" alt=\"{}\">", escape(alt));
            }
        }
    }
    if sample.is_cut {
        html += "<p class=more>\u{2026}</p>";
    }
    html + "</article>"
}

fn configuration(card: &Card) -> String {
    format!(
        "<section><h2>How to make it again</h2><details class=card><summary>The whole configuration</summary>\
         <pre>{}</pre></details><p class=note>Made by flamingo {}.</p></section>",
        escape(&card.config),
        escape(&card.program)
    )
}
