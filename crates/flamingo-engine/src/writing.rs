//! The text of an answer on its way: what of it is certain, and where a stop text ends it.

use std::ops::ControlFlow;

use flamingo_sequence::{TextStream, Tokenizer};

use crate::decoding::{Decoding, Drawn, Ending};
use crate::{Finish, Result, Token, TopToken};

/// Is given a piece of text that is certain, and the tokens that came with it.
pub(crate) type Send<'a> = dyn FnMut(&str, &[Token]) + 'a;

/// An answer's text and tokens so far.
#[derive(Default)]
pub(crate) struct Writing {
    stream: TextStream,
    pub(crate) text: String,
    sent: usize,
    pub(crate) tokens: Vec<Token>,
    /// How many of them were sent.
    told: usize,
    stopped: bool,
}

impl Writing {
    /// Takes one token into the answer; breaks at a stop text, which is cut off. `send` is given the
    /// text that is certain now, and the tokens that came since it was called last.
    pub(crate) fn push(
        &mut self,
        tokenizer: &Tokenizer,
        token: Drawn,
        decoding: &Decoding,
        send: &mut Send<'_>,
    ) -> Result<ControlFlow<()>> {
        let Drawn { id, logprob, top } = token;
        let top = self.tops(tokenizer, &top)?;
        let specials = tokenizer.specials();
        let ended = id == specials.end_of_chunk || Some(id) == specials.eos;
        let text = match ended {
            true => String::new(),
            false => self.stream.push(tokenizer, id)?,
        };
        self.text.push_str(&text);
        self.tokens.push(Token {
            id,
            text,
            logprob,
            top,
        });
        self.cut(&decoding.stop);
        let certain = match self.stopped {
            true => self.text.len(),
            false => certain_length(&self.text, &decoding.stop),
        };
        self.send(certain, send);
        Ok(match self.stopped {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    }

    /// Adds what the decoder still holds and sends the rest.
    pub(crate) fn finish(
        &mut self,
        tokenizer: &Tokenizer,
        decoding: &Decoding,
        send: &mut Send<'_>,
    ) -> Result<()> {
        if !self.stopped {
            let rest = std::mem::take(&mut self.stream).finish(tokenizer)?;
            self.text.push_str(&rest);
            if let Some(last) = self.tokens.last_mut() {
                last.text.push_str(&rest);
            }
            self.cut(&decoding.stop);
        }
        self.send(self.text.len(), send);
        Ok(())
    }

    /// Counts nothing as sent: all will be, at the end.
    pub(crate) fn unsend(&mut self) {
        (self.sent, self.told) = (0, 0);
    }

    /// What the likeliest tokens would add to the text so far.
    fn tops(&self, tokenizer: &Tokenizer, top: &[(u32, f32)]) -> Result<Vec<TopToken>> {
        let token = |&(id, logprob): &(u32, f32)| {
            let text = self.stream.clone().push(tokenizer, id)?;
            Ok(TopToken { id, text, logprob })
        };
        top.iter().map(token).collect()
    }

    /// Why the answer ended.
    pub(crate) fn ending(&self, ending: Ending) -> Finish {
        match ending {
            _ if self.stopped => Finish::Stop,
            Ending::Eos => Finish::EndOfChunk,
            Ending::Stopped => Finish::Stop,
            Ending::Length => Finish::Length,
        }
    }

    fn cut(&mut self, stops: &[String]) {
        let found = stops.iter().filter_map(|stop| self.text.find(stop)).min();
        if let Some(at) = found {
            self.text.truncate(at);
            self.stopped = true;
        }
    }

    fn send(&mut self, certain: usize, send: &mut Send<'_>) {
        if certain > self.sent {
            send(&self.text[self.sent..certain], &self.tokens[self.told..]);
            (self.sent, self.told) = (certain, self.tokens.len());
        }
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
