//! An answer, and what is told of it.

use serde::Serialize;

/// One token of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// The text that it adds; empty while a character is incomplete.
    pub text: String,
    /// Its natural log-probability by the model, before temperature and rules.
    pub logprob: f32,
    /// The likeliest tokens at its place, from the likeliest, if they are asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TopToken>,
}

/// A token that might have stood at a place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopToken {
    /// Its id.
    pub id: u32,
    /// The text that it would add.
    pub text: String,
    /// Its natural log-probability by the model, before temperature and rules.
    pub logprob: f32,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model closed the chunk or the text.
    EndOfChunk,
    /// A stop text appeared.
    Stop,
    /// `max_new_tokens` were reached.
    Length,
}

/// Where the time of an answer went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Loading and encoding pictures and reading the prompt, with those read together with it.
    pub prefill: f64,
    /// Writing the answer, beside others.
    pub decode: f64,
    /// Prompts that were read together.
    pub batch: usize,
    /// Tokens of the prompt that were known from earlier prompts.
    pub known: usize,
    /// Pictures and films that were encoded for it and the prompts that were read together with it.
    pub encoded: usize,
}

/// An answer to one prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The prompt's `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The whole text.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// Why it ended.
    pub finish: Finish,
    /// Of a beam: its log-probability, over its length to the power of the length penalty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of this prompt.
    pub timings: Timings,
}
