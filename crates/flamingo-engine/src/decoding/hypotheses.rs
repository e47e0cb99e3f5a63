//! The finished beams of a prompt (`BeamHypotheses`).

use crate::decoding::{BeamLength, Decoded, Decoding, Drawn, EarlyStopping, Ending};

/// The best finished beams, at most `num_beams`.
#[derive(Debug)]
pub(crate) struct Hypotheses {
    prompt_tokens: usize,
    kept: Vec<Hypothesis>,
    worst: f64,
}

#[derive(Debug)]
struct Hypothesis {
    score: f64,
    tokens: Vec<Drawn>,
    ending: Ending,
}

impl Hypotheses {
    /// Of a prompt of `prompt_tokens`, its padding included.
    pub(crate) fn new(prompt_tokens: usize) -> Self {
        Self {
            prompt_tokens,
            kept: Vec::new(),
            worst: 1e9,
        }
    }

    /// Takes in a beam of log-probability `sum`, unless there are enough better ones.
    pub(crate) fn add(&mut self, options: &Decoding, sum: f32, tokens: Vec<Drawn>, ending: Ending) {
        let eos = usize::from(ending == Ending::Eos);
        let length = match options.beam_length {
            BeamLength::Generated => tokens.len(),
            BeamLength::WithPrompt => self.prompt_tokens + tokens.len() - eos,
        };
        let score = normalized(options, sum, length);
        let full = self.kept.len() == options.num_beams;
        if full && (score <= self.worst || score.is_nan()) {
            return;
        }
        self.kept.push(Hypothesis {
            score,
            tokens,
            ending,
        });
        if full {
            let lowest = self.lowest();
            self.kept.remove(lowest);
            self.worst = self.kept[self.lowest()].score;
        } else {
            self.worst = self.worst.min(score);
        }
    }

    /// Whether the running beams of `generated` tokens, the best of log-probability `best`, are
    /// given up.
    pub(crate) fn done(&self, options: &Decoding, best: f32, generated: usize) -> bool {
        if self.kept.len() < options.num_beams {
            return false;
        }
        let farthest = options.max_new_tokens;
        let generated = match options.early_stopping {
            EarlyStopping::Immediate => return true,
            EarlyStopping::Never if options.length_penalty > 0.0 => farthest,
            EarlyStopping::Never | EarlyStopping::Heuristic => generated,
        };
        let length = match options.beam_length {
            BeamLength::Generated => generated,
            BeamLength::WithPrompt => self.prompt_tokens + generated,
        };
        self.worst >= normalized(options, best, length)
    }

    /// The best `num_return_sequences`, from the best; of equals, the last that came.
    pub(crate) fn best(mut self, options: &Decoding) -> Vec<Decoded> {
        self.kept.reverse();
        self.kept.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.kept.truncate(options.num_return_sequences);
        let decoded = |hypothesis: Hypothesis| Decoded {
            tokens: hypothesis.tokens,
            score: Some(hypothesis.score as f32),
            ending: hypothesis.ending,
        };
        self.kept.into_iter().map(decoded).collect()
    }

    /// The first of the lowest.
    fn lowest(&self) -> usize {
        let scores = self.kept.iter().map(|hypothesis| hypothesis.score);
        let lowest = scores.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
        lowest.map_or(0, |(i, _)| i)
    }
}

fn normalized(options: &Decoding, sum: f32, length: usize) -> f64 {
    f64::from(sum) / (length as f64).powf(options.length_penalty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(count: usize) -> Vec<Drawn> {
        vec![
            Drawn {
                id: 7,
                logprob: -1.0,
                top: Vec::new(),
            };
            count
        ]
    }

    fn scores(options: &Decoding, prompt: usize) -> Vec<f32> {
        let mut hypotheses = Hypotheses::new(prompt);
        hypotheses.add(options, -6.0, tokens(3), Ending::Eos);
        hypotheses.add(options, -4.0, tokens(4), Ending::Length);
        hypotheses.add(options, -30.0, tokens(2), Ending::Eos);
        hypotheses.add(options, -0.5, tokens(1), Ending::Eos);
        let best = hypotheses.best(options);
        best.iter().filter_map(|decoded| decoded.score).collect()
    }

    fn two_beams() -> Decoding {
        Decoding {
            num_beams: 2,
            num_return_sequences: 2,
            ..Decoding::default()
        }
    }

    #[test]
    fn the_best_are_kept_by_log_probability_over_generated_tokens() {
        assert_eq!(scores(&two_beams(), 5), [-0.5, -1.0]);
    }

    #[test]
    fn with_the_prompt_lengths_leave_out_the_end_of_text() {
        let options = Decoding {
            beam_length: BeamLength::WithPrompt,
            ..two_beams()
        };
        // -0.5 / (5 + 1 - 1) and -4 / (5 + 4).
        assert_eq!(scores(&options, 5), [-0.1, -4.0 / 9.0]);
    }

    #[test]
    fn running_beams_are_given_up_as_early_stopping_says() {
        let done = |early_stopping, length_penalty, best| {
            let options = Decoding {
                early_stopping,
                length_penalty,
                max_new_tokens: 8,
                ..two_beams()
            };
            let mut hypotheses = Hypotheses::new(5);
            hypotheses.add(&options, -4.0, tokens(4), Ending::Eos);
            assert!(!hypotheses.done(&options, -90.0, 4), "too few");
            hypotheses.add(&options, -4.0, tokens(4), Ending::Eos);
            hypotheses.done(&options, best, 4)
        };
        assert!(done(EarlyStopping::Immediate, 1.0, -1.0));
        assert!(done(EarlyStopping::Heuristic, 1.0, -4.0));
        assert!(!done(EarlyStopping::Heuristic, 1.0, -3.9));
        assert!(!done(EarlyStopping::Never, 1.0, -7.9));
        assert!(done(EarlyStopping::Never, 1.0, -8.0));
        assert!(done(EarlyStopping::Never, -1.0, -4.0));
        assert!(!done(EarlyStopping::Never, -1.0, -3.0));
    }

    #[test]
    fn of_equal_beams_the_first_is_dropped_a_latecomer_refused_and_the_last_returned_first() {
        let options = two_beams();
        let mut hypotheses = Hypotheses::new(0);
        for (id, sum) in [(1, -2.0), (2, -2.0), (3, -1.0), (4, -1.0), (5, -1.0)] {
            hypotheses.add(
                &options,
                sum,
                vec![Drawn {
                    id,
                    logprob: sum,
                    top: Vec::new(),
                }],
                Ending::Eos,
            );
        }
        let ids: Vec<u32> = hypotheses
            .best(&options)
            .iter()
            .flat_map(Decoded::ids)
            .collect();
        assert_eq!(ids, [4, 3]);
    }
}
