//! VisDial's files: dialogues whose questions, answers and options are numbers of two lists.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use flamingo_metrics::ranks;
use flamingo_sequence::Part;
use serde_json::json;

use super::gather::Gather;
use crate::answer::{Answered, Submission};
use crate::data::DataFolder;
use crate::entries::{Entries, each, inner_texts};
use crate::error::{Result, TaskError};
use crate::example::{Example, Examples, References, Set};
use crate::ids::Id;
use crate::judge::likelihoods;
use crate::read::Record;
use crate::score::visdial::id as round_id;
use crate::submission::{json as as_json, whole};

/// A file of dialogues.
pub(super) struct Dialogues {
    path: PathBuf,
    questions: Vec<String>,
    answers: Vec<String>,
    /// What names of pictures begin with.
    pictures: Vec<String>,
}

/// Which rounds are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounds {
    /// Those whose options' relevance was annotated.
    Dense,
    /// All.
    All,
    /// The last of each dialogue.
    Last,
}

const DIALOGUES: Entries = Entries::Inner("data", "dialogs");

type Relevance = HashMap<String, Vec<f64>>;

/// A round: its question, its answer, its options and which of them is the answer.
struct Round {
    question: String,
    answer: Option<String>,
    options: Vec<String>,
    right: Option<usize>,
}

impl Dialogues {
    pub(super) fn read(path: &Path, pictures: &[&str]) -> Result<Self> {
        let [questions, answers] = inner_texts(path, "data", ["questions", "answers"])?;
        Ok(Self {
            path: path.to_owned(),
            questions,
            answers,
            pictures: pictures.iter().map(|&name| name.to_owned()).collect(),
        })
    }

    /// Dialogues as shots: the last round's answer is the shot's.
    pub(super) fn supports(&self, data: &DataFolder) -> Result<Set> {
        let mut gather = Gather::new("train");
        gather.read(&self.path, DIALOGUES, &mut |gather, record| {
            let image = record.id(&["image_id"])?;
            let rounds = self.rounds(record)?;
            let count = rounds.len();
            let last = rounds.last().is_some_and(|round| round.answer.is_some());
            if !last {
                return Err(record.other("dialog", "rounds of which the last is answered"));
            }
            if let Some(parts) = self.picture(data, gather, record)? {
                let example = example(&image, record, &rounds, count)?;
                gather.push(Example { parts, ..example });
            }
            Ok(true)
        })?;
        Ok(gather.set)
    }

    /// Rounds as queries, and the ids of all that a submission wants.
    pub(super) fn queries(
        &self,
        data: &DataFolder,
        name: &str,
        dense: Option<&Path>,
        asked: Rounds,
    ) -> Result<(Set, Vec<Id>)> {
        let mut gather = Gather::new(name);
        let mut relevance = match dense {
            Some(path) => annotated(path, &mut gather.set)?,
            None => Relevance::new(),
        };
        gather.read(&self.path, DIALOGUES, &mut |gather, record| {
            let image = record.id(&["image_id"])?;
            let rounds = self.rounds(record)?;
            let parts = self.picture(data, gather, record)?;
            for number in 1..=rounds.len() {
                let id = round_id(&image, number);
                let gains = relevance.remove(&id.to_string());
                if asked == Rounds::Last && number < rounds.len() {
                    continue;
                }
                gather.required.push(id);
                let is_asked = asked != Rounds::Dense || gains.is_some();
                if let Some(parts) = parts.as_ref().filter(|_| is_asked) {
                    let parts = parts.clone();
                    let example = example(&image, record, &rounds, number)?;
                    ask(
                        gather,
                        Example { parts, ..example },
                        &rounds[number - 1],
                        gains,
                    );
                }
            }
            Ok(true)
        })?;
        let mut left: Vec<String> = relevance.into_keys().collect();
        left.sort();
        for id in left {
            gather.set.dropped.add("relevance without a round", id);
        }
        Ok((gather.set, gather.required))
    }

    fn picture(
        &self,
        data: &DataFolder,
        gather: &mut Gather,
        record: &Record,
    ) -> Result<Option<Vec<Part>>> {
        let number = record.index("image_id")?;
        for start in &self.pictures {
            if let Some(part) = data.picture(&format!("{start}_{number:012}.jpg"))? {
                return Ok(Some(vec![part]));
            }
        }
        let start = self.pictures.first().map_or("", String::as_str);
        let name = format!("{start}_{number:012}.jpg");
        gather.set.dropped.add("picture that is not there", name);
        Ok(None)
    }

    fn rounds(&self, record: &Record) -> Result<Vec<Round>> {
        let rounds = record.records("dialog")?;
        if rounds.is_empty() {
            return Err(record.other("dialog", "a list of at least one round"));
        }
        rounds.iter().map(|round| self.round(round)).collect()
    }

    fn round(&self, round: &Record) -> Result<Round> {
        let text = |texts: &[String], field: &str| {
            let place = round.index(field)?;
            let wanted = || format!("a number below {}", texts.len());
            let text = texts.get(place).cloned();
            text.ok_or_else(|| round.other(field, &wanted()))
        };
        let answer = match round.has("answer") {
            true => Some(text(&self.answers, "answer")?),
            false => None,
        };
        let right = match round.has("gt_index") {
            true => Some(round.index("gt_index")?),
            false => None,
        };
        let mut options = Vec::new();
        if round.has("answer_options") {
            for place in round.indices("answer_options")? {
                let option = self.answers.get(place).cloned();
                options.push(option.ok_or_else(|| {
                    round.other("answer_options", "numbers of answers of the file")
                })?);
            }
        }
        if right.is_some_and(|right| right >= options.len()) {
            return Err(round.other("gt_index", "the place of one of the options"));
        }
        Ok(Round {
            question: text(&self.questions, "question")?,
            answer,
            options,
            right,
        })
    }
}

/// A dialogue up to a round, without its picture.
fn example(image: &Id, record: &Record, rounds: &[Round], number: usize) -> Result<Example> {
    let (before, asked) = rounds.split_at(number - 1);
    let mut turns = Vec::new();
    for round in before {
        let answer = round.answer.clone();
        let answer = answer
            .ok_or_else(|| record.other("dialog", "rounds with an answer but for the last"))?;
        turns.push((round.question.clone(), answer));
    }
    let question = asked.first().map(|round| round.question.clone());
    Ok(Example {
        turns,
        answer: asked.first().and_then(|round| round.answer.clone()),
        ..Example::new(round_id(image, number), Vec::new())
            .with("caption", record.text("caption")?)
            .with("question", question.unwrap_or_default())
    })
}

/// Adds a round with its options, and what is known of them.
fn ask(gather: &mut Gather, example: Example, round: &Round, relevance: Option<Vec<f64>>) {
    let count = round.options.len();
    if relevance.as_ref().is_some_and(|gains| gains.len() != count) {
        let reason = "relevance of another number of options";
        gather.set.dropped.add(reason, &example.id);
        return;
    }
    let references = match (round.right, relevance) {
        (None, None) => References::None,
        (right, relevance) => References::Round { right, relevance },
    };
    gather.push(Example {
        candidates: Some(round.options.as_slice().into()),
        references,
        ..example
    });
}

/// The relevance of options by round.
fn annotated(path: &Path, set: &mut Set) -> Result<Relevance> {
    let mut relevance = Relevance::new();
    each(path, Entries::List(&[]), &mut |record| {
        let round = record.and_then(|record| {
            let id = round_id(&record.id(&["image_id"])?, record.id(&["round_id"])?);
            let name = match record.has("gt_relevance") {
                true => "gt_relevance",
                false => "relevance",
            };
            Ok((id.to_string(), record.numbers(name)?))
        });
        match round {
            Ok((id, gains)) => {
                relevance.insert(id, gains);
            }
            Err(error) => set.dropped.add("broken relevance", error.reason()),
        }
    })?;
    Ok(relevance)
}

/// A list of `image_id`, `round_id` and the `ranks` of the options, 1 the best.
pub(super) fn submission(
    task: &str,
    examples: &Examples,
    answered: &[Answered],
) -> Result<Submission> {
    let mut filled = 0;
    let mut items = Vec::new();
    for (id, answered) in whole(examples, answered) {
        let ranks = match answered {
            Some(answered) => ranks(likelihoods(task, answered)?)?,
            None => {
                filled += 1;
                (1..=100).collect()
            }
        };
        let id = id.to_string();
        let parts = id.split_once(", round ");
        let (image, round) = parts.ok_or_else(|| TaskError::Task {
            task: task.to_owned(),
            reason: format!("{id} is no round's id"),
        })?;
        let number = |text: &str| {
            text.parse::<i64>()
                .map_or_else(|_| json!(text), |number| json!(number))
        };
        items.push(json!({"image_id": number(image), "round_id": number(round), "ranks": ranks}));
    }
    as_json(&items, (items.len(), filled), "the options in their order")
}
