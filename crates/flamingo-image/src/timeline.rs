//! When the frames of a film are shown, and which of them a model sees: integers alone.

use crate::rate::Rate;

/// When each frame of a film begins to be shown, and when the last one ends.
///
/// Times are counted in ticks from the first frame shown, so the first begins at 0. A frame is shown
/// until the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    ticks: Rate,
    starts: Vec<u64>,
    end: u64,
}

/// Which frames of a film a model sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Frames for a second of film.
    pub rate: Rate,
    /// Frames at most.
    pub most: usize,
}

impl Sampling {
    /// The paper's in training: 8 frames, 1 a second.
    pub const TRAINING: Self = Self {
        rate: Rate::ONE,
        most: 8,
    };
    /// The paper's when a model is asked: 30 frames, 3 a second.
    pub const ASKING: Self = Self {
        rate: Rate::THREE,
        most: 30,
    };
}

impl Timeline {
    /// A timeline of frames that begin at `starts` and end at `end`, both in ticks of which there are
    /// `ticks` a second, from wherever they are counted. None without frames.
    ///
    /// Starts are put in order. Where the end does not lie behind the last start, it is not known, and
    /// the last frame is shown as long as the one before it.
    pub fn new(ticks: Rate, mut starts: Vec<i64>, end: i64) -> Option<Self> {
        starts.sort_unstable();
        let (&first, &last) = (starts.first()?, starts.last()?);
        let before = starts[..starts.partition_point(|start| *start < last)].last();
        let end = match end > last {
            true => end.abs_diff(first),
            false => {
                let duration = before.map_or(1, |before| last.abs_diff(*before));
                last.abs_diff(first).saturating_add(duration)
            }
        };
        Some(Self {
            ticks,
            end,
            starts: starts
                .into_iter()
                .map(|start| start.abs_diff(first))
                .collect(),
        })
    }

    /// `frames` frames, each shown for the same time. None without frames.
    pub fn steady(rate: Rate, frames: usize) -> Option<Self> {
        Self::new(rate, (0..frames as i64).collect(), frames as i64)
    }

    /// Frames.
    pub fn frames(&self) -> usize {
        self.starts.len()
    }

    /// How long the film is, from the start of its first frame to the end of its last.
    pub fn seconds(&self) -> f64 {
        self.end as f64 / self.ticks.per_second()
    }

    /// The frames shown between two moments, in seconds, as a film of their own, and the number of the
    /// first of them. None if the film ends before.
    pub fn part(&self, start: f64, end: f64) -> Option<(usize, Self)> {
        // A moment that is a whole tick but for rounding is that tick.
        const ROUNDING: f64 = 1e-6;
        let ticks = |seconds: f64| seconds * self.ticks.per_second();
        let start = (ticks(start) + ROUNDING).floor() as u64;
        if start >= self.end {
            return None;
        }
        let end = (ticks(end) - ROUNDING).ceil() as u64;
        let end = end.clamp(start + 1, self.end);
        let first = self.starts.partition_point(|begun| *begun <= start).max(1) - 1;
        let behind = self.starts.partition_point(|begun| *begun < end);
        let starts = &self.starts[first..behind];
        let part = Self {
            ticks: self.ticks,
            starts: starts
                .iter()
                .map(|begun| begun.saturating_sub(start))
                .collect(),
            end: end - start,
        };
        Some((first, part))
    }

    /// The numbers of the frames that a model sees, in the order of time.
    ///
    /// At `rate`, these are the frames shown at 0, 1/rate, 2/rate, ... before the film's end: at
    /// least one, and one that is shown for long several times. If these are more than `most`, the
    /// film is cut into `most` stretches of the same time, and each gives what is shown in its
    /// middle.
    pub fn sample(&self, sampling: Sampling) -> Vec<usize> {
        let wanted = self.count_at(sampling.rate);
        if wanted <= sampling.most as u128 {
            self.shown_at_rate(sampling.rate, wanted as usize)
        } else {
            self.shown_in_middles(sampling.most)
        }
    }

    /// How many of 0, 1/rate, 2/rate, ... lie before the end.
    fn count_at(&self, rate: Rate) -> u128 {
        let (ticks_of_film, ticks_of_step) = self.scaled(rate);
        (u128::from(self.end) * ticks_of_film).div_ceil(ticks_of_step)
    }

    /// Factors after which a time in ticks and a number of steps of this rate can be compared.
    fn scaled(&self, rate: Rate) -> (u128, u128) {
        let product = |a: u32, b: u32| u128::from(a) * u128::from(b);
        (
            product(rate.numerator(), self.ticks.denominator()),
            product(rate.denominator(), self.ticks.numerator()),
        )
    }

    fn shown_at_rate(&self, rate: Rate, count: usize) -> Vec<usize> {
        let (ticks_of_film, ticks_of_step) = self.scaled(rate);
        self.shown_at((0..count).map(|k| k as u128 * ticks_of_step), ticks_of_film)
    }

    fn shown_in_middles(&self, most: usize) -> Vec<usize> {
        let middle = |k: usize| (2 * k as u128 + 1) * u128::from(self.end);
        self.shown_at((0..most).map(middle), 2 * most as u128)
    }

    /// The frames shown at these rising times, which are those in ticks times `scale`.
    fn shown_at(&self, times: impl Iterator<Item = u128>, scale: u128) -> Vec<usize> {
        let mut rest = 0;
        times
            .map(|time| {
                let begun = |start: &u64| u128::from(*start) * scale <= time;
                rest += self.starts[rest..].partition_point(begun);
                rest.saturating_sub(1)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn sampling(per_second: &str, most: usize) -> Sampling {
        Sampling {
            rate: rate(per_second),
            most,
        }
    }

    fn steady(per_second: &str, frames: usize, to: &str, most: usize) -> Vec<usize> {
        let timeline = Timeline::steady(rate(per_second), frames).unwrap();
        timeline.sample(sampling(to, most))
    }

    /// Of frames shown for so many hundredths of a second each.
    fn held(hundredths: &[i64], to: &str, most: usize) -> Vec<usize> {
        let mut end = 0;
        let mut start = |held: &i64| {
            end += held;
            end - held
        };
        let starts = hundredths.iter().map(&mut start).collect();
        let timeline = Timeline::new(rate("100"), starts, end).unwrap();
        timeline.sample(sampling(to, most))
    }

    #[test]
    fn frames_are_those_shown_at_the_rate_asked_for() {
        assert_eq!(steady("5", 11, "1", 8), [0, 5, 10]);
        assert_eq!(steady("5", 10, "1", 8), [0, 5]);
        assert_eq!(steady("3", 7, "2", 8), [0, 1, 3, 4, 6]);
        assert_eq!(steady("30000/1001", 60, "1", 8), [0, 29, 59]);
        assert_eq!(steady("30", 60, "1", 8), [0, 30]);
    }

    #[test]
    fn a_film_shorter_than_a_step_gives_its_first_frame() {
        assert_eq!(steady("25", 1, "1", 8), [0]);
        assert_eq!(steady("25", 11, "1", 8), [0]);
        assert_eq!(held(&[4], "1/60", 8), [0]);
    }

    #[test]
    fn a_frame_that_is_held_is_seen_for_as_long() {
        let uneven = [[10; 10].as_slice(), &[100; 4]].concat();
        assert_eq!(held(&uneven, "1", 8), [0, 10, 11, 12, 13]);
        let end = [[10; 10].as_slice(), &[300]].concat();
        assert_eq!(held(&end, "1", 8), [0, 10, 10, 10]);
        assert_eq!(steady("1", 2, "3", 30), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn of_a_long_film_equal_stretches_of_time_give_their_middles() {
        assert_eq!(steady("10", 100, "1", 5), [10, 30, 50, 70, 90]);
        assert_eq!(steady("1", 7, "1", 3), [1, 3, 5]);
        assert_eq!(steady("1", 7, "1", 1), [3]);
        // Nine short frames and a long one: nearly all of the time is that one's.
        let end = [[10; 9].as_slice(), &[9910]].concat();
        assert_eq!(held(&end, "1", 4), [9, 9, 9, 9]);
        assert!(steady("1", 7, "1", 0).is_empty());
    }

    #[test]
    fn time_begins_with_the_first_frame_and_order_is_that_of_time() {
        let timeline = Timeline::new(rate("90000"), vec![126_000, 132_000, 129_000], 135_000);
        let timeline = timeline.unwrap();
        assert_eq!(timeline.starts, [0, 3000, 6000]);
        assert_eq!(timeline.seconds(), 0.1);
        let negative = Timeline::new(rate("1"), vec![-5, i64::MIN, i64::MAX], 3).unwrap();
        assert_eq!(negative.starts, [0, i64::MAX as u64 - 4, u64::MAX]);
        assert_eq!(negative.end, u64::MAX);
        assert!(Timeline::new(rate("1"), vec![], 3).is_none());
    }

    #[test]
    fn a_last_frame_whose_end_is_not_known_is_shown_as_long_as_the_one_before() {
        let end =
            |starts: &[i64], end| Timeline::new(rate("10"), starts.to_vec(), end).unwrap().end;
        assert_eq!(end(&[0, 20], 5), 40);
        assert_eq!(end(&[7, 10, 10], 10), 6);
        assert_eq!(end(&[7], 7), 1);
        assert_eq!(end(&[0, 20], 21), 21);
    }

    /// What the rule says, by looking for each time through all frames.
    fn by_search(durations: &[u64], per_second: u64, most: usize) -> Vec<usize> {
        let end: u64 = durations.iter().sum();
        let shown = |time: f64| {
            let mut begin = 0;
            let begins = durations.iter().map(|duration| {
                begin += duration;
                (begin - duration) as f64
            });
            begins.filter(|begin| *begin <= time).count() - 1
        };
        // Ticks of 1/12 s: all times are whole or halves, so floating point is exact.
        let step = 12.0 / per_second as f64;
        let at_rate: Vec<f64> = (0..)
            .map(|k| k as f64 * step)
            .take_while(|t| *t < end as f64)
            .collect();
        let middle = |k: usize| (2 * k + 1) as f64 * end as f64 / (2 * most) as f64;
        match at_rate.len() <= most {
            true => at_rate.into_iter().map(shown).collect(),
            false => (0..most).map(middle).map(shown).collect(),
        }
    }

    #[test]
    fn every_small_film_is_sampled_by_the_rule() {
        let mut films: Vec<Vec<u64>> = vec![vec![]];
        for _ in 0..5 {
            let longer = films.iter().flat_map(|film| {
                [1, 2, 5, 13].map(|duration| [film.as_slice(), &[duration]].concat())
            });
            films.extend(longer.collect::<Vec<_>>());
            films.sort();
            films.dedup();
        }
        for film in films.iter().filter(|film| !film.is_empty()) {
            let mut end = 0;
            let starts = film.iter().map(|duration| {
                end += *duration as i64;
                end - *duration as i64
            });
            let starts = starts.collect();
            let timeline = Timeline::new(rate("12"), starts, end).unwrap();
            for per_second in [1, 2, 3, 6, 12, 24] {
                for most in [1, 2, 4, 8, 64] {
                    let found = timeline.sample(sampling(&per_second.to_string(), most));
                    assert_eq!(
                        found,
                        by_search(film, per_second, most),
                        "{film:?}, {per_second}, {most}"
                    );
                }
            }
        }
    }
}
