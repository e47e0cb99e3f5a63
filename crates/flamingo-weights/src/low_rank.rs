//! Matrices with what LoRA has learnt added to them, made when they are read.

use std::sync::Arc;

use flamingo_kernels::LoraConfig;

use crate::{Error, Result, Tensors};

/// Behind the name of a layer, those of the two matrices whose product is its change.
const LORA: [&str; 2] = [".lora.a", ".lora.b"];

/// `scale * B A`, of the shape of a matrix.
#[derive(Debug)]
pub(crate) struct LowRank {
    /// `[rank, columns]`.
    a: Vec<f32>,
    /// `[rows, rank]`.
    b: Vec<f32>,
    rank: usize,
    columns: usize,
    scale: f32,
}

impl LowRank {
    /// Adds the elements from `start` on, counted row by row, to `values`.
    pub(crate) fn add(&self, start: usize, values: &mut [f32]) {
        let mut at = start;
        let mut rest = values;
        while !rest.is_empty() {
            let (row, column) = (at / self.columns, at % self.columns);
            let length = rest.len().min(self.columns - column);
            let (now, later) = std::mem::take(&mut rest).split_at_mut(length);
            let mut change = vec![0.0; length];
            for r in 0..self.rank {
                let factor = self.b[row * self.rank + r];
                let a = &self.a[r * self.columns + column..][..length];
                change.iter_mut().zip(a).for_each(|(c, a)| *c += factor * a);
            }
            let changed = now.iter_mut().zip(change);
            changed.for_each(|(value, change)| *value += self.scale * change);
            (rest, at) = (later, at + length);
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_stretch_of_a_change_is_that_of_the_whole_product() {
        let change = LowRank {
            a: (0..2 * 5).map(|i| i as f32 - 4.0).collect(),
            b: (0..3 * 2).map(|i| 0.5 * i as f32 - 1.0).collect(),
            rank: 2,
            columns: 5,
            scale: 3.0,
        };
        let whole: Vec<f32> = (0..15)
            .map(|at| {
                let (row, column) = (at / 5, at % 5);
                let b = |r: usize| change.b[row * 2 + r];
                10.0 + 3.0 * (b(0) * change.a[column] + b(1) * change.a[5 + column])
            })
            .collect();
        for start in 0..15 {
            for end in start..=15 {
                let mut values = vec![10.0; end - start];
                change.add(start, &mut values);
                assert_eq!(values, whole[start..end], "{start} {end}");
            }
        }
    }
}
