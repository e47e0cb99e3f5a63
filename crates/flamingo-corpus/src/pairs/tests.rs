#![allow(clippy::unwrap_used)]

use super::*;

/// All images are there in one size, and all texts are as frequent.
struct Known(u32, u32, u64);

impl Knowledge for Known {
    fn image(&self, _part: usize) -> Option<ImageSize> {
        Some(ImageSize {
            width: self.0,
            height: self.1,
        })
    }

    fn images_with_text(&self, _key: i64) -> u64 {
        self.2
    }
}

fn page(alt: &str, caption: &str) -> Page {
    let image = Image {
        url: "https://a.example/a-fox.jpg".to_owned(),
        alt: alt.to_owned(),
        caption: caption.to_owned(),
        ..Image::default()
    };
    Page {
        parts: vec![Part::Image(image)],
        ..Page::default()
    }
}

fn of(page: &Page, config: &PairConfig, known: &Known) -> Vec<Candidate> {
    pairs(page, Some("en"), config, &Lexicon::default(), known)
}

fn reasons(alt: &str) -> Vec<PairReason> {
    let all = of(&page(alt, ""), &PairConfig::default(), &Known(640, 480, 1));
    all.into_iter().next().unwrap().reasons
}

#[test]
fn a_plain_description_is_a_pair() {
    assert_eq!(reasons("A red fox stands in the snow"), []);
    assert_eq!(reasons("red fox jumping"), []);
}

#[test]
fn each_kind_of_text_that_describes_nothing_has_its_reason() {
    use PairReason::*;
    for (alt, reason) in [
        ("", NoText),
        (" \n ", NoText),
        ("a-fox", FileName),
        ("holiday.jpeg", FileName),
        ("from https://a.example today", Url),
        ("IMG_20210304_1011", Code),
        ("featured image", Boilerplate),
        ("red fox", FewWords),
        ("fox fox fox fox fox snow", RepeatedWords),
        ("A RED FOX IN THE SNOW", Capitals),
        ("+++ a *** --- fox ### runs !!!", FewLetters),
        ("porn with three foxes", FlaggedWords),
        (
            "Ein roter Fuchs steht im tiefen Schnee und wartet auf die Nacht",
            Language,
        ),
    ] {
        assert!(reasons(alt).contains(&reason), "{alt}: {:?}", reasons(alt));
    }
}

#[test]
fn bounds_of_words_hold_at_the_bound() {
    let mut config = PairConfig::default();
    config.caption.max_words = Some(4.0);
    let ask = |alt: &str| {
        of(&page(alt, ""), &config, &Known(640, 480, 1))[0]
            .reasons
            .clone()
    };
    assert_eq!(ask("one red fox"), []);
    assert_eq!(ask("one red fox runs"), []);
    assert_eq!(ask("one red fox runs fast"), [PairReason::ManyWords]);
    assert_eq!(ask("one fox"), [PairReason::FewWords]);
}

#[test]
fn a_text_is_frequent_only_above_ten_images() {
    let ask = |images| {
        of(
            &page("one red fox", ""),
            &PairConfig::default(),
            &Known(640, 480, images),
        )[0]
        .reasons
        .clone()
    };
    assert_eq!(ask(10), []);
    assert_eq!(ask(11), [PairReason::FrequentText]);
}

#[test]
fn images_are_asked_for_their_side_and_ratio() {
    let ask = |width, height| {
        of(
            &page("one red fox", ""),
            &PairConfig::default(),
            &Known(width, height, 1),
        )[0]
        .reasons
        .clone()
    };
    assert_eq!(ask(64, 192), []);
    assert_eq!(ask(63, 64), [PairReason::SmallImage]);
    assert_eq!(ask(193, 64), [PairReason::AspectRatio]);
    assert_eq!(ask(0, 0), [PairReason::SmallImage]);
}

#[test]
fn the_good_one_of_two_texts_is_taken_and_both_where_asked() {
    let page = page("a red fox jumping", "IMG_1234");
    let known = Known(640, 480, 1);
    let one = of(&page, &PairConfig::default(), &known);
    assert_eq!((one.len(), one[0].source), (1, Some(PairSource::Alt)));
    let both = PairConfig {
        text: PairText::Both,
        ..PairConfig::default()
    };
    let two = of(&page, &both, &known);
    assert_eq!(two.len(), 2);
    assert!(two[0].reasons.contains(&PairReason::Code));
    assert_eq!(two[1].reasons, []);
}

#[test]
fn two_texts_that_say_the_same_are_one() {
    let page = page("A red fox, jumping.", "a red  fox jumping");
    let both = PairConfig {
        text: PairText::Both,
        ..PairConfig::default()
    };
    assert_eq!(of(&page, &both, &Known(640, 480, 1)).len(), 1);
    assert_eq!(text_keys(&page), [text_key("a red fox jumping")]);
}

#[test]
fn an_image_that_is_not_there_is_no_candidate() {
    struct Nothing;
    impl Knowledge for Nothing {
        fn image(&self, _part: usize) -> Option<ImageSize> {
            None
        }
        fn images_with_text(&self, _key: i64) -> u64 {
            0
        }
    }
    let page = page("a red fox", "");
    assert_eq!(
        pairs(
            &page,
            None,
            &PairConfig::default(),
            &Lexicon::default(),
            &Nothing
        ),
        []
    );
}

#[test]
fn keys_see_through_case_marks_and_spaces_only() {
    assert_eq!(text_key("A red fox!"), text_key("a  RED fox"));
    assert_ne!(text_key("a red fox"), text_key("a redfox"));
}
