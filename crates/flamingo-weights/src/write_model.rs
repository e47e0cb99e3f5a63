//! A model's tensors written into one file, as it was planned.

use std::io::Write;
use std::path::Path;

use flamingo_checkpoint::{Dtype, Entry, write_safetensors};
use flamingo_kernels::Precision;

use crate::quantise::{Planned, write_quantised};
use crate::tensors::stored_type;
use crate::{Error, Result, Tensors};

impl Tensors {
    /// Writes tensors into one safetensors file, piece by piece, whole or not at all. Those that are
    /// quantised are bytes under their name with the format behind it, `[d_output, bytes of a row]`.
    ///
    /// # Errors
    /// If one cannot be read, or the file not be written.
    pub(crate) fn write(
        &self,
        path: &Path,
        plan: &[(String, Planned)],
        precision: Precision,
    ) -> Result<()> {
        let entries = plan
            .iter()
            .map(|(name, how)| {
                let shape = self
                    .shape(name)
                    .ok_or_else(|| Error::Mismatch(format!("there is no tensor `{name}`")))?;
                Ok(match (how, shape) {
                    (Planned::Copied(kind) | Planned::Quantised(kind), &[rows, d]) => {
                        let shape = vec![rows, kind.row_bytes(d)];
                        Entry::new(format!("{name}.{kind}"), Dtype::U8, shape)
                    }
                    _ => Entry::new(name, stored_type(precision), shape),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let fill = &mut |index: usize, out: &mut dyn Write| {
            let (name, how) = &plan[index];
            match how {
                Planned::Dense => self.copy_as(name, precision, out),
                Planned::Copied(kind) => {
                    debug_assert_eq!(self.quantised(name), Some(*kind));
                    self.copy_blocks(name, out)
                }
                Planned::Quantised(kind) => write_quantised(self, name, *kind, out),
            }
        };
        Ok(write_safetensors(path, &entries, None, fill)?)
    }
}
