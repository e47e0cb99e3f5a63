//! Candidates scored.

use flamingo_model::TextRow;
use flamingo_sequence::Candidates;

use crate::prompt::ReadPrompt;
use crate::scoring::Scoring;
use crate::{Engine, Event, MediaSource, RankBy, Request, RequestId, Result, Scores};

impl Engine {
    /// Scores the candidates of each prompt. A prompt is read once for all its candidates. A
    /// candidate is text that follows the prompt's as it stands: mind the space before a word. It is
    /// scored as the tokens that it has there, which for sentencepiece's tokenizers are others than
    /// those of the same text alone.
    ///
    /// # Errors
    /// If a picture cannot be had, a prompt is empty or too long, or there are no candidates.
    pub fn score(
        &mut self,
        prompts: &[Candidates],
        source: &dyn MediaSource,
        by: RankBy,
    ) -> Result<Vec<Scores>> {
        let request = |candidates: &Candidates| Request::Score {
            candidates: candidates.clone(),
            by,
        };
        let requests = prompts.iter().map(request).collect();
        let mut all: Vec<Option<Scores>> = vec![None; prompts.len()];
        self.run(requests, source, &mut |i, event| {
            if let Event::Scored { scores, .. } = event {
                all[i] = Some(scores);
            }
        })?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Scores the candidates of prompts that were read, together with the first of their trees.
    pub(crate) fn score_all(
        &self,
        mut scorings: Vec<(RequestId, Scoring, ReadPrompt)>,
        events: &mut Vec<Event>,
    ) {
        for (_, scoring, read) in &mut scorings {
            for tree in 1..scoring.trees() {
                let mut row = TextRow {
                    branches: scoring.branches(tree),
                    ..TextRow::new(&[], &mut read.text)
                };
                let stream = self.read_on(std::slice::from_mut(&mut row), &[&read.seen]);
                scoring.take(tree, &self.logits(stream));
            }
        }
        for (request, scoring, _) in scorings {
            let scores = scoring.ranked();
            events.push(Event::Scored { request, scores });
        }
    }
}
