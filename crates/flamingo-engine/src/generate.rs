//! Answers, token by token.

use std::time::Instant;

use flamingo_kernels::Tensor;
use flamingo_kernels::burn::tensor::activation::log_softmax;
use flamingo_sequence::{Document, TextStream};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::prompts::Prompts;
use crate::{Engine, MediaSource, Result, Sampling};

/// One token of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// The text that it adds; empty while a character is incomplete.
    pub text: String,
    /// Its natural log-probability, before temperature.
    pub logprob: f32,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model closed the chunk or the text.
    EndOfChunk,
    /// A stop text appeared.
    Stop,
    /// `max_new_tokens` were reached.
    Length,
}

/// Where the time of a batch of answers went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Loading and encoding pictures and reading the prompts.
    pub prefill: f64,
    /// Writing the answers.
    pub decode: f64,
    /// Prompts of the batch.
    pub batch: usize,
}

/// The answer to one prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The prompt's `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The whole text.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of the batch that the prompt was in.
    pub timings: Timings,
}

struct Writing<'a> {
    stream: Option<TextStream<'a>>,
    rng: ChaCha8Rng,
    text: String,
    sent: usize,
    tokens: Vec<Token>,
    finish: Option<Finish>,
}

impl Engine {
    /// Answers prompts, in order. `on_text(prompt, text)` is given each piece of an answer as soon
    /// as it is certain (not the beginning of a stop text).
    ///
    /// # Errors
    /// If a picture cannot be had, a prompt is empty or too long, or an option is out of range.
    pub fn generate(
        &mut self,
        prompts: &[Document],
        source: &dyn MediaSource,
        sampling: &Sampling,
        on_text: &mut dyn FnMut(usize, &str),
    ) -> Result<Vec<Answer>> {
        sampling.check()?;
        let mut answers = Vec::with_capacity(prompts.len());
        for (i, batch) in prompts.chunks(self.options.batch.max(1)).enumerate() {
            let first = i * self.options.batch.max(1);
            answers.extend(self.generate_batch(first, batch, source, sampling, on_text)?);
        }
        Ok(answers)
    }

    fn generate_batch(
        &mut self,
        first: usize,
        documents: &[Document],
        source: &dyn MediaSource,
        sampling: &Sampling,
        on_text: &mut dyn FnMut(usize, &str),
    ) -> Result<Vec<Answer>> {
        let start = Instant::now();
        let documents: Vec<&Document> = documents.iter().collect();
        let sequences = self.sequences(documents.iter().copied(), sampling.max_new_tokens)?;
        let mut prompts = self.prefill(&documents, &sequences, source)?;
        let mut scores = self.scores(prompts.last.clone());
        let prefill = start.elapsed().as_secs_f64();
        let lengths = prompts.lengths.clone();
        let mut writing: Vec<Writing<'_>> = (0..documents.len())
            .map(|i| self.begin(first + i, sampling))
            .collect();
        let mut rows: Vec<usize> = (0..documents.len()).collect();
        loop {
            for (&row, scores) in rows.iter().zip(&scores) {
                let index = first + row;
                self.write(&mut writing[row], scores, sampling, &mut |text| {
                    on_text(index, text)
                })?;
            }
            let on = |row: &usize| writing[*row].finish.is_none();
            let going: Vec<usize> = (0..rows.len()).filter(|&i| on(&rows[i])).collect();
            if going.is_empty() {
                break;
            }
            if going.len() < rows.len() {
                prompts = prompts.select(&going);
                rows = going.into_iter().map(|i| rows[i]).collect();
            }
            let last = |row: &usize| writing[*row].tokens.last().map_or(0, |token| token.id);
            let tokens: Vec<u32> = rows.iter().map(last).collect();
            scores = self.next_scores(&mut prompts, &tokens);
        }
        let decode = start.elapsed().as_secs_f64() - prefill;
        let timings = Timings {
            prefill,
            decode,
            batch: documents.len(),
        };
        let answer = |(i, writing): (usize, Writing<'_>)| Answer {
            id: documents[i].id.clone(),
            text: writing.text,
            tokens: writing.tokens,
            finish: writing.finish.unwrap_or(Finish::Length),
            prompt_tokens: lengths[i],
            timings,
        };
        Ok(writing.into_iter().enumerate().map(answer).collect())
    }

    fn begin(&self, prompt: usize, sampling: &Sampling) -> Writing<'_> {
        let mut rng = ChaCha8Rng::seed_from_u64(sampling.seed);
        rng.set_stream(prompt as u64);
        Writing {
            stream: Some(self.tokenizer.stream()),
            rng,
            text: String::new(),
            sent: 0,
            tokens: Vec::new(),
            finish: None,
        }
    }

    fn next_scores(&self, prompts: &mut Prompts, tokens: &[u32]) -> Vec<Vec<f32>> {
        let stream = self.step(prompts, tokens);
        self.scores(stream)
    }

    /// Log-probabilities of the next token, a row each; never a picture, padding or a new text.
    fn scores(&self, stream: Tensor<2>) -> Vec<Vec<f32>> {
        let logits = self.model.logits(stream);
        let [_, vocabulary] = logits.dims();
        let values = log_softmax(logits, 1).into_data().convert::<f32>();
        let values = values.try_to_vec::<f32>().expect("converted to f32");
        let specials = self.tokenizer.specials();
        let mut rows: Vec<Vec<f32>> = values.chunks(vocabulary).map(<[f32]>::to_vec).collect();
        let ends = [Some(specials.end_of_chunk), specials.eos];
        for row in &mut rows {
            for id in [Some(specials.image), Some(specials.pad), specials.bos]
                .into_iter()
                .flatten()
            {
                if !ends.contains(&Some(id)) {
                    row[id as usize] = f32::NEG_INFINITY;
                }
            }
            // Rows of the table beyond the tokenizer (padding to a round number) are no tokens.
            let known = self.tokenizer.vocab_size().min(vocabulary);
            row[known..].fill(f32::NEG_INFINITY);
        }
        rows
    }

    /// Draws one token and takes it into the answer.
    fn write(
        &self,
        writing: &mut Writing<'_>,
        scores: &[f32],
        sampling: &Sampling,
        send: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let id = sampling.draw(scores, &mut writing.rng);
        let (logprob, id) = (scores[id], id as u32);
        let specials = self.tokenizer.specials();
        let ended = id == specials.end_of_chunk || Some(id) == specials.eos;
        let mut text = match &mut writing.stream {
            Some(stream) if !ended => stream.push(id)?,
            _ => String::new(),
        };
        writing.text.push_str(&text);
        writing.finish = ended.then_some(Finish::EndOfChunk);
        if let Some(at) = sampling
            .stop
            .iter()
            .filter_map(|stop| writing.text.find(stop))
            .min()
        {
            writing.text.truncate(at);
            writing.finish = Some(Finish::Stop);
        }
        let full = writing.tokens.len() + 1 == sampling.max_new_tokens;
        writing.finish = writing.finish.or(full.then_some(Finish::Length));
        if let (Some(finish), Some(stream)) = (
            writing.finish,
            writing.stream.take_if(|_| writing.finish.is_some()),
        ) {
            let rest = stream.finish()?;
            if finish != Finish::Stop {
                writing.text.push_str(&rest);
                text.push_str(&rest);
            }
        }
        writing.tokens.push(Token { id, text, logprob });
        let certain = match writing.finish {
            Some(_) => writing.text.len(),
            None => certain_length(&writing.text, &sampling.stop),
        };
        if certain > writing.sent {
            send(&writing.text[writing.sent..certain]);
            writing.sent = certain;
        }
        Ok(())
    }
}

/// How much of `text` cannot turn out to be the beginning of a stop text.
fn certain_length(text: &str, stops: &[String]) -> usize {
    let begins = |from: usize| stops.iter().any(|stop| stop.starts_with(&text[from..]));
    text.char_indices()
        .map(|(i, _)| i)
        .find(|&i| begins(i))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_stop_text_is_held_back() {
        let stops = ["\nQ".to_owned(), "abc".to_owned()];
        assert_eq!(certain_length("yes", &stops), 3);
        assert_eq!(certain_length("yes\n", &stops), 3);
        assert_eq!(certain_length("über ab", &stops), 6);
    }
}
