//! Unit vectors out of towers, and their likeness.

use flamingo_image::Image;

use super::{Tower, TowerError};

/// Unit vectors of pictures.
pub(super) fn images(
    tower: &mut impl Tower,
    images: &[Image],
) -> Result<Vec<Vec<f32>>, TowerError> {
    let vectors = tower.embed_images(images).map_err(TowerError::Failed)?;
    checked(vectors, images.len(), "vectors of pictures")
}

/// Unit vectors of texts, if the tower takes texts.
pub(super) fn texts(
    tower: &mut impl Tower,
    texts: &[String],
) -> Result<Option<Vec<Vec<f32>>>, TowerError> {
    let vectors = tower.embed_texts(texts).map_err(TowerError::Failed)?;
    vectors
        .map(|vectors| checked(vectors, texts.len(), "vectors of texts"))
        .transpose()
}

fn checked(
    mut vectors: Vec<Vec<f32>>,
    expected: usize,
    what: &'static str,
) -> Result<Vec<Vec<f32>>, TowerError> {
    if vectors.len() != expected {
        let found = vectors.len();
        return Err(TowerError::Shape {
            what,
            expected,
            found,
        });
    }
    let length = vectors.first().map_or(0, Vec::len);
    if let Some(other) = vectors.iter().find(|vector| vector.len() != length) {
        return Err(TowerError::Shape {
            what: "the numbers of a vector",
            expected: length,
            found: other.len(),
        });
    }
    vectors.iter_mut().for_each(|vector| normalise(vector));
    Ok(vectors)
}

/// Makes a vector one of length 1; one without a direction becomes zero, which is like nothing.
pub(super) fn normalise(vector: &mut [f32]) {
    let square: f32 = vector.iter().map(|value| value * value).sum();
    let scale = square.sqrt().recip();
    let scale = if scale.is_finite() { scale } else { 0.0 };
    for value in vector {
        *value = if value.is_finite() {
            *value * scale
        } else {
            0.0
        };
    }
}

/// The cosine of two unit vectors.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The vector that is most like one, the first of several, and its likeness.
pub(super) fn nearest(vector: &[f32], others: &[Vec<f32>]) -> Option<(usize, f32)> {
    let likeness = others.iter().map(|other| cosine(vector, other)).enumerate();
    likeness.reduce(|best, next| if next.1 > best.1 { next } else { best })
}
