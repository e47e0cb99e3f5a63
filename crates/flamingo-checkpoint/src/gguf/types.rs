//! The types of tensors by their numbers in a file.

use crate::Dtype;

/// How the numbers of a tensor are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TensorType {
    /// One by one.
    Plain(Dtype),
    /// In blocks along a row.
    Blocks(Blocks),
}

/// A quantised format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    /// What is put behind the tensor's name.
    pub(super) name: &'static str,
    /// Numbers of a block.
    pub(super) numbers: usize,
    /// Bytes of a block.
    pub(super) bytes: usize,
}

const fn blocks(name: &'static str, numbers: usize, bytes: usize) -> TensorType {
    TensorType::Blocks(Blocks {
        name,
        numbers,
        bytes,
    })
}

impl TensorType {
    /// # Errors
    /// The name of a type that is not read.
    pub(super) fn of(number: u32) -> Result<Self, String> {
        Ok(match number {
            0 => Self::Plain(Dtype::F32),
            1 => Self::Plain(Dtype::F16),
            2 => blocks("q4_0", 32, 18),
            3 => blocks("q4_1", 32, 20),
            6 => blocks("q5_0", 32, 22),
            7 => blocks("q5_1", 32, 24),
            8 => blocks("q8_0", 32, 34),
            10 => blocks("q2_k", 256, 84),
            11 => blocks("q3_k", 256, 110),
            12 => blocks("q4_k", 256, 144),
            13 => blocks("q5_k", 256, 176),
            14 => blocks("q6_k", 256, 210),
            24 => Self::Plain(Dtype::I8),
            25 => Self::Plain(Dtype::I16),
            26 => Self::Plain(Dtype::I32),
            27 => Self::Plain(Dtype::I64),
            28 => Self::Plain(Dtype::F64),
            30 => Self::Plain(Dtype::BF16),
            _ => return Err(name_of(number)),
        })
    }

    /// Bytes of a row of `numbers`; none if they are no whole blocks or too many.
    pub(super) fn row_bytes(self, numbers: usize) -> Option<usize> {
        match self {
            Self::Plain(dtype) => numbers.checked_mul(dtype.bytes()),
            Self::Blocks(blocks) => numbers
                .is_multiple_of(blocks.numbers)
                .then(|| (numbers / blocks.numbers).checked_mul(blocks.bytes))?,
        }
    }
}

/// The name of a type that is not read, as llama.cpp has it.
fn name_of(number: u32) -> String {
    let known = match number {
        9 => "Q8_1",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => return format!("number {number}"),
    };
    known.to_string()
}
