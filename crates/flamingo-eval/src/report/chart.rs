//! The curve over shots, as SVG.

use std::fmt::Write;

use flamingo_world::Pictures;

use crate::table::{binding_columns, binding_rows, row_label, shots_label};
use crate::{BindingFigure, Share};

/// Width and height in SVG units, and the margins: left, right, top, bottom.
const SIZE: (f64, f64) = (680.0, 340.0);
const MARGINS: (f64, f64, f64, f64) = (52.0, 150.0, 18.0, 40.0);

/// Places of shots and accuracies in the drawing.
struct Scale {
    columns: Vec<usize>,
}

impl Scale {
    fn x(&self, shots: usize) -> f64 {
        let at = self
            .columns
            .iter()
            .position(|&column| column == shots)
            .unwrap_or(0);
        let steps = self.columns.len().saturating_sub(1).max(1);
        MARGINS.0 + (SIZE.0 - MARGINS.0 - MARGINS.1) * at as f64 / steps as f64
    }

    fn y(&self, accuracy: f64) -> f64 {
        MARGINS.2 + (SIZE.1 - MARGINS.2 - MARGINS.3) * (1.0 - accuracy)
    }

    fn right(&self) -> f64 {
        SIZE.0 - MARGINS.1
    }
}

/// Accuracy over shots: a line for each number of names, its chance dashed, the controls as marks.
pub(super) fn binding(figures: &[BindingFigure]) -> String {
    let scale = Scale {
        columns: binding_columns(figures),
    };
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Accuracy over shots of each \
         thing; the figures are those of the table above\">",
        SIZE.0, SIZE.1
    );
    axes(&mut svg, &scale);
    let rows = binding_rows(figures);
    let real = rows.iter().filter(|row| row.1 == Pictures::Real);
    for (series, &(names, _)) in real.enumerate() {
        let _ = write!(svg, "<g class=\"series-{series}\">");
        chance(&mut svg, &scale, 1.0 / names as f64);
        for pictures in [Pictures::Blank, Pictures::ShuffledLabels] {
            let row = figures
                .iter()
                .filter(|f| f.names == names && f.pictures == pictures);
            row.for_each(|figure| control(&mut svg, &scale, figure));
        }
        let of = |f: &&BindingFigure| f.names == names && f.pictures == Pictures::Real;
        let of_row: Vec<&BindingFigure> = figures.iter().filter(of).collect();
        class_mean(&mut svg, &scale, &of_row);
        line(&mut svg, &scale, &of_row, series);
        svg.push_str("</g>");
    }
    svg + "</svg>"
}

fn axes(svg: &mut String, scale: &Scale) {
    for percent in [0, 25, 50, 75, 100] {
        let (y, left, right) = (
            scale.y(f64::from(percent) / 100.0),
            MARGINS.0,
            scale.right(),
        );
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y}\" y2=\"{y}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{percent}%</text>",
            left - 10.0,
            y + 4.0
        );
    }
    for &shots in &scale.columns {
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            scale.x(shots),
            SIZE.1 - 14.0,
            shots_label(shots)
        );
    }
}

fn chance(svg: &mut String, scale: &Scale, chance: f64) {
    let (y, left, right) = (scale.y(chance), MARGINS.0, scale.right());
    let _ = write!(
        svg,
        "<line class=\"chance\" x1=\"{left}\" x2=\"{right}\" y1=\"{y}\" y2=\"{y}\"/>\
         <text class=\"note\" x=\"{}\" y=\"{}\">chance {:.0}%</text>",
        right + 12.0,
        y + 4.0,
        chance * 100.0
    );
}

/// A hollow square for blank pictures, a cross for shuffled labels.
fn control(svg: &mut String, scale: &Scale, figure: &BindingFigure) {
    let (x, y) = (
        scale.x(figure.shots_each),
        scale.y(figure.accuracy.accuracy()),
    );
    let title = title(figure);
    let _ = match figure.pictures {
        Pictures::Blank => write!(
            svg,
            "<rect class=\"control\" x=\"{}\" y=\"{}\" width=\"9\" height=\"9\">{title}</rect>",
            x - 4.5,
            y - 4.5
        ),
        _ => write!(
            svg,
            "<path class=\"control\" d=\"M{} {}l9 9m0 -9l-9 9\">{title}</path>",
            x - 4.5,
            y - 4.5
        ),
    };
}

/// A broken line with hollow circles.
fn class_mean(svg: &mut String, scale: &Scale, figures: &[&BindingFigure]) {
    let place = |figure: &&BindingFigure| {
        let mean = figure.class_mean?;
        Some((scale.x(figure.shots_each), scale.y(mean.accuracy()), mean))
    };
    let points: Vec<(f64, f64, Share)> = figures.iter().filter_map(place).collect();
    if points.is_empty() {
        return;
    }
    let line: Vec<String> = points
        .iter()
        .map(|(x, y, _)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = write!(
        svg,
        "<polyline class=\"mean\" points=\"{}\"/>",
        line.join(" ")
    );
    for (x, y, mean) in points {
        let _ = write!(
            svg,
            "<circle class=\"mean-dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>nearest class mean: {mean}\
             </title></circle>"
        );
    }
}

fn line(svg: &mut String, scale: &Scale, figures: &[&BindingFigure], series: usize) {
    let place = |f: &&BindingFigure| (scale.x(f.shots_each), scale.y(f.accuracy.accuracy()));
    let points: Vec<String> = figures
        .iter()
        .map(place)
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = write!(
        svg,
        "<polyline class=\"line\" points=\"{}\"/>",
        points.join(" ")
    );
    for figure in figures {
        let (x, y) = place(figure);
        let (accuracy, error) = (figure.accuracy.accuracy(), figure.accuracy.standard_error());
        let (high, low) = (scale.y(accuracy + error), scale.y(accuracy - error));
        let _ = write!(
            svg,
            "<line class=\"error\" x1=\"{x}\" x2=\"{x}\" y1=\"{high:.1}\" y2=\"{low:.1}\"/>\
             <circle class=\"dot\" cx=\"{x}\" cy=\"{y:.1}\" r=\"5\">{}</circle>",
            title(figure)
        );
    }
    if let Some(last) = figures.last() {
        let (x, y) = place(last);
        let chance = scale.y(last.chance());
        // Beside the dashed line stands its own label.
        let y = if (y - chance).abs() < 16.0 {
            chance - 16.0
        } else {
            y
        };
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{}\" y=\"{:.1}\">{} names</text>",
            x + 12.0,
            // Two lines may end at one place; those of many names end before.
            y - 4.0 + 16.0 * (series % 2) as f64,
            last.names
        );
    }
}

fn title(figure: &BindingFigure) -> String {
    let row = row_label((figure.names, figure.pictures));
    format!(
        "<title>{row}, {}: {}</title>",
        shots_label(figure.shots_each),
        figure.accuracy
    )
}
