//! The nearest class mean (Snell et al., 2017): what a user would have without a language model.
//!
//! Vectors are of length 1 ([`unit`]); a class is the mean of its shots, and a query is of the class whose mean
//! has the largest cosine with it.

/// The vector with length 1.
pub fn unit(mut values: Vec<f32>) -> Vec<f32> {
    let squares: f32 = values.iter().map(|v| v * v).sum();
    let length = squares.sqrt().max(f32::MIN_POSITIVE);
    values.iter_mut().for_each(|v| *v /= length);
    values
}

/// The cosine of two vectors of length 1.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Sums of the shots of each class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassMeans {
    classes: Vec<(Vec<f32>, usize)>,
}

impl ClassMeans {
    /// Of shots, each a class below `classes` and a vector of length 1.
    ///
    /// # Panics
    /// If a class is not below `classes`.
    pub fn of<'a>(classes: usize, shots: impl IntoIterator<Item = (usize, &'a [f32])>) -> Self {
        let mut sums = vec![(Vec::new(), 0); classes];
        for (class, vector) in shots {
            let (sum, count) = &mut sums[class];
            sum.resize(vector.len(), 0.0);
            sum.iter_mut().zip(vector).for_each(|(sum, v)| *sum += v);
            *count += 1;
        }
        Self { classes: sums }
    }

    /// The cosine of a query, of length 1, with each class; none with a class that has no shots.
    pub fn cosines(&self, query: &[f32]) -> Vec<Option<f32>> {
        let near = |(sum, count): &(Vec<f32>, usize)| {
            let length = cosine(sum, sum).sqrt().max(f32::MIN_POSITIVE);
            (*count > 0).then(|| cosine(sum, query) / length)
        };
        self.classes.iter().map(near).collect()
    }
}

/// The largest of some values, the first of those that are equal.
pub(crate) fn largest(values: impl IntoIterator<Item = f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (i, value) in values.into_iter().enumerate() {
        if value > best.1 {
            best = (i, value);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means() -> ClassMeans {
        let shots = [
            (0, vec![1.0, 0.0, 0.0]),
            (0, unit(vec![1.0, 1.0, 0.0])),
            (2, vec![0.0, 0.0, 1.0]),
        ];
        ClassMeans::of(3, shots.iter().map(|(class, v)| (*class, v.as_slice())))
    }

    #[test]
    fn a_query_is_compared_with_the_mean_of_each_class_that_has_shots() {
        let near = means().cosines(&unit(vec![3.0, 1.0, 0.5]));
        let mean = unit(vec![1.0 + 0.5f32.sqrt(), 0.5f32.sqrt(), 0.0]);
        let expected = cosine(&mean, &unit(vec![3.0, 1.0, 0.5]));
        assert!((near[0].unwrap_or(0.0) - expected).abs() < 1e-6, "{near:?}");
        assert_eq!(near[1], None);
        assert!(near[0] > near[2]);
    }

    #[test]
    fn the_first_of_equal_values_is_the_largest() {
        assert_eq!(largest([0.5, 2.0, 2.0, f32::NAN]), 1);
        assert_eq!(largest([]), 0);
    }
}
