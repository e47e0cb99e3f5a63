//! The figures of a run as a picture.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::prelude::*;

use crate::{Error, Line, Result};

const SIZE: (u32, u32) = (900, 330);
const COLOURS: [RGBColor; 8] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(255, 127, 14),
    RGBColor(23, 160, 170),
    RGBColor(140, 86, 75),
    RGBColor(90, 90, 90),
];

/// One panel: a title and its lines by name.
type Panel = (&'static str, BTreeMap<String, Vec<(f64, f64)>>);

/// Draws losses, those of what is held out, accuracies, gates, gradient norm and learning rate over the steps, one panel
/// each; nothing without lines.
pub(crate) fn draw(path: &Path, lines: &[Line]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    Ok(flamingo_files::write(path, svg(path, lines)?.as_bytes())?)
}

/// The picture; `path` is for messages.
pub(crate) fn svg(path: &Path, lines: &[Line]) -> Result<String> {
    let panels: Vec<Panel> = [
        ("loss (nats)", series(lines, |line| line.losses.clone())),
        (
            "loss of what is held out (nats)",
            series(lines, |line| line.held_out.clone()),
        ),
        (
            "held-out samples that are right word for word",
            series(lines, |line| line.exact.clone()),
        ),
        (
            "pictures that found their text",
            series(lines, |line| line.accuracies.clone()),
        ),
        ("gates (tanh)", series(lines, |line| line.gates.clone())),
        (
            "gradient norm",
            series(lines, |line| {
                BTreeMap::from([("norm".to_owned(), line.norm)])
            }),
        ),
        (
            "learning rate",
            series(lines, |line| {
                BTreeMap::from([("rate".to_owned(), line.rate)])
            }),
        ),
    ]
    .into_iter()
    .filter(|(_, series)| !series.is_empty())
    .collect();
    let size = (SIZE.0, SIZE.1 * panels.len() as u32);
    let mut svg = String::new();
    paint(&mut svg, size, &panels).map_err(|error| Error::Curves {
        path: path.to_path_buf(),
        reason: error.to_string(),
    })?;
    Ok(svg)
}

fn series(
    lines: &[Line],
    values: impl Fn(&Line) -> BTreeMap<String, f64>,
) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in lines {
        for (name, value) in values(line) {
            series
                .entry(name)
                .or_default()
                .push((line.step as f64, value));
        }
    }
    series
}

fn paint(
    svg: &mut String,
    size: (u32, u32),
    panels: &[Panel],
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, (title, series)) in root.split_evenly((panels.len(), 1)).iter().zip(panels) {
        let points = || series.values().flatten();
        let fold = |pick: fn(&(f64, f64)) -> f64| {
            points()
                .map(pick)
                .fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)))
        };
        let ((left, right), (low, high)) = (fold(|p| p.0), fold(|p| p.1));
        let (low, high) = (
            low.min(0.0),
            if high > low.min(0.0) { high } else { low + 1.0 },
        );
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .margin_right(24)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(left..right.max(left + 1.0), low..high)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_label_formatter(&|step| format!("{step:.0}"))
            .x_desc("step")
            .y_label_formatter(&number)
            .draw()?;
        for (index, (name, points)) in series.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            chart
                .draw_series(LineSeries::new(points.iter().copied(), &colour))?
                .label(name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour));
        }
        if series.len() > 1 {
            chart
                .configure_series_labels()
                .background_style(WHITE.mix(0.8))
                .draw()?;
        }
    }
    root.present()?;
    drop(root);
    Ok(())
}

fn number(value: &f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size < 0.01 => format!("{value:.1e}"),
        size if size < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn line(step: u64, loss: f64) -> Line {
        Line {
            step,
            losses: [("pages".to_owned(), loss), ("pairs".to_owned(), 2.0 * loss)].into(),
            gates: [("0 attention".to_owned(), -loss)].into(),
            rate: 1e-3,
            ..Line::default()
        }
    }

    #[test]
    fn every_series_is_drawn_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.svg");
        draw(&path, &[]).unwrap();
        assert!(!path.exists());
        for lines in [
            vec![line(10, 3.0)],
            vec![line(10, 3.0), line(20, 1.5)],
            vec![line(1, 0.0)],
        ] {
            draw(&path, &lines).unwrap();
            let svg = std::fs::read_to_string(&path).unwrap();
            for name in [
                "loss (nats)",
                "pages",
                "pairs",
                "gates (tanh)",
                "gradient norm",
                "learning rate",
            ] {
                assert!(svg.contains(name), "{name}");
            }
        }
    }
}
