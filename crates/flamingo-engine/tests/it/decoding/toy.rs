//! A toy model: logits by a formula, the same as in `tests/fixtures/make_generate.py`.

use std::convert::Infallible;

use flamingo_engine::decoding::{NextLogits, Prompt};

pub(crate) const VOCABULARY: usize = 50;

/// Rows of tokens.
pub(crate) struct Toy {
    pub(crate) kind: String,
    pub(crate) rows: Vec<Vec<u32>>,
    /// How many rows each call had.
    pub(crate) advanced: Vec<usize>,
}

impl Toy {
    pub(crate) fn new(kind: &str, prompts: &[Prompt<'_>]) -> Self {
        Self {
            kind: kind.to_owned(),
            rows: prompts.iter().map(|prompt| prompt.ids.to_vec()).collect(),
            advanced: Vec::new(),
        }
    }

    pub(crate) fn logits(&self) -> Vec<Vec<f32>> {
        let row = |row: &Vec<u32>| logits(&self.kind, row);
        self.rows.iter().map(row).collect()
    }
}

impl NextLogits for Toy {
    type Error = Infallible;

    fn advance(&mut self, parents: &[usize], tokens: &[u32]) -> Result<Vec<Vec<f32>>, Infallible> {
        self.advanced.push(parents.len());
        let longer = |(&parent, &token): (&usize, &u32)| {
            let mut row: Vec<u32> = self.rows[parent].clone();
            row.push(token);
            row
        };
        self.rows = parents.iter().zip(tokens).map(longer).collect();
        Ok(self.logits())
    }
}

/// Of what follows a row, from its last three tokens and the parity of its length.
pub(crate) fn logits(kind: &str, ids: &[u32]) -> Vec<f32> {
    let from_end = |n: usize| ids.len().checked_sub(n).map_or(0, |i| ids[i]);
    let (a, b, c) = (from_end(3), from_end(2), from_end(1));
    let odd = (ids.len() % 2) as u32;
    let scale = if kind == "peaky" { 4.0 } else { 9.7 };
    let logit = |v: u32| ((a * 31 + b * 17 + c * 7 + v * 13 + odd * 5) % 97) as f32 / scale;
    let mut logits: Vec<f32> = (0..VOCABULARY as u32).map(logit).collect();
    if kind == "ending" {
        logits[2] += 4.0;
        logits[3] += 3.0;
    }
    if kind == "switching" && (a + b + c) % 3 == 0 {
        logits[2] += 7.0;
    }
    logits
}
