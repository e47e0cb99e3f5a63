//! Films: frames at a steady rate, and the frames a model is shown.

use crate::error::{Error, Result};
use crate::picture::Image;

/// Frames in the order of time, all of one size, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Film {
    /// The frames.
    pub frames: Vec<Image>,
    /// Frames per second.
    pub fps: f32,
}

impl Film {
    /// A film of these frames. `name` stands for the film in errors.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrames`], [`Error::FrameRate`] or [`Error::FrameSize`].
    pub fn new(frames: Vec<Image>, fps: f32, name: &str) -> Result<Self> {
        if !(fps.is_finite() && fps > 0.0) {
            return Err(Error::FrameRate { fps });
        }
        let Some(first) = frames.first() else {
            return Err(Error::NoFrames {
                name: name.to_owned(),
            });
        };
        for (at, frame) in frames.iter().enumerate() {
            let frame_name = || format!("frame {} of {name}", at + 1);
            same_size(first, || format!("frame 1 of {name}"), frame, frame_name)?;
        }
        Ok(Self { frames, fps })
    }

    /// How long the film runs, in seconds.
    pub fn seconds(&self) -> f32 {
        self.frames.len() as f32 / self.fps
    }
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

/// The frames of a film to show a model: at `fps` frames per second from the film's start, at most
/// `max_frames`. The paper takes 8 at 1 per second in training and 30 at 3 per second afterwards.
///
/// A film whose own rate is lower gives all its frames, none of them twice. If `max_frames` is
/// less than that, as many are taken evenly: the film is cut into `max_frames` equal stretches and
/// each gives its middle frame. An `fps` that is no positive number means the film's own rate.
pub fn sample_frames(film: &Film, fps: f32, max_frames: usize) -> Vec<Image> {
    let indices = sample_indices(film.frames.len(), film.fps, fps, max_frames);
    indices
        .into_iter()
        .map(|index| film.frames[index].clone())
        .collect()
}

fn sample_indices(frames: usize, film_fps: f32, fps: f32, max_frames: usize) -> Vec<usize> {
    let step = f64::from(film_fps) / f64::from(fps);
    // Written so that a NaN, too, means the film's own rate.
    let step = if step.is_finite() && step > 1.0 {
        step
    } else {
        1.0
    };
    // A rate such as 29.97 or 1/0.1 must not lose a frame to rounding.
    let wanted = ((frames as f64 / step - 1e-6).ceil() as usize).clamp(1.min(frames), frames);
    if wanted <= max_frames {
        let index = |k: usize| ((k as f64 * step + 1e-6) as usize).min(frames - 1);
        (0..wanted).map(index).collect()
    } else {
        let middle = |k: usize| (2 * k + 1) * frames / (2 * max_frames);
        (0..max_frames).map(middle).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn frames_are_taken_at_the_rate_asked_for() {
        assert_eq!(sample_indices(11, 5.0, 1.0, 8), [0, 5, 10]);
        assert_eq!(sample_indices(10, 5.0, 1.0, 8), [0, 5]);
        assert_eq!(sample_indices(7, 3.0, 2.0, 8), [0, 1, 3, 4, 6]);
        assert_eq!(sample_indices(1, 5.0, 1.0, 8), [0]);
    }

    #[test]
    fn a_slow_film_gives_every_frame_once() {
        assert_eq!(sample_indices(5, 1.0, 3.0, 30), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_long_film_is_spread_evenly_over_the_frames_allowed() {
        assert_eq!(sample_indices(100, 10.0, 1.0, 5), [10, 30, 50, 70, 90]);
        assert_eq!(sample_indices(7, 1.0, 1.0, 3), [1, 3, 5]);
        assert_eq!(sample_indices(7, 1.0, 1.0, 1), [3]);
        assert!(sample_indices(7, 1.0, 1.0, 0).is_empty());
    }

    #[test]
    fn a_rate_that_is_no_number_means_the_films_own() {
        for fps in [f32::NAN, 0.0, -3.0, f32::INFINITY] {
            assert_eq!(sample_indices(3, 5.0, fps, 8), [0, 1, 2], "{fps}");
        }
    }

    #[test]
    fn indices_rise_and_stay_inside_for_all_small_cases() {
        for frames in 1..40 {
            for (film_fps, fps) in [(29.97, 1.0), (10.0, 3.0), (24.0, 24.0), (12.5, 7.0)] {
                for max_frames in 1..12 {
                    let indices = sample_indices(frames, film_fps, fps, max_frames);
                    assert!(!indices.is_empty() && indices.len() <= max_frames);
                    assert!(
                        indices.windows(2).all(|pair| pair[0] < pair[1]),
                        "{indices:?}"
                    );
                    assert!(indices.iter().all(|&index| index < frames));
                }
            }
        }
    }

    #[test]
    fn frames_of_two_sizes_are_refused_by_name() {
        let frames = vec![Image::solid(2, 3, [0; 3]), Image::solid(3, 2, [0; 3])];
        let error = Film::new(frames, 1.0, "pig.gif").unwrap_err().to_string();
        assert!(
            error.starts_with("frame 2 of pig.gif is 3x2 but frame 1 of pig.gif is 2x3"),
            "{error}"
        );
        assert!(Film::new(vec![], 1.0, "x").is_err());
        assert!(Film::new(vec![Image::solid(2, 3, [0; 3])], 0.0, "x").is_err());
    }

    #[test]
    fn a_sampled_film_is_made_of_its_frames() {
        let frames = (0..6).map(|k| Image::solid(2, 3, [k; 3])).collect();
        let film = Film::new(frames, 2.0, "x").unwrap();
        let reds: Vec<u8> = sample_frames(&film, 1.0, 8)
            .iter()
            .map(|f| f.rgb[0])
            .collect();
        assert_eq!(reds, [0, 2, 4]);
        assert_eq!(film.seconds(), 3.0);
    }
}
