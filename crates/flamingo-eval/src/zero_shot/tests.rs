//! Finds counted by hand, with towers whose vectors are written down.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use flamingo_corpus::towers::TowerFailure;
use flamingo_engine::Result as EngineResult;
use flamingo_image::{Image, Media, Wanted};
use flamingo_sequence::Part;
use flamingo_tasks::{Example, Id, Set};

use super::*;

/// Pictures are their colours, texts are what is written here of them.
struct Written;

impl Tower for Written {
    fn embed_images(&mut self, images: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure> {
        let colour = |image: &Image| image.rgb[..3].iter().map(|&v| f32::from(v)).collect();
        Ok(images.iter().map(colour).collect())
    }

    fn embed_texts(&mut self, texts: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure> {
        let vector = |text: &String| match text.as_str() {
            "red" | "a red thing" => vec![1.0, 0.0, 0.0],
            "green" => vec![0.0, 1.0, 0.0],
            "a green thing" => vec![0.0, 0.6, 0.8],
            "blue" | "a blue thing" => vec![0.0, 0.0, 1.0],
            "reddish" => vec![1.0, 0.3, 0.0],
            _ => vec![1.0, 1.0, 1.0],
        };
        Ok(Some(texts.iter().map(vector).collect()))
    }
}

/// A tower that sees and does not read.
struct Mute;

impl Tower for Mute {
    fn embed_images(&mut self, images: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure> {
        Written.embed_images(images)
    }

    fn embed_texts(&mut self, _: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure> {
        Ok(None)
    }
}

/// Places are colours in words.
struct Colours;

impl MediaSource for Colours {
    fn media(&self, place: &str, _: &Wanted) -> EngineResult<Media> {
        let colour: Vec<u8> = place.split(' ').filter_map(|v| v.parse().ok()).collect();
        match colour[..] {
            [red, green, blue] => Ok(Media::Image(Image::solid(2, 2, [red, green, blue]))),
            _ => Err(flamingo_engine::Error::Media(format!(
                "{place} is no colour"
            ))),
        }
    }
}

fn asked(
    queries: &[(&str, References)],
    templates: &[&str],
    tower: &mut dyn Tower,
) -> Result<ZeroShotReport> {
    let names: Arc<[String]> = ["red", "green", "blue"].map(str::to_owned).into();
    let example = |(at, (place, references)): (usize, &(&str, References))| Example {
        references: references.clone(),
        candidates: Some(names.clone()),
        ..Example::new(
            Id::Number(at as i64),
            vec![Part::Image((*place).to_owned())],
        )
    };
    let examples = Examples {
        split: "val".to_owned(),
        queries: Set {
            examples: queries.iter().enumerate().map(example).collect(),
            ..Set::default()
        },
        ..Examples::default()
    };
    let shown: Vec<TaskExample> = examples
        .queries
        .examples
        .iter()
        .map(|example| TaskExample {
            id: example.id.to_string(),
            question: example.parts.clone(),
            ..TaskExample::default()
        })
        .collect();
    let templates: Vec<String> = templates.iter().map(|t| (*t).to_owned()).collect();
    let asked = ZeroShot {
        task: "folder",
        examples: &examples,
        shown: &shown,
        templates: &templates,
    };
    asked.ask(&Colours, tower, &Device::flex(), &mut |_| ())
}

fn class(right: usize) -> References {
    References::Choice { right, kind: None }
}

#[test]
fn a_picture_is_of_the_class_whose_name_is_nearest_over_all_templates() {
    let queries = [
        ("250 10 10", class(0)),
        // By the name alone green, by both templates blue.
        ("0 110 100", class(1)),
        ("10 0 200", class(0)),
        ("no colour", class(0)),
    ];
    let report = asked(&queries, &["{}"], &mut Written).unwrap();
    let told = report.classes.as_ref().unwrap();
    assert_eq!((told.queries, told.names), (3, 3));
    assert_eq!((told.top_1.right, told.top_5.right), (2, 3));
    assert!(
        report
            .left_out
            .as_ref()
            .unwrap()
            .starts_with("1 of 4 cannot be read")
    );
    assert!(
        report
            .to_string()
            .contains("3 pictures, 3 names, 1 template"),
        "{report}"
    );

    // The mean of [0, 1, 0] and [0, 0.6, 0.8] is nearer to [0, 110, 100] than either.
    let queries = [("0 110 100", class(1)), ("0 70 100", class(2))];
    let alone = asked(&queries, &["{}"], &mut Written).unwrap();
    let both = asked(&queries, &["{}", "a {} thing"], &mut Written).unwrap();
    let right = |report: ZeroShotReport| report.classes.unwrap().top_1.right;
    assert_eq!((right(alone), right(both)), (2, 1));
}

#[test]
fn recall_counts_any_caption_of_a_picture_and_the_one_picture_of_a_caption() {
    let said = |captions: &[&str]| {
        References::Captions(
            captions
                .iter()
                .map(|caption| (*caption).to_owned())
                .collect(),
        )
    };
    let queries = [
        ("255 0 0", said(&["red", "green"])),
        ("200 60 0", said(&["reddish"])),
        ("0 0 255", said(&["red"])),
    ];
    let report = asked(&queries, &["{}"], &mut Written).unwrap();
    let told = report.retrieval.unwrap();
    assert_eq!((told.pictures, told.captions), (3, 4));
    // Blue finds nothing near, but its own caption among so few.
    let right = |recall: Recall| [recall.at_1, recall.at_5, recall.at_10].map(|share| share.right);
    assert_eq!(right(told.image_to_text), [2, 3, 3]);
    // `red` of the first and `reddish` find theirs; `green` is nearer to the second, `red` of blue to the first.
    assert_eq!(right(told.text_to_image), [2, 4, 4]);
    assert_eq!(told.text_to_image.at_1.queries, 4);
}

#[test]
fn what_towers_cannot_be_asked_is_said() {
    let error = |queries: &[(&str, References)], template, tower: &mut dyn Tower| {
        asked(queries, &[template], tower).unwrap_err().to_string()
    };
    let one = [("1 2 3", class(0))];
    let told = error(&one, "a thing", &mut Written);
    assert!(told.contains("\"a thing\" has no {}"), "{told}");
    let told = error(&one, "{}", &mut Mute);
    assert!(told.contains("takes no texts"), "{told}");
    let told = error(&[("1 2 3", References::Hateful(true))], "{}", &mut Written);
    assert!(told.contains("neither a class nor a caption"), "{told}");
    let told = error(&[("nothing", class(0))], "{}", &mut Written);
    assert!(told.contains("nothing is no colour"), "{told}");
}

#[test]
fn of_equal_values_the_first_is_before() {
    assert_eq!(place(&[0.5, 0.9, 0.5, 0.1], 0), Some(1));
    assert_eq!(place(&[0.5, 0.9, 0.5, 0.1], 2), Some(2));
    assert_eq!(place(&[0.5], 1), None);
}
