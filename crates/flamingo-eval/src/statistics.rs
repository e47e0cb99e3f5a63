//! How certain a score is, and whether two runs differ: intervals by resampling, and the paired t test.

use flamingo_data::stream;
use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Resamples of an interval.
pub const RESAMPLES: usize = 1000;

/// From where to where 95% of the resampled values lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// 2.5% lie below.
    pub low: f64,
    /// 2.5% lie above.
    pub high: f64,
}

/// The interval of a metric of `count` samples by the bootstrap (Efron, 1979; percentiles): the metric of samples
/// drawn with replacement, [`RESAMPLES`] times. None if there are fewer than two samples, or the metric has no value
/// for most of the draws.
pub fn bootstrap(
    count: usize,
    seed: u64,
    metric: &(dyn Fn(&[usize]) -> Option<f64> + Sync),
) -> Option<Interval> {
    if count < 2 {
        return None;
    }
    let resampled = (0..RESAMPLES as u64).into_par_iter().map(|number| {
        let mut rng = stream(seed, "bootstrap", &[number]);
        let drawn: Vec<usize> = (0..count).map(|_| rng.random_range(0..count)).collect();
        metric(&drawn)
    });
    let mut values: Vec<f64> = resampled.flatten().collect();
    if values.len() * 2 < RESAMPLES {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| quantile(&values, share);
    Some(Interval {
        low: at(0.025),
        high: at(0.975),
    })
}

/// The interval of a mean.
pub fn bootstrap_mean(values: &[f64], seed: u64) -> Option<Interval> {
    bootstrap(values.len(), seed, &|drawn| {
        let sum: f64 = drawn.iter().map(|&at| values[at]).sum();
        Some(sum / drawn.len() as f64)
    })
}

/// A quantile of sorted values, between neighbours by their distance.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// What two runs' scores of the same samples say of their difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Samples that both have.
    pub samples: usize,
    /// The mean of the second less the first.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The 95% interval of the t test.
    pub interval: Interval,
    /// The difference by its standard error; none where all samples differ alike.
    pub t: Option<f64>,
    /// How often a difference this far from none would come by chance (two-sided t test).
    pub p: f64,
}

/// The paired t test of two runs' scores, sample by sample; none with fewer than two. Equal scores everywhere have p 1.
pub fn paired(first: &[f64], second: &[f64]) -> Option<Paired> {
    let samples = first.len().min(second.len());
    if samples < 2 {
        return None;
    }
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    let difference = mean(&differences);
    let standard_error = deviation(&differences) / (samples as f64).sqrt();
    let freedom = (samples - 1) as f64;
    let (t, p) = match standard_error > 0.0 {
        true => {
            let t = difference / standard_error;
            (Some(t), two_sided(t, freedom))
        }
        // The same difference everywhere: none, or one beyond doubt.
        false => (None, if difference == 0.0 { 1.0 } else { 0.0 }),
    };
    let half = critical(freedom) * standard_error;
    Some(Paired {
        samples,
        difference,
        standard_error,
        interval: Interval {
            low: difference - half,
            high: difference + half,
        },
        t,
        p,
    })
}

/// The mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard deviation of a sample (n - 1); 0 of fewer than two.
pub fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The probability that Student's t of these degrees of freedom is as far from 0 as `t`.
fn two_sided(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The t beyond which 5% lie, on both sides together.
fn critical(freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e3);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        match two_sided(middle, freedom) > 0.05 {
            true => low = middle,
            false => high = middle,
        }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front.exp() * fraction(a, b, x) / a,
        false => 1.0 - front.exp() * fraction(b, a, 1.0 - x) / b,
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            result *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

/// The logarithm of the gamma function, for x > 0 (Lanczos, g = 7).
fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let terms = COEFFICIENTS[1..].iter().enumerate();
    let sum = terms.fold(COEFFICIENTS[0], |sum, (at, coefficient)| {
        sum + coefficient / (x + at as f64 + 1.0)
    });
    let t = x + G + 0.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paired_test_gives_the_values_of_a_textbook_table() {
        // Student's distribution: t of 2.228 at 10 degrees of freedom, 12.706 at 1, 1.984 at 100 leave 5%.
        for (freedom, t) in [
            (1.0, 12.706_204_7),
            (10.0, 2.228_138_9),
            (100.0, 1.983_971_5),
        ] {
            assert!((two_sided(t, freedom) - 0.05).abs() < 1e-7, "{freedom}");
            assert!((critical(freedom) - t).abs() < 1e-6, "{freedom}");
        }
        assert!((two_sided(0.0, 5.0) - 1.0).abs() < 1e-12);
        // With two degrees of freedom there is a closed form: p = 1 - t / sqrt(t² + 2).
        let t: f64 = 1.7;
        assert!((two_sided(t, 2.0) - (1.0 - t / (t * t + 2.0).sqrt())).abs() < 1e-12);
    }

    #[test]
    fn a_paired_difference_is_that_of_the_second_run_less_the_first() {
        let first = [0.0, 1.0, 0.0, 1.0, 1.0];
        let second = [1.0, 1.0, 0.0, 1.0, 0.0];
        let test = paired(&first, &second).expect("five samples");
        assert_eq!((test.samples, test.difference, test.p), (5, 0.0, 1.0));
        let better = paired(&first, &[1.0; 5]).expect("five samples");
        assert!((better.difference - 0.4).abs() < 1e-12);
        // Deviation 0.5477, standard error 0.2449, t 1.633 with 4 degrees of freedom.
        assert!(
            (better.t.unwrap_or(0.0) - 1.632_993).abs() < 1e-5,
            "{better:?}"
        );
        assert!((better.p - 0.177_808).abs() < 1e-5, "{better:?}");
        assert!(better.interval.low < 0.0 && better.interval.high > 0.8);
        assert_eq!(paired(&first, &first).map(|test| test.p), Some(1.0));
        assert_eq!(paired(&[1.0], &[0.0]), None);
    }

    #[test]
    fn the_interval_of_a_mean_is_about_two_standard_errors_wide_on_each_side() {
        let values: Vec<f64> = (0..400).map(|at| f64::from(at % 2)).collect();
        let interval = bootstrap_mean(&values, 7).expect("400 samples");
        assert!((interval.low - 0.451).abs() < 0.01, "{interval:?}");
        assert!((interval.high - 0.549).abs() < 0.01, "{interval:?}");
        assert_eq!(bootstrap_mean(&values, 7), Some(interval));
        assert_eq!(bootstrap_mean(&[1.0], 7), None);
    }
}
