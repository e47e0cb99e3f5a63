//! Curves over the numbers of shots, as SVG.

use std::fmt::Write;

use crate::report::escape::escape;

/// Width and height in SVG units, and the margins: left, right, top, bottom.
const SIZE: (f64, f64) = (830.0, 380.0);
const MARGINS: (f64, f64, f64, f64) = (52.0, 260.0, 18.0, 40.0);
/// Between labels of lines that end side by side.
const LABEL: f64 = 16.0;

/// A line of a chart.
pub(crate) struct Line {
    /// Beside its end.
    pub(crate) name: String,
    /// Which colour: 0 and 1 are runs; none for what stands beside for comparison.
    pub(crate) series: Option<usize>,
    /// Whether it is dashed.
    pub(crate) dashed: bool,
    /// In the order of their places.
    pub(crate) points: Vec<Mark>,
}

/// A value of a line.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    /// On the axis.
    pub(crate) place: usize,
    pub(crate) value: f64,
    /// From where to where its bar goes.
    pub(crate) bar: Option<(f64, f64)>,
}

impl Mark {
    /// A value that has a deviation: 0 for none.
    pub(crate) fn with_deviation(place: usize, value: f64, deviation: f64) -> Self {
        let bar = (value - deviation, value + deviation);
        Self {
            place,
            value,
            bar: (deviation > 0.0).then_some(bar),
        }
    }

    fn high(&self) -> f64 {
        self.bar.map_or(self.value, |(_, high)| high)
    }
}

/// Lines over places that stand side by side; `name` calls a place. Values are per cent, or whatever has no bound.
pub(crate) fn chart(lines: &[Line], label: &str, name: &dyn Fn(usize) -> String) -> String {
    let mut columns: Vec<usize> = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|mark| mark.place))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    let highs = lines
        .iter()
        .flat_map(|line| line.points.iter().map(Mark::high));
    let highest = highs.fold(0.0, f64::max);
    let step = step(highest);
    let top = (highest / step).ceil().max(1.0) * step;
    let scale = Scale { columns, top };
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
        SIZE.0,
        SIZE.1,
        escape(label)
    );
    axes(&mut svg, &scale, step, name);
    for line in lines {
        draw(&mut svg, &scale, line);
    }
    names(&mut svg, &scale, lines);
    svg + "</svg>"
}

struct Scale {
    columns: Vec<usize>,
    top: f64,
}

impl Scale {
    fn x(&self, place: usize) -> f64 {
        let at = self
            .columns
            .iter()
            .position(|&column| column == place)
            .unwrap_or(0);
        let steps = self.columns.len().saturating_sub(1).max(1);
        MARGINS.0 + (SIZE.0 - MARGINS.0 - MARGINS.1) * at as f64 / steps as f64
    }

    fn y(&self, value: f64) -> f64 {
        MARGINS.2 + (SIZE.1 - MARGINS.2 - MARGINS.3) * (1.0 - value.clamp(0.0, self.top) / self.top)
    }
}

/// A round distance of four or five lines.
fn step(highest: f64) -> f64 {
    let steps = [
        0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0,
    ];
    steps
        .into_iter()
        .find(|step| highest <= step * 5.0)
        .unwrap_or(500.0)
}

fn axes(svg: &mut String, scale: &Scale, step: f64, name: &dyn Fn(usize) -> String) {
    let lines = (scale.top / step).round() as usize;
    for line in 0..=lines {
        let value = step * line as f64;
        let y = scale.y(value);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            MARGINS.0,
            SIZE.0 - MARGINS.1,
            MARGINS.0 - 10.0,
            y + 4.0
        );
    }
    for &place in &scale.columns {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            scale.x(place),
            SIZE.1 - 14.0,
            escape(&name(place))
        );
    }
}

fn draw(svg: &mut String, scale: &Scale, line: &Line) {
    let class = match line.series {
        Some(series) => format!("series-{}", series % 6),
        None => "beside".to_owned(),
    };
    let dashes = if line.dashed {
        " stroke-dasharray=\"5 5\""
    } else {
        ""
    };
    let points: Vec<String> = line
        .points
        .iter()
        .map(|mark| format!("{:.1},{:.1}", scale.x(mark.place), scale.y(mark.value)))
        .collect();
    let _ = write!(
        svg,
        "<g class=\"{class}\"><polyline class=\"line\"{dashes} points=\"{}\"/>",
        points.join(" ")
    );
    for Mark { place, value, bar } in &line.points {
        let (x, y) = (scale.x(*place), scale.y(*value));
        if let Some((low, high)) = bar {
            let (high, low) = (scale.y(*high), scale.y(*low));
            let _ = write!(
                svg,
                "<line class=\"error\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{high:.1}\" y2=\"{low:.1}\"/>"
            );
        }
        let _ = write!(
            svg,
            "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{}: {value:.1}</title></circle>",
            escape(&line.name)
        );
    }
    svg.push_str("</g>");
}

/// Names beside the ends, moved apart where lines end side by side.
fn names(svg: &mut String, scale: &Scale, lines: &[Line]) {
    let end = |line: &Line| line.points.last().map(|mark| scale.y(mark.value));
    let mut ends: Vec<(f64, &Line)> = lines
        .iter()
        .filter_map(|line| Some((end(line)?, line)))
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for at in 1..ends.len() {
        ends[at].0 = ends[at].0.max(ends[at - 1].0 + LABEL);
    }
    // What was pushed out below is pulled up again.
    let mut floor = SIZE.1 - MARGINS.3 + LABEL / 2.0;
    for (y, _) in ends.iter_mut().rev() {
        *y = y.min(floor);
        floor = *y - LABEL;
    }
    for (y, line) in ends {
        let class = match line.series {
            Some(_) => "name",
            None => "note",
        };
        let _ = write!(
            svg,
            "<text class=\"{class}\" x=\"{}\" y=\"{:.1}\">{}</text>",
            SIZE.0 - MARGINS.1 + 12.0,
            y + 4.0,
            escape(&line.name)
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_bar_goes_from_the_low_end_to_the_high_end_and_sets_the_axis() {
        let mark = Mark {
            place: 0,
            value: 66.7,
            bar: Some((0.0, 100.0)),
        };
        let line = Line {
            name: "a".into(),
            series: Some(0),
            dashed: false,
            points: vec![mark],
        };
        let svg = chart(&[line], "curves", &|shots| shots.to_string());
        let (top, bottom) = (MARGINS.2, SIZE.1 - MARGINS.3);
        let bar = format!("y1=\"{top:.1}\" y2=\"{bottom:.1}\"");
        assert!(svg.contains(&bar), "{svg}");
        assert!(
            svg.contains(">100</text>") && !svg.contains(">125</text>"),
            "{svg}"
        );
    }

    #[test]
    fn names_of_lines_that_end_at_one_place_stand_apart() {
        let line = |name: &str, value| Line {
            name: name.into(),
            series: None,
            dashed: false,
            points: [(0, 1.0), (4, value)]
                .map(|(place, value)| Mark::with_deviation(place, value, 0.0))
                .into(),
        };
        let svg = chart(
            &[
                line("<a>", 3.0),
                line("b", 3.0),
                line("c", 0.0),
                line("d", 0.0),
            ],
            "curves",
            &|shots| format!("{shots} shots"),
        );
        assert!(svg.contains("&lt;a&gt;") && !svg.contains("<a>"));
        let heights: Vec<f64> = svg
            .split("class=\"note\"")
            .skip(1)
            .map(|rest| {
                let rest = rest.split_once(" y=\"").unwrap().1;
                rest.split_once('"').unwrap().0.parse().unwrap()
            })
            .collect();
        assert_eq!(heights.len(), 4);
        assert!(
            heights
                .windows(2)
                .all(|pair| pair[1] - pair[0] >= LABEL - 0.11),
            "{heights:?}"
        );
    }
}
