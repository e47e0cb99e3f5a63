//! RICES: the supports whose pictures look most like the query's (Yang et al., 2022; paper, 3.2 and appendix A.2).
//!
//! Each example has the vector that a frozen image tower makes of its pictures, of length 1; the nearest are those of
//! the highest cosine, found exactly. The vectors lie in a file, so that a picture goes through the tower once.

use flamingo_corpus::towers::{Tower, TowerFailure};
use flamingo_engine::{Engine, MediaSource};
use flamingo_image::{Image, Media, Sampling, Wanted};
use flamingo_sequence::Part;

pub use flamingo_shots::{VectorFile, Vectors, nearest};

use crate::{Error, Result, TaskExample};

/// Pictures that go through a tower at once.
const AT_ONCE: usize = 16;

/// The model's own frozen encoder.
pub struct OwnTower<'a>(pub &'a Engine);

impl Tower for OwnTower<'_> {
    fn embed_images(&mut self, images: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure> {
        Ok(self.0.pooled(images))
    }

    fn embed_texts(&mut self, _: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure> {
        Ok(None)
    }
}

/// The vectors of examples: the mean over an example's pictures and its films' frames. `progress` counts examples.
///
/// # Errors
/// If an example shows nothing, a picture cannot be read, or the tower fails.
pub fn vectors(
    examples: &[TaskExample],
    source: &dyn MediaSource,
    tower: &mut dyn Tower,
    progress: crate::Progress<'_>,
) -> Result<Vectors> {
    let mut all = Vectors::default();
    let wanted = Wanted {
        sampling: Some(Sampling::TRAINING),
        ..Wanted::default()
    };
    let failed =
        |id: &str, error: String| Error::Options(format!("similar shots of {id}: {error}"));
    for chunk in examples.chunks(AT_ONCE) {
        let mut pictures: Vec<Image> = Vec::new();
        let mut counts = Vec::new();
        for example in chunk {
            let before = pictures.len();
            for part in &example.question {
                if let Part::Image(place) | Part::Video(place) = part {
                    pictures.extend(frames(source.media(place, &wanted)?));
                }
            }
            if pictures.len() == before {
                let hint = "it shows no picture: take random shots".to_owned();
                return Err(failed(&example.id, hint));
            }
            counts.push(pictures.len() - before);
        }
        let mut made = Vec::with_capacity(pictures.len());
        for batch in pictures.chunks(AT_ONCE) {
            made.extend(
                tower
                    .embed_images(batch)
                    .map_err(|error| failed(&chunk[0].id, error.to_string()))?,
            );
        }
        let mut rest = &made[..];
        for (example, count) in chunk.iter().zip(counts) {
            let (own, others) = rest.split_at(count);
            rest = others;
            all.push(&mean(own))
                .map_err(|error| failed(&example.id, error))?;
        }
        progress(chunk.len());
    }
    Ok(all)
}

/// The mean of vectors that are brought to length 1 first.
fn mean(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut unit = Vectors::default();
    for vector in vectors {
        // Of one tower, which has one width.
        let _ = unit.push(vector);
    }
    let mut mean = vec![0.0; unit.width];
    for at in 0..unit.len() {
        mean.iter_mut()
            .zip(unit.row(at))
            .for_each(|(sum, v)| *sum += v);
    }
    mean
}

/// A picture, or the frames of a film that a model sees in training.
fn frames(media: Media) -> Vec<Image> {
    match media {
        Media::Image(image) => vec![image],
        Media::Film(film) => film.sampled(Sampling::TRAINING).frames,
    }
}
