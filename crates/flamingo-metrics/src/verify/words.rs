//! Cases of WUPS.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::computed::{Computed, Outcome, VerifyResources, read};
use crate::error::MetricError;
use crate::python::is_missing;
use crate::wups::{
    Lemmatizer, MissingTypes, NextQaItem, Nltk, Similarity, WordNet, nextqa_score,
    without_stop_words, wups,
};

/// The suffixes of the fields of each NLTK.
const VERSIONS: [(&str, Nltk); 2] = [("", Nltk::From36), ("_nltk35", Nltk::UpTo35)];

fn wordnet<'a>(resources: &VerifyResources<'a>) -> Result<&'a WordNet, Outcome> {
    let missing =
        "WordNet 3.0 was not found (Debian's package wordnet-base has it); give its folder";
    resources
        .wordnet
        .ok_or_else(|| Outcome::NotComputed(missing.to_owned()))
}

#[derive(Deserialize)]
struct Word {
    a: String,
    b: String,
}

pub(super) fn word(case: &Value, resources: &VerifyResources) -> Result<Computed, Outcome> {
    let wordnet = wordnet(resources)?;
    let Word { a, b } = read(case)?;
    let mut computed = Computed::new();
    for (suffix, nltk) in VERSIONS {
        let similarity = Similarity::new(wordnet, nltk);
        let first = |word| {
            similarity
                .first_synset(word)
                .map(|synset| wordnet.name(synset))
        };
        if suffix.is_empty() {
            computed.add("first_a", first(&a));
            computed.add("first_b", first(&b));
        }
        computed.add(&format!("wup0{suffix}"), similarity.words(&a, &b, 0.0));
        computed.add(&format!("wup9{suffix}"), similarity.words(&a, &b, 0.9));
    }
    Ok(computed)
}

fn add_wups(computed: &mut Computed, prediction: &str, truth: &str, wordnet: &WordNet) {
    for (suffix, nltk) in VERSIONS {
        let similarity = Similarity::new(wordnet, nltk);
        for (name, alpha) in [("wups0", 0.0), ("wups9", 0.9)] {
            let score = wups(prediction, truth, alpha, &similarity);
            computed.add(&format!("{name}{suffix}"), score);
        }
    }
}

#[derive(Deserialize)]
struct Lemmas {
    pred: String,
    truth: String,
}

pub(super) fn lemmas(case: &Value, resources: &VerifyResources) -> Result<Computed, Outcome> {
    let wordnet = wordnet(resources)?;
    let Lemmas { pred, truth } = read(case)?;
    let mut computed = Computed::new();
    add_wups(&mut computed, &pred, &truth, wordnet);
    Ok(computed)
}

#[derive(Deserialize)]
struct Answer {
    pred: String,
    truth: String,
    pred_tagged: Vec<(String, String)>,
    truth_kept: String,
}

pub(super) fn answer(case: &Value, resources: &VerifyResources) -> Result<Computed, Outcome> {
    let wordnet = wordnet(resources)?;
    let Answer {
        pred,
        truth,
        pred_tagged,
        truth_kept,
    } = read(case)?;
    let lemmatizer = Lemmatizer {
        wordnet,
        tagger: resources.tagger,
    };
    let mut computed = Computed::new();
    // Without the tagger, its tags are taken from the case, and the truth as it was kept.
    let (tagged, truth_kept) = match resources.tagger {
        Some(_) => (lemmatizer.tagged(&pred), lemmatizer.kept(&truth)),
        None => {
            computed.taken_as_given = true;
            let words = lemmatizer.tagged(&pred).into_iter();
            let tags = pred_tagged.into_iter().map(|(_, tag)| tag);
            (words.map(|(word, _)| word).zip(tags).collect(), truth_kept)
        }
    };
    let lemmas = lemmatizer.lemmas(&tagged);
    let kept = without_stop_words(&lemmas);
    add_wups(&mut computed, &kept, &truth_kept, wordnet);
    computed.add("pred_tagged", tagged);
    computed.add("pred_lemmas", lemmas);
    computed.add("pred_kept", kept);
    computed.add("truth_kept", truth_kept);
    Ok(computed)
}

#[derive(Deserialize)]
struct Table {
    rows: Vec<(String, String, String, String)>,
    predictions: HashMap<String, HashMap<String, String>>,
    second_reference: Option<HashMap<String, HashMap<String, String>>>,
}

pub(super) fn file(case: &Value, resources: &VerifyResources) -> Result<Computed, Outcome> {
    let wordnet = wordnet(resources)?;
    let Table {
        rows,
        predictions,
        second_reference,
    } = read(case)?;
    let lemmatizer = Lemmatizer {
        wordnet,
        tagger: resources.tagger,
    };
    let unanswered = |video: &String, question: &String, what| MetricError::Unanswered {
        video: video.clone(),
        question: question.clone(),
        what,
    };
    let mut items = Vec::new();
    for (video, question, answer, kind) in rows {
        let of = |answers: &HashMap<String, HashMap<String, String>>| {
            answers
                .get(&video)
                .and_then(|video| video.get(&question))
                .cloned()
        };
        let second = match second_reference
            .as_ref()
            .filter(|all| all.contains_key(&video))
        {
            None => None,
            Some(all) => {
                Some(of(all).ok_or_else(|| unanswered(&video, &question, "second reference"))?)
            }
        };
        items.push(NextQaItem {
            prediction: of(&predictions)
                .ok_or_else(|| unanswered(&video, &question, "prediction"))?,
            // The official file is read by pandas, and what is missing there is written out.
            answer: if is_missing(&answer) {
                "nan".to_owned()
            } else {
                answer
            },
            second,
            kind,
            video,
            question,
        });
    }
    let similarity = Similarity::new(wordnet, Nltk::From36);
    let score = nextqa_score(&items, &lemmatizer, &similarity, MissingTypes::Refuse)?;
    let mut printed = Map::new();
    for (column, value) in score.table.into_iter().chain([("WUPS", score.wups)]) {
        printed.insert(column.to_owned(), Value::from(format!("{value:.2}")));
    }
    let printed = Value::Object(printed);
    // Guessed parts of speech that give another table prove nothing.
    if resources.tagger.is_none() && case.get("printed") != Some(&printed) {
        let missing = "NLTK's tagger was not found (averaged_perceptron_tagger_eng of its data); give the data's folder";
        return Err(Outcome::NotComputed(missing.to_owned()));
    }
    let mut computed = Computed::new();
    computed.taken_as_given = resources.tagger.is_none();
    computed.add("printed", printed);
    Ok(computed)
}
