//! The largest of many numbers.

use std::cmp::Ordering;

/// Numbers of which it is seen at once whether one is among the largest.
const AT_ONCE: usize = 64;
/// Where more are wanted, all are sorted as far as it takes.
const FEW: usize = 64;

/// Where the `count` largest stand, from the highest; of equals, the first. What is no number is larger or smaller than
/// all others, as its sign says.
pub fn largest(values: &[f32], count: usize) -> Vec<usize> {
    let order = |a: &usize, b: &usize| values[*b].total_cmp(&values[*a]).then(a.cmp(b));
    if count < values.len() && count <= FEW {
        return few(values, count, order);
    }
    let mut indices: Vec<usize> = (0..values.len()).collect();
    if count < indices.len() {
        indices.select_nth_unstable_by(count, order);
        indices.truncate(count);
    }
    indices.sort_unstable_by(order);
    indices
}

fn few(values: &[f32], count: usize, order: impl Fn(&usize, &usize) -> Ordering) -> Vec<usize> {
    let mut best: Vec<usize> = (0..count).collect();
    best.sort_unstable_by(&order);
    for (part, of_part) in values[count..].chunks(AT_ONCE).enumerate() {
        let Some(&last) = best.last() else {
            break;
        };
        let lowest = values[last];
        // Most parts have none: they are only compared, side by side.
        let may_be = |any: bool, value: &f32| {
            let is_below = *value < lowest;
            any | !is_below
        };
        if !of_part.iter().fold(false, may_be) {
            continue;
        }
        let first = count + part * AT_ONCE;
        for index in first..first + of_part.len() {
            if best.last().is_some_and(|last| order(&index, last).is_lt()) {
                best.pop();
                let at = best.partition_point(|known| order(known, &index).is_lt());
                best.insert(at, index);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_those_that_sorting_finds() {
        let mut state = 1_u32;
        let mut number = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        for len in [1, 2, 63, 65, 200, 1009] {
            // Many equals, zeros of both signs, and what is no number.
            let value = |number: u32| match number % 97 {
                0 => f32::NAN,
                1 => -f32::NAN,
                2 => f32::NEG_INFINITY,
                3 => -0.0,
                n => (n % 31) as f32 - 4.0,
            };
            let values: Vec<f32> = (0..len).map(|_| value(number())).collect();
            let mut sorted: Vec<usize> = (0..len).collect();
            sorted.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
            for count in [0, 1, 2, 6, 64, 65, len, len + 3] {
                let wanted = &sorted[..count.min(len)];
                assert_eq!(largest(&values, count), wanted, "{count} of {len}");
            }
        }
    }
}
