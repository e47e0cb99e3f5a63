#![allow(clippy::unwrap_used)]

use flamingo_page::{Image, Kind};

use super::rule::Side;
use super::rules::rules;
use super::*;
use crate::measures::Detected;

const RIVER: &str = "The river rises in the hills to the north of the town, and for most of the year it is so shallow that people walk across it with their shoes in their hands. In spring, however, it can be as wide as a lake, and then the ferry takes those who want to visit the other bank.";

fn paragraph(text: &str) -> Part {
    Part::Text(Text {
        text: text.to_owned(),
        kind: Kind::Paragraph,
    })
}

/// A page that each preset keeps, but for its images.
fn page(images: usize) -> Page {
    let image = Part::Image(Image::default());
    let mut parts = vec![paragraph(RIVER); 1];
    parts.extend(vec![image; images]);
    Page {
        parts,
        ..Page::default()
    }
}

fn filters(toml: &str) -> Filters {
    Filters::new(toml::from_str(toml).unwrap(), Path::new(".")).unwrap()
}

fn ask(page: &Page, filters: &Filters) -> Decision {
    let measures = Measures::of(page, filters.lexicon());
    decide(page, &measures, &BTreeSet::new(), filters)
}

#[test]
fn every_rule_holds_at_its_threshold_and_fails_just_past_it() {
    let mut seen = 0;
    for (field, value) in fields() {
        let thresholds = with(&field, 0.5);
        for rule in rules().filter(|rule| (rule.threshold)(&thresholds).is_some()) {
            for (offset, fails) in [
                (0.0, false),
                (-0.01, rule.side == Side::AtLeast),
                (0.01, rule.side == Side::AtMost),
            ] {
                // A measure that counts whole things is asked with a threshold of its own size.
                let measures = measuring(&value, 0.5 + offset);
                let Some((measures, scale)) = measures else {
                    continue;
                };
                let thresholds = with(&field, 0.5 * scale);
                let reasons = rules::reasons(&measures, &thresholds);
                let expected = if fails { vec![rule.reason] } else { vec![] };
                assert_eq!(reasons, expected, "{field} at {offset}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, rules().count(), "each rule has its own threshold");
}

/// The thresholds by name, each with the name of the measure that it bounds.
fn fields() -> Vec<(String, String)> {
    let all = serde_json::to_value(Thresholds::default()).unwrap();
    let names = all.as_object().unwrap().keys().cloned();
    let measure = |name: &str| {
        name.trim_start_matches("min_")
            .trim_start_matches("max_")
            .to_owned()
    };
    let asked = names.filter(|name| name != "punctuation_from_words");
    asked.map(|name| (name.clone(), measure(&name))).collect()
}

fn with(field: &str, threshold: f64) -> Thresholds {
    toml::from_str(&format!("{field} = {threshold:?}")).unwrap()
}

/// Measures in which one has a value, and the factor by which a count is larger than it.
fn measuring(name: &str, value: f64) -> Option<(TextMeasures, f64)> {
    let mut json = serde_json::to_value(TextMeasures::default()).unwrap();
    let run = |from: usize| {
        name.trim_matches(|c: char| !c.is_ascii_digit())
            .parse::<usize>()
            .map(|n| n - from)
    };
    let field = match name {
        _ if name.starts_with("top_") => &mut json["top_ngram"][run(2).unwrap()],
        _ if name.ends_with("_grams") => &mut json["duplicate_ngrams"][run(5).unwrap()],
        _ => json.get_mut(name)?,
    };
    let scale = if field.is_u64() { 100.0 } else { 1.0 };
    *field = if field.is_u64() {
        ((value * scale).round() as u64).into()
    } else {
        value.into()
    };
    Some((serde_json::from_value(json).unwrap(), scale))
}

#[test]
fn short_texts_are_not_asked_for_punctuation() {
    let thresholds: Thresholds =
        toml::from_str("min_punctuation = 0.1\npunctuation_from_words = 12").unwrap();
    let mut measures = TextMeasures {
        words_and_marks: 11,
        ..TextMeasures::default()
    };
    assert_eq!(rules::reasons(&measures, &thresholds), []);
    measures.words_and_marks = 12;
    assert_eq!(
        rules::reasons(&measures, &thresholds),
        [Reason::LittlePunctuation]
    );
}

#[test]
fn presets_keep_good_text_with_an_image_and_drop_it_without() {
    for preset in ["paper", "obelics", "mmc4"] {
        let mut filters = filters(&format!("preset = \"{preset}\""));
        // A text of two sentences is too short for C4's rule, which has its own test.
        filters.config.document.min_sentences = None;
        assert_eq!(
            ask(&page(1), &filters),
            Decision {
                kept: true,
                ..Decision::default()
            },
            "{preset}"
        );
        assert_eq!(
            ask(&page(0), &filters).reasons,
            [Reason::FewImages],
            "{preset}"
        );
    }
}

#[test]
fn presets_have_the_numbers_of_their_papers() {
    let paper = FilterConfig::preset(Preset::Paper);
    assert_eq!(
        (paper.document.min_words, paper.document.max_words),
        (Some(50.0), Some(100_000.0))
    );
    assert_eq!(
        (
            paper.document.min_word_length,
            paper.document.max_word_length
        ),
        (Some(3.0), Some(10.0))
    );
    assert_eq!(
        (
            paper.document.max_top_2_gram,
            paper.document.max_duplicate_10_grams
        ),
        (Some(0.2), Some(0.1))
    );
    assert_eq!(paper.images.min, Some(1.0));
    assert_eq!(paper.language.allowed, ["en"]);
    let obelics = FilterConfig::preset(Preset::Obelics);
    assert_eq!(
        (obelics.paragraph.min_words, obelics.document.min_words),
        (Some(4.0), Some(10.0))
    );
    assert_eq!(
        (
            obelics.paragraph.min_stop_words,
            obelics.document.min_stop_words
        ),
        (Some(0.3), Some(0.35))
    );
    assert_eq!(
        (obelics.images.min, obelics.images.max),
        (Some(1.0), Some(30.0))
    );
    let mmc4 = FilterConfig::preset(Preset::Mmc4);
    assert_eq!(
        (mmc4.paragraph.min_words, mmc4.document.min_sentences),
        (Some(5.0), Some(3.0))
    );
    assert_eq!(mmc4.document.max_curly_brackets, Some(0.0));
    assert_eq!(FilterConfig::default(), paper);
}

#[test]
fn single_thresholds_change_or_switch_off_those_of_a_preset() {
    let config: FilterConfig =
        toml::from_str("preset = \"paper\"\n[document]\nmin_words = 7\nmax_symbols = \"off\"")
            .unwrap();
    assert_eq!(config.document.min_words, Some(7.0));
    assert_eq!(config.document.max_symbols, None);
    assert_eq!(config.document.max_word_length, Some(10.0));
}

#[test]
fn a_resolved_configuration_reads_back_as_itself() {
    for preset in [Preset::Paper, Preset::Obelics, Preset::Mmc4, Preset::None] {
        let mut config = FilterConfig::preset(preset);
        config.document.min_words = None;
        config.images.min = Some(3.0);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(
            toml::from_str::<FilterConfig>(&text).unwrap(),
            config,
            "{text}"
        );
    }
}

#[test]
fn unknown_names_and_senseless_values_are_refused_with_what_is_allowed() {
    for (text, expected) in [
        ("presets = \"paper\"", "expected one of `flagged_words`"),
        (
            "preset = \"gopher\"",
            "expected one of `paper`, `obelics`, `mmc4`, `none`",
        ),
        (
            "[document]\nmin_word = 3",
            "unknown field `min_word`, expected one of `min_words`",
        ),
        (
            "[document]\nmin_words = \"none\"",
            "expected a number that is not negative, or \"off\"",
        ),
        ("[document]\nmin_words = -1", "expected a number"),
        ("[document]\nmin_words = nan", "expected a number"),
        ("exempt = [\"h1\"]", "expected one of `p`, `heading`"),
    ] {
        let error = toml::from_str::<FilterConfig>(text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn all_failing_reasons_are_told_in_the_order_of_the_funnel() {
    let decision = ask(
        &Page {
            parts: vec![paragraph("Lorem ipsum {}")],
            ..Page::default()
        },
        &filters("preset = \"mmc4\""),
    );
    assert!(!decision.kept);
    assert_eq!(
        decision.parts[0].reasons,
        [Reason::FewWords, Reason::UnfinishedLines]
    );
    assert_eq!(
        decision.reasons[..2],
        [Reason::LanguageUnsure, Reason::FewImages]
    );
}

#[test]
fn languages_are_allowed_by_code_and_confidence() {
    let config = LanguageConfig {
        allowed: vec!["en".to_owned()],
        min_confidence: Some(0.8),
    };
    let detected = |code: &str, confidence| Detected {
        code: code.to_owned(),
        confidence,
    };
    let ask = |detected: Option<Detected>| document::language(detected.as_ref(), &config);
    assert_eq!(ask(Some(detected("en", 0.8))), None);
    assert_eq!(
        ask(Some(detected("en", 0.79))),
        Some(Reason::LanguageUnsure)
    );
    assert_eq!(ask(Some(detected("de", 1.0))), Some(Reason::Language));
    assert_eq!(ask(Some(detected("de", 0.7))), Some(Reason::LanguageUnsure));
    assert_eq!(ask(None), Some(Reason::LanguageUnsure));
    assert_eq!(document::language(None, &LanguageConfig::default()), None);
}

#[test]
fn images_are_counted_without_those_that_are_gone() {
    let filters = filters("preset = \"none\"\n[images]\nmin = 2\nmax = 3");
    let page = page(5);
    let measures = Measures::of(&page, filters.lexicon());
    let ask = |gone: &[usize]| {
        decide(&page, &measures, &gone.iter().copied().collect(), &filters).reasons
    };
    assert_eq!(ask(&[]), [Reason::ManyImages]);
    assert_eq!(ask(&[1, 2]), []);
    assert_eq!(ask(&[1, 2, 3]), []);
    assert_eq!(ask(&[1, 2, 3, 4, 99]), [Reason::FewImages]);
}

#[test]
fn a_document_is_asked_about_the_paragraphs_that_are_left() {
    let filters = filters(
        "preset = \"none\"\n[paragraph]\nmax_spam_words = 0.1\n[document]\nmax_spam_words = 0.02",
    );
    let mut page = page(0);
    page.parts.push(paragraph(
        "Buy now: subscribe to our newsletter, click to order!",
    ));
    let decision = ask(&page, &filters);
    assert!(decision.kept);
    assert_eq!(
        decision.parts,
        [DroppedPart {
            part: 1,
            reasons: vec![Reason::SpamWords]
        }]
    );
    // A paragraph that is gone already is not dropped again.
    let measures = Measures::of(&page, filters.lexicon());
    assert_eq!(
        decide(&page, &measures, &BTreeSet::from([1]), &filters).parts,
        []
    );
}

#[test]
fn exempt_kinds_are_not_asked_by_themselves() {
    let mut page = page(0);
    page.parts.push(Part::Text(Text {
        text: "Sources".to_owned(),
        kind: Kind::Heading,
    }));
    let dropped = |exempt: &str| {
        let toml = format!("preset = \"none\"\nexempt = [{exempt}]\n[paragraph]\nmin_words = 2");
        ask(&page, &filters(&toml)).parts.len()
    };
    assert_eq!((dropped(""), dropped("\"heading\"")), (1, 0));
}

#[test]
fn measures_of_another_version_or_other_lists_are_made_again() {
    let filters = filters("preset = \"none\"\n[document]\nmin_words = 20");
    let page = page(0);
    let old = Measures {
        version: 0,
        ..Measures::of(&page, filters.lexicon())
    };
    let stale = Measures {
        lists: 7,
        text: TextMeasures::default(),
        ..Measures::of(&page, filters.lexicon())
    };
    for measures in [Measures::default(), old, stale] {
        assert!(decide(&page, &measures, &BTreeSet::new(), &filters).kept);
    }
}

#[test]
fn files_of_words_and_a_model_are_read_from_the_folder_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let model = train_quality(
        &[Measures::of(&page(1), &Lexicon::default())],
        &[Measures::default()],
    )
    .unwrap();
    std::fs::write(
        folder.path().join("model.json"),
        serde_json::to_vec(&model).unwrap(),
    )
    .unwrap();
    std::fs::write(folder.path().join("flagged.txt"), "ferry\n").unwrap();
    let toml = "preset = \"none\"\nflagged_words = \"flagged.txt\"\n[document]\nmax_flagged_words = 0\n[quality]\nmodel = \"model.json\"";
    let filters = Filters::new(toml::from_str(toml).unwrap(), folder.path()).unwrap();
    let decision = ask(&page(1), &filters);
    assert_eq!(decision.reasons, [Reason::FlaggedWords]);
    assert!(decision.quality.unwrap() > 0.5);
    let bad = ask(&Page::default(), &filters);
    assert_eq!(bad.reasons, [Reason::LowQuality]);
}

#[test]
fn files_that_are_missing_or_wrong_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.json"), "{}").unwrap();
    for (toml, expected) in [
        (
            "flagged_words = \"no.txt\"",
            "list of flagged words no.txt cannot be read",
        ),
        (
            "[quality]\nmodel = \"bad.json\"",
            "bad.json is no quality model",
        ),
    ] {
        let error = Filters::new(toml::from_str(toml).unwrap(), folder.path()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn common_words_are_asked_only_with_a_list() {
    let filters = filters("preset = \"obelics\"");
    assert_eq!(filters.config().document.min_common_words, None);
    assert!(ask(&page(1), &filters).kept);
}

#[test]
fn counts_add_up_by_first_reason_and_merge() {
    let mut counts = Counts::default();
    let dropped = Decision {
        reasons: vec![Reason::Language, Reason::FewWords],
        parts: vec![DroppedPart {
            part: 3,
            reasons: vec![Reason::SpamWords],
        }],
        ..Decision::default()
    };
    let kept = Decision {
        kept: true,
        ..Decision::default()
    };
    for decision in [&dropped, &kept, &dropped] {
        counts.add(decision);
    }
    let mut twice = counts.clone();
    twice.merge(&counts);
    assert_eq!((counts.documents, counts.kept), (3, 1));
    assert_eq!(
        counts.reasons[&Reason::Language],
        Tally { first: 2, any: 2 }
    );
    assert_eq!(
        counts.reasons[&Reason::FewWords],
        Tally { first: 0, any: 2 }
    );
    assert_eq!(
        counts.paragraphs[&Reason::SpamWords],
        Tally { first: 2, any: 2 }
    );
    assert_eq!(
        (twice.documents, twice.reasons[&Reason::FewWords].any),
        (6, 4)
    );
    let json = serde_json::to_string(&counts).unwrap();
    assert!(
        json.contains(r#""few_words":{"first":0,"any":2}"#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Counts>(&json).unwrap(), counts);
}

#[test]
fn decisions_survive_their_json() {
    let decision = ask(&page(0), &filters(""));
    let json = serde_json::to_string(&decision).unwrap();
    assert_eq!(json, r#"{"kept":false,"reasons":["few_images"]}"#);
    assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
}
