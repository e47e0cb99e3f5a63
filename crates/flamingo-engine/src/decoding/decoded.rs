//! What a search returns.

use serde::Serialize;

/// One generated token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drawn {
    /// Its id.
    pub id: u32,
    /// Its natural log-probability by the model, before any rule or temperature.
    pub logprob: f32,
    /// The likeliest tokens at its place with theirs, if they are asked for
    /// ([`top_logprobs`](crate::Decoding::top_logprobs)).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<(u32, f32)>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A token that ends texts was generated; it is the answer's last.
    Eos,
    /// The caller stopped it.
    Stopped,
    /// `max_new_tokens` were reached.
    Length,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decoded {
    /// The generated tokens. A beam that ended shows the first of several ends of text, whichever
    /// it was, as there.
    pub tokens: Vec<Drawn>,
    /// Of a beam (`sequences_scores`): log-probability under the rules, over the length to the
    /// power of `length_penalty`.
    pub score: Option<f32>,
    /// Why it ended.
    pub ending: Ending,
}

impl Decoded {
    /// The generated ids.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.tokens.iter().map(|token| token.id)
    }
}

/// The rows that `generate()` returns: each prompt's row, an answer, and padding up to the longest.
///
/// `prompts` are the padded rows, `answers` those of each prompt, and `pad` is `pad_token_id`,
/// which is the first end of text there if none was given.
#[must_use]
pub fn lay_out(prompts: &[&[u32]], answers: &[Vec<Decoded>], pad: u32) -> Vec<Vec<u32>> {
    let pairs = prompts.iter().zip(answers);
    let row = |(prompt, answers): (&&[u32], &Vec<Decoded>)| -> Vec<Vec<u32>> {
        let whole = |answer: &Decoded| prompt.iter().copied().chain(answer.ids()).collect();
        answers.iter().map(whole).collect()
    };
    let mut rows: Vec<Vec<u32>> = pairs.flat_map(row).collect();
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    for row in &mut rows {
        row.resize(longest, pad);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_padded_to_the_longest_answer() {
        let drawn = |id| Drawn {
            id,
            logprob: 0.0,
            top: Vec::new(),
        };
        let decoded = |ids: &[u32]| Decoded {
            tokens: ids.iter().map(|&id| drawn(id)).collect(),
            score: None,
            ending: Ending::Eos,
        };
        let answers = [
            vec![decoded(&[5]), decoded(&[6, 2])],
            vec![decoded(&[7, 8, 9]), decoded(&[])],
        ];
        let rows = lay_out(&[&[0, 3], &[4, 4]], &answers, 1);
        let expected = [
            [0, 3, 5, 1, 1],
            [0, 3, 6, 2, 1],
            [4, 4, 7, 8, 9],
            [4, 4, 1, 1, 1],
        ];
        assert_eq!(rows, expected);
    }
}
