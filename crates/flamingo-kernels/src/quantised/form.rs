//! What differs between the formats.

use super::QuantKind;

/// What the quants of a block stand for.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Numbers of a scale.
    pub(super) step: usize,
    /// What is taken from each quant.
    pub(super) offset: i32,
    /// The largest quant.
    pub(super) largest: u8,
}

impl QuantKind {
    pub(super) const fn form(self) -> Form {
        let (step, offset, largest) = match self {
            QuantKind::Q8_0 => (32, 128, 255),
            QuantKind::Q6K => (16, 32, 63),
            QuantKind::Q5K => (32, 0, 31),
            QuantKind::Q4K | QuantKind::Q4_1 => (32, 0, 15),
            QuantKind::Q5_1 => (32, 0, 31),
            QuantKind::Q5_0 => (32, 16, 31),
            QuantKind::Q4_0 => (32, 8, 15),
            QuantKind::Q3K => (16, 4, 7),
            QuantKind::Q2K => (16, 0, 3),
        };
        Form {
            step,
            offset,
            largest,
        }
    }

    /// Scales of a block.
    pub(super) const fn parts(self) -> usize {
        self.block() / self.form().step
    }
}
