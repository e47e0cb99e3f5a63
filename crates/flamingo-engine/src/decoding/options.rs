//! How an answer is searched for.

use serde::{Deserialize, Serialize};

use crate::decoding::OptionError;

/// How an answer is drawn, and where it ends.
///
/// The names are those of Hugging Face's `GenerationConfig` unless a field says otherwise. With
/// the defaults, the search is greedy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decoding {
    /// Most tokens of an answer.
    pub max_new_tokens: usize,
    /// No end of text before this many tokens.
    pub min_new_tokens: usize,
    /// No end of text before the row has this many tokens, the prompt and its padding included.
    /// Give this or `min_new_tokens`.
    pub min_length: usize,
    /// 0 takes the likeliest token (`do_sample=False`); more draws (`do_sample=True`), the higher
    /// the more varied.
    pub temperature: f32,
    /// Draw from the likeliest `top_k` tokens only; 0 for all (the default there is 50). Tokens as
    /// likely as the last of them stay in, as there.
    pub top_k: usize,
    /// Draw from the fewest tokens whose probabilities, after `top_k`, reach this sum.
    pub top_p: f64,
    /// Hypotheses that are followed at once; 1 for none. With a temperature they are drawn.
    pub num_beams: usize,
    /// Answers to each prompt: at most `num_beams`, or any number if they are drawn.
    pub num_return_sequences: usize,
    /// A beam's score is its log-probability over its length to this power: more than 0 favours
    /// long answers, less than 0 short ones.
    pub length_penalty: f64,
    /// When the beams of a prompt are done.
    pub early_stopping: EarlyStopping,
    /// What the length of a beam is; not an option there, but a difference between versions.
    pub beam_length: BeamLength,
    /// Makes tokens of the row (prompt included) less likely; 1 for no change.
    pub repetition_penalty: f32,
    /// No run of this many tokens occurs twice in a row (prompt and its padding included); 0 for
    /// no such rule.
    pub no_repeat_ngram_size: usize,
    /// Runs of one or several tokens that are never completed. A lone end of text is ignored. A
    /// run of `n` > 1 tokens is checked once the row has `n` tokens, as there.
    pub bad_words_ids: Vec<Vec<u32>>,
    /// Taken from the score of each token that the answer has (OpenAI's, not an option there).
    pub presence_penalty: f32,
    /// Taken from the score of a token once for each time that the answer has it (OpenAI's, too).
    pub frequency_penalty: f32,
    /// How many of the likeliest tokens are told beside each of an answer; not with beams.
    pub top_logprobs: usize,
    /// Texts that end an answer (`stop_strings`). The search has no texts: its caller looks for
    /// them as tokens arrive.
    pub stop: Vec<String>,
    /// Of the random numbers; each prompt has its own stream.
    pub seed: u64,
}

impl Default for Decoding {
    fn default() -> Self {
        Self {
            max_new_tokens: 32,
            min_new_tokens: 0,
            min_length: 0,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            num_beams: 1,
            num_return_sequences: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::default(),
            beam_length: BeamLength::default(),
            repetition_penalty: 1.0,
            no_repeat_ngram_size: 0,
            bad_words_ids: Vec::new(),
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            top_logprobs: 0,
            stop: Vec::new(),
            seed: 0,
        }
    }
}

/// When the beams of a prompt are done, given `num_beams` finished hypotheses (`early_stopping`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawEarlyStopping", into = "RawEarlyStopping")]
pub enum EarlyStopping {
    /// `false`: once the best running beam would not beat them if it ended now.
    #[default]
    Heuristic,
    /// `true`: at once.
    Immediate,
    /// `"never"`: once no running beam can beat them any more.
    Never,
}

/// As files write it: a boolean or a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RawEarlyStopping {
    Flag(bool),
    Word(String),
}

impl TryFrom<RawEarlyStopping> for EarlyStopping {
    type Error = OptionError;

    fn try_from(raw: RawEarlyStopping) -> Result<Self, OptionError> {
        match raw {
            RawEarlyStopping::Flag(false) => Ok(Self::Heuristic),
            RawEarlyStopping::Flag(true) => Ok(Self::Immediate),
            RawEarlyStopping::Word(word) if word == "never" => Ok(Self::Never),
            RawEarlyStopping::Word(word) => Err(OptionError::new(
                "early_stopping",
                format!("{word:?}"),
                "true, false or \"never\"",
            )),
        }
    }
}

impl From<EarlyStopping> for RawEarlyStopping {
    fn from(early_stopping: EarlyStopping) -> Self {
        match early_stopping {
            EarlyStopping::Heuristic => Self::Flag(false),
            EarlyStopping::Immediate => Self::Flag(true),
            EarlyStopping::Never => Self::Word("never".to_owned()),
        }
    }
}

/// The length that `length_penalty` applies to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeamLength {
    /// As transformers since 4.36: the generated tokens, with the end of text.
    #[default]
    Generated,
    /// As transformers until 4.35: prompt, its padding and generated tokens, without the end of text.
    /// An answer then depends on the other prompts of its batch, through the padding.
    WithPrompt,
}

/// What a search has to know about the vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Tokens that end an answer (`eos_token_id`).
    pub eos: Vec<u32>,
    /// Tokens that are never generated (`suppress_tokens`), such as pictures.
    pub forbidden: Vec<u32>,
}

impl Decoding {
    /// # Errors
    /// If an option lies outside its range.
    pub fn check(&self) -> Result<(), OptionError> {
        self.check_lengths()?;
        self.check_drawing()?;
        self.check_beams()?;
        self.check_rules()
    }

    /// Whether tokens are drawn (`do_sample`).
    #[must_use]
    pub fn draws(&self) -> bool {
        self.temperature > 0.0
    }

    /// The token counts.
    fn check_lengths(&self) -> Result<(), OptionError> {
        let refuse =
            |name, value: usize, wanted: String| Err(OptionError::new(name, value, wanted));
        if self.max_new_tokens == 0 {
            return refuse("max_new_tokens", 0, "1 or more".into());
        }
        if self.min_new_tokens > self.max_new_tokens {
            let wanted = format!("at most max_new_tokens, {}", self.max_new_tokens);
            return refuse("min_new_tokens", self.min_new_tokens, wanted);
        }
        if self.min_new_tokens > 0 && self.min_length > 0 {
            let wanted = format!("0, as min_new_tokens is {}", self.min_new_tokens);
            return refuse("min_length", self.min_length, wanted);
        }
        Ok(())
    }

    /// What a token is drawn from.
    fn check_drawing(&self) -> Result<(), OptionError> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(OptionError::new(
                "temperature",
                self.temperature,
                "0 or more",
            ));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            let wanted = "more than 0, at most 1";
            return Err(OptionError::new("top_p", self.top_p, wanted));
        }
        Ok(())
    }

    /// Beams and the number of answers.
    fn check_beams(&self) -> Result<(), OptionError> {
        if self.num_beams == 0 {
            return Err(OptionError::new("num_beams", 0, "1 or more"));
        }
        let most = match (self.num_beams, self.draws()) {
            (1, true) => usize::MAX,
            (beams, _) => beams,
        };
        if !(1..=most).contains(&self.num_return_sequences) {
            let wanted = match most {
                usize::MAX => "1 or more".to_owned(),
                1 => "1, or a temperature, or more num_beams".to_owned(),
                most => format!("1 to num_beams, {most}"),
            };
            let value = self.num_return_sequences;
            return Err(OptionError::new("num_return_sequences", value, wanted));
        }
        if self.top_logprobs > 0 && self.num_beams > 1 {
            let wanted = format!("0, as num_beams is {}", self.num_beams);
            return Err(OptionError::new("top_logprobs", self.top_logprobs, wanted));
        }
        if !self.length_penalty.is_finite() {
            let wanted = "a finite number";
            return Err(OptionError::new(
                "length_penalty",
                self.length_penalty,
                wanted,
            ));
        }
        Ok(())
    }

    /// What is made less likely or forbidden.
    fn check_rules(&self) -> Result<(), OptionError> {
        if !(self.repetition_penalty > 0.0 && self.repetition_penalty.is_finite()) {
            let value = self.repetition_penalty;
            return Err(OptionError::new("repetition_penalty", value, "more than 0"));
        }
        for (name, value) in [
            ("presence_penalty", self.presence_penalty),
            ("frequency_penalty", self.frequency_penalty),
        ] {
            if !value.is_finite() {
                return Err(OptionError::new(name, value, "a finite number"));
            }
        }
        if self.bad_words_ids.iter().any(Vec::is_empty) {
            let (value, wanted) = ("an empty list", "lists of at least one token");
            return Err(OptionError::new("bad_words_ids", value, wanted));
        }
        if self.stop.iter().any(String::is_empty) {
            let (value, wanted) = ("an empty text", "texts of at least one character");
            return Err(OptionError::new("stop", value, wanted));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let options: Decoding = serde_json::from_str(json).expect("options");
        options.check().expect_err("refused").to_string()
    }

    #[test]
    fn values_outside_their_range_are_named_with_what_is_possible() {
        let expected = [
            (
                r#"{"top_p": 0.0}"#,
                "top_p is 0: give more than 0, at most 1",
            ),
            (
                r#"{"temperature": -1.0}"#,
                "temperature is -1: give 0 or more",
            ),
            (
                r#"{"max_new_tokens": 0}"#,
                "max_new_tokens is 0: give 1 or more",
            ),
            (
                r#"{"max_new_tokens": 3, "min_new_tokens": 4}"#,
                "min_new_tokens is 4: give at most max_new_tokens, 3",
            ),
            (
                r#"{"min_length": 9, "min_new_tokens": 4}"#,
                "min_length is 9: give 0, as min_new_tokens is 4",
            ),
            (r#"{"num_beams": 0}"#, "num_beams is 0: give 1 or more"),
            (
                r#"{"num_beams": 2, "num_return_sequences": 3}"#,
                "num_return_sequences is 3: give 1 to num_beams, 2",
            ),
            (
                r#"{"num_return_sequences": 3}"#,
                "num_return_sequences is 3: give 1, or a temperature, or more num_beams",
            ),
            (
                r#"{"temperature": 1.0, "num_return_sequences": 0}"#,
                "num_return_sequences is 0: give 1 or more",
            ),
            (
                r#"{"repetition_penalty": 0.0}"#,
                "repetition_penalty is 0: give more than 0",
            ),
            (
                r#"{"top_logprobs": 2, "num_beams": 3}"#,
                "top_logprobs is 2: give 0, as num_beams is 3",
            ),
            (
                r#"{"bad_words_ids": [[3], []]}"#,
                "bad_words_ids is an empty list: give lists of at least one token",
            ),
            (
                r#"{"stop": [""]}"#,
                "stop is an empty text: give texts of at least one character",
            ),
        ];
        for (json, message) in expected {
            assert_eq!(refused(json), message);
        }
    }

    #[test]
    fn early_stopping_is_a_boolean_or_the_word_never() {
        for (json, value) in [
            ("false", EarlyStopping::Heuristic),
            ("true", EarlyStopping::Immediate),
            ("\"never\"", EarlyStopping::Never),
        ] {
            let read: EarlyStopping = serde_json::from_str(json).expect("read");
            assert_eq!(read, value);
            assert_eq!(serde_json::to_string(&value).expect("written"), json);
        }
        let error = serde_json::from_str::<EarlyStopping>("\"often\"").expect_err("refused");
        let wanted = "early_stopping is \"often\": give true, false or \"never\"";
        assert!(error.to_string().starts_with(wanted), "{error}");
    }

    #[test]
    fn options_that_do_not_exist_are_refused() {
        let error = serde_json::from_str::<Decoding>(r#"{"beams": 3}"#).expect_err("refused");
        assert!(
            error.to_string().contains("unknown field `beams`"),
            "{error}"
        );
    }

    #[test]
    fn no_options_mean_greedy_search() {
        let options: Decoding = serde_json::from_str("{}").expect("options");
        assert_eq!(options, Decoding::default());
        assert_eq!(options.check(), Ok(()));
        assert!(!options.draws());
    }
}
