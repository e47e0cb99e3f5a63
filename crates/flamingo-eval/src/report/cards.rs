//! A prompt as a card: shots, query, candidates, and where the model looked.

use std::fmt::Write;

use flamingo_sequence::Part;
use flamingo_world::Episode;

use super::escape::escape;
use super::pictures::{Kind, frames, looked_at, picture};
use crate::Example;
use crate::examples::Section;

/// Candidates that a card lists at most; the right one is always among them.
const LISTED: usize = 5;

/// The prompt in the order in which the model read it, and what it made of it.
pub(super) fn card(example: &Example) -> String {
    let (class, verdict) = if example.right() {
        ("right", "✓ right")
    } else {
        ("wrong", "✗ wrong")
    };
    format!(
        "<article class=\"card\"><div class=\"prompt\">{}</div>\
         <div class=\"answer\"><p class=\"verdict {class}\">{verdict}</p>{}{}</div></article>",
        prompt(&example.episode, kind(example)),
        candidates(example),
        looked(example),
    )
}

fn kind(example: &Example) -> Kind {
    match example.section {
        Section::Photos => Kind::Photo,
        _ => Kind::Drawing,
    }
}

/// One figure for each stretch of the document that ends a chunk; the last one is the query.
fn prompt(episode: &Episode, kind: Kind) -> String {
    let mut html = String::new();
    for chunk in episode.document.parts.split(|part| *part == Part::End) {
        let mut shown = String::new();
        let mut said = String::new();
        for part in chunk {
            match part {
                Part::Text(text) => said.push_str(text),
                Part::Image(name) | Part::Video(name) => {
                    shown.push_str(&media(episode, name, kind))
                }
                Part::End | Part::Token(_) => {}
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

fn media(episode: &Episode, name: &str, kind: Kind) -> String {
    let frames = episode.media.get(name).map(frames).unwrap_or_default();
    let alt = |k: usize| match frames.len() {
        1 => "a picture of the prompt".to_owned(),
        n => format!("frame {} of {n}", k + 1),
    };
    let all = frames
        .iter()
        .enumerate()
        .map(|(k, frame)| picture(frame, &alt(k), kind));
    format!("<span class=\"frames\">{}</span>", all.collect::<String>())
}

/// The likeliest candidates with their log-likelihood and their share of all candidates.
fn candidates(example: &Example) -> String {
    let scores = &example.scores.candidates;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].sum.total_cmp(&scores[a].sum));
    let answer = example.episode.answer;
    if let Some(rank) = order
        .iter()
        .position(|&i| i == answer)
        .filter(|&rank| rank >= LISTED)
    {
        order.swap(LISTED - 1, rank);
    }
    let highest = scores[example.scores.best].sum;
    let total: f32 = scores.iter().map(|score| (score.sum - highest).exp()).sum();
    let mut html = String::from("<ol class=\"candidates\">");
    for &i in order.iter().take(LISTED) {
        let share = (scores[i].sum - highest).exp() / total;
        let mark = if i == answer {
            " <span class=\"truth\">(true)</span>"
        } else {
            ""
        };
        let _ = write!(
            html,
            "<li style=\"--share:{share:.3}\"><span class=\"text\">{}{mark}</span>\
             <span class=\"share\">{:.0}%</span>\
             <span class=\"log\">log p {:.2}</span></li>",
            escape(scores[i].text.trim()),
            share * 100.0,
            scores[i].sum
        );
    }
    let left_out = scores.len().saturating_sub(LISTED);
    if left_out > 0 {
        let _ = write!(html, "<li class=\"more\">{left_out} more candidates</li>");
    }
    if let Some(class) = example.class_mean {
        let verdict = if class == answer { "✓" } else { "✗" };
        let name = escape(scores[class].text.trim());
        let _ = write!(
            html,
            "<li class=\"more\">nearest class mean: {name} {verdict}</li>"
        );
    }
    html + "</ol>"
}

fn looked(example: &Example) -> String {
    let Some(look) = &example.look else {
        return String::new();
    };
    let Some(medium) = example.episode.media.get(&look.reference) else {
        return String::new();
    };
    let frames = frames(medium).iter().take(look.frames).enumerate();
    let looked = |(k, frame)| looked_at(frame, look, k, kind(example));
    let pictures: String = frames.map(looked).collect();
    let what = match example.section {
        Section::Films => "where it looked, frame by frame",
        _ => "where it looked",
    };
    format!(
        "<figure class=\"look\"><span class=\"frames\">{pictures}</span>\
         <figcaption>{what}</figcaption></figure>"
    )
}
