//! NextQA: an object of videos, each an object of answers by question. Annotations are the CSV file and, if given,
//! the second references.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo_metrics::{
    Lemmatizer, MissingTypes, NextQaItem, Nltk, Similarity, WordNet, nextqa_score,
};
use serde_json::Value;

use super::judged::{Judged, samples};
use super::options::ScoreOptions;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::{Result, TaskError};
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{form, json, table};

pub(crate) type Answers = BTreeMap<(String, String), String>;

pub(crate) fn answers(path: &Path) -> Result<Answers> {
    let Value::Object(videos) = json(path)? else {
        return Err(form(path, "is no object of videos"));
    };
    let mut answers = Answers::new();
    for (video, questions) in videos {
        let Value::Object(questions) = questions else {
            return Err(form(
                path,
                format!("video {video} is no object of answers by question"),
            ));
        };
        for (question, answer) in questions {
            let Value::String(answer) = answer else {
                return Err(form(
                    path,
                    format!("the answer of {video}, {question} is no text"),
                ));
            };
            answers.insert((video.clone(), question), answer);
        }
    }
    Ok(answers)
}

/// A question's id.
pub(crate) fn id(video: &str, question: &str) -> Id {
    Id::Text(format!("{video}, question {question}"))
}

/// The film and the question of an id.
pub(crate) fn split_id(id: &str) -> (&str, &str) {
    id.split_once(", question ").unwrap_or((id, ""))
}

fn needs(what: &str) -> TaskError {
    TaskError::Needs {
        task: Benchmark::Nextqa,
        what: what.to_owned(),
    }
}

fn wordnet<'a>(options: &ScoreOptions<'a>) -> Result<&'a WordNet> {
    options.wordnet.ok_or_else(|| {
        needs(
            "WordNet 3.0: give the folder of its files (--wordnet; Debian's package wordnet-base has it)",
        )
    })
}

pub(super) fn score(
    predictions: &Path,
    annotations: &[PathBuf],
    options: &ScoreOptions,
) -> Result<Scored> {
    // What is missing is told before files are read.
    wordnet(options)?;
    let is_csv = |path: &&PathBuf| {
        path.extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("csv"))
    };
    let csv = annotations
        .iter()
        .find(is_csv)
        .ok_or_else(|| needs("the CSV file of questions"))?;
    let second = annotations.iter().find(|path| !is_csv(path));
    let second = second
        .map(|path| answers(path))
        .transpose()?
        .unwrap_or_default();
    let mut items = Vec::new();
    for row in table(csv)? {
        let (video, question) = (row.text("video")?, row.text("qid")?);
        let item = NextQaItem {
            second: second.get(&(video.clone(), question.clone())).cloned(),
            answer: row.text("answer")?,
            kind: row.text("type")?,
            ..NextQaItem::default()
        };
        items.push((
            id(&video, &question),
            NextQaItem {
                video,
                question,
                ..item
            },
        ));
    }
    let predicted = answers(predictions)?.into_iter();
    let predicted = predicted.map(|((video, question), answer)| (id(&video, &question), answer));
    let (pairs, matching) = pair(items, predicted.collect(), options.partial)?;
    let items: Vec<NextQaItem> = pairs
        .into_iter()
        .map(|pair| NextQaItem {
            prediction: pair.prediction,
            ..pair.item
        })
        .collect();
    // The official table cannot be without a type of question; a part may be.
    let missing = if options.partial {
        MissingTypes::LeaveOut
    } else {
        MissingTypes::Refuse
    };
    let judged = judged(&items, missing, options)?;
    Ok(Scored::new(Benchmark::Nextqa, matching, judged))
}

/// WUPS of all questions, and by type.
pub(crate) fn judged(
    items: &[NextQaItem],
    missing: MissingTypes,
    options: &ScoreOptions,
) -> Result<Judged> {
    let wordnet = wordnet(options)?;
    let lemmatizer = Lemmatizer {
        wordnet,
        tagger: options.tagger,
    };
    let similarity = Similarity::new(wordnet, options.nltk);
    let score = nextqa_score(items, &lemmatizer, &similarity, missing)?;
    let answers = items.iter().map(|item| item.prediction.as_str());
    let mut judged = Judged::of(samples(answers, score.scores));
    judged.add("WUPS", score.wups);
    judged.add("WUPS, alpha 0.9", score.wups_9);
    for (column, value) in score.table {
        judged.add(column, value);
    }
    let version = match options.nltk {
        Nltk::From36 => {
            "word similarity is that of NLTK 3.6 and later; published figures are mostly of 3.5 and before"
        }
        Nltk::UpTo35 => "word similarity is that of NLTK up to 3.5",
    };
    judged.note(version);
    if options.tagger.is_none() {
        let note = "parts of speech are guessed: official lemmas need NLTK's tagger (--nltk-data)";
        judged.note(note);
    }
    Ok(judged)
}
