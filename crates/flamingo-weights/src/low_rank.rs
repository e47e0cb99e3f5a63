//! What is added to a matrix when it is read: a product of two thin ones.

/// `scale * B A`, of the shape of a matrix.
#[derive(Debug)]
pub(crate) struct LowRank {
    /// `[rank, columns]`.
    pub(crate) a: Vec<f32>,
    /// `[rows, rank]`.
    pub(crate) b: Vec<f32>,
    pub(crate) rank: usize,
    pub(crate) columns: usize,
    pub(crate) scale: f32,
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
