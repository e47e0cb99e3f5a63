//! The presets of each kind of task.
//!
//! The paper gives the texts (section 3 and appendix B of its evaluation) and beams of 3, but neither stop words nor
//! how many tokens an answer may have: an answer ends at the end of its chunk there, and the limits here are ours.
//! OpenFlamingo's are those of its evaluation code. Where it has no such task, its question prompt stands in.

use crate::prompt::{Likelihood, Preset, Prompt};

fn prompt(preset: Preset, query: &str) -> Prompt {
    let paper = preset == Preset::Paper;
    Prompt {
        query: query.to_owned(),
        turn: String::new(),
        answer: if paper { " {answer}" } else { "{answer}" }.to_owned(),
        between: if paper { "" } else { "\n" }.to_owned(),
        stops: Vec::new(),
        removed: Vec::new(),
        max_new_tokens: 16,
        beams: 3,
        length_penalty: 0.0,
        text_only_shots: 2,
        text_only_shots_of_candidates: if paper { 0 } else { 2 },
        likelihood: Likelihood::Sum,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// `Output: {caption}`.
pub(crate) fn caption(preset: Preset) -> Prompt {
    let prompt = prompt(preset, "Output:");
    match preset {
        Preset::Paper => Prompt {
            max_new_tokens: 32,
            ..prompt
        },
        Preset::OpenFlamingo => Prompt {
            stops: texts(&["Output"]),
            removed: texts(&["\""]),
            max_new_tokens: 20,
            ..prompt
        },
    }
}

/// `Question: {question} Answer: {answer}`.
pub(crate) fn question(preset: Preset) -> Prompt {
    match preset {
        Preset::Paper => prompt(preset, "Question: {question} Answer:"),
        Preset::OpenFlamingo => Prompt {
            stops: texts(&["Question", "Answer", "Short", ", "]),
            max_new_tokens: 5,
            ..prompt(preset, "Question:{question} Short answer:")
        },
    }
}

/// A caption, the dialogue so far as questions and answers, and the next question.
pub(crate) fn dialogue(preset: Preset) -> Prompt {
    let (turn, query) = match preset {
        Preset::Paper => (
            " Question: {question} Answer: {answer}",
            "{caption}{turns} Question: {question} Answer:",
        ),
        Preset::OpenFlamingo => (
            " Question:{question} Short answer:{answer}",
            "{caption}{turns} Question:{question} Short answer:",
        ),
    };
    Prompt {
        turn: turn.to_owned(),
        ..prompt(preset, query)
    }
}

/// A meme's text, and whether it is hateful.
pub(crate) fn meme(preset: Preset) -> Prompt {
    match preset {
        Preset::Paper => prompt(
            preset,
            "is an image with written: \"{text}\" on it. Is it hateful? Answer:",
        ),
        Preset::OpenFlamingo => Prompt {
            between: String::new(),
            ..prompt(
                preset,
                "is an image with: '{text}' written on it. Is it hateful? Answer:",
            )
        },
    }
}

/// `Caption: a person {verb} {object}`.
pub(crate) fn action(preset: Preset) -> Prompt {
    prompt(preset, "Caption:")
}

/// A class's name as a caption; OpenFlamingo's by the mean over its tokens, as names differ in length.
pub(crate) fn class(preset: Preset) -> Prompt {
    let likelihood = match preset {
        Preset::Paper => Likelihood::Sum,
        Preset::OpenFlamingo => Likelihood::Mean,
    };
    Prompt {
        likelihood,
        ..prompt(preset, "Output:")
    }
}

/// A user's own parts, which say all but the answer.
pub(crate) fn own(preset: Preset) -> Prompt {
    Prompt {
        max_new_tokens: 20,
        ..prompt(preset, "")
    }
}
