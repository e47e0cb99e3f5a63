//! What stands between a picture and its text, as it does when the model is asked: it is read, and not learnt.

use std::ops::Range;

use flamingo_data::{Example, Framing};
use flamingo_sequence::{Document, Part, Result, SpecialTokens, Tokenizer};
use rand_chacha::ChaCha8Rng;

/// A training example of a document, behind a prompt if there is one, and its places that predict the prompt.
pub(crate) fn example(
    document: &Document,
    prompt: Option<&str>,
    framing: &Framing,
    tokenizer: &Tokenizer,
    rng: &mut ChaCha8Rng,
) -> Result<(Example, Range<usize>)> {
    let behind = prompt.and_then(|prompt| Some((prompt, asked(document, prompt)?)));
    let Some((prompt, document)) = behind else {
        return Ok((framing.example(document, tokenizer, rng)?, 0..0));
    };
    let example = framing.example(&document, tokenizer, rng)?;
    let tokens = tokenizer.encode(prompt)?.len();
    let places = asking(&example.sequence.ids, tokenizer.specials(), tokens);
    Ok((example, places))
}

/// A pair with the prompt between its picture and its text, which begins with a space; none of other documents, which
/// have what they need.
fn asked(document: &Document, prompt: &str) -> Option<Document> {
    let [medium @ (Part::Image(_) | Part::Video(_)), Part::Text(text)] = &document.parts[..] else {
        return None;
    };
    Some(Document {
        id: document.id.clone(),
        parts: vec![
            medium.clone(),
            Part::Text(prompt.to_owned()),
            Part::Text(format!(" {}", text.trim())),
        ],
    })
}

/// The places of such a sequence that predict the `tokens` tokens of its prompt.
fn asking(ids: &[u32], specials: &SpecialTokens, tokens: usize) -> Range<usize> {
    let picture = ids.iter().rposition(|id| *id == specials.image);
    let first = picture.map_or(0, |at| at + 1);
    let is_border =
        specials.image_border.is_some() && ids.get(first) == specials.image_border.as_ref();
    let first = first + usize::from(is_border);
    // The label of a place is the token behind it.
    let place = first.saturating_sub(1);
    place.min(ids.len())..(place + tokens).min(ids.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SPECIALS: SpecialTokens = SpecialTokens {
        bos: Some(1),
        eos: Some(2),
        pad: 0,
        image: 3,
        end_of_chunk: 4,
        image_border: None,
    };

    #[test]
    fn a_pair_gets_the_prompt_and_other_documents_are_as_they_are() {
        let pair = Document::new([Part::Image("a".into()), Part::Text("  cat ".into())]);
        let parts = asked(&pair, "Output:").unwrap().parts;
        let texts = [Part::Text("Output:".into()), Part::Text(" cat".into())];
        assert_eq!(parts[1..], texts);
        let ended = Document::new([pair.parts[0].clone(), pair.parts[1].clone(), Part::End]);
        assert_eq!(asked(&ended, "Output:"), None);
    }

    #[test]
    fn the_places_before_the_prompts_tokens_are_its() {
        // <BOS> <image> P P word <EOC> <EOS>
        let ids = [1, 3, 8, 9, 20, 4, 2];
        assert_eq!(asking(&ids, &SPECIALS, 2), 1..3);
        assert_eq!(asking(&ids, &SPECIALS, 0), 1..1);
        let bordered = SpecialTokens {
            image_border: Some(7),
            ..SPECIALS
        };
        assert_eq!(asking(&[1, 7, 3, 7, 8, 20, 4], &bordered, 1), 3..4);
        assert_eq!(asking(&ids, &bordered, 2), 1..3);
        assert_eq!(asking(&[1, 3], &SPECIALS, 5), 1..2, "cut off");
    }
}
