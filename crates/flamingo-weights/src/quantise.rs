//! Which matrices of a model are quantised, and what became of them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

use flamingo_kernels::{Matrices, QuantKind, Unfit, WeightType, quantise_rows};
use serde::{Serialize, Serializer};

use crate::shapes::Shapes;
use crate::{Error, Result, Tensors};

/// The format of output heads, whatever the other matrices have: a head is where the likeliest
/// words are told from the next likely, and costs little.
pub const HEAD: QuantKind = QuantKind::Q8_0;

/// Names that begin so are quantised only if that is asked for.
const RESAMPLER: [&str; 2] = ["resampler.", "media_projection."];

/// Numbers that are quantised at once when a file is written.
const CHUNK: usize = 1 << 20;

/// What a model's weights became.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Weighed {
    /// The matrices that are quantised, by format.
    #[serde(serialize_with = "by_name")]
    pub quantised: BTreeMap<QuantKind, Amount>,
    /// All else.
    pub dense: Amount,
    /// Matrices that were to be quantised and stay as they are, and why.
    pub kept: Vec<Kept>,
}

/// How many tensors, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Amount {
    /// Tensors.
    pub tensors: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A matrix that does not fit the format that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

fn by_name<S: Serializer>(
    amounts: &BTreeMap<QuantKind, Amount>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(amounts.iter().map(|(kind, amount)| (kind.name(), amount)))
}

impl Amount {
    fn add(&mut self, bytes: usize) {
        self.tensors += 1;
        self.bytes += bytes as u64;
    }
}

impl Weighed {
    /// Bytes of all.
    pub fn bytes(&self) -> u64 {
        self.dense.bytes
            + self
                .quantised
                .values()
                .map(|amount| amount.bytes)
                .sum::<u64>()
    }

    /// The least version of `flamingo.json` that knows all formats.
    pub(crate) fn format_version(&self) -> u32 {
        use QuantKind::{Q2K, Q3K, Q4_1, Q5_0, Q5_1};
        let newer = [Q5_1, Q5_0, Q4_1, Q3K, Q2K];
        match self.quantised.keys().any(|kind| newer.contains(kind)) {
            true => crate::GGUF_FORMAT_VERSION,
            false if self.quantised.is_empty() => crate::FORMAT_VERSION,
            false => crate::QUANTISED_FORMAT_VERSION,
        }
    }

    pub(crate) fn add_dense(&mut self, bytes: usize) {
        self.dense.add(bytes);
    }

    pub(crate) fn add(&mut self, kind: QuantKind, bytes: usize) {
        self.quantised.entry(kind).or_default().add(bytes);
    }

    pub(crate) fn keep(&mut self, name: &str, unfit: &Unfit) {
        self.kept.push(Kept {
            name: name.to_owned(),
            reason: unfit.to_string(),
        });
    }
}

impl fmt::Display for Weighed {
    /// Which matrices were to be quantised and are not, in a line; nothing if all are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.kept.first() else {
            return Ok(());
        };
        let quantised: usize = self.quantised.values().map(|amount| amount.tensors).sum();
        write!(
            f,
            "{} of {} matrices stay as they are: `{}`: {}",
            self.kept.len(),
            quantised + self.kept.len(),
            first.name,
            first.reason
        )?;
        match self.kept.len() {
            1 => Ok(()),
            several => write!(f, ", and {} more", several - 1),
        }
    }
}

/// The format that the matrix `name` of a linear layer is to have.
fn wanted(name: &str, weights: &WeightType) -> Option<QuantKind> {
    let kind = weights.quantised()?;
    let of_resampler = RESAMPLER.iter().any(|prefix| name.starts_with(prefix));
    match name {
        "language.head.weight" => Some(HEAD),
        _ if of_resampler && !weights.resampler => None,
        _ => Some(kind),
    }
}

pub(crate) fn fits(kind: QuantKind, d_input: usize) -> Result<(), Unfit> {
    match d_input > 0 && d_input.is_multiple_of(kind.block()) {
        true => Ok(()),
        false => Err(Unfit::Width { d_input, kind }),
    }
}

/// How one matrix is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planned {
    Dense,
    /// Its bytes as they are.
    Copied(QuantKind),
    Quantised(QuantKind),
}

/// What becomes of the matrix `name` of a linear layer.
pub(crate) fn planned(tensors: &Tensors, name: &str, weights: &WeightType) -> Result<Planned> {
    let stored = tensors.quantised(name);
    if weights.matrices == Matrices::Dense {
        return Ok(Planned::Dense);
    }
    match (stored, wanted(name, weights)) {
        (None, None) => Ok(Planned::Dense),
        (None, Some(kind)) => Ok(Planned::Quantised(kind)),
        (Some(stored), Some(kind)) if stored != kind => Err(Error::Mismatch(format!(
            "`{name}` is {stored} in the file and {kind} was asked for: quantise the model that it was made of, \
             or take it as it is"
        ))),
        (Some(stored), _) => Ok(Planned::Copied(stored)),
    }
}

/// How all of a model's tensors are written.
pub(crate) fn plan_file(
    tensors: &Tensors,
    shapes: &Shapes,
    weights: &WeightType,
) -> Result<(Vec<(String, Planned)>, Weighed)> {
    let (mut plan, mut weighed) = (Vec::new(), Weighed::default());
    for (name, shape) in &shapes.all {
        let mut how = match shapes.linear.contains(name) {
            true => planned(tensors, name, weights)?,
            false => Planned::Dense,
        };
        let d_input = shape.last().copied().unwrap_or(0);
        let elements: usize = shape.iter().product();
        if let Planned::Quantised(kind) = how
            && let Err(unfit) = fits(kind, d_input)
        {
            weighed.keep(name, &unfit);
            how = Planned::Dense;
        }
        match how {
            Planned::Dense => weighed.add_dense(elements * weights.precision.bytes()),
            Planned::Copied(kind) | Planned::Quantised(kind) => {
                weighed.add(kind, kind.row_bytes(elements));
            }
        }
        plan.push((name.clone(), how));
    }
    Ok((plan, weighed))
}

/// Writes a matrix in blocks of `kind`, some rows at a time.
pub(crate) fn write_quantised(
    tensors: &Tensors,
    name: &str,
    kind: QuantKind,
    out: &mut dyn Write,
) -> flamingo_checkpoint::Result<()> {
    let Some(&[d_output, d_input]) = tensors.shape(name) else {
        return Err(std::io::Error::other(format!("`{name}` is no matrix")).into());
    };
    let at_once = (CHUNK / d_input.max(1)).max(1);
    for row in (0..d_output).step_by(at_once) {
        let rows = at_once.min(d_output - row);
        let values = tensors.part(name, row * d_input..(row + rows) * d_input)?;
        let bytes = quantise_rows(kind, &values, d_input).map_err(|unfit| {
            std::io::Error::other(format!("`{name}` cannot be quantised: {unfit}"))
        })?;
        out.write_all(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
