//! `flamingo data inspect`: what was recognised, and how a recipe takes it.

use clap::Args;
use flamingo::data::{Format, Report, Source};
use flamingo::sequence::{Document, Form, MediaKind, Part};
use serde::Serialize;

use super::path::DataPath;
use crate::failure::{Failure, Result};
use crate::output;

/// Say what data is recognised as, how much of it can be used, and how a recipe names it.
///
/// Documents are read, pictures are not opened: `data stats` does that.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flamingo data inspect photos/\n  flamingo data inspect 'laion/{00000..00127}.tar'"
)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    data: DataPath,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Found {
    format: &'static str,
    form: Form,
    found: usize,
    kept: usize,
    left_out: std::collections::BTreeMap<String, usize>,
    images: usize,
    films: usize,
    with_text: usize,
    first: Option<Document>,
}

pub(super) fn run(args: &InspectArgs) -> Result<()> {
    let format = args.data.format()?;
    let (mut images, mut films, mut with_text, mut first) = (0, 0, 0, None);
    let mut all_pairs = true;
    let report = Source::each(format, &args.data.path, |sample| {
        for (_, kind, _) in sample.document.media() {
            match kind {
                MediaKind::Image => images += 1,
                MediaKind::Video => films += 1,
            }
        }
        all_pairs &= sample.document.is_pair();
        with_text += usize::from(sample.document.parts.iter().any(is_text));
        first.get_or_insert(sample.document);
        Ok::<_, Failure>(())
    })?;
    let form = format.form_of(all_pairs);
    if args.json {
        let Report {
            found, left_out, ..
        } = report.clone();
        return output::json(&Found {
            format: format.name(),
            form,
            found,
            kept: report.kept(),
            left_out,
            images,
            films,
            with_text,
            first,
        });
    }
    args.data.tell(format, &report)?;
    output::line(&format!(
        "they have   {images} pictures, {films} films; {with_text} have text"
    ))?;
    let Some(first) = &first else {
        return Ok(());
    };
    output::line(&format!("the first  {}", said(first)))?;
    output::line(&format!(
        "\nIn a recipe:\n\n{}",
        recipe(format, form, &args.data.path.display().to_string())
    ))
}

fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text(_))
}

/// The most letters of a document that are shown.
const SHOWN: usize = 400;

/// A document on one line.
fn said(document: &Document) -> String {
    let part = |part: &Part| match part {
        Part::Image(place) => format!("[{}]", short(place)),
        Part::Video(place) => format!("[film {}]", short(place)),
        Part::Text(text) => format!("{text:?}"),
        Part::End => "<EOC>".to_owned(),
        Part::Token(token) => token.clone(),
    };
    let parts: Vec<String> = document.parts.iter().map(part).collect();
    let text = parts.join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}

/// A place, or the beginning of a `data:` URL.
fn short(place: &str) -> &str {
    match place.char_indices().nth(80) {
        Some((end, _)) => &place[..end],
        None => place,
    }
}

fn recipe(format: Format, form: Form, path: &str) -> String {
    let form = match form {
        Form::Pair => "pair",
        Form::Page => "page",
    };
    let name = toml_text(path);
    let stream = match format.is_in_pieces() {
        true => {
            "stream = {}           # read as the training goes; leave it out if all fits into memory\n"
        }
        false => "",
    };
    format!(
        "[[data]]\nname = \"data\"\nformat = \"{}\"\nform = \"{form}\"\npath = {name}\nbatch = 32\n{stream}",
        format.name()
    )
}

fn toml_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_line_and_a_recipe_names_its_data() {
        let document = Document::new([
            Part::Image("a.png".into()),
            Part::Text(" a \"cat\"".into()),
            Part::End,
            Part::Text("x".repeat(900)),
        ]);
        let line = said(&document);
        assert!(
            line.starts_with(r#"[a.png] " a \"cat\"" <EOC> "xxx"#),
            "{line}"
        );
        assert!(line.ends_with("...") && line.len() < 420);
        let text = recipe(Format::Shards, Form::Page, "a/{0..1}.tar");
        let value: flamingo::train::DataSpec = parsed(&text);
        assert_eq!(value.path.to_str(), Some("a/{0..1}.tar"));
        assert_eq!(value.form, Some(Form::Page));
        assert!(value.stream.is_some());
        let folders = parsed(&recipe(Format::Folders, Form::Pair, "a\"b"));
        assert!(folders.stream.is_none() && folders.form == Some(Form::Pair));
    }

    fn parsed(text: &str) -> flamingo::train::DataSpec {
        let whole: toml::Value = toml::from_str(text).expect("it is TOML");
        let data = whole["data"][0].clone();
        data.try_into().expect("it is a source")
    }
}
