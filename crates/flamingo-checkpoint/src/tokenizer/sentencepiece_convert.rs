//! A sentencepiece model as a tokenizer, as `transformers` converts it.
//!
//! The conversion is not faithful in all points (sentencepiece keeps user-defined pieces whole, the
//! converted tokenizer does not); models are used with the converted one, so it is what counts.

use std::cmp::Ordering;
use std::collections::HashMap;

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{NormalizerWrapper, Precompiled, Prepend, Replace, Sequence};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{AddedToken, ModelWrapper, Tokenizer};

use crate::tokenizer::sentencepiece::{ModelType, SentencePieceModel};
use crate::tokenizer::vocabulary::check_ids;
use crate::tokenizer::{Error, Result, charsmap};

/// Stands for a space.
const SPACE: &str = "▁";

/// What a class does with the pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// LLaMA: the first three are `<unk> <s> </s>`, text is cut into bytes where no piece fits.
    Llama,
    /// The pieces as they are, then this many of T5's `<extra_id_0>`, the last one first.
    Plain {
        /// None but for T5.
        extra_ids: usize,
    },
}

/// Builds the tokenizer without its special tokens; `name` is for the errors.
pub(crate) fn convert(model: &SentencePieceModel, layout: Layout, name: &str) -> Result<Tokenizer> {
    let vocab = vocabulary(model, layout);
    let ids: HashMap<&str, u32> = vocab
        .iter()
        .map(|(text, _)| text.as_str())
        .zip(0..)
        .collect();
    if ids.len() < vocab.len() {
        return Err(shared_text(&vocab, name));
    }
    check_ids(name, ids.iter().map(|(text, id)| (*text, *id)))?;
    let inner: ModelWrapper = match model.trainer.model_type {
        ModelType::Bpe => bpe(model, &vocab, layout, name)?.into(),
        ModelType::Unigram => unigram(model, vocab, layout, name)?.into(),
        other => {
            return Err(Error::Unsupported {
                name: name.to_string(),
                found: format!("a sentencepiece model of the type {other:?}"),
                next: "use a BPE or unigram model",
            });
        }
    };
    let mut tokenizer = Tokenizer::new(inner);
    match layout {
        Layout::Llama => {
            llama_parts(&mut tokenizer, model).map_err(|e| Error::tokenizer(name, e))?
        }
        Layout::Plain { .. } => plain_parts(&mut tokenizer, model, name)?,
    }
    Ok(tokenizer)
}

fn vocabulary(model: &SentencePieceModel, layout: Layout) -> Vec<(String, f64)> {
    let pieces = model.pieces.iter();
    let pieces = pieces.map(|piece| (piece.text.clone(), f64::from(piece.score)));
    match layout {
        Layout::Llama => ["<unk>", "<s>", "</s>"]
            .into_iter()
            .map(|text| (text.to_string(), 0.0))
            .chain(pieces.skip(3))
            .collect(),
        Layout::Plain { extra_ids } => {
            let extra = (0..extra_ids).rev();
            pieces
                .chain(extra.map(|id| (format!("<extra_id_{id}>"), 0.0)))
                .collect()
        }
    }
}

fn shared_text(vocab: &[(String, f64)], name: &str) -> Error {
    let mut places = HashMap::new();
    for (id, (text, _)) in vocab.iter().enumerate() {
        if let Some(first) = places.insert(text, id) {
            let message =
                format!("the pieces {first} and {id} are both {text:?}: use another model");
            return Error::tokenizer(name, message);
        }
    }
    Error::tokenizer(name, "two pieces have one text: use another model")
}

fn bpe(
    model: &SentencePieceModel,
    vocab: &[(String, f64)],
    layout: Layout,
    name: &str,
) -> Result<BPE> {
    let unk = &model.trainer.unk_piece;
    if !vocab.iter().any(|(text, _)| text == unk) {
        let message =
            format!("the unknown piece {unk:?} is not among the pieces: use another model");
        return Err(Error::tokenizer(name, message));
    }
    let merges = merges(model, vocab, layout);
    let ids = vocab.iter().map(|(text, _)| text.clone()).zip(0..);
    BPE::builder()
        .vocab_and_merges(ids.collect::<Vocab>(), merges)
        .unk_token(unk.clone())
        .fuse_unk(true)
        .byte_fallback(layout == Layout::Llama)
        .build()
        .map_err(|error| Error::tokenizer(name, error))
}

/// Every way to cut a piece into two pieces is a merge: for LLaMA those of the best score come
/// first, else those of the lowest id; those of one piece go by the ids of their parts.
fn merges(model: &SentencePieceModel, vocab: &[(String, f64)], layout: Layout) -> Merges {
    let pieces = model.pieces.iter().zip(0u32..);
    let ids: HashMap<&str, u32> = pieces
        .map(|(piece, id)| (piece.text.as_str(), id))
        .collect();
    let mut merges: Vec<(f64, (&str, &str))> = Vec::new();
    for (whole, score) in &vocab[..vocab.len().min(model.pieces.len())] {
        let cuts = whole
            .char_indices()
            .skip(1)
            .map(|(at, _)| whole.split_at(at));
        let mut cuts: Vec<_> = cuts
            .filter_map(|(left, right)| Some(((*ids.get(left)?, *ids.get(right)?), (left, right))))
            .collect();
        cuts.sort_by_key(|(ids, _)| *ids);
        merges.extend(cuts.into_iter().map(|(_, parts)| (*score, parts)));
    }
    if layout == Layout::Llama {
        merges.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
    }
    let parts = merges.into_iter().map(|(_, (left, right))| (left, right));
    parts.map(|(l, r)| (l.to_string(), r.to_string())).collect()
}

fn unigram(
    model: &SentencePieceModel,
    vocab: Vec<(String, f64)>,
    layout: Layout,
    name: &str,
) -> Result<Unigram> {
    let llama = layout == Layout::Llama;
    let unk = if llama { 0 } else { model.trainer.unk_id };
    let count = vocab.len();
    let Some(unk) = usize::try_from(unk).ok().filter(|unk| *unk < count) else {
        let message = format!("the unknown piece has the id {unk} but there are {count} pieces");
        return Err(Error::tokenizer(name, message));
    };
    Unigram::from(vocab, Some(unk), llama).map_err(|error| Error::tokenizer(name, error))
}

fn llama_parts(tokenizer: &mut Tokenizer, model: &SentencePieceModel) -> tokenizers::Result<()> {
    let normalizers = vec![
        Prepend::new(SPACE.to_string()).into(),
        Replace::new(" ", SPACE)?.into(),
    ];
    let decoders = vec![
        Replace::new(SPACE, " ")?.into(),
        ByteFallback::default().into(),
        Fuse::default().into(),
        Strip::new(' ', 1, 0).into(),
    ];
    tokenizer
        .with_normalizer(Some(Sequence::new(normalizers)))
        .with_decoder(Some(Decoders::new(decoders)));
    if model.trainer.model_type == ModelType::Bpe {
        let special = ["<unk>", "<s>", "</s>"].map(|text| AddedToken::from(text, true));
        tokenizer.add_special_tokens(&special);
    }
    Ok(())
}

/// Takes LLaMA's space in front of a text away again, for models that were trained without it.
///
/// # Errors
/// If the library refuses.
pub(crate) fn without_prefix_space(tokenizer: &mut Tokenizer, name: &str) -> Result<()> {
    let replace = |from: &str, to: &str| {
        Replace::new(from, to).map_err(|error| Error::tokenizer(name, error))
    };
    let decoders = vec![
        replace(SPACE, " ")?.into(),
        ByteFallback::default().into(),
        Fuse::default().into(),
    ];
    tokenizer
        .with_normalizer(Some(replace(" ", SPACE)?))
        .with_decoder(Some(Decoders::new(decoders)));
    Ok(())
}

fn plain_parts(tokenizer: &mut Tokenizer, model: &SentencePieceModel, name: &str) -> Result<()> {
    let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
    let table = &model.normalizer.precompiled_charsmap;
    if !table.is_empty() {
        let unusable = |message: String| {
            let message =
                format!("its table of replacements is unusable: {message}; fetch it again");
            Error::tokenizer(name, message)
        };
        charsmap::check(table).map_err(unusable)?;
        let table = Precompiled::from(table).map_err(|error| unusable(error.to_string()))?;
        normalizers.push(table.into());
    }
    let spaces = Replace::new(ReplacePattern::Regex(" {2,}".to_string()), " ");
    normalizers.push(
        spaces
            .map_err(|error| Error::tokenizer(name, error))?
            .into(),
    );
    let spaces = Metaspace::new('▁', PrependScheme::Always, true);
    tokenizer
        .with_normalizer(Some(Sequence::new(normalizers)))
        .with_pre_tokenizer(Some(spaces.clone()))
        .with_decoder(Some(spaces));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::tokenizer::testing::{bytes_field, int_field, piece};

    const PLAIN: Layout = Layout::Plain { extra_ids: 0 };

    fn model(model_type: u64, pieces: &[(&str, f32)]) -> SentencePieceModel {
        let mut bytes = bytes_field(2, &int_field(3, model_type));
        for (text, score) in pieces {
            bytes.extend(piece(text, *score, 1));
        }
        SentencePieceModel::from_bytes(&bytes, "a.model").unwrap()
    }

    fn message(model: &SentencePieceModel, layout: Layout) -> String {
        convert(model, layout, "a.model").unwrap_err().to_string()
    }

    #[test]
    fn merges_go_by_score_for_llama_and_by_id_else() {
        let pieces = [
            ("<unk>", 0.0),
            ("<s>", 0.0),
            ("</s>", 0.0),
            ("abc", -2.0),
            ("ab", -1.0),
            ("bc", -1.5),
            ("c", -3.0),
            ("b", -4.0),
            ("a", -5.0),
        ];
        let model = model(2, &pieces);
        let texts = |layout| {
            let merges = merges(&model, &vocabulary(&model, layout), layout);
            let merges = merges.iter().map(|(l, r)| format!("{l}+{r}"));
            merges.collect::<Vec<_>>()
        };
        assert_eq!(texts(Layout::Llama), ["a+b", "b+c", "ab+c", "a+bc"]);
        assert_eq!(texts(PLAIN), ["ab+c", "a+bc", "a+b", "b+c"]);
    }

    #[test]
    fn words_and_characters_are_refused_by_name() {
        let words = model(3, &[("<unk>", 0.0), ("a", 0.0)]);
        assert!(message(&words, PLAIN).contains("type Word is not supported"));
        let characters = model(4, &[("<unk>", 0.0), ("a", 0.0)]);
        assert!(message(&characters, PLAIN).contains("type Char is not supported"));
    }

    #[test]
    fn pieces_that_share_a_text_are_named() {
        let shared = model(1, &[("<unk>", 0.0), ("a", 0.0), ("a", -1.0)]);
        assert!(message(&shared, PLAIN).contains(r#"pieces 1 and 2 are both "a""#));
        let renamed = ["<pad>", "<eos>", "<bos>", "<unk>"].map(|text| (text, 0.0));
        let message = message(&model(2, &renamed), Layout::Llama);
        assert!(
            message.contains(r#"pieces 0 and 3 are both "<unk>""#),
            "{message}"
        );
    }

    #[test]
    fn a_missing_unknown_piece_and_a_broken_table_are_named() {
        let mut model = model(2, &[("a", 0.0), ("b", -1.0)]);
        assert!(message(&model, PLAIN).contains(r#""<unk>" is not among"#));
        model.trainer.model_type = ModelType::Unigram;
        model.trainer.unk_id = 2;
        assert!(message(&model, PLAIN).contains("the id 2 but there are 2 pieces"));
        model.trainer.unk_id = -1;
        assert!(message(&model, PLAIN).contains("the id -1"));
        model.trainer.unk_id = 0;
        model.normalizer.precompiled_charsmap = vec![255; 9];
        assert!(message(&model, PLAIN).contains("table of replacements"));
    }
}
