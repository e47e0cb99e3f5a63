//! Random flips and colour changes of training pictures (paper, appendix A.3). Of no use where the
//! features of a frozen encoder are computed once.

use flamingo_image::Image;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// How pictures are changed; the default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// How often left and right are exchanged. Not for captions that say left or right.
    pub flip: f64,
    /// Brightness, contrast and saturation are each multiplied by a number within `1 - colour` and
    /// `1 + colour`.
    pub colour: f64,
}

impl Augment {
    /// The changed picture; all that is random comes from `rng`.
    pub fn apply(&self, image: &Image, rng: &mut impl Rng) -> Image {
        let mut image = image.clone();
        if self.flip > 0.0 && rng.random_bool(self.flip.min(1.0)) {
            for row in image.rgb.chunks_exact_mut(3 * image.width as usize) {
                row.as_chunks_mut::<3>().0.reverse();
            }
            if let Some(alpha) = &mut image.alpha {
                for row in alpha.chunks_exact_mut(image.width as usize) {
                    row.reverse();
                }
            }
        }
        if self.colour > 0.0 {
            let mut factor = || 1.0 + (rng.random::<f64>() * 2.0 - 1.0) * self.colour;
            let [brightness, contrast, saturation] = [factor(), factor(), factor()];
            recolour(
                &mut image,
                brightness as f32,
                contrast as f32,
                saturation as f32,
            );
        }
        image
    }
}

fn recolour(image: &mut Image, brightness: f32, contrast: f32, saturation: f32) {
    let grey =
        |p: &[u8; 3]| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]);
    let pixels = image.rgb.as_chunks_mut::<3>().0;
    let mean = pixels.iter().map(grey).sum::<f32>() / pixels.len().max(1) as f32 * brightness;
    for pixel in pixels {
        let grey = grey(pixel) * brightness;
        for value in pixel {
            let saturated = grey + (f32::from(*value) * brightness - grey) * saturation;
            // `as` clamps to 0 to 255.
            *value = (mean + (saturated - mean) * contrast).round() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream;

    fn image() -> Image {
        Image::from_fn(5, 3, |x, y| [40 * x as u8, 70 * y as u8, 90])
    }

    #[test]
    fn the_default_changes_nothing_and_a_flip_exchanges_left_and_right() {
        let rng = || stream(1, "test", &[]);
        assert_eq!(Augment::default().apply(&image(), &mut rng()), image());
        let flipped = Augment {
            flip: 1.0,
            colour: 0.0,
        }
        .apply(&image(), &mut rng());
        assert_eq!(
            flipped,
            Image::from_fn(5, 3, |x, y| image().pixel(4 - x, y))
        );
    }

    #[test]
    fn colours_move_but_not_far() {
        let augment = Augment {
            flip: 0.0,
            colour: 0.1,
        };
        let changed = augment.apply(&image(), &mut stream(1, "test", &[]));
        assert_ne!(changed, image());
        for (a, b) in changed.rgb.iter().zip(image().rgb) {
            assert!(a.abs_diff(b) < 70, "{a} {b}");
        }
    }
}
