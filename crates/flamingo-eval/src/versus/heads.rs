//! Classifiers on the frozen encoder's features, as one would have them without a language model.

use crate::rices::Vectors;

/// Steps of the linear head's descent.
const STEPS: usize = 500;

/// A linear classifier of centred features.
pub(super) struct Head {
    /// Of the examples' features.
    mean: Vec<f32>,
    /// What centred features are multiplied by.
    scale: f32,
    /// A row for each class: weights, then the bias.
    rows: Vec<Vec<f32>>,
}

impl Head {
    /// The class of the highest score, the first of equals.
    pub(super) fn class(&self, features: &[f32]) -> usize {
        let centred = centred(features, &self.mean, self.scale);
        let scores: Vec<f32> = self.rows.iter().map(|row| score(row, &centred)).collect();
        let mut best = 0;
        for (class, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = class;
            }
        }
        best
    }
}

fn score(row: &[f32], features: &[f32]) -> f32 {
    let bias = row[features.len()];
    row.iter().zip(features).map(|(w, x)| w * x).sum::<f32>() + bias
}

fn centred(features: &[f32], mean: &[f32], scale: f32) -> Vec<f32> {
    features
        .iter()
        .zip(mean)
        .map(|(x, m)| (x - m) * scale)
        .collect()
}

/// The mean, and what brings centred features to length 1 on average.
fn centre(features: &Vectors) -> (Vec<f32>, f32) {
    let count = features.len().max(1) as f32;
    let mut mean = vec![0.0; features.width];
    for at in 0..features.len() {
        mean.iter_mut()
            .zip(features.row(at))
            .for_each(|(sum, x)| *sum += x / count);
    }
    let square: f32 = (0..features.len())
        .flat_map(|at| centred(features.row(at), &mean, 1.0))
        .map(|x| x * x)
        .sum();
    let scale = match square > 0.0 {
        true => (square / count).sqrt().recip(),
        false => 1.0,
    };
    (mean, scale)
}

/// The class whose mean is nearest by the cosine (Snell et al., 2017), written as a linear classifier.
pub(super) fn class_means(features: &Vectors, classes_of: &[usize], classes: usize) -> Head {
    let width = features.width;
    let mut rows = vec![vec![0.0; width + 1]; classes];
    for (at, &class) in classes_of.iter().enumerate() {
        rows[class]
            .iter_mut()
            .zip(features.row(at))
            .for_each(|(sum, x)| *sum += x);
    }
    for row in &mut rows {
        let length = row
            .iter()
            .map(|x| x * x)
            .sum::<f32>()
            .sqrt()
            .max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|x| *x /= length);
    }
    Head {
        mean: vec![0.0; width],
        scale: 1.0,
        rows,
    }
}

/// Multinomial logistic regression with an L2 penalty of 1 / examples on the weights, by accelerated gradient descent.
pub(super) fn linear(features: &Vectors, classes_of: &[usize], classes: usize) -> Head {
    let (mean, scale) = centre(features);
    let rows_of: Vec<Vec<f32>> = (0..features.len())
        .map(|at| centred(features.row(at), &mean, scale))
        .collect();
    let count = rows_of.len().max(1) as f32;
    let penalty = 1.0 / count;
    // The loss bends by at most half the largest squared length, the bias's 1 included.
    let longest = rows_of
        .iter()
        .map(|x| x.iter().map(|v| v * v).sum::<f32>())
        .fold(0.0, f32::max);
    let rate = 1.0 / (0.5 * (longest + 1.0) + penalty);
    let zero = vec![vec![0.0_f32; features.width + 1]; classes];
    let (mut rows, mut ahead, mut momentum) = (zero.clone(), zero.clone(), 1.0_f32);
    for _ in 0..STEPS {
        let mut gradient = zero.clone();
        for (x, &class) in rows_of.iter().zip(classes_of) {
            let scores: Vec<f32> = ahead.iter().map(|row| score(row, x)).collect();
            let highest = scores.iter().copied().fold(f32::MIN, f32::max);
            let powers: Vec<f32> = scores.iter().map(|s| (s - highest).exp()).collect();
            let sum: f32 = powers.iter().sum();
            for (other, row) in gradient.iter_mut().enumerate() {
                let error = (powers[other] / sum - f32::from(u8::from(other == class))) / count;
                row.iter_mut().zip(x).for_each(|(g, v)| *g += error * v);
                row[x.len()] += error;
            }
        }
        let next_momentum = (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0;
        let push = (momentum - 1.0) / next_momentum;
        for class in 0..classes {
            for at in 0..=features.width {
                let weight = if at < features.width { penalty } else { 0.0 };
                let from = ahead[class][at];
                let next = from - rate * (gradient[class][at] + weight * from);
                ahead[class][at] = next + push * (next - rows[class][at]);
                rows[class][at] = next;
            }
        }
        momentum = next_momentum;
    }
    Head { mean, scale, rows }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_data::stream;
    use rand::Rng;

    use super::*;

    /// Three classes around the corners of a triangle.
    fn examples(count: usize) -> (Vectors, Vec<usize>) {
        let mut rng = stream(7, "examples", &[]);
        let (mut features, mut classes) = (Vectors::default(), Vec::new());
        for at in 0..count {
            let class = at % 3;
            let mut vector = [0.1_f32; 5];
            vector[class] = 1.0;
            vector
                .iter_mut()
                .for_each(|x| *x += rng.random_range(-0.2..0.2));
            features.push(&vector).unwrap();
            classes.push(class);
        }
        (features, classes)
    }

    #[test]
    fn both_heads_tell_classes_apart_that_lie_apart() {
        let (features, classes) = examples(31);
        for head in [
            linear(&features, &classes, 3),
            class_means(&features, &classes, 3),
        ] {
            for (at, class) in classes.iter().enumerate() {
                assert_eq!(head.class(features.row(at)), *class, "{at}");
            }
        }
    }

    #[test]
    fn the_linear_head_ends_where_its_gradient_is_nought() {
        let (features, classes) = examples(31);
        let head = linear(&features, &classes, 3);
        let penalty = 1.0 / 31.0;
        let mut gradient = vec![vec![0.0_f32; 6]; 3];
        for (at, class) in classes.iter().enumerate() {
            let x = centred(features.row(at), &head.mean, head.scale);
            let scores: Vec<f32> = head.rows.iter().map(|row| score(row, &x)).collect();
            let sum: f32 = scores.iter().map(|s| s.exp()).sum();
            for (other, row) in gradient.iter_mut().enumerate() {
                let error =
                    (scores[other].exp() / sum - if other == *class { 1.0 } else { 0.0 }) / 31.0;
                row.iter_mut().zip(&x).for_each(|(g, v)| *g += error * v);
                row[5] += error;
            }
        }
        for (row, weights) in gradient.iter().zip(&head.rows) {
            for at in 0..5 {
                assert!(
                    (row[at] + penalty * weights[at]).abs() < 1e-4,
                    "{gradient:?}"
                );
            }
            assert!(row[5].abs() < 1e-4, "{gradient:?}");
        }
    }
}
