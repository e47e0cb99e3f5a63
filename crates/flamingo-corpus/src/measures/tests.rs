#![allow(clippy::unwrap_used)]

use flamingo_page::Kind;
use proptest::prelude::*;

use super::*;

fn text(text: &str, kind: Kind) -> Text {
    Text {
        text: text.to_owned(),
        kind,
    }
}

/// Measures of paragraphs with the lists of English.
fn of(texts: &[&str]) -> TextMeasures {
    let texts: Vec<Text> = texts.iter().map(|one| text(one, Kind::Paragraph)).collect();
    let texts: Vec<&Text> = texts.iter().collect();
    TextMeasures::of(&texts, &Lexicon::default(), Some("en"))
}

#[test]
fn nothing_measures_zero() {
    assert_eq!(of(&[]), TextMeasures::default());
    let empty = of(&["", " \n "]);
    assert_eq!(
        (empty.words, empty.lines, empty.special_characters),
        (0, 0, 1.0)
    );
}

#[test]
fn words_lose_their_marks_and_numbers_are_none() {
    let measures = of(&["“Well,” she said: 1,234 (cats) - and *dogs*!"]);
    assert_eq!(measures.words, 6);
    assert_eq!(measures.word_length, (4 + 3 + 4 + 4 + 3 + 4) as f32 / 6.0);
}

#[test]
fn every_character_of_a_script_without_spaces_is_a_word() {
    assert_eq!(of(&["猫は白い。"]).words, 4);
    assert_eq!(of(&["IBM製の箱"]).words, 4);
    assert_eq!(of(&["이것은 고양이다"]).words, 2);
}

#[test]
fn special_characters_are_all_but_letters() {
    let measures = of(&["ab 12!é😀猫"]);
    assert_eq!(measures.characters, 9);
    assert_eq!(measures.special_characters, 5.0 / 9.0);
}

#[test]
fn punctuation_is_a_share_of_words_and_marks() {
    let measures = of(&["It's 3 cats, not 4. Right?"]);
    assert_eq!(measures.words_and_marks, 9);
    assert_eq!(measures.punctuation, 3.0 / 9.0);
}

#[test]
fn symbols_are_the_more_frequent_of_hashes_and_ellipses() {
    assert_eq!(of(&["#one #two three four"]).symbols, 0.5);
    assert_eq!(of(&["one... two three… four #"]).symbols, 0.4);
    assert_eq!(of(&["#########"]).symbols, 1.0);
}

#[test]
fn sentences_end_at_marks_behind_which_quotes_may_stand() {
    assert_eq!(of(&["He left. “Why?” (No one knew!) Nobody"]).sentences, 3);
    assert_eq!(of(&["version 3.5 of it"]).sentences, 0);
}

#[test]
fn alphabetic_words_have_a_letter() {
    assert_eq!(of(&["one 2 3a --"]).alphabetic_words, 0.5);
}

#[test]
fn lists_tell_stop_flagged_and_spam_words() {
    let measures = of(&["The cat and the dog: buy PORN"]);
    assert_eq!(measures.stop_words, 3.0 / 7.0);
    assert_eq!(measures.marker_words, 2);
    assert_eq!(measures.flagged_words, 1.0 / 7.0);
    assert_eq!(measures.spam_words, 1.0 / 7.0);
    assert_eq!(measures.common_words, 0.0);
}

#[test]
fn own_lists_stand_in_place_of_the_flagged_and_beside_the_rest() {
    let own = OwnWords {
        flagged: Some("Cat # not here\n\n"),
        common: Some("dog\nthe"),
    };
    let lexicon = Lexicon::new(&own);
    let paragraph = text("the cat, the dog: porn", Kind::Paragraph);
    for language in [Some("en"), Some("sw"), None] {
        let measures = TextMeasures::of(&[&paragraph], &lexicon, language);
        assert_eq!(measures.flagged_words, 0.2, "{language:?}");
        assert_eq!(measures.common_words, 0.6, "{language:?}");
    }
    assert_ne!(lexicon.fingerprint(), Lexicon::default().fingerprint());
    assert_eq!(lexicon.fingerprint(), Lexicon::new(&own).fingerprint());
}

#[test]
fn filler_and_curly_brackets_are_counted() {
    let measures = of(&[
        "Lorem ipsum dolor. LOREM Ipsum!",
        "if (a) { b }",
        "ipsum lorem",
    ]);
    assert_eq!((measures.filler, measures.curly_brackets), (2, 2));
}

#[test]
fn lines_are_known_by_their_ends_and_bullets() {
    let measures = of(&["A sentence.\n• a point\nto be read...\nHe said “yes”\n- (Or not?)"]);
    assert_eq!(measures.lines, 5);
    assert_eq!(measures.finished_lines, 0.6);
    assert_eq!(measures.bullet_lines, 0.4);
    assert_eq!(measures.ellipsis_lines, 0.2);
    let item = text("milk", Kind::Item);
    assert_eq!(
        TextMeasures::of(&[&item], &Lexicon::default(), None).bullet_lines,
        1.0
    );
}

#[test]
fn copies_of_lines_and_paragraphs_are_counted_from_the_second() {
    let measures = of(&["same", "same", "other one", "same\nother one"]);
    assert_eq!(measures.duplicate_paragraphs, 0.25);
    assert_eq!(measures.duplicate_paragraph_characters, 4.0 / 31.0);
    assert_eq!(measures.duplicate_lines, 3.0 / 5.0);
    assert_eq!(measures.duplicate_line_characters, 17.0 / 30.0);
}

#[test]
fn the_most_frequent_run_of_words_takes_its_share_of_characters() {
    // 14 words; "red fox" three times, "a red fox" twice.
    let measures = of(&["a red fox saw a red fox while one red fox slept in snow"]);
    let characters = 1 + 3 + 3 + 3 + 1 + 3 + 3 + 5 + 3 + 3 + 3 + 5 + 2 + 4;
    assert_eq!(measures.top_ngram[0], 18.0 / characters as f32);
    assert_eq!(measures.top_ngram[1], 14.0 / characters as f32);
    assert_eq!(measures.top_ngram[2], 0.0);
}

#[test]
fn a_text_without_repetition_has_none() {
    let measures = of(&["every single word stands here only once which makes all runs different"]);
    assert_eq!(measures.top_ngram, [0.0; 3]);
    assert_eq!(measures.duplicate_ngrams, [0.0; 6]);
    assert_eq!(
        (measures.word_repetition, measures.character_repetition),
        (0.0, 0.0)
    );
}

#[test]
fn repeated_runs_count_each_character_once_and_not_their_first_time() {
    // Seven words twice, with one between: the second seven are copies, for n up to 7.
    let seven = "ab cd ef gh ij kl mn";
    let measures = of(&[&format!("{seven} zz {seven}")]);
    let share = 14.0 / 30.0;
    assert_eq!(
        measures.duplicate_ngrams,
        [share, share, share, 0.0, 0.0, 0.0]
    );
    // 11 runs of 5, of which 3 occur twice.
    assert_eq!(measures.word_repetition, 6.0 / 11.0);
}

#[test]
fn one_word_again_and_again_is_all_repetition() {
    let measures = of(&[&"ha ".repeat(100)]);
    assert_eq!(measures.top_ngram, [1.0; 3]);
    assert!(measures.duplicate_ngrams.iter().all(|&share| share == 0.99));
    assert_eq!(measures.word_repetition, 1.0);
    assert!(measures.character_repetition > 0.3);
}

/// The definitions written down as the papers have them, with strings.
mod plainly {
    use std::collections::HashMap;

    pub(super) fn character_repetition(text: &str) -> f32 {
        let characters: Vec<char> = text.chars().collect();
        let mut counts = HashMap::new();
        characters
            .windows(10)
            .for_each(|run| *counts.entry(run.to_vec()).or_insert(0) += 1);
        let all: usize = counts.values().sum();
        let mut most: Vec<usize> = counts.into_values().collect();
        most.sort_by(|a, b| b.cmp(a));
        let repeated = most.iter().filter(|&&count| count > 1).count();
        let taken = most.len().isqrt().min(repeated);
        let sum: usize = most[..taken].iter().sum();
        if all == 0 {
            0.0
        } else {
            sum as f32 / all as f32
        }
    }

    pub(super) fn duplicate_ngrams(words: &[&str], n: usize) -> f32 {
        let mut covered = vec![false; words.len()];
        let runs: Vec<&[&str]> = words.windows(n).collect();
        for (at, run) in runs.iter().enumerate() {
            if runs[..at].contains(run) {
                covered[at..at + n].fill(true);
            }
        }
        let all: usize = words.iter().map(|word| word.len()).sum();
        let pairs = words.iter().zip(covered);
        let sum: usize = pairs
            .filter(|(_, is)| *is)
            .map(|(word, _)| word.len())
            .sum();
        if all == 0 {
            0.0
        } else {
            sum as f32 / all as f32
        }
    }

    pub(super) fn word_repetition(words: &[&str]) -> f32 {
        let runs: Vec<&[&str]> = words.windows(5).collect();
        let twice = |run: &&&[&str]| runs.iter().filter(|other| other == run).count() > 1;
        if runs.is_empty() {
            return 0.0;
        }
        runs.iter().filter(twice).count() as f32 / runs.len() as f32
    }
}

proptest! {
    #[test]
    fn hashed_runs_of_words_are_those_of_strings(words in prop::collection::vec("[ab]{1,2}", 0..60)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let measures = of(&[&words.join(" ")]);
        for n in 5..=10 {
            let expected = plainly::duplicate_ngrams(&words, n);
            prop_assert!((measures.duplicate_ngrams[n - 5] - expected).abs() < 1e-6);
        }
        prop_assert!((measures.word_repetition - plainly::word_repetition(&words)).abs() < 1e-6);
    }

    #[test]
    fn hashed_runs_of_characters_are_those_of_strings(text in "[ab ]{0,80}") {
        let expected = plainly::character_repetition(&text);
        prop_assert!((of(&[&text]).character_repetition - expected).abs() < 1e-6);
    }

    #[test]
    fn any_text_measures_shares_between_zero_and_one(texts in prop::collection::vec(".{0,60}", 0..8)) {
        let parts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let measures = of(&parts);
        let json = serde_json::to_value(&measures).unwrap();
        let counts = ["paragraphs", "lines", "characters", "words", "sentences", "word_length",
            "curly_brackets", "filler", "words_and_marks", "marker_words"];
        for (name, value) in json.as_object().unwrap() {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for value in values.iter().map(|value| value.as_f64().unwrap()) {
                prop_assert!(value >= 0.0, "{name}: {value}");
                prop_assert!(value <= 1.0 || counts.contains(&name.as_str()), "{name}: {value}");
            }
        }
    }

    #[test]
    fn any_file_of_measures_with_known_names_is_read(words in 0_u32..9, version in 0_u32..3) {
        let json = format!(r#"{{"version": {version}, "new": [1], "text": {{"words": {words}, "newer": 1}}}}"#);
        let measures: Measures = serde_json::from_str(&json).unwrap();
        prop_assert_eq!((measures.version, measures.text.words), (version, words));
    }
}

#[test]
fn measures_survive_their_json() {
    let page = Page {
        parts: vec![Part::Text(text(
            "The cat sat on the mat, and the dog did not.",
            Kind::Paragraph,
        ))],
        ..Page::default()
    };
    let measures = Measures::of(&page, &Lexicon::default());
    let json = serde_json::to_string(&measures).unwrap();
    assert_eq!(serde_json::from_str::<Measures>(&json).unwrap(), measures);
    assert_eq!(measures.language_code(), Some("en"));
}

#[test]
fn running_text_of_each_language_is_told_and_known_by_its_lists() {
    for (code, paragraph) in [
        (
            "en",
            "The river rises in the hills to the north of the town, and for most of the year it is so shallow that people walk across it with their shoes in their hands. In spring, however, it can be as wide as a lake.",
        ),
        (
            "fr",
            "La rivière prend sa source dans les collines au nord de la ville, et pendant la plus grande partie de l'année elle est si peu profonde que les gens la traversent à pied. Au printemps, elle peut être aussi large qu'un lac.",
        ),
        (
            "de",
            "Der Fluss entspringt in den Hügeln nördlich der Stadt, und die meiste Zeit des Jahres ist er so flach, dass die Leute ihn mit den Schuhen in der Hand durchqueren. Im Frühling aber kann er so breit wie ein See werden.",
        ),
        (
            "es",
            "El río nace en las colinas al norte de la ciudad, y durante la mayor parte del año es tan poco profundo que la gente lo cruza con los zapatos en la mano. En primavera, sin embargo, puede ser tan ancho como un lago.",
        ),
        (
            "it",
            "Il fiume nasce nelle colline a nord della città, e per la maggior parte dell'anno è così basso che la gente lo attraversa con le scarpe in mano. In primavera, però, può diventare largo come un lago, e non si passa più.",
        ),
        (
            "pt",
            "O rio nasce nas colinas ao norte da cidade, e durante a maior parte do ano é tão raso que as pessoas o atravessam com os sapatos na mão. Na primavera, porém, pode ficar tão largo como um lago, e não se passa mais.",
        ),
        (
            "nl",
            "De rivier ontspringt in de heuvels ten noorden van de stad, en het grootste deel van het jaar is hij zo ondiep dat de mensen er met hun schoenen in de hand doorheen lopen. In het voorjaar kan hij zo breed zijn als een meer.",
        ),
    ] {
        let page = Page {
            parts: vec![Part::Text(text(paragraph, Kind::Paragraph))],
            ..Page::default()
        };
        let measures = Measures::of(&page, &Lexicon::default());
        let detected = measures.language.clone().unwrap();
        assert_eq!(detected.code, code);
        assert!(detected.confidence > 0.8, "{code}: {}", detected.confidence);
        assert!(
            measures.text.stop_words > 0.35,
            "{code}: {}",
            measures.text.stop_words
        );
        assert!(
            measures.text.marker_words >= 4,
            "{code}: {}",
            measures.text.marker_words
        );
        assert_eq!(
            (measures.text.flagged_words, measures.text.spam_words),
            (0.0, 0.0),
            "{code}"
        );
        assert!(measures.text.special_characters < 0.275, "{code}");
    }
}

#[test]
fn a_long_document_is_measured_to_a_bound() {
    let long = "one two three ".repeat(200_000);
    let measures = of(&[&long]);
    assert_eq!(measures.words, 600_000);
    assert_eq!(measures.word_repetition, 1.0);
}
