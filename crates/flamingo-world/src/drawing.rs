//! A drawing with transparency, and how it is laid turned and scaled onto a canvas.

/// A square drawing with premultiplied alpha, 0 to 255.
#[derive(Debug)]
pub(crate) struct Drawing {
    side: usize,
    rgba: Vec<[f32; 4]>,
}

/// Where a drawing goes: all lengths in pixels of the canvas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    /// Centre, from the left.
    pub(crate) x: f32,
    /// Centre, from the top.
    pub(crate) y: f32,
    /// Side of the drawing before it is turned.
    pub(crate) size: f32,
    /// Clockwise, in radians.
    pub(crate) turn: f32,
    /// Mirrored left to right.
    pub(crate) flip: bool,
}

/// A square picture under way: red, green, blue from 0 to 255.
pub(crate) struct Canvas {
    pub(crate) side: usize,
    pub(crate) rgb: Vec<[f32; 3]>,
}

impl Drawing {
    /// Decodes one of the embedded PNG files.
    pub(crate) fn from_png(bytes: &[u8]) -> Self {
        let image = image::load_from_memory_with_format(bytes, image::ImageFormat::Png)
            .expect("the embedded drawings are PNG files")
            .to_rgba8();
        assert_eq!(image.width(), image.height(), "a drawing is square");
        let premultiply = |[r, g, b, a]: [u8; 4]| {
            let alpha = f32::from(a) / 255.0;
            let [r, g, b] = [r, g, b].map(|value| f32::from(value) * alpha);
            [r, g, b, f32::from(a)]
        };
        Self {
            side: image.width() as usize,
            rgba: image.pixels().map(|pixel| premultiply(pixel.0)).collect(),
        }
    }

    /// The share of the square that the drawing covers.
    #[cfg(test)]
    pub(crate) fn coverage(&self) -> f32 {
        self.rgba.iter().map(|pixel| pixel[3]).sum::<f32>() / (255.0 * self.rgba.len() as f32)
    }

    /// Adds `weight` times the bilinear sample at `(x, y)`, in pixels, to `sum`; nothing outside.
    fn sample(&self, x: f32, y: f32, weight: f32, sum: &mut [f32; 4]) {
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, bottom_share) = (x - left, y - top);
        let corners = [
            (0, 0, (1.0 - right_share) * (1.0 - bottom_share)),
            (1, 0, right_share * (1.0 - bottom_share)),
            (0, 1, (1.0 - right_share) * bottom_share),
            (1, 1, right_share * bottom_share),
        ];
        let limit = 0..self.side as isize;
        for (dx, dy, share) in corners {
            let (column, row) = (left as isize + dx, top as isize + dy);
            if limit.contains(&column) && limit.contains(&row) {
                let pixel = self.rgba[row as usize * self.side + column as usize];
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += weight * share * value;
                }
            }
        }
    }
}

impl Canvas {
    /// Lays the drawing over what is there.
    ///
    /// Each pixel is the mean of a grid of bilinear samples, as many as the drawing has pixels under
    /// it: shrunken drawings do not alias.
    pub(crate) fn lay(&mut self, drawing: &Drawing, at: Placement) {
        let scale = drawing.side as f32 / at.size;
        let steps = (scale.ceil() as usize).max(1);
        let (sin, cos) = at.turn.sin_cos();
        let reach = at.size * std::f32::consts::FRAC_1_SQRT_2 + 1.0;
        let half = drawing.side as f32 / 2.0;
        let weight = 1.0 / (steps * steps) as f32;
        for row in self.span(at.y, reach) {
            for column in self.span(at.x, reach) {
                let mut sum = [0.0; 4];
                for step in 0..steps * steps {
                    let inside = |k: usize| (k as f32 + 0.5) / steps as f32;
                    let dx = column as f32 + inside(step % steps) - at.x;
                    let dy = row as f32 + inside(step / steps) - at.y;
                    let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
                    let u = if at.flip { -u } else { u };
                    drawing.sample(half + u * scale, half + v * scale, weight, &mut sum);
                }
                let below = 1.0 - sum[3] / 255.0;
                for (pixel, above) in self.rgb[row * self.side + column].iter_mut().zip(sum) {
                    *pixel = *pixel * below + above;
                }
            }
        }
    }

    /// The rows or columns within `reach` of `centre`.
    fn span(&self, centre: f32, reach: f32) -> std::ops::Range<usize> {
        let end = (centre + reach).ceil().clamp(0.0, self.side as f32);
        (centre - reach).floor().clamp(0.0, end) as usize..end as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left half opaque red, right half opaque blue.
    fn two_colours() -> Drawing {
        let pixel = |at: usize| match at % 12 < 6 {
            true => [255.0, 0.0, 0.0, 255.0],
            false => [0.0, 0.0, 255.0, 255.0],
        };
        Drawing {
            side: 12,
            rgba: (0..144).map(pixel).collect(),
        }
    }

    fn laid(at: Placement) -> Canvas {
        let mut canvas = Canvas {
            side: 17,
            rgb: vec![[0.0, 100.0, 0.0]; 289],
        };
        canvas.lay(&two_colours(), at);
        canvas
    }

    const AT: Placement = Placement {
        x: 8.5,
        y: 8.5,
        size: 8.0,
        turn: 0.0,
        flip: false,
    };

    fn near(pixel: [f32; 3], wanted: [f32; 3]) -> bool {
        pixel.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-2)
    }

    #[test]
    fn a_drawing_covers_its_square_and_nothing_else() {
        let canvas = laid(AT);
        let at = |x: usize, y: usize| canvas.rgb[y * 17 + x];
        assert!(near(at(6, 8), [255.0, 0.0, 0.0]), "{:?}", at(6, 8));
        assert!(near(at(10, 8), [0.0, 0.0, 255.0]));
        assert!(near(at(2, 8), [0.0, 100.0, 0.0]));
        assert!(near(at(8, 14), [0.0, 100.0, 0.0]));
    }

    #[test]
    fn a_quarter_turn_brings_the_left_half_to_the_top() {
        let canvas = laid(Placement {
            turn: std::f32::consts::FRAC_PI_2,
            ..AT
        });
        assert!(near(canvas.rgb[6 * 17 + 8], [255.0, 0.0, 0.0]));
        assert!(near(canvas.rgb[10 * 17 + 8], [0.0, 0.0, 255.0]));
    }

    #[test]
    fn a_flip_exchanges_left_and_right() {
        let canvas = laid(Placement { flip: true, ..AT });
        assert!(near(canvas.rgb[8 * 17 + 6], [0.0, 0.0, 255.0]));
        assert!(near(canvas.rgb[8 * 17 + 10], [255.0, 0.0, 0.0]));
    }

    #[test]
    fn a_drawing_may_hang_over_the_edge() {
        let canvas = laid(Placement {
            x: -1.0,
            y: 18.0,
            ..AT
        });
        assert!(near(canvas.rgb[16 * 17], [0.0, 0.0, 255.0]));
        assert!(near(canvas.rgb[8], [0.0, 100.0, 0.0]));
        laid(Placement { x: 1e6, ..AT });
    }

    #[test]
    fn a_shrunken_drawing_is_the_mean_of_what_it_covers() {
        let canvas = laid(Placement { size: 1.0, ..AT });
        assert!(near(canvas.rgb[8 * 17 + 8], [127.5, 0.0, 127.5]));
    }
}
