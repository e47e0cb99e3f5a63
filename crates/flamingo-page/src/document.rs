//! The document of a page: texts, pictures and films in reading order.

use flamingo_sequence::{Document, Part as Written};

use crate::{Kind, Page, Part};

/// A part of a document before its media have places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Neighbouring blocks of text, a line each.
    Text(String),
    /// The picture or film that is this part of the page.
    Medium(usize),
}

/// The document of a page, as training reads it: neighbouring blocks of text are one part, a line
/// each; a caption that the page shows above its picture comes after it.
///
/// `place` says where the picture or film lies that is part `index` of the page; without a place
/// it is left out, and the texts around it are neighbours. `None` if nothing is left.
pub fn document(
    page: &Page,
    mut place: impl FnMut(usize, &Part) -> Option<String>,
) -> Option<Document> {
    let mut places: Vec<Option<String>> = page
        .parts
        .iter()
        .enumerate()
        .map(|(index, part)| place(index, part).filter(|place| !place.is_empty()))
        .collect();
    let items = items(page, |index| places[index].is_some());
    let parts = items.into_iter().filter_map(|item| match item {
        Item::Text(text) => Some(Written::Text(text)),
        Item::Medium(index) => {
            let place = places[index].take()?;
            Some(match page.parts[index] {
                Part::Video(_) => Written::Video(place),
                Part::Image(_) | Part::Text(_) => Written::Image(place),
            })
        }
    });
    let document = Document::new(parts);
    (!document.parts.is_empty()).then_some(document)
}

/// The parts of a page's document, with those of its media for which `keep` is true.
pub fn items(page: &Page, keep: impl Fn(usize) -> bool) -> Vec<Item> {
    let mut items = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    let mut parts = page.parts.iter().enumerate().peekable();
    // The caption of the part before, until it comes.
    let mut due: Option<&str> = None;
    while let Some((index, part)) = parts.next() {
        let Part::Text(text) = part else {
            due = caption_of(part);
            if keep(index) {
                end_text(&mut items, &mut lines);
                items.push(Item::Medium(index));
            }
            continue;
        };
        if text.text.trim().is_empty() {
            continue;
        }
        let is_caption = |of: Option<&str>| text.kind == Kind::Caption && of == Some(&text.text);
        let is_above = !is_caption(due)
            && parts
                .peek()
                .is_some_and(|(_, next)| is_caption(caption_of(next)));
        if let Some((medium, _)) = parts.next_if(|(index, _)| is_above && keep(*index)) {
            end_text(&mut items, &mut lines);
            items.push(Item::Medium(medium));
        }
        lines.push(&text.text);
        due = None;
    }
    end_text(&mut items, &mut lines);
    items
}

fn caption_of(part: &Part) -> Option<&str> {
    match part {
        Part::Image(image) => Some(&image.caption),
        Part::Video(video) => Some(&video.caption),
        Part::Text(_) => None,
    }
}

fn end_text(items: &mut Vec<Item>, lines: &mut Vec<&str>) {
    if !lines.is_empty() {
        items.push(Item::Text(lines.join("\n")));
        lines.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Image, Text, Video};

    fn text(text: &str, kind: Kind) -> Part {
        Part::Text(Text {
            text: text.into(),
            kind,
        })
    }

    fn image(url: &str, caption: &str) -> Part {
        Part::Image(Image {
            url: url.into(),
            caption: caption.into(),
            ..Image::default()
        })
    }

    fn parts(parts: Vec<Part>) -> String {
        let page = Page {
            parts,
            ..Page::default()
        };
        let place = |index: usize, part: &Part| match part {
            Part::Image(image) => Some(image.url.clone()),
            Part::Video(_) => Some(format!("{index}.gif")),
            Part::Text(_) => None,
        };
        document(&page, place).map_or(String::new(), |document| {
            serde_json::to_string(&document.parts).unwrap()
        })
    }

    #[test]
    fn neighbouring_texts_are_one_part_and_media_stand_between() {
        let film = Part::Video(Video::default());
        let page = vec![
            text("A zoo", Kind::Heading),
            text("a < b", Kind::Paragraph),
            image("a.png", ""),
            text(" ", Kind::Paragraph),
            film,
            text("one", Kind::Item),
            text("two\n  three", Kind::Code),
        ];
        let expected = r#"[{"text":"A zoo\na < b"},{"image":"a.png"},{"video":"4.gif"},{"text":"one\ntwo\n  three"}]"#;
        assert_eq!(parts(page), expected);
    }

    #[test]
    fn a_caption_above_its_picture_is_read_after_it() {
        let page = vec![
            text("before", Kind::Paragraph),
            text("a cat", Kind::Caption),
            image("a.png", "a cat"),
            image("b.png", "a pig"),
            text("a pig", Kind::Caption),
            text("after", Kind::Paragraph),
        ];
        let expected = r#"[{"text":"before"},{"image":"a.png"},{"text":"a cat"},{"image":"b.png"},{"text":"a pig\nafter"}]"#;
        assert_eq!(parts(page), expected);
    }

    #[test]
    fn pictures_with_the_same_caption_keep_theirs_each() {
        let [caption, a, b] = [
            text("a cat", Kind::Caption),
            image("a.png", "a cat"),
            image("b.png", "a cat"),
        ];
        let expected = r#"[{"image":"a.png"},{"text":"a cat"},{"image":"b.png"},{"text":"a cat"}]"#;
        let below = vec![a.clone(), caption.clone(), b.clone(), caption.clone()];
        assert_eq!(parts(below), expected);
        assert_eq!(parts(vec![caption.clone(), a, caption, b]), expected);
    }

    #[test]
    fn a_medium_without_a_place_is_left_out_and_its_neighbours_meet() {
        let page = vec![
            text("a", Kind::Paragraph),
            image("", ""),
            text("b", Kind::Caption),
            image("", "b"),
        ];
        assert_eq!(parts(page), r#"[{"text":"a\nb"}]"#);
        assert_eq!(parts(vec![image("", "")]), "");
    }
}
