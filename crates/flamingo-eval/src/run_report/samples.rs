//! Samples as cards with their pictures, the worst and the best first.

use std::collections::HashMap;
use std::fmt::Write;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_data::MediaBase;
use flamingo_film::Reader;
use flamingo_image::{Image, Media, Sampling, Wanted};
use flamingo_sequence::{MediaKind, Part};
use image::{DynamicImage, ImageFormat, RgbImage};

use crate::Sample;
use crate::report::escape::escape;
use crate::run::load;

/// Side of a picture on the page, in pixels.
const SIDE: u32 = 96;
/// Frames of a film that are shown.
const FRAMES: usize = 4;
/// Candidates that a card lists.
const LISTED: usize = 5;

/// Pictures on the page, each made small once.
pub(crate) struct Pictures {
    base: MediaBase,
    reader: Reader,
    made: HashMap<String, String>,
    /// Pictures that could not be read.
    pub(crate) missing: usize,
}

impl Pictures {
    pub(crate) fn new(reader: Reader) -> Self {
        Self {
            base: MediaBase::Folder("".into()),
            reader,
            made: HashMap::new(),
            missing: 0,
        }
    }

    fn show(&mut self, part: &Part) -> String {
        let (place, kind) = match part {
            Part::Image(place) => (place, MediaKind::Image),
            Part::Video(place) => (place, MediaKind::Video),
            Part::Text(_) | Part::End | Part::Token(_) => return String::new(),
        };
        if let Some(made) = self.made.get(place) {
            return made.clone();
        }
        let wanted = Wanted {
            sampling: Some(Sampling {
                most: FRAMES,
                ..Sampling::ASKING
            }),
            ..Wanted::default()
        };
        let made = match load(&self.base, place, kind, &self.reader, &wanted) {
            Ok(Media::Image(image)) => img(&image, "a picture of the prompt"),
            Ok(Media::Film(film)) => {
                let frames = film.frames.iter();
                let frames = frames.map(|frame| img(frame, "a frame of the film"));
                format!(
                    "<span class=\"frames\">{}</span>",
                    frames.collect::<String>()
                )
            }
            Err(error) => {
                self.missing += 1;
                let shown: String = place.chars().take(60).collect();
                format!(
                    "<span class=\"gone\" title=\"{}\">not shown: {}</span>",
                    escape(&error.to_string()),
                    escape(&shown)
                )
            }
        };
        self.made.insert(place.clone(), made.clone());
        made
    }
}

/// A small JPEG as an `<img>`.
fn img(image: &Image, alt: &str) -> String {
    let image = image.on_white();
    let Some(rgb) = RgbImage::from_raw(image.width, image.height, image.rgb.clone()) else {
        return String::new();
    };
    let small = match image.width.max(image.height) > SIDE {
        true => DynamicImage::from(rgb).thumbnail(SIDE, SIDE),
        false => DynamicImage::from(rgb),
    };
    let mut jpeg = Cursor::new(Vec::new());
    small
        .write_to(&mut jpeg, ImageFormat::Jpeg)
        .expect("writing a JPEG to memory does not fail");
    format!(
        "<img class=\"picture\" src=\"data:image/jpeg;base64,{}\" alt=\"{alt}\">",
        STANDARD.encode(jpeg.into_inner())
    )
}

/// The `count` worst and the `count` best of these; in their order if they have no scores of their own.
pub(crate) fn worst_and_best(samples: &[Sample], count: usize) -> (Vec<&Sample>, Vec<&Sample>) {
    let mut sorted: Vec<&Sample> = samples.iter().collect();
    // What has no answer is worst.
    sorted.sort_by(|a, b| {
        let score = |sample: &Sample| match &sample.error {
            Some(_) => -1.0,
            None => sample.score.unwrap_or(0.0),
        };
        score(a)
            .total_cmp(&score(b))
            .then(margin(a).total_cmp(&margin(b)))
    });
    let half = count.min(sorted.len().div_ceil(2));
    let worst = sorted[..half].to_vec();
    let best = sorted[half..].iter().rev().take(count).copied().collect();
    (worst, best)
}

/// How likely the right candidate is; 0 where there is none.
fn margin(sample: &Sample) -> f64 {
    let right = |text: &String| {
        sample
            .references
            .iter()
            .any(|one| one.trim() == text.trim())
    };
    let place = sample.candidates.iter().position(right);
    place
        .and_then(|place| sample.probabilities().get(place).copied())
        .unwrap_or(0.0)
}

/// A sample: its prompt as the model read it, and what came of it.
pub(crate) fn card(sample: &Sample, pictures: &mut Pictures) -> String {
    let (class, verdict) = match (&sample.error, sample.score) {
        (Some(error), _) => ("wrong", format!("no answer: {}", escape(error))),
        (None, Some(score)) if score > 0.0 => ("right", format!("score {score:.2}")),
        (None, Some(score)) => ("wrong", format!("score {score:.2}")),
        (None, None) => ("", "no score of its own".to_owned()),
    };
    let references: Vec<String> = sample
        .references
        .iter()
        .take(LISTED)
        .map(|text| escape(text.trim()))
        .collect();
    format!(
        "<article class=\"card\"><div class=\"prompt\">{}</div>\
         <div class=\"answer\"><p class=\"verdict {class}\">{verdict}</p>\
         <dl class=\"said\"><dt>answer</dt><dd>{}</dd><dt>raw</dt><dd><code>{}</code></dd><dt>right</dt><dd>{}</dd>\
         <dt>id</dt><dd>{}</dd></dl>{}</div></article>",
        prompt(&sample.parts, pictures),
        escape(&sample.answer),
        escape(&format!("{:?}", sample.raw)),
        references.join(" · "),
        escape(&sample.id),
        candidates(sample),
    )
}

/// One figure for each stretch of the document that ends a chunk; the last one is the query.
fn prompt(parts: &[Part], pictures: &mut Pictures) -> String {
    let mut html = String::new();
    for chunk in parts.split(|part| *part == Part::End) {
        let (mut shown, mut said) = (String::new(), String::new());
        for part in chunk {
            match part {
                Part::Text(text) => said.push_str(text),
                part => shown.push_str(&pictures.show(part)),
            }
        }
        let _ = write!(
            html,
            "<figure>{shown}<figcaption>{}</figcaption></figure>",
            escape(&said)
        );
    }
    html
}

fn candidates(sample: &Sample) -> String {
    if sample.log_likelihoods.is_empty() {
        return String::new();
    }
    let shares = sample.probabilities();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]).then(a.cmp(&b)));
    let mut html = String::from("<ol class=\"candidates\">");
    for &at in order.iter().take(LISTED) {
        let _ = write!(
            html,
            "<li style=\"--share:{:.3}\"><span class=\"text\">{}</span><span class=\"share\">{:.0}%</span>\
             <span class=\"log\">log p {:.2}</span></li>",
            shares[at],
            escape(sample.candidates[at].trim()),
            shares[at] * 100.0,
            sample.log_likelihoods[at]
        );
    }
    let left_out = shares.len().saturating_sub(LISTED);
    if left_out > 0 {
        let _ = write!(html, "<li class=\"more\">{left_out} more candidates</li>");
    }
    html + "</ol>"
}
