//! How an answer is asked for: the keys of OpenAI's protocol, and those of ours for what the engine has besides.

use flamingo_engine::{Decoding, EarlyStopping};
use serde_json::Value;

use crate::fields::Fields;
use crate::limits::Limits;
use crate::refusal::Refusal;

/// Most texts that end an answer.
const STOPS: usize = 16;
/// Most tokens that are told beside each of an answer.
const TOP: usize = 20;

/// How answers are drawn and told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameters {
    pub(crate) decoding: Decoding,
    /// Whether the request says how long an answer may be.
    pub(crate) says_length: bool,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// Whether log-probabilities are told.
    pub(crate) logprobs: bool,
}

/// How log-probabilities are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logprobs {
    /// `logprobs: true, top_logprobs: 5`, of chats.
    Flag,
    /// `logprobs: 5`, of completions.
    Count,
}

impl Parameters {
    /// # Errors
    /// If a value is outside of its range, or two do not go together.
    pub(crate) fn read(
        fields: &mut Fields,
        limits: &Limits,
        logprobs: Logprobs,
        default_tokens: usize,
    ) -> Result<Self, Refusal> {
        let mut decoding = Decoding::default();
        let says_length = lengths(fields, limits, default_tokens, &mut decoding)?;
        drawing(fields, limits, &mut decoding)?;
        beams(fields, limits, &mut decoding)?;
        rules(fields, &mut decoding)?;
        let stream = fields.flag("stream")?.unwrap_or(false);
        let include_usage = match fields.take("stream_options") {
            None => false,
            Some(options) => {
                let mut options = Fields::of(options, "stream_options")?;
                options.flag("include_usage")?.unwrap_or(false)
            }
        };
        let logprobs = tops(fields, logprobs, &mut decoding)?;
        decoding.check().map_err(|error| {
            let name = outer_name(error.name);
            let message = error
                .to_string()
                .replacen(error.name, &format!("`{name}`"), 1)
                .replace("max_new_tokens", "max_tokens");
            Refusal::bad(name, message)
        })?;
        Ok(Self {
            decoding,
            says_length,
            stream,
            include_usage,
            logprobs,
        })
    }
}

/// What clients call an option of the engine's.
fn outer_name(name: &'static str) -> &'static str {
    match name {
        "num_return_sequences" => "n",
        "max_new_tokens" => "max_tokens",
        "min_new_tokens" => "min_tokens",
        other => other,
    }
}

fn lengths(
    fields: &mut Fields,
    limits: &Limits,
    default_tokens: usize,
    decoding: &mut Decoding,
) -> Result<bool, Refusal> {
    let newer = fields.whole("max_completion_tokens", 1..=limits.new_tokens)?;
    let older = fields.whole("max_tokens", 1..=limits.new_tokens)?;
    let given = newer.or(older);
    decoding.max_new_tokens = given.unwrap_or(default_tokens.min(limits.new_tokens));
    if let Some(least) = fields.whole("min_tokens", 0..=limits.new_tokens)? {
        decoding.min_new_tokens = least;
    }
    decoding.stop = fields.texts("stop", STOPS)?;
    Ok(given.is_some())
}

fn drawing(fields: &mut Fields, limits: &Limits, decoding: &mut Decoding) -> Result<(), Refusal> {
    let temperature = fields.number("temperature", 0.0..=100.0)?;
    decoding.num_return_sequences = fields.whole("n", 1..=limits.answers)?.unwrap_or(1);
    decoding.temperature = temperature.unwrap_or(0.0) as f32;
    if let Some(top_p) = fields.number("top_p", 0.0..=1.0)? {
        // 0 is the likeliest token alone, which is what the smallest share leaves.
        decoding.top_p = top_p.max(f64::MIN_POSITIVE);
    }
    // -1 is all, as some clients write it.
    let all = |value: &Value| value.as_i64() == Some(-1);
    if let Some(value) = fields.take("top_k").filter(|value| !all(value)) {
        fields.put("top_k", value);
        decoding.top_k = fields.whole("top_k", 0..=1_000_000)?.unwrap_or(0);
    }
    if let Some(seed) = fields.bits("seed")? {
        decoding.seed = seed;
    }
    Ok(())
}

fn beams(fields: &mut Fields, limits: &Limits, decoding: &mut Decoding) -> Result<(), Refusal> {
    if let Some(beams) = fields.whole("num_beams", 1..=limits.answers)? {
        decoding.num_beams = beams;
    }
    if let Some(penalty) = fields.number("length_penalty", -100.0..=100.0)? {
        decoding.length_penalty = penalty;
    }
    decoding.early_stopping = match fields.take("early_stopping") {
        None => EarlyStopping::default(),
        Some(Value::Bool(false)) => EarlyStopping::Heuristic,
        Some(Value::Bool(true)) => EarlyStopping::Immediate,
        Some(Value::String(word)) if word == "never" => EarlyStopping::Never,
        Some(other) => {
            let message = format!(
                "`early_stopping` is {}: give true, false or \"never\"",
                crate::fields::shown(&other)
            );
            return Err(Refusal::bad("early_stopping", message));
        }
    };
    // Who wants several answers and says nothing else means different ones.
    let several = decoding.num_return_sequences > 1 && decoding.num_beams == 1;
    if several && decoding.temperature == 0.0 {
        decoding.temperature = 1.0;
    }
    Ok(())
}

fn rules(fields: &mut Fields, decoding: &mut Decoding) -> Result<(), Refusal> {
    if let Some(penalty) = fields.number("presence_penalty", -100.0..=100.0)? {
        decoding.presence_penalty = penalty as f32;
    }
    if let Some(penalty) = fields.number("frequency_penalty", -100.0..=100.0)? {
        decoding.frequency_penalty = penalty as f32;
    }
    if let Some(penalty) = fields.number("repetition_penalty", 0.01..=100.0)? {
        decoding.repetition_penalty = penalty as f32;
    }
    if let Some(size) = fields.whole("no_repeat_ngram_size", 0..=1000)? {
        decoding.no_repeat_ngram_size = size;
    }
    Ok(())
}

fn tops(fields: &mut Fields, logprobs: Logprobs, decoding: &mut Decoding) -> Result<bool, Refusal> {
    match logprobs {
        Logprobs::Flag => {
            let told = fields.flag("logprobs")?.unwrap_or(false);
            let top = fields.whole("top_logprobs", 0..=TOP)?.unwrap_or(0);
            if top > 0 && !told {
                let message =
                    format!("`top_logprobs` is {top} without `logprobs`: set `logprobs` to true");
                return Err(Refusal::bad("top_logprobs", message));
            }
            decoding.top_logprobs = top;
            Ok(told)
        }
        Logprobs::Count => {
            // `false` is how some clients say none.
            let none = |value: &Value| *value == Value::Bool(false);
            let Some(value) = fields.take("logprobs").filter(|value| !none(value)) else {
                return Ok(false);
            };
            fields.put("logprobs", value);
            decoding.top_logprobs = fields.whole("logprobs", 0..=TOP)?.unwrap_or(0);
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Parameters, Refusal> {
        let mut fields = Fields::of(value, "").unwrap();
        Parameters::read(&mut fields, &Limits::default(), Logprobs::Flag, 64)
    }

    #[test]
    fn nothing_said_is_the_likeliest_answer() {
        let read = read(json!({})).unwrap();
        let expected = Decoding {
            max_new_tokens: 64,
            ..Decoding::default()
        };
        assert_eq!(read.decoding, expected);
        assert!(!read.stream && !read.logprobs && !read.says_length);
    }

    #[test]
    fn keys_of_both_names_are_taken_and_the_newer_wins() {
        let read = read(json!({
            "max_tokens": 5, "max_completion_tokens": 7, "temperature": 0.5, "top_p": 0.0, "top_k": -1,
            "stop": "a", "seed": -1, "presence_penalty": 0.5, "stream": true,
            "stream_options": {"include_usage": true}, "logprobs": true, "top_logprobs": 3,
        }))
        .unwrap();
        assert_eq!(read.decoding.max_new_tokens, 7);
        assert_eq!(read.decoding.seed, u64::MAX);
        assert_eq!(read.decoding.stop, ["a"]);
        assert_eq!(read.decoding.top_logprobs, 3);
        assert!(read.stream && read.include_usage && read.logprobs);
    }

    #[test]
    fn several_answers_are_drawn_unless_they_are_beams() {
        assert_eq!(read(json!({"n": 3})).unwrap().decoding.temperature, 1.0);
        let beams = read(json!({"n": 3, "num_beams": 3})).unwrap();
        assert_eq!(beams.decoding.temperature, 0.0);
    }

    #[test]
    fn what_is_out_of_range_is_named_as_the_client_wrote_it() {
        for (value, param, says) in [
            (json!({"max_tokens": 0}), "max_tokens", "from 1 to 1024"),
            (
                json!({"max_completion_tokens": 5000}),
                "max_completion_tokens",
                "is 5000",
            ),
            (json!({"temperature": -1}), "temperature", "is -1"),
            (json!({"n": 17}), "n", "from 1 to 16"),
            (
                json!({"n": 3, "num_beams": 2}),
                "n",
                "`n` is 3: give 1 to num_beams, 2",
            ),
            (
                json!({"max_tokens": 3, "min_tokens": 4}),
                "min_tokens",
                "at most max_tokens, 3",
            ),
            (json!({"stop": ["a", 3]}), "stop", "a text, or a list"),
            (
                json!({"top_logprobs": 2}),
                "top_logprobs",
                "without `logprobs`",
            ),
            (
                json!({"early_stopping": "often"}),
                "early_stopping",
                "never",
            ),
        ] {
            let refusal = read(value.clone()).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param), "{value}");
            assert!(
                refusal.message.contains(says),
                "{value}: {}",
                refusal.message
            );
        }
    }
}
