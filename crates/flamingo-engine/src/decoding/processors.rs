//! Rules that change the scores of the next token (`LogitsProcessor`).

use crate::decoding::{Decoding, OptionError, Vocabulary};

/// The rules of a search, in the order of transformers: repetition penalty, n-grams, bad words, no
/// early end, forbidden tokens. OpenAI's penalties, which are no rules there, come first.
#[derive(Debug, Clone)]
pub(crate) struct Processors<'a> {
    presence_penalty: f32,
    frequency_penalty: f32,
    repetition_penalty: f32,
    no_repeat_ngram_size: usize,
    bad_words: Vec<&'a [u32]>,
    min_new_tokens: usize,
    min_length: usize,
    vocabulary: &'a Vocabulary,
}

impl<'a> Processors<'a> {
    pub(crate) fn new(options: &'a Decoding, vocabulary: &'a Vocabulary) -> Self {
        let ends = |word: &&[u32]| word.len() == 1 && vocabulary.eos.contains(&word[0]);
        let words = options.bad_words_ids.iter().map(Vec::as_slice);
        Self {
            presence_penalty: options.presence_penalty,
            frequency_penalty: options.frequency_penalty,
            repetition_penalty: options.repetition_penalty,
            no_repeat_ngram_size: options.no_repeat_ngram_size,
            bad_words: words.filter(|word| !ends(word)).collect(),
            min_new_tokens: options.min_new_tokens,
            min_length: options.min_length,
            vocabulary,
        }
    }

    /// Changes the `scores` of what follows `ids`, whose last `generated` were generated.
    ///
    /// The ids have to be below `scores.len()`.
    pub(crate) fn apply(&self, ids: &[u32], generated: usize, scores: &mut [f32]) {
        if self.presence_penalty != 0.0 || self.frequency_penalty != 0.0 {
            let answer = &ids[ids.len() - generated..];
            self.penalize_answer(answer, scores);
        }
        if self.repetition_penalty != 1.0 {
            penalize_repetition(ids, self.repetition_penalty, scores);
        }
        if self.no_repeat_ngram_size > 0 {
            forbid_repeated_ngrams(ids, self.no_repeat_ngram_size, scores);
        }
        for word in &self.bad_words {
            forbid_bad_word(ids, word, scores);
        }
        if generated < self.min_new_tokens || ids.len() < self.min_length {
            forbid(&self.vocabulary.eos, scores);
        }
        forbid(&self.vocabulary.forbidden, scores);
    }

    fn penalize_answer(&self, answer: &[u32], scores: &mut [f32]) {
        for &id in answer {
            scores[id as usize] -= self.frequency_penalty;
        }
        let mut ids = answer.to_vec();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            scores[id as usize] -= self.presence_penalty;
        }
    }

    /// # Errors
    /// If a token is none of a vocabulary of `size`.
    pub(crate) fn check(&self, size: usize) -> Result<(), OptionError> {
        let words = self.bad_words.iter().copied().flatten();
        let named = [
            ("eos", self.vocabulary.eos.iter().max()),
            ("forbidden", self.vocabulary.forbidden.iter().max()),
            ("bad_words_ids", words.max()),
        ];
        for (name, largest) in named {
            if let Some(&id) = largest.filter(|id| **id as usize >= size) {
                let wanted = format!("ids below {size}, the size of the vocabulary");
                return Err(OptionError::new(name, format!("id {id}"), wanted));
            }
        }
        Ok(())
    }
}

fn forbid(ids: &[u32], scores: &mut [f32]) {
    for &id in ids {
        scores[id as usize] = f32::NEG_INFINITY;
    }
}

/// Divides positive scores of `ids` by `penalty` and multiplies negative ones, once each.
fn penalize_repetition(ids: &[u32], penalty: f32, scores: &mut [f32]) {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let score = &mut scores[id as usize];
        *score = match *score < 0.0 {
            true => *score * penalty,
            false => *score / penalty,
        };
    }
}

/// Forbids what would complete a run of `size` tokens that `ids` already have.
fn forbid_repeated_ngrams(ids: &[u32], size: usize, scores: &mut [f32]) {
    if ids.len() < size {
        return;
    }
    let tail = &ids[ids.len() + 1 - size..];
    for ngram in ids.windows(size) {
        if ngram.starts_with(tail) {
            scores[ngram[size - 1] as usize] = f32::NEG_INFINITY;
        }
    }
}

/// Forbids the last token of `word` where `ids` end with those before it.
fn forbid_bad_word(ids: &[u32], word: &[u32], scores: &mut [f32]) {
    let Some((&last, before)) = word.split_last() else {
        return;
    };
    // The rule there needs one token more than it compares.
    let long_enough = before.is_empty() || word.len() <= ids.len();
    if long_enough && ids.ends_with(before) {
        scores[last as usize] = f32::NEG_INFINITY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: f32 = f32::NEG_INFINITY;

    #[test]
    fn repeated_tokens_are_penalized_once() {
        let mut scores = [1.5, -1.5, 3.0, -3.0, 0.0];
        penalize_repetition(&[2, 3, 2, 3, 4], 2.0, &mut scores);
        assert_eq!(scores, [1.5, -1.5, 1.5, -6.0, 0.0]);
    }

    #[test]
    fn tokens_of_the_answer_are_penalized_by_presence_and_by_count_and_those_of_the_prompt_are_not()
    {
        let options = Decoding {
            presence_penalty: 0.5,
            frequency_penalty: 0.25,
            ..Decoding::default()
        };
        let vocabulary = Vocabulary::default();
        let mut scores = [2.0; 5];
        Processors::new(&options, &vocabulary).apply(&[1, 4, 2, 3, 2], 3, &mut scores);
        assert_eq!(scores, [2.0, 2.0, 1.0, 1.25, 2.0]);
    }

    #[test]
    fn an_ngram_of_the_row_is_not_completed_again() {
        let mut scores = [0.0; 5];
        forbid_repeated_ngrams(&[1, 2, 3, 1, 4, 1], 2, &mut scores);
        assert_eq!(scores, [0.0, 0.0, NEVER, 0.0, NEVER]);
        let mut scores = [0.0; 5];
        forbid_repeated_ngrams(&[1, 2, 3, 1, 2], 3, &mut scores);
        assert_eq!(scores, [0.0, 0.0, 0.0, NEVER, 0.0]);
    }

    #[test]
    fn ngrams_of_one_token_forbid_the_whole_row() {
        let mut scores = [0.0; 4];
        forbid_repeated_ngrams(&[1, 3], 1, &mut scores);
        assert_eq!(scores, [0.0, NEVER, 0.0, NEVER]);
    }

    #[test]
    fn rows_shorter_than_an_ngram_forbid_nothing() {
        let mut scores = [0.0; 4];
        forbid_repeated_ngrams(&[1, 1], 3, &mut scores);
        assert_eq!(scores, [0.0; 4]);
    }

    #[test]
    fn bad_words_are_forbidden_where_they_would_be_completed() {
        let mut scores = [0.0; 5];
        forbid_bad_word(&[0, 1, 2], &[1, 2, 3], &mut scores);
        forbid_bad_word(&[0, 1, 2], &[2, 2, 0], &mut scores);
        forbid_bad_word(&[0, 1, 2], &[4], &mut scores);
        assert_eq!(scores, [0.0, 0.0, 0.0, NEVER, NEVER]);
    }

    #[test]
    fn a_bad_word_as_long_as_the_row_and_one_is_not_yet_checked() {
        let mut scores = [0.0; 4];
        forbid_bad_word(&[1, 2], &[1, 2, 3], &mut scores);
        assert_eq!(scores, [0.0; 4]);
    }

    #[test]
    fn a_lone_end_of_text_is_no_bad_word() {
        let options = Decoding {
            bad_words_ids: vec![vec![2], vec![3], vec![0, 2]],
            ..Decoding::default()
        };
        let vocabulary = Vocabulary {
            eos: vec![2],
            forbidden: vec![1],
        };
        let mut scores = [0.0; 5];
        Processors::new(&options, &vocabulary).apply(&[4, 4], 0, &mut scores);
        assert_eq!(scores, [0.0, NEVER, 0.0, NEVER, 0.0]);
    }

    #[test]
    fn the_end_is_forbidden_until_the_least_length() {
        let vocabulary = Vocabulary {
            eos: vec![0, 2],
            forbidden: vec![],
        };
        let ends = |options: &Decoding, ids: &[u32], generated| {
            let mut scores = [0.0; 3];
            Processors::new(options, &vocabulary).apply(ids, generated, &mut scores);
            scores[0] == 0.0 && scores[2] == 0.0
        };
        let new = Decoding {
            min_new_tokens: 2,
            ..Decoding::default()
        };
        assert!(!ends(&new, &[1, 1, 1], 1));
        assert!(ends(&new, &[1, 1, 1], 2));
        let whole = Decoding {
            min_length: 3,
            ..Decoding::default()
        };
        assert!(!ends(&whole, &[1, 1], 2));
        assert!(ends(&whole, &[1, 1, 1], 0));
    }

    #[test]
    fn ids_beyond_the_vocabulary_are_named() {
        let options = Decoding {
            bad_words_ids: vec![vec![2, 7]],
            ..Decoding::default()
        };
        let vocabulary = Vocabulary::default();
        let processors = Processors::new(&options, &vocabulary);
        assert_eq!(processors.check(8), Ok(()));
        let error = processors.check(7).expect_err("refused").to_string();
        let wanted = "bad_words_ids is id 7: give ids below 7, the size of the vocabulary";
        assert_eq!(error, wanted);
    }
}
