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

/// What examples look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looks {
    /// The vectors of those whose pictures can be read.
    pub vectors: Vectors,
    /// Which examples these are, by number.
    pub examples: Vec<usize>,
    /// The others: number, and why not.
    pub damaged: Vec<(usize, String)>,
}

/// Damaged pictures that are told by name.
const NAMED: usize = 3;

impl Looks {
    /// The examples that these vectors are of.
    pub fn numbers(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().map(|&row| self.examples[row]).collect()
    }

    /// How many cannot be read, and the first of them with the reason.
    pub fn told(&self, examples: &[TaskExample]) -> String {
        let count = self.damaged.len();
        let named = self.damaged.iter().take(NAMED);
        let named: Vec<String> = named
            .map(|(at, error)| format!("{}: {error}", examples[*at].id))
            .collect();
        let more = if count > NAMED { ", .." } else { "" };
        format!(
            "{count} of {} cannot be read ({}{more})",
            examples.len(),
            named.join("; ")
        )
    }
}

/// The vectors of examples: the mean over an example's pictures and its films' frames. `progress` counts examples. One
/// of which a picture cannot be read has none.
///
/// # Errors
/// If an example shows nothing, or the tower fails.
pub fn vectors(
    examples: &[TaskExample],
    source: &dyn MediaSource,
    tower: &mut dyn Tower,
    progress: crate::Progress<'_>,
) -> Result<Looks> {
    let mut all = Looks::default();
    let wanted = Wanted {
        sampling: Some(Sampling::TRAINING),
        ..Wanted::default()
    };
    let failed = |id: &str, error: String| Error::Options(format!("what {id} looks like: {error}"));
    for (number, chunk) in examples.chunks(AT_ONCE).enumerate() {
        let mut pictures: Vec<Image> = Vec::new();
        // The examples of these pictures, and how many each has.
        let mut counts = Vec::new();
        for (example, at) in chunk.iter().zip(number * AT_ONCE..) {
            match shown(example, source, &wanted) {
                Ok(own) if own.is_empty() => {
                    return Err(failed(&example.id, "it shows no picture".to_owned()));
                }
                Ok(own) => {
                    counts.push((at, own.len()));
                    pictures.extend(own);
                }
                Err(error) => all.damaged.push((at, error.to_string())),
            }
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
        for (at, count) in counts {
            let (own, others) = rest.split_at(count);
            rest = others;
            let pushed = all.vectors.push(&mean(own));
            pushed.map_err(|error| failed(&examples[at].id, error))?;
            all.examples.push(at);
        }
        progress(chunk.len());
    }
    Ok(all)
}

/// The pictures of an example, and the frames of its films.
fn shown(
    example: &TaskExample,
    source: &dyn MediaSource,
    wanted: &Wanted,
) -> flamingo_engine::Result<Vec<Image>> {
    let mut pictures = Vec::new();
    for part in &example.question {
        if let Part::Image(place) | Part::Video(place) = part {
            pictures.extend(frames(source.media(place, wanted)?));
        }
    }
    Ok(pictures)
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
