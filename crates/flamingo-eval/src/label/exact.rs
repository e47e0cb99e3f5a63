//! Names that begin other names: the likelihood of `shirt` counts what goes on as `shirt dress`.

/// The likelihood of each name as a whole, of sums of log-probabilities: from that of a name is taken what it
/// shares with the names that go on from it.
pub(crate) fn whole_names(names: &[&str], mut sums: Vec<f32>) -> Vec<f32> {
    let begins = |a: &str, b: &str| a.len() < b.len() && b.starts_with(a);
    let mut order: Vec<usize> = (0..names.len()).collect();
    // Longer ones are whole before what they begin with is.
    order.sort_by_key(|&i| std::cmp::Reverse(names[i].len()));
    for (place, &i) in order.iter().enumerate() {
        let longer = order[..place]
            .iter()
            .filter(|&&j| begins(names[i], names[j]));
        let shared: f32 = longer.map(|&j| (sums[j] - sums[i]).exp()).sum();
        // Never nothing: rounding must not make a name impossible.
        sums[i] += (1.0 - shared).max(LEAST).ln();
    }
    sums
}

/// The least share that a name keeps.
const LEAST: f32 = 1e-4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_count_what_goes_on_as_another() {
        let names = ["shirt", "shirt dress", "shirt dress, blue", "hat"];
        let sums = [0.8f32, 0.75, 0.25, 0.1].map(f32::ln).to_vec();
        let whole: Vec<f32> = whole_names(&names, sums).iter().map(|s| s.exp()).collect();
        for (whole, expected) in whole.iter().zip([0.05, 0.5, 0.25, 0.1]) {
            assert!((whole - expected).abs() < 1e-5, "{whole} is not {expected}");
        }
        let same = whole_names(&["a", "ab"], vec![-1.0, -1.0]);
        assert!(same[0].is_finite() && same[0] < same[1]);
    }
}
