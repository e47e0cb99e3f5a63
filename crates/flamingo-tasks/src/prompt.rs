//! How a support is a shot and a query is asked: prompts are data, and an example's fields fill them.

use std::fmt;
use std::str::FromStr;

use flamingo_sequence::{Document, Part};
use serde::{Deserialize, Serialize};

use crate::example::Example;

/// Whose prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The Flamingo paper's.
    #[default]
    Paper,
    /// OpenFlamingo's.
    OpenFlamingo,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Paper, Self::OpenFlamingo];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::OpenFlamingo => "openflamingo",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut presets = Self::ALL.into_iter();
        let found = presets.find(|preset| preset.name() == name);
        found.ok_or_else(|| format!("{name:?} is no preset: paper or openflamingo"))
    }
}

/// What the likelihood of a candidate is measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// The sum over its tokens.
    #[default]
    Sum,
    /// The mean over its tokens.
    Mean,
}

/// What is shown of a shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole,
    /// Its text alone: what stands for no shots.
    TextOnly,
}

/// A prompt.
///
/// In `query`, `turn` and `answer`, `{name}` is the example's field of that name; in `answer`, `{answer}` is the
/// answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// The text after what is shown, up to the answer.
    pub query: String,
    /// The text of an earlier question and answer, at `{turns}`.
    #[serde(default)]
    pub turn: String,
    /// The answer, as it follows the query.
    pub answer: String,
    /// The text between a shot's end of chunk and what follows.
    #[serde(default)]
    pub between: String,
    /// An answer ends before the first of these.
    #[serde(default)]
    pub stops: Vec<String>,
    /// What is taken out of an answer.
    #[serde(default)]
    pub removed: Vec<String>,
    /// Tokens of a free answer, at most.
    pub max_new_tokens: usize,
    /// Beams of a free answer.
    pub beams: usize,
    /// The power of its length that a beam's log-likelihood is divided by.
    pub length_penalty: f64,
    /// How many shots without what they show stand for no shots, where the answer is free.
    pub text_only_shots: usize,
    /// The same, where it is chosen from candidates.
    #[serde(default)]
    pub text_only_shots_of_candidates: usize,
    /// What the likelihood of a candidate is measured by.
    #[serde(default)]
    pub likelihood: Likelihood,
}

impl Prompt {
    /// A query's parts: what is shown and asked, to be followed by the answer.
    #[must_use]
    pub fn query(&self, example: &Example) -> Vec<Part> {
        let mut parts = example.parts.clone();
        push_text(&mut parts, &self.asked(example));
        parts
    }

    /// A shot's parts, with its answer, the end of its chunk and what stands before the next. Without an answer the
    /// shot ends where the answer would be.
    #[must_use]
    pub fn shot(&self, example: &Example, shown: Shown) -> Vec<Part> {
        let mut parts = self.query(example);
        if shown == Shown::TextOnly {
            parts.retain(|part| !matches!(part, Part::Image(_) | Part::Video(_)));
        }
        if let Some(answer) = &example.answer {
            push_text(&mut parts, &self.continuation(answer));
        }
        parts.push(Part::End);
        push_text(&mut parts, &self.between);
        parts
    }

    /// Shots and a query as one document, called by the query's id.
    #[must_use]
    pub fn document(&self, shots: &[&Example], shown: Shown, query: &Example) -> Document {
        let mut parts: Vec<Part> = Vec::new();
        for part in shots
            .iter()
            .flat_map(|shot| self.shot(shot, shown))
            .chain(self.query(query))
        {
            match part {
                Part::Text(text) => push_text(&mut parts, &text),
                part => parts.push(part),
            }
        }
        Document {
            id: Some(query.id.to_string()),
            parts,
        }
    }

    /// How many shots without what they show stand for no shots of this query.
    #[must_use]
    pub fn text_only_shots(&self, query: &Example) -> usize {
        match query.candidates {
            Some(_) => self.text_only_shots_of_candidates,
            None => self.text_only_shots,
        }
    }

    /// The text that an answer or candidate is, after the query.
    #[must_use]
    pub fn continuation(&self, answer: &str) -> String {
        // An answer that says itself what parts it from the query is left as it is.
        let own_space = answer.starts_with(char::is_whitespace);
        let template = if own_space {
            self.answer.trim_start()
        } else {
            &self.answer
        };
        template.replace("{answer}", answer)
    }

    /// The text of a model's answer that counts.
    #[must_use]
    pub fn cut(&self, output: &str) -> String {
        let ends = self.stops.iter().filter_map(|stop| output.find(stop));
        let end = ends.min().unwrap_or(output.len());
        let mut answer = output[..end].to_owned();
        for removed in &self.removed {
            answer = answer.replace(removed, "");
        }
        answer.trim().to_owned()
    }

    fn asked(&self, example: &Example) -> String {
        let turns = example.turns.iter().map(|(question, answer)| {
            let fields = [("question", question.as_str()), ("answer", answer)];
            filled(&self.turn, |name| {
                let mut fields = fields.iter();
                fields
                    .find(|(field, _)| *field == name)
                    .map(|(_, text)| (*text).to_owned())
            })
        });
        let turns: String = turns.collect();
        filled(&self.query, |name| match name {
            "turns" => Some(turns.clone()),
            name => example.field(name).map(str::to_owned),
        })
    }
}

/// A template with the fields that it names; what is no field stays.
fn filled(template: &str, field: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after
            .split_once('}')
            .and_then(|(name, after)| Some((field(name)?, after)))
        {
            Some((value, after)) => {
                text.push_str(&value);
                rest = after;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + rest
}

/// Adds text: to a text that is last, or as a part of its own.
fn push_text(parts: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}
