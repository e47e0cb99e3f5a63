//! The sentencepiece model file: pieces, how they were trained and how text is normalized.

use crate::tokenizer::wire::{Fields, Value};
use crate::tokenizer::{Error, Result};

/// A longer piece is no piece: the trainer's own limit is 512 bytes.
const MAX_PIECE_BYTES: usize = 1024;

/// The parts of a sentencepiece `ModelProto` that a tokenizer needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SentencePieceModel {
    /// The vocabulary; a piece's id is its place.
    pub pieces: Vec<Piece>,
    /// How the pieces were found.
    pub trainer: TrainerSpec,
    /// How text is prepared.
    pub normalizer: NormalizerSpec,
}

/// One entry of the vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    /// Its text, with `▁` for a space.
    pub text: String,
    /// The log probability (unigram), or the negative rank (BPE).
    pub score: f32,
    /// What it stands for.
    pub kind: PieceType,
}

/// What a piece stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PieceType {
    /// A piece of text.
    Normal,
    /// What no piece covers.
    Unknown,
    /// A marker that no text contains, such as `<s>`.
    Control,
    /// A piece that is never split.
    UserDefined,
    /// A single byte, `<0x0A>`.
    Byte,
    /// A piece that is not used.
    Unused,
}

/// The algorithm behind the pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelType {
    /// The most probable split.
    Unigram,
    /// Byte-pair encoding over characters.
    Bpe,
    /// Whole words.
    Word,
    /// Single characters.
    Char,
}

/// How the pieces were found. Missing fields have the format's defaults.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrainerSpec {
    /// The algorithm.
    pub model_type: ModelType,
    /// Characters without a piece become bytes.
    pub byte_fallback: bool,
    /// The id of the unknown piece.
    pub unk_id: i32,
    /// The id that opens a sentence, or -1.
    pub bos_id: i32,
    /// The id that ends a sentence, or -1.
    pub eos_id: i32,
    /// The id that pads, or -1.
    pub pad_id: i32,
    /// The text of the unknown piece.
    pub unk_piece: String,
    /// The text of the piece that opens a sentence.
    pub bos_piece: String,
    /// The text of the piece that ends a sentence.
    pub eos_piece: String,
    /// The text of the piece that pads.
    pub pad_piece: String,
}

/// How text is prepared. Missing fields have the format's defaults.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NormalizerSpec {
    /// The compiled table of replacements, or nothing.
    pub precompiled_charsmap: Vec<u8>,
    /// A space in front of every text.
    pub add_dummy_prefix: bool,
    /// Runs of spaces become one, spaces at the ends go.
    pub remove_extra_whitespaces: bool,
}

impl Default for TrainerSpec {
    fn default() -> Self {
        Self {
            model_type: ModelType::Unigram,
            byte_fallback: false,
            unk_id: 0,
            bos_id: 1,
            eos_id: 2,
            pad_id: -1,
            unk_piece: "<unk>".to_string(),
            bos_piece: "<s>".to_string(),
            eos_piece: "</s>".to_string(),
            pad_piece: "<pad>".to_string(),
        }
    }
}

impl Default for NormalizerSpec {
    fn default() -> Self {
        Self {
            precompiled_charsmap: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
        }
    }
}

impl SentencePieceModel {
    /// Reads the bytes of a `tokenizer.model` or `spiece.model`; `name` is for the errors.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the bytes are no such model, or one without pieces.
    pub(crate) fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        Self::parse(bytes).map_err(|message| {
            let message = format!("no sentencepiece model: {message}; fetch the file again");
            Error::tokenizer(name, message)
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut model = Self {
            pieces: Vec::new(),
            trainer: TrainerSpec::default(),
            normalizer: NormalizerSpec::default(),
        };
        for field in Fields::new(bytes) {
            match field? {
                (1, Value::Bytes(message)) => {
                    let id = model.pieces.len();
                    let piece = Piece::parse(message);
                    model
                        .pieces
                        .push(piece.map_err(|e| format!("piece {id}: {e}"))?);
                }
                (2, Value::Bytes(message)) => model.trainer.merge(message)?,
                (3, Value::Bytes(message)) => model.normalizer.merge(message)?,
                _ => {}
            }
        }
        if model.pieces.is_empty() {
            return Err("it has no pieces".to_string());
        }
        Ok(model)
    }
}

impl Piece {
    fn parse(message: &[u8]) -> Result<Self, String> {
        let mut piece = Self {
            text: String::new(),
            score: 0.0,
            kind: PieceType::Normal,
        };
        for field in Fields::new(message) {
            match field? {
                (1, Value::Bytes(bytes)) => piece.text = text(bytes)?,
                (2, Value::Fixed32(bits)) => piece.score = f32::from_bits(bits),
                (3, Value::Varint(kind)) => piece.kind = PieceType::parse(kind)?,
                _ => {}
            }
        }
        match piece.text.len() {
            0 => Err("it has no text".to_string()),
            length if length > MAX_PIECE_BYTES => Err(format!(
                "it has {length} bytes, at most {MAX_PIECE_BYTES} are allowed"
            )),
            _ if !piece.score.is_finite() => Err(format!("its score is {}", piece.score)),
            _ => Ok(piece),
        }
    }
}

impl PieceType {
    fn parse(value: u64) -> Result<Self, String> {
        Ok(match value {
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return Err(format!("its type is {value}, the types are 1 to 6")),
        })
    }
}

impl ModelType {
    fn parse(value: u64) -> Result<Self, String> {
        Ok(match value {
            1 => Self::Unigram,
            2 => Self::Bpe,
            3 => Self::Word,
            4 => Self::Char,
            _ => return Err(format!("the model type is {value}, the types are 1 to 4")),
        })
    }
}

impl TrainerSpec {
    fn merge(&mut self, message: &[u8]) -> Result<(), String> {
        for field in Fields::new(message) {
            match field? {
                (3, Value::Varint(value)) => self.model_type = ModelType::parse(value)?,
                (35, Value::Varint(value)) => self.byte_fallback = value != 0,
                (40, Value::Varint(value)) => self.unk_id = int32(value),
                (41, Value::Varint(value)) => self.bos_id = int32(value),
                (42, Value::Varint(value)) => self.eos_id = int32(value),
                (43, Value::Varint(value)) => self.pad_id = int32(value),
                (45, Value::Bytes(bytes)) => self.unk_piece = text(bytes)?,
                (46, Value::Bytes(bytes)) => self.bos_piece = text(bytes)?,
                (47, Value::Bytes(bytes)) => self.eos_piece = text(bytes)?,
                (48, Value::Bytes(bytes)) => self.pad_piece = text(bytes)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl NormalizerSpec {
    fn merge(&mut self, message: &[u8]) -> Result<(), String> {
        for field in Fields::new(message) {
            match field? {
                (2, Value::Bytes(bytes)) => self.precompiled_charsmap = bytes.to_vec(),
                (3, Value::Varint(value)) => self.add_dummy_prefix = value != 0,
                (4, Value::Varint(value)) => self.remove_extra_whitespaces = value != 0,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The format keeps the low 32 bits of a longer integer.
fn int32(value: u64) -> i32 {
    value as i32
}

fn text(bytes: &[u8]) -> Result<String, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_string()),
        Err(_) => Err(format!("{:?} is not UTF-8", String::from_utf8_lossy(bytes))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::tokenizer::testing::{bytes_field, float_field, int_field, piece};

    fn tiny() -> Vec<u8> {
        let trainer = [
            int_field(3, 2),
            int_field(35, 1),
            int_field(43, u64::MAX),
            bytes_field(45, b"<?>"),
        ];
        let normalizer = [bytes_field(2, &[1, 2]), int_field(3, 0), int_field(4, 0)];
        [
            piece("<?>", 0.0, 2),
            piece("▁a", -1.5, 1),
            bytes_field(2, &trainer.concat()),
            bytes_field(3, &normalizer.concat()),
        ]
        .concat()
    }

    fn message(bytes: &[u8]) -> String {
        let error = SentencePieceModel::from_bytes(bytes, "a.model").unwrap_err();
        error.to_string()
    }

    #[test]
    fn pieces_and_specs_are_read_and_the_rest_has_the_formats_defaults() {
        let model = SentencePieceModel::from_bytes(&tiny(), "a.model").unwrap();
        let texts: Vec<_> = model.pieces.iter().map(|p| (&*p.text, p.score)).collect();
        assert_eq!(texts, [("<?>", 0.0), ("▁a", -1.5)]);
        assert_eq!(model.pieces[0].kind, PieceType::Unknown);
        let trainer = TrainerSpec {
            model_type: ModelType::Bpe,
            byte_fallback: true,
            unk_piece: "<?>".to_string(),
            ..TrainerSpec::default()
        };
        assert_eq!(model.trainer, trainer);
        assert_eq!(model.normalizer.precompiled_charsmap, [1, 2]);
        assert!(!model.normalizer.add_dummy_prefix);
        assert!(!model.normalizer.remove_extra_whitespaces);

        let plain = SentencePieceModel::from_bytes(&piece("a", 0.0, 1), "a.model").unwrap();
        assert_eq!(plain.trainer, TrainerSpec::default());
        assert_eq!(plain.normalizer, NormalizerSpec::default());
    }

    #[test]
    fn every_prefix_and_every_flipped_byte_is_read_or_refused() {
        let bytes = tiny();
        for end in 0..bytes.len() {
            let _ = SentencePieceModel::from_bytes(&bytes[..end], "a.model");
        }
        for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let _ = SentencePieceModel::from_bytes(&flipped, "a.model");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_the_file_and_the_piece() {
        assert!(message(&[]).starts_with("a.model: "));
        assert!(message(&[]).contains("no pieces"));
        let long = "a".repeat(MAX_PIECE_BYTES + 1);
        let cases = [
            (piece("", 0.0, 1), "piece 0: it has no text"),
            (piece(&long, 0.0, 1), "piece 0: it has 1025 bytes"),
            (piece("a", f32::NAN, 1), "piece 0: its score is NaN"),
            (piece("a", 0.0, 9), "piece 0: its type is 9"),
            (bytes_field(2, &int_field(3, 7)), "the model type is 7"),
            (bytes_field(1, &bytes_field(1, &[0xff])), "is not UTF-8"),
        ];
        for (bytes, expected) in cases {
            let message = message(&bytes);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn fields_that_are_unknown_or_have_another_wire_type_are_skipped() {
        let mut bytes = tiny();
        bytes.extend(int_field(1, 3));
        bytes.extend(bytes_field(4, b"self test"));
        bytes.extend(float_field(99, 1.0));
        let model = SentencePieceModel::from_bytes(&bytes, "a.model").unwrap();
        assert_eq!(model.pieces.len(), 2);
    }
}
