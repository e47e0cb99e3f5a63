//! A search run to its end: rows of tokens, continued until they end.

use std::ops::{ControlFlow, Range};

use crate::decoding::{Decoded, Drawn, Prompt, Search, SearchError, Searching};

/// Something that keeps a set of rows of tokens and knows the logits of what follows each.
///
/// The first set is the prompts, one row each.
pub trait NextLogits {
    /// What can go wrong.
    type Error;

    /// Makes a new set of rows and returns the logits of what follows each.
    ///
    /// New row `i` is old row `parents[i]` and `tokens[i]`. Rows that no parent names are dropped;
    /// rows named twice are doubled.
    ///
    /// # Errors
    /// If the model fails.
    fn advance(&mut self, parents: &[usize], tokens: &[u32]) -> Result<Vec<Vec<f32>>, Self::Error>;
}

/// A token, as soon as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The prompt's place in the batch.
    pub prompt: usize,
    /// Which of the prompt's answers.
    pub sequence: usize,
    /// The token.
    pub token: Drawn,
}

/// Is given each token; `Break` ends its answer.
pub type OnToken<'a> = dyn FnMut(Step) -> ControlFlow<()> + 'a;

impl Search<'_> {
    /// The answers to each prompt, of which `first` are the logits.
    ///
    /// Tokens are given to `on_token` as they come, except with beams, where none is certain
    /// before the end. Rows that have ended are not advanced.
    ///
    /// # Errors
    /// If the model fails or returns other than a row of logits for each row, or a token is none
    /// of the vocabulary.
    pub fn run<M: NextLogits>(
        &self,
        model: &mut M,
        prompts: &[Prompt<'_>],
        first: Vec<Vec<f32>>,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Vec<Decoded>>, SearchError<M::Error>> {
        check_rows(&first, prompts.len())?;
        let Some(vocabulary) = first.first().map(Vec::len) else {
            return Ok(Vec::new());
        };
        let mut all = prompts
            .iter()
            .map(|prompt| Searching::new(self, *prompt, vocabulary))
            .collect::<Result<Vec<_>, _>>()?;
        // The rows of each prompt in the last logits.
        let mut places: Vec<Range<usize>> = (0..prompts.len()).map(|i| i..i + 1).collect();
        let mut logits = first;
        loop {
            let (mut parents, mut tokens) = (Vec::new(), Vec::new());
            for (prompt, (searching, places)) in all.iter_mut().zip(&mut places).enumerate() {
                if places.start < places.end {
                    searching.take(self, &logits[places.clone()], &mut |sequence, token| {
                        on_token(Step {
                            prompt,
                            sequence,
                            token,
                        })
                    });
                }
                let next = searching.next(self).unwrap_or_default();
                let start = parents.len();
                parents.extend(next.0.iter().map(|parent| places.start + parent));
                tokens.extend(next.1);
                *places = start..parents.len();
            }
            if parents.is_empty() {
                break;
            }
            logits = advance(model, &parents, &tokens, vocabulary)?;
        }
        let finish = |searching: Searching| searching.finish(self);
        Ok(all.into_iter().map(finish).collect())
    }
}

/// Advances the model and checks what it returns against the size of the vocabulary.
fn advance<M: NextLogits>(
    model: &mut M,
    parents: &[usize],
    tokens: &[u32],
    vocabulary: usize,
) -> Result<Vec<Vec<f32>>, SearchError<M::Error>> {
    let rows = model.advance(parents, tokens).map_err(SearchError::Model)?;
    check_rows(&rows, parents.len())?;
    match rows.first().map(Vec::len) {
        Some(got) if got != vocabulary => Err(SearchError::Vocabulary {
            wanted: vocabulary,
            got,
        }),
        _ => Ok(rows),
    }
}

fn check_rows<E>(rows: &[Vec<f32>], wanted: usize) -> Result<(), SearchError<E>> {
    if rows.len() != wanted {
        let got = rows.len();
        return Err(SearchError::Rows { wanted, got });
    }
    let wanted = rows.first().map_or(0, Vec::len);
    match rows
        .iter()
        .map(Vec::len)
        .find(|&got| got != wanted || got == 0)
    {
        Some(got) => Err(SearchError::Vocabulary { wanted, got }),
        None => Ok(()),
    }
}
