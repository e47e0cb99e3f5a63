//! In what type a model's weights are kept.

use std::fmt;
use std::str::FromStr;

use crate::{Precision, QuantKind};

/// What becomes of the matrices that can be quantised: those of linear layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Matrices {
    /// Quantised where they are so in the files.
    #[default]
    AsStored,
    /// Never quantised: widened where they are so in the files.
    Dense,
    /// Quantised in this format where they fit it.
    Quantised(QuantKind),
}

/// In what type a model's weights are kept, as `--dtype` names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WeightType {
    /// Of all that is not quantised: embeddings, norms, gates, biases.
    pub precision: Precision,
    /// Of the matrices.
    pub matrices: Matrices,
    /// Whether [`Matrices::Quantised`] is for the resampler, too.
    pub resampler: bool,
}

impl From<Precision> for WeightType {
    /// `precision`, and quantised what is so in the files.
    fn from(precision: Precision) -> Self {
        Self {
            precision,
            ..Self::default()
        }
    }
}

impl From<QuantKind> for WeightType {
    /// Matrices in `kind`, and f32 beside them.
    fn from(kind: QuantKind) -> Self {
        Self {
            matrices: Matrices::Quantised(kind),
            ..Self::default()
        }
    }
}

impl WeightType {
    /// The format that matrices are to be brought into, if any.
    pub fn quantised(&self) -> Option<QuantKind> {
        match self.matrices {
            Matrices::Quantised(kind) => Some(kind),
            Matrices::AsStored | Matrices::Dense => None,
        }
    }

    /// Every name that `--dtype` knows.
    pub fn names() -> Vec<&'static str> {
        let precisions = ["f32", "bf16", "f16"].into_iter();
        precisions
            .chain(QuantKind::ALL.map(QuantKind::name))
            .collect()
    }
}

impl fmt::Display for WeightType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.matrices, self.precision) {
            (Matrices::Quantised(kind), _) => f.pad(kind.name()),
            (_, Precision::F32) => f.pad("f32"),
            (_, Precision::Bf16) => f.pad("bf16"),
            (_, Precision::F16) => f.pad("f16"),
        }
    }
}

impl FromStr for WeightType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(precision) = text.parse::<Precision>() {
            return Ok(Self {
                precision,
                matrices: Matrices::Dense,
                resampler: false,
            });
        }
        let kind = text.parse::<QuantKind>().map_err(|_| {
            let names = Self::names();
            format!("unknown type `{text}`: use one of {}", names.join(", "))
        })?;
        Ok(kind.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_shown_again_and_others_are_told_all_names() {
        for name in WeightType::names() {
            let shown = name
                .parse::<WeightType>()
                .map(|weights| weights.to_string());
            assert_eq!(shown.as_deref(), Ok(name));
        }
        let error = "int8".parse::<WeightType>().expect_err("no such type");
        for name in WeightType::names() {
            assert!(error.contains(name), "{error}");
        }
    }
}
