//! What is known of a picture, class by class.

/// What is known of a picture, class by class.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The model's log-probability of each name among the names; minus infinity for those that no shot of the
    /// prompt has.
    pub model: Vec<f32>,
    /// The cosine with each class's mean; minus infinity for a class without shots.
    pub class_mean: Vec<f32>,
}

/// Logarithms of shares, so that the shares sum to 1; all stay as they are if none is above minus infinity.
pub(crate) fn log_shares(mut logs: Vec<f32>) -> Vec<f32> {
    let highest = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if highest == f32::NEG_INFINITY {
        return logs;
    }
    let sum: f32 = logs.iter().map(|log| (log - highest).exp()).sum();
    let total = highest + sum.ln();
    logs.iter_mut().for_each(|log| *log -= total);
    logs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_what_is_impossible_stays_so() {
        let logs = log_shares(vec![-1000.0, f32::NEG_INFINITY, -1000.0 - 3f32.ln()]);
        let shares: Vec<f32> = logs.iter().map(|log| log.exp()).collect();
        assert!((shares[0] - 0.75).abs() < 1e-4 && (shares[2] - 0.25).abs() < 1e-4);
        assert_eq!(shares[1], 0.0);
        let none = vec![f32::NEG_INFINITY; 2];
        assert_eq!(log_shares(none.clone()), none);
    }
}
