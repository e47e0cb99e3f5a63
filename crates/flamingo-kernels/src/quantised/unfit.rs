//! What does not fit a format.

use super::QuantKind;

/// Why a matrix stays as it is.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// Its rows are no whole blocks.
    #[error("its rows have {d_input} numbers, {kind} takes multiples of {}", kind.block())]
    Width {
        /// Numbers of a row.
        d_input: usize,
        /// The format asked for.
        kind: QuantKind,
    },
    /// It holds a number that is infinite, none, or larger than a half-precision scale can be.
    #[error("it holds {value}, a scale of {kind} goes up to 65504")]
    Value {
        /// The number.
        value: f32,
        /// The format asked for.
        kind: QuantKind,
    },
    /// Bytes of a file that are not this matrix.
    #[error("it has {found} bytes, [{}, {}] in {kind} are {wanted}", shape[0], shape[1])]
    Bytes {
        /// The bytes there are.
        found: usize,
        /// The bytes there should be.
        wanted: usize,
        /// The shape asked for.
        shape: [usize; 2],
        /// The format asked for.
        kind: QuantKind,
    },
}
