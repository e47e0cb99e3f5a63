//! The page of training samples as the model sees them.

use std::fmt::Write;

use flamingo_image::Image;

use super::escape::escape;
use super::pictures::{Kind, picture};
use super::tables::facts;
use super::template::fill;

const PAGE: &str = include_str!("preview.html");

/// Colours there are for pictures; then they begin again.
const COLOURS: usize = 6;

/// A training sample.
#[derive(Clone, Debug)]
pub struct Previewed {
    /// What it is called.
    pub name: String,
    /// Its sequence.
    pub tokens: Vec<PreviewedToken>,
    /// For each `<image>` token the frames that the encoder gets.
    pub media: Vec<Vec<Image>>,
}

/// A token of a training sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewedToken {
    /// What it stands for.
    pub text: String,
    /// Whether it is a special token.
    pub is_special: bool,
    /// Whether the loss counts it.
    pub is_predicted: bool,
    /// Which of the media it attends to.
    pub sees: Option<usize>,
}

/// The page as HTML; `about` are facts that stand at its head.
pub fn preview_html(about: &[(&str, String)], samples: &[Previewed]) -> String {
    let cards = samples.iter().map(card).collect();
    fill(PAGE, &[("about", facts(about)), ("cards", cards)])
}

fn card(sample: &Previewed) -> String {
    let mut shown = String::new();
    for (number, frames) in sample.media.iter().enumerate() {
        let of_medium: String = frames
            .iter()
            .map(|image| picture(image, &format!("picture {}", number + 1), Kind::Photo))
            .collect();
        let colour = number % COLOURS;
        let _ = write!(shown, "<span class=\"frames m{colour}\">{of_medium}</span>");
    }
    let tokens: String = sample.tokens.iter().map(token).collect();
    let predicted = sample.tokens.iter().filter(|token| token.is_predicted);
    format!(
        "<article class=\"card\"><h3>{}</h3><div class=\"shown\">{shown}</div><div class=\"tokens\">{tokens}</div>\
         <p class=\"truth\">{} tokens, {} of them predicted</p></article>\n",
        escape(&sample.name),
        sample.tokens.len(),
        predicted.count()
    )
}

fn token(token: &PreviewedToken) -> String {
    let mut class = Vec::new();
    if token.is_predicted {
        class.push("predicted".to_owned());
    }
    if token.is_special {
        class.push("special".to_owned());
    }
    if let Some(medium) = token.sees {
        class.push(format!("sees m{}", medium % COLOURS));
    }
    let text = escape(&token.text.replace('\n', "\u{21b5}\n"));
    format!("<span class=\"{}\">{text}</span><wbr>", class.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_colour_of_what_it_sees_and_says_whether_it_is_predicted() {
        let token = |text: &str, is_predicted, sees| PreviewedToken {
            text: text.to_owned(),
            is_special: text.starts_with('<'),
            is_predicted,
            sees,
        };
        let sample = Previewed {
            name: "<a>".to_owned(),
            tokens: vec![
                token("<image>", false, Some(0)),
                token(" cat", true, Some(0)),
                token("x", true, None),
            ],
            media: vec![vec![Image::solid(2, 2, [1; 3])]],
        };
        let page = preview_html(&[("data", "a & b".to_owned())], &[sample]);
        assert!(page.contains("<h3>&lt;a&gt;</h3>") && page.contains("a &amp; b"));
        assert!(page.contains("<span class=\"special sees m0\">&lt;image&gt;</span>"));
        assert!(page.contains("<span class=\"predicted sees m0\"> cat</span>"));
        assert!(page.contains("<span class=\"predicted\">x</span>"));
        assert!(page.contains("3 tokens, 2 of them predicted<"));
    }
}
