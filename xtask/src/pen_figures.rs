//! Figures of a few strokes, each drawn several times by an unsteady pen: characters of no script, that teach a model to
//! compare what is drawn. All come from one seed.

use std::fs;
use std::path::Path;

use anyhow::Context;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pixels of a side.
const SIDE: usize = 105;
const FIGURES: u64 = 1_000;
const DRAWINGS: usize = 6;
/// Points of a curve as it is drawn.
const STEPS: usize = 24;

type Point = [f32; 2];
/// The points that a curve is drawn along, within 0 to 1.
type Stroke = Vec<Point>;

/// Writes a folder for each figure into `folder`.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write(folder: &Path) -> anyhow::Result<usize> {
    for number in 0..FIGURES {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let figure = figure(&mut rng);
        let own = folder.join(format!("figure {number:03}"));
        fs::create_dir_all(&own).with_context(|| format!("cannot create {}", own.display()))?;
        for drawing in 0..DRAWINGS {
            let path = own.join(format!("{drawing}.png"));
            let pixels = drawn(&figure, &mut rng);
            let bytes = png(&pixels).context("cannot write PNG")?;
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(FIGURES as usize * DRAWINGS)
}

/// One to four strokes.
fn figure(rng: &mut ChaCha8Rng) -> Vec<Stroke> {
    let strokes = rng.random_range(1..=4);
    let mut figure: Vec<Stroke> = Vec::new();
    for _ in 0..strokes {
        let points = rng.random_range(2..=5);
        let mut stroke: Stroke = (0..points).map(|_| [rng.random(), rng.random()]).collect();
        // Strokes often begin where another one has a point.
        if let Some(other) = figure.last().filter(|_| rng.random_bool(0.5)) {
            stroke[0] = other[rng.random_range(0..other.len())];
        }
        figure.push(stroke);
    }
    figure
}

/// A figure as one drawing has it: its points shaken, all of it slanted, stretched and moved; black on white, a byte a
/// pixel.
fn drawn(figure: &[Stroke], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let side = SIDE as f32;
    let mut around = |by: f32| rng.random_range(-by..by);
    let (slant, turn) = (around(0.15), around(0.12));
    let scale = [0.68 + around(0.12), 0.68 + around(0.12)];
    let moved = [around(0.06), around(0.06)];
    let reach = (2.6 + around(0.8)) / 2.0;
    let mut place = |[x, y]: Point| {
        let (x, y) = (x - 0.5 + around(0.03), y - 0.5 + around(0.03));
        let (x, y) = (x + slant * y, y + turn * x);
        [
            (0.5 + x * scale[0] + moved[0]) * side,
            (0.5 + y * scale[1] + moved[1]) * side,
        ]
    };
    let curves: Vec<Vec<Point>> = figure
        .iter()
        .map(|stroke| curve(&stroke.iter().map(|point| place(*point)).collect::<Vec<_>>()))
        .collect();
    let mut pixels = vec![255; SIDE * SIDE];
    for (at, pixel) in pixels.iter_mut().enumerate() {
        let centre = [(at % SIDE) as f32 + 0.5, (at / SIDE) as f32 + 0.5];
        let segments = curves.iter().flat_map(|curve| curve.windows(2));
        let near = segments
            .map(|ends| distance(centre, ends[0], ends[1]))
            .fold(f32::MAX, f32::min);
        let ink = (reach + 0.5 - near).clamp(0.0, 1.0);
        *pixel = (255.0 * (1.0 - ink)).round() as u8;
    }
    pixels
}

/// A smooth curve through some points (Catmull-Rom).
fn curve(points: &[Point]) -> Vec<Point> {
    let of = |at: isize| points[at.clamp(0, points.len() as isize - 1) as usize];
    let mut curve = Vec::new();
    for at in 0..points.len() as isize - 1 {
        let [a, b, c, d] = [of(at - 1), of(at), of(at + 1), of(at + 2)];
        for step in 0..=STEPS {
            let t = step as f32 / STEPS as f32;
            curve.push([0, 1].map(|k| {
                let cubic = 3.0 * (b[k] - c[k]) + d[k] - a[k];
                let square = 2.0 * a[k] - 5.0 * b[k] + 4.0 * c[k] - d[k];
                b[k] + 0.5 * t * (c[k] - a[k] + t * (square + t * cubic))
            }));
        }
    }
    curve
}

/// From a point to a segment.
fn distance(point: Point, from: Point, to: Point) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let off = [point[0] - from[0], point[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share = (along[0] * off[0] + along[1] * off[1]) / length.max(1e-9);
    let share = share.clamp(0.0, 1.0);
    (off[0] - share * along[0]).hypot(off[1] - share * along[1])
}

fn png(pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_of_one_figure_are_alike_and_none_is_another() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let [one, two] = [figure(&mut rng), figure(&mut rng)];
        let ink = |figure: &[Stroke], rng: &mut ChaCha8Rng| -> Vec<f32> {
            let pixels = drawn(figure, rng);
            // A coarse grid, so that an unsteady pen does not matter.
            let mut grid = vec![0.0; 49];
            for (at, pixel) in pixels.iter().enumerate() {
                grid[at / SIDE / 15 * 7 + at % SIDE / 15] += f32::from(255 - pixel);
            }
            grid
        };
        let [a, b, c] = [&one, &one, &two].map(|figure| ink(figure, &mut rng));
        let apart = |a: &[f32], b: &[f32]| -> f32 {
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>()
        };
        assert!(a.iter().sum::<f32>() > 0.0);
        assert!(apart(&a, &b) > 0.0 && apart(&a, &b) < apart(&a, &c));
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let points = [[0.0, 0.0], [10.0, 5.0], [3.0, 9.0]];
        let curve = curve(&points);
        for point in points {
            assert!(curve.contains(&point), "{point:?}");
        }
        assert!((distance([1.0, 1.0], [0.0, 0.0], [2.0, 0.0]) - 1.0).abs() < 1e-6);
        assert!((distance([4.0, 0.0], [0.0, 0.0], [2.0, 0.0]) - 2.0).abs() < 1e-6);
    }
}
