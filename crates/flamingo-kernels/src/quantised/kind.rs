//! The formats of quantised weights.

use std::fmt;
use std::str::FromStr;

/// How the numbers of a matrix are kept in few bits: a row is cut into blocks, each with scales of
/// its own. The blocks are those that GGUF files have under the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuantKind {
    /// 8 bits and a scale for each 32 numbers: 8.5 bits a number.
    Q8_0,
    /// 6 bits and a scale for each 16 numbers, in blocks of 256: 6.6 bits a number.
    Q6K,
    /// 5 bits, a scale and a least value for each 32 numbers, in blocks of 256: 5.5 bits a number.
    Q5K,
    /// 4 bits, a scale and a least value for each 32 numbers, in blocks of 256: 4.5 bits a number.
    Q4K,
    /// 5 bits, a scale and a least value for each 32 numbers: 6 bits a number.
    Q5_1,
    /// 5 bits and a scale for each 32 numbers: 5.5 bits a number.
    Q5_0,
    /// 4 bits, a scale and a least value for each 32 numbers: 5 bits a number.
    Q4_1,
    /// 4 bits and a scale for each 32 numbers: 4.5 bits a number; for widths that
    /// [`QuantKind::Q4K`] does not fit, and coarser.
    Q4_0,
    /// 3 bits and a scale for each 16 numbers, in blocks of 256: 3.4 bits a number.
    Q3K,
    /// 2 bits, a scale and a least value for each 16 numbers, in blocks of 256: 2.6 bits a number.
    Q2K,
}

impl QuantKind {
    /// Every format, in the order of the enum.
    pub const ALL: [QuantKind; 10] = [
        QuantKind::Q8_0,
        QuantKind::Q6K,
        QuantKind::Q5K,
        QuantKind::Q4K,
        QuantKind::Q5_1,
        QuantKind::Q5_0,
        QuantKind::Q4_1,
        QuantKind::Q4_0,
        QuantKind::Q3K,
        QuantKind::Q2K,
    ];

    /// The name, as in `--dtype`.
    pub const fn name(self) -> &'static str {
        match self {
            QuantKind::Q8_0 => "q8_0",
            QuantKind::Q6K => "q6_k",
            QuantKind::Q5K => "q5_k",
            QuantKind::Q4K => "q4_k",
            QuantKind::Q5_1 => "q5_1",
            QuantKind::Q5_0 => "q5_0",
            QuantKind::Q4_1 => "q4_1",
            QuantKind::Q4_0 => "q4_0",
            QuantKind::Q3K => "q3_k",
            QuantKind::Q2K => "q2_k",
        }
    }

    /// Numbers in a block; the rows of a matrix must be whole blocks.
    pub const fn block(self) -> usize {
        match self {
            QuantKind::Q8_0
            | QuantKind::Q5_1
            | QuantKind::Q5_0
            | QuantKind::Q4_1
            | QuantKind::Q4_0 => 32,
            QuantKind::Q6K | QuantKind::Q5K | QuantKind::Q4K | QuantKind::Q3K | QuantKind::Q2K => {
                256
            }
        }
    }

    /// Bytes of a block in a file.
    pub const fn block_bytes(self) -> usize {
        match self {
            QuantKind::Q8_0 => 34,
            QuantKind::Q6K => 210,
            QuantKind::Q5K => 176,
            QuantKind::Q4K => 144,
            QuantKind::Q5_1 => 24,
            QuantKind::Q5_0 => 22,
            QuantKind::Q4_1 => 20,
            QuantKind::Q4_0 => 18,
            QuantKind::Q3K => 110,
            QuantKind::Q2K => 84,
        }
    }

    /// Bytes of a row of `d_input` numbers in a file.
    pub const fn row_bytes(self, d_input: usize) -> usize {
        d_input / self.block() * self.block_bytes()
    }

    /// Bits of a number in a file.
    pub fn bits(self) -> f64 {
        8.0 * self.block_bytes() as f64 / self.block() as f64
    }
}

impl fmt::Display for QuantKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for QuantKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == text);
        known.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("unknown format `{text}`: use one of {}", names.join(", "))
        })
    }
}
