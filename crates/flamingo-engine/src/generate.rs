//! Prompts answered.

use flamingo_sequence::Document;

use crate::decoding::{Decoding, Vocabulary};
use crate::{Answer, Engine, Event, MediaSource, Request, Result};

impl Engine {
    /// Answers prompts, in order; several answers of a prompt
    /// ([`num_return_sequences`](Decoding::num_return_sequences)) follow one another.
    /// `on_text(answer, text)` is given each piece of an answer as soon as it is certain (not the
    /// beginning of a stop text); of beams nothing is certain before the end.
    ///
    /// # Errors
    /// If a picture cannot be had, a prompt is empty or too long, or an option is out of range.
    pub fn generate(
        &mut self,
        prompts: &[Document],
        source: &dyn MediaSource,
        decoding: &Decoding,
        on_text: &mut dyn FnMut(usize, &str),
    ) -> Result<Vec<Answer>> {
        let requests = prompts
            .iter()
            .enumerate()
            .map(|(i, prompt)| Request::Generate {
                prompt: prompt.clone(),
                decoding: decoding.clone(),
                stream: i as u64,
            });
        let of_each = decoding.num_return_sequences;
        let mut all: Vec<Vec<Answer>> = vec![Vec::new(); prompts.len()];
        self.run(requests.collect(), source, &mut |i, event| match event {
            Event::Text { answer, text, .. } => on_text(i * of_each + answer, &text),
            Event::Answered { answers, .. } => all[i] = answers,
            Event::Scored { .. } | Event::Failed { .. } => {}
        })?;
        Ok(all.into_iter().flatten().collect())
    }

    /// The tokens that end an answer, and those that cannot be in one: pictures and their borders, and
    /// rows of the table beyond the tokenizer (padding to a round number).
    pub(crate) fn vocabulary(&self) -> Vocabulary {
        let specials = self.tokenizer.specials();
        let eos: Vec<u32> = [Some(specials.end_of_chunk), specials.eos]
            .into_iter()
            .flatten()
            .collect();
        let never = [Some(specials.image), specials.image_border];
        let rows = self.model.config().language.vocabulary as u32;
        let known = (self.tokenizer.vocab_size() as u32).min(rows);
        let forbidden = never
            .into_iter()
            .flatten()
            .filter(|id| !eos.contains(id))
            .chain(known..rows)
            .collect();
        Vocabulary { eos, forbidden }
    }
}
