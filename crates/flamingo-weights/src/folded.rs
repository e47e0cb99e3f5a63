//! Matrices with what LoRA has learnt added to them, made when they are read.

use std::sync::Arc;

use flamingo_kernels::LoraConfig;

use crate::low_rank::LowRank;
use crate::{Error, Result, Tensors};

/// Behind the name of a layer, those of the two matrices whose product is its change.
const LORA: [&str; 2] = [".lora.a", ".lora.b"];

/// Whether a name is of what LoRA has learnt.
pub(crate) fn is_lora(name: &str) -> bool {
    LORA.iter().any(|end| name.ends_with(end))
}

impl Tensors {
    /// Adds what LoRA has learnt to the matrices that it stands beside, in whose place it then is: those are dense when
    /// they are read, whatever their files hold.
    ///
    /// # Errors
    /// If it stands beside nothing, or is of other shapes.
    pub(crate) fn fold(&mut self, config: &LoraConfig) -> Result<()> {
        let names = self.names().filter_map(|name| name.strip_suffix(LORA[0]));
        let layers: Vec<String> = names.map(str::to_owned).collect();
        for layer in layers {
            let [a, b] = LORA.map(|end| format!("{layer}{end}"));
            let matrix = format!("{layer}.weight");
            let shapes = [&a, &b, &matrix].map(|name| self.shape(name).map(<[usize]>::to_vec));
            let [Some(of_a), Some(of_b), Some(whole)] = &shapes else {
                return Err(Error::Mismatch(format!(
                    "`{a}` stands beside no `{b}` and `{matrix}`"
                )));
            };
            let (&[rows, columns], rank) = (&whole[..], config.rank) else {
                return Err(Error::Mismatch(format!(
                    "`{matrix}` is {whole:?}, no matrix"
                )));
            };
            if of_a[..] != [rank, columns] || of_b[..] != [rows, rank] {
                return Err(Error::Mismatch(format!(
                    "`{a}` is {of_a:?} and `{b}` {of_b:?}, the layer's [{rows}, {columns}] and rank {rank} want \
                     [{rank}, {columns}] and [{rows}, {rank}]"
                )));
            }
            let change = LowRank {
                a: self.values(&a)?,
                b: self.values(&b)?,
                rank,
                columns,
                scale: config.scale() as f32,
            };
            if let Some(entry) = self.entries.get_mut(&matrix) {
                entry.change = Some(Arc::new(change));
            }
            self.entries.remove(&a);
            self.entries.remove(&b);
        }
        Ok(())
    }
}
