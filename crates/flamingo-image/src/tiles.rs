//! The tiles of a picture: which canvas of squares it is laid on, and at which size
//! (Llama-3.2-Vision's image processor).

/// Rows and columns of squares.
pub type Tiling = [usize; 2];

/// A picture's place on a canvas of squares: its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Canvas {
    /// Rows and columns of the canvas.
    pub(crate) tiling: Tiling,
    /// The width and height that the picture is resized to.
    pub(crate) sides: [u32; 2],
}

impl Canvas {
    /// For a picture of a width and a height on at most `most` squares of side `side`: the canvas that
    /// it has to grow least for, or else to shrink least; of those alike, the smallest. It is not
    /// enlarged beyond one square, whatever the canvas.
    pub(crate) fn of([width, height]: [u32; 2], side: u32, most: usize) -> Self {
        let tiling = tiling([width, height], side, most);
        Self {
            tiling,
            sides: sides([width, height], side, tiling),
        }
    }
}

/// Arithmetic and order are the processor's, whose choices at equal scales depend on both.
fn tiling([width, height]: [u32; 2], side: u32, most: usize) -> Tiling {
    let all = (1..=most).flat_map(|rows| (1..=most / rows).map(move |columns| [rows, columns]));
    let scaled = all.map(|tiling| {
        let [down, across] = tiling.map(|tiles| f64::from(side) * tiles as f64);
        let (down, across) = (down / f64::from(height), across / f64::from(width));
        (tiling, if across > down { down } else { across })
    });
    let scaled: Vec<(Tiling, f64)> = scaled.collect();
    let scales = || scaled.iter().map(|(_, scale)| *scale);
    let grows = scales().filter(|scale| *scale >= 1.0).reduce(f64::min);
    let chosen = grows.or(scales().reduce(f64::max)).unwrap_or(1.0);
    let alike = scaled.iter().filter(|(_, scale)| *scale == chosen);
    let smallest = alike.min_by_key(|([rows, columns], _)| rows * columns);
    smallest.map_or([1, 1], |(tiling, _)| *tiling)
}

fn sides([width, height]: [u32; 2], side: u32, [rows, columns]: Tiling) -> [u32; 2] {
    let [most_wide, most_high] = [columns, rows].map(|tiles| side * tiles as u32);
    let (wide, high) = (width.clamp(side, most_wide), height.clamp(side, most_high));
    let across = f64::from(wide) / f64::from(width);
    let down = f64::from(high) / f64::from(height);
    let scaled = |length: u32, scale: f64, most: u32| {
        ((f64::from(length) * scale).floor() as u32).clamp(1, most)
    };
    match across < down {
        true => [wide, scaled(height, across, high)],
        false => [scaled(width, down, wide), high],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canvases_and_sizes_are_those_of_the_processor() {
        let of = |width, height| {
            let canvas = Canvas::of([width, height], 560, 4);
            (canvas.tiling, canvas.sides)
        };
        assert_eq!(of(560, 560), ([1, 1], [560, 560]));
        assert_eq!(of(100, 100), ([1, 1], [560, 560]));
        assert_eq!(of(640, 480), ([1, 2], [640, 480]));
        assert_eq!(of(1120, 560), ([1, 2], [1120, 560]));
        assert_eq!(of(560, 1120), ([2, 1], [560, 1120]));
        assert_eq!(of(1024, 768), ([2, 2], [1024, 768]));
        assert_eq!(of(4000, 3000), ([2, 2], [1120, 840]));
        assert_eq!(of(1, 20_000), ([4, 1], [1, 2240]));
        let small = Canvas::of([9, 11], 28, 4);
        assert_eq!((small.tiling, small.sides), ([1, 1], [22, 28]));
    }

    #[test]
    fn a_picture_fits_its_canvas_and_the_canvas_is_one_that_may_be() {
        for (width, height) in [
            (1, 1),
            (7, 300),
            (300, 7),
            (41, 43),
            (130, 40),
            (5000, 4999),
        ] {
            for most in 1..=6 {
                let canvas = Canvas::of([width, height], 42, most);
                let [rows, columns] = canvas.tiling;
                assert!(rows * columns <= most);
                let [wide, high] = canvas.sides;
                assert!((1..=42 * columns as u32).contains(&wide));
                assert!((1..=42 * rows as u32).contains(&high));
            }
        }
    }
}
