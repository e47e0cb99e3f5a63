//! Films: frames and when they are shown.

use crate::error::{Error, Result};
use crate::picture::Image;
use crate::timeline::{Sampling, Timeline};

/// Frames in the order of time, all of one size, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Film {
    /// The frames.
    pub frames: Vec<Image>,
    /// When each is shown. None where it is not known: each frame then counts as one that was taken
    /// at the rate that a model wants.
    pub timeline: Option<Timeline>,
}

impl Film {
    /// A film of these frames. `name` stands for the film in errors.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrames`] or [`Error::FrameSize`].
    ///
    /// # Panics
    ///
    /// If the timeline is that of another number of frames.
    pub fn new(frames: Vec<Image>, timeline: Option<Timeline>, name: &str) -> Result<Self> {
        let Some(first) = frames.first() else {
            return Err(Error::NoFrames {
                name: name.to_owned(),
            });
        };
        for (at, frame) in frames.iter().enumerate() {
            let frame_name = || format!("frame {} of {name}", at + 1);
            same_size(first, || format!("frame 1 of {name}"), frame, frame_name)?;
        }
        if let Some(timeline) = &timeline {
            assert_eq!(timeline.frames(), frames.len(), "one time for each frame");
        }
        Ok(Self { frames, timeline })
    }

    /// How long the film is, where that is known.
    pub fn seconds(&self) -> Option<f64> {
        self.timeline.as_ref().map(Timeline::seconds)
    }

    /// The frames that a model sees, as a film without times. See [`Timeline::sample`].
    pub fn sampled(mut self, sampling: Sampling) -> Self {
        let timeline = self.timeline.take();
        let numbers = sample(timeline.as_ref(), self.frames.len(), sampling);
        if numbers.iter().copied().ne(0..self.frames.len()) {
            self.frames = numbers.iter().map(|&k| self.frames[k].clone()).collect();
        }
        self
    }
}

/// The numbers of those of a film's frames that a model sees, where times may not be known.
fn sample(timeline: Option<&Timeline>, frames: usize, sampling: Sampling) -> Vec<usize> {
    let taken = Timeline::steady(sampling.rate, frames);
    let timeline = timeline.or(taken.as_ref());
    timeline.map_or_else(Vec::new, |timeline| timeline.sample(sampling))
}

/// Refuses a frame of another size than the film's first.
pub(crate) fn same_size(
    first: &Image,
    first_name: impl FnOnce() -> String,
    frame: &Image,
    frame_name: impl FnOnce() -> String,
) -> Result<()> {
    if (first.width, first.height) == (frame.width, frame.height) {
        return Ok(());
    }
    Err(Error::FrameSize {
        name: frame_name(),
        width: frame.width,
        height: frame.height,
        first: first_name(),
        first_width: first.width,
        first_height: first.height,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Rate;

    #[test]
    fn frames_of_two_sizes_are_refused_by_name() {
        let frames = vec![Image::solid(2, 3, [0; 3]), Image::solid(3, 2, [0; 3])];
        let error = Film::new(frames, None, "pig.gif").unwrap_err().to_string();
        assert!(
            error.starts_with("frame 2 of pig.gif is 3x2 but frame 1 of pig.gif is 2x3"),
            "{error}"
        );
        assert!(Film::new(vec![], None, "x").is_err());
    }

    fn reds(film: &Film) -> Vec<u8> {
        film.frames.iter().map(|frame| frame.rgb[0]).collect()
    }

    #[test]
    fn a_sampled_film_is_made_of_its_frames_and_sampled_once() {
        let frames: Vec<_> = (0..6).map(|k| Image::solid(2, 3, [k; 3])).collect();
        let timeline = Timeline::steady("2".parse().unwrap(), 6);
        let film = Film::new(frames, timeline, "x").unwrap();
        assert_eq!(film.seconds(), Some(3.0));
        let sampling = Sampling {
            rate: Rate::ONE,
            most: 8,
        };
        let sampled = film.sampled(sampling);
        assert_eq!(reds(&sampled), [0, 2, 4]);
        assert_eq!(reds(&sampled.sampled(sampling)), [0, 2, 4]);
    }

    #[test]
    fn frames_without_times_are_all_seen_or_spread_evenly() {
        for rate in [Rate::ONE, Rate::THREE] {
            let numbers = |frames, most| sample(None, frames, Sampling { rate, most });
            assert_eq!(numbers(5, 8), [0, 1, 2, 3, 4]);
            assert_eq!(numbers(7, 3), [1, 3, 5]);
            assert!(numbers(0, 3).is_empty());
        }
    }
}
