//! What of a film is wanted.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::picture::Image;
use crate::preprocess::Preprocess;
use crate::timeline::{Sampling, Timeline};

/// What a reader keeps of a film, so that it need not hold more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Which frames; all without it.
    pub sampling: Option<Sampling>,
    /// Between which seconds, as if these were a film of their own; the whole film without it.
    pub seconds: Option<Range<f64>>,
    /// The encoder that will see them: frames are kept in its size, from which it gets the same
    /// numbers ([`Preprocess::shrunk`]). In their own size without it.
    pub preprocess: Option<Preprocess>,
}

impl Wanted {
    /// These frames, for this encoder.
    pub fn of(sampling: Sampling, preprocess: &Preprocess) -> Self {
        Self {
            sampling: Some(sampling),
            seconds: None,
            preprocess: Some(preprocess.clone()),
        }
    }

    /// A frame in the size that is wanted.
    pub fn frame(&self, frame: Image) -> Image {
        match &self.preprocess {
            Some(preprocess) => preprocess.shrunk(&frame),
            None => frame,
        }
    }

    /// Whether every frame is.
    pub fn is_all(&self) -> bool {
        self.sampling.is_none() && self.seconds.is_none()
    }

    /// The numbers of those of a film's `frames` frames that are wanted, where times may not be
    /// known: each frame then counts as one that was taken at the rate that is wanted.
    ///
    /// # Errors
    ///
    /// [`Error::Behind`] if the seconds begin behind the film's end; `name` stands for the film.
    pub fn numbers(
        &self,
        timeline: Option<&Timeline>,
        frames: usize,
        name: &str,
    ) -> Result<Vec<usize>> {
        let rate = self.sampling.unwrap_or(Sampling::TRAINING).rate;
        let taken = Timeline::steady(rate, frames);
        let Some(timeline) = timeline.or(taken.as_ref()) else {
            return Ok(Vec::new());
        };
        let Some(seconds) = &self.seconds else {
            return Ok(sampled(timeline, self.sampling));
        };
        let part = timeline.part(seconds.start, seconds.end);
        let (first, part) = part.ok_or_else(|| Error::Behind {
            name: name.to_owned(),
            start: seconds.start,
            seconds: timeline.seconds(),
        })?;
        let numbers = sampled(&part, self.sampling);
        Ok(numbers.into_iter().map(|number| first + number).collect())
    }
}

fn sampled(timeline: &Timeline, sampling: Option<Sampling>) -> Vec<usize> {
    match sampling {
        Some(sampling) => timeline.sample(sampling),
        None => (0..timeline.frames()).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Rate;

    fn numbers(seconds: Range<f64>, per_second: &str, frames: usize) -> Vec<usize> {
        let timeline = Timeline::steady(per_second.parse().unwrap(), frames);
        let wanted = |sampling| Wanted {
            sampling,
            seconds: Some(seconds.clone()),
            preprocess: None,
        };
        let all = wanted(None).numbers(timeline.as_ref(), frames, "x");
        let sampling = Some(Sampling {
            rate: Rate::ONE,
            most: 2,
        });
        let some = wanted(sampling).numbers(timeline.as_ref(), frames, "x");
        assert!(
            some.unwrap()
                .iter()
                .all(|k| all.as_ref().unwrap().contains(k))
        );
        all.unwrap()
    }

    #[test]
    fn seconds_of_a_film_are_the_frames_shown_in_them() {
        assert_eq!(numbers(1.0..3.0, "2", 23), [2, 3, 4, 5]);
        assert_eq!(numbers(0.2..0.3, "2", 23), [0]);
        assert_eq!(numbers(0.2..0.6, "2", 23), [0, 1]);
        assert_eq!(numbers(10.9..99.0, "2", 23), [21, 22]);
    }

    #[test]
    fn frames_of_a_stretch_are_sampled_as_those_of_a_film_of_its_own() {
        let timeline = Timeline::steady("4".parse().unwrap(), 40);
        let seen = |seconds: Range<f64>, most| -> Vec<usize> {
            let wanted = Wanted {
                sampling: Some(Sampling {
                    rate: Rate::ONE,
                    most,
                }),
                seconds: Some(seconds),
                preprocess: None,
            };
            wanted.numbers(timeline.as_ref(), 40, "x").unwrap()
        };
        assert_eq!(seen(2.0..5.0, 8), [8, 12, 16]);
        assert_eq!(seen(2.1..3.0, 8), [8]);
        assert_eq!(seen(2.0..6.0, 2), [12, 20]);
    }

    #[test]
    fn seconds_behind_the_end_are_refused_with_both() {
        let timeline = Timeline::steady("2".parse().unwrap(), 23);
        let wanted = Wanted {
            seconds: Some(11.6..12.0),
            ..Wanted::default()
        };
        let error = wanted.numbers(timeline.as_ref(), 23, "a.mp4").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("a.mp4 ends at 11.5 s, before second 11.6"),
            "{error}"
        );
    }
}
