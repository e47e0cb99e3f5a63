//! What other weights cost: a model against itself with its weights as they are.

use flamingo_engine::{Distributions, Engine};
use flamingo_sequence::Part;
use flamingo_world::{BindingTask, Episode, Episodes, Pictures, Split};
use serde::Serialize;

use crate::judge::Gallery;
use crate::{Error, Progress, Result, Share, binding};

/// How a model with other weights compares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quality {
    /// Of the text of documents of the demo world, by the model with its weights as they are.
    pub perplexity_before: f64,
    /// And by the one with other weights.
    pub perplexity: f64,
    /// Mean over tokens of the Kullback-Leibler divergence of what is expected next from what was
    /// expected before, in nats.
    pub divergence: f64,
    /// How often both expect the same token first.
    pub same_first: Share,
    /// How often the right one of five new names is the likelier after a shot of each, before.
    pub accuracy_before: Share,
    /// And with other weights.
    pub accuracy: Share,
}

/// What is asked of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QualityOptions {
    /// Documents whose every token is compared.
    pub documents: usize,
    /// Queries of the accuracy.
    pub queries: usize,
    /// All follow from it.
    pub seed: u64,
}

impl Default for QualityOptions {
    fn default() -> Self {
        Self {
            documents: 64,
            queries: 500,
            seed: 1,
        }
    }
}

/// Five new names of held-out things, a shot of each.
const TASK: BindingTask = BindingTask {
    names: 5,
    shots_each: 1,
    pictures: Pictures::Real,
    things: Split::HeldOut,
};

/// Compares `other` with `before`, the same model, token by token and by what it learns from shots.
///
/// # Errors
/// If there are no queries or documents, or a model cannot read a prompt.
pub fn quality(
    before: &mut Engine,
    other: &mut Engine,
    options: &QualityOptions,
    progress: Progress<'_>,
) -> Result<Quality> {
    if options.queries == 0 || options.documents == 0 {
        return Err(Error::NoQueries);
    }
    let world = Episodes {
        seed: options.seed,
        side: before.preprocess().size as u32,
    };
    let mut compared = Compared {
        image: before.tokenizer().specials().image,
        ..Compared::default()
    };
    for number in 0..options.documents {
        let episode = answered(world.binding(&TASK, number as u64));
        let gallery = Gallery::new(std::slice::from_ref(&episode));
        compared.add(
            &before.distributions(&episode.document, &gallery)?,
            &other.distributions(&episode.document, &gallery)?,
        );
    }
    let mut accuracy = |engine: &mut Engine| -> Result<Share> {
        let figures = binding(engine, &world, &[TASK], options.queries, &mut *progress)?;
        Ok(figures[0].accuracy)
    };
    Ok(Quality {
        perplexity_before: (compared.loss_before / compared.targets as f64).exp(),
        perplexity: (compared.loss / compared.targets as f64).exp(),
        divergence: compared.divergence / compared.same_first.queries as f64,
        same_first: compared.same_first,
        accuracy_before: accuracy(before)?,
        accuracy: accuracy(other)?,
    })
}

/// The episode with its right answer at the end of its document.
fn answered(mut episode: Episode) -> Episode {
    let answer = episode.candidates[episode.answer].clone();
    episode.document.parts.push(Part::Text(answer));
    episode
}

/// Sums over tokens.
#[derive(Debug, Default)]
struct Compared {
    loss_before: f64,
    loss: f64,
    targets: usize,
    /// The token of images, which no model is to expect.
    image: u32,
    divergence: f64,
    same_first: Share,
}

impl Compared {
    fn add(&mut self, before: &Distributions, other: &Distributions) {
        for i in 0..before.tokens.len() {
            let (p, q) = (before.after(i), other.after(i));
            self.divergence += divergence(p, q);
            self.same_first.count(first(p) == first(q));
            if let Some(&next) = before.tokens.get(i + 1)
                && next != self.image
            {
                self.loss_before -= f64::from(p[next as usize]);
                self.loss -= f64::from(q[next as usize]);
                self.targets += 1;
            }
        }
    }
}

/// Of `q` from `p`, both log-probabilities.
fn divergence(p: &[f32], q: &[f32]) -> f64 {
    let term = |(&p, &q): (&f32, &f32)| f64::from(p).exp() * (f64::from(p) - f64::from(q));
    p.iter().zip(q).map(term).sum()
}

/// The place of the largest.
fn first(p: &[f32]) -> usize {
    (0..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_diverges_from_others_only() {
        let [p, q] = [[0.25_f32, 0.75], [0.5, 0.5]].map(|x| x.map(f32::ln));
        assert_eq!(divergence(&p, &p), 0.0);
        let expected = 0.25 * 0.5_f64.ln() + 0.75 * 1.5_f64.ln();
        assert!((divergence(&p, &q) - expected).abs() < 1e-6);
        assert_eq!(first(&p), 1);
    }

    #[test]
    fn every_token_but_the_last_has_a_next_one() {
        let rows = Distributions {
            tokens: vec![1, 0, 1],
            log_probabilities: [0.5_f32, 0.5, 0.25, 0.75, 0.5, 0.5].map(f32::ln).to_vec(),
        };
        let mut compared = Compared {
            image: 7,
            ..Compared::default()
        };
        compared.add(&rows, &rows);
        assert_eq!((compared.targets, compared.same_first.queries), (2, 3));
        assert!((compared.loss - (2.0_f64.ln() - 0.75_f64.ln())).abs() < 1e-6);
    }
}
