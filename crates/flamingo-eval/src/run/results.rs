//! What came of a run: scores with their intervals, by cell and over seeds.

use std::collections::BTreeMap;
use std::fmt;

use flamingo_tasks::counted;
use serde::{Deserialize, Serialize};

use super::ablation::Ablation;
use super::asking::reply;
use super::example::{Judge, Judgement, Reply, Value};
use super::folder::RunFile;
use super::plan::Cell;
use super::sample::Sample;
use crate::statistics::{Interval, bootstrap, bootstrap_mean, deviation, mean};

/// Causes of missing answers that are told by name.
const TOLD: usize = 5;

/// The results of a run: its `results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What was run.
    pub run: RunFile,
    /// A figure for each cell.
    pub cells: Vec<CellResult>,
    /// The headline over the seeds.
    pub curves: Vec<Curve>,
    /// What to know of the figures.
    pub notes: Vec<String>,
}

/// The figures of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// Which cell.
    #[serde(flatten)]
    pub cell: Cell,
    /// Samples.
    pub samples: usize,
    /// Samples without an answer, which the metrics leave out.
    pub failed: usize,
    /// The metrics, the headline first.
    pub metrics: Vec<Value>,
    /// Of the headline, by resampling.
    pub interval: Option<Interval>,
    /// Why there is no metric.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// The headline over the numbers of shots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What is taken from the prompts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ablation: Option<Ablation>,
    /// Its points, by shots.
    pub points: Vec<Point>,
    /// What the shots teach, if there is a point without shots and others.
    pub icl: Option<Icl>,
}

/// The headline at a number of shots.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// How many shots.
    pub shots: usize,
    /// The mean over the seeds.
    pub mean: f64,
    /// The standard deviation over the seeds; 0 for one.
    pub deviation: f64,
    /// How many seeds.
    pub seeds: usize,
}

/// Three figures after VL-ICL (Zong et al., 2024), the last by a definition of ours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Icl {
    /// The score without shots.
    pub zero_shot: f64,
    /// The highest score.
    pub peak: f64,
    /// The area between the curve and the score without shots, over the numbers of shots, as a share of the area
    /// below 100: how much the shots teach on the way, in per cent of what could be had.
    pub efficiency: f64,
}

impl Curve {
    /// The curve of an ablation from the cells' headlines.
    fn of(ablation: Option<Ablation>, cells: &[CellResult]) -> Option<Self> {
        let mut by_shots: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| cell.cell.ablation == ablation) {
            if let Some(value) = cell.metrics.first().and_then(|metric| metric.value) {
                by_shots.entry(cell.cell.shots).or_default().push(value);
            }
        }
        let points: Vec<Point> = by_shots
            .into_iter()
            .map(|(shots, values)| Point {
                shots,
                mean: mean(&values),
                deviation: deviation(&values),
                seeds: values.len(),
            })
            .collect();
        let icl = icl(&points);
        (!points.is_empty()).then_some(Self {
            ablation,
            points,
            icl,
        })
    }
}

fn icl(points: &[Point]) -> Option<Icl> {
    let (first, last) = (points.first()?, points.last()?);
    if first.shots != 0 || last.shots == 0 {
        return None;
    }
    let trapezoid = |pair: &[Point]| {
        let width = (pair[1].shots - pair[0].shots) as f64;
        width * ((pair[0].mean + pair[1].mean) / 2.0 - first.mean)
    };
    let area: f64 = points.windows(2).map(trapezoid).sum();
    Some(Icl {
        zero_shot: first.mean,
        peak: points
            .iter()
            .map(|point| point.mean)
            .fold(f64::MIN, f64::max),
        efficiency: 100.0 * area / (last.shots as f64 * 100.0),
    })
}

/// The results of gathered samples, which get their answers and scores.
pub(super) fn results(
    run: RunFile,
    cells: &mut BTreeMap<Cell, Vec<Sample>>,
    judge: &dyn Judge,
) -> Results {
    let mut notes = Vec::new();
    let mut figures = Vec::new();
    for (cell, samples) in cells.iter_mut() {
        let (figure, told) = cell_result(*cell, samples, judge);
        figures.push(figure);
        for note in told {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    let failed: usize = figures.iter().map(|cell| cell.failed).sum();
    if failed > 0 {
        let samples: usize = figures.iter().map(|cell| cell.samples).sum();
        notes.push(format!(
            "{failed} of {} {}:",
            counted(samples, "sample"),
            match failed {
                1 => "has no answer and is left out",
                _ => "have no answer and are left out",
            }
        ));
        notes.extend(causes(cells));
    }
    let ablations = run.options.ablations.iter().copied().map(Some);
    let curves = std::iter::once(None).chain(ablations);
    Results {
        curves: curves
            .filter_map(|ablation| Curve::of(ablation, &figures))
            .collect(),
        cells: figures,
        run,
        notes,
    }
}

/// The first causes by name, and how often each came.
fn causes(cells: &BTreeMap<Cell, Vec<Sample>>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for error in cells
        .values()
        .flatten()
        .filter_map(|sample| sample.error.as_deref())
    {
        *counts.entry(error).or_default() += 1;
    }
    let mut told: Vec<String> = counts
        .iter()
        .take(TOLD)
        .map(|(error, count)| format!("  {count} x {error}"))
        .collect();
    if counts.len() > TOLD {
        told.push(format!("  and {} other causes", counts.len() - TOLD));
    }
    told
}

/// The figures of a cell, and what to know of them; its samples get their answers and scores.
fn cell_result(cell: Cell, samples: &mut [Sample], judge: &dyn Judge) -> (CellResult, Vec<String>) {
    let answered: Vec<(usize, Reply)> = samples
        .iter()
        .enumerate()
        .filter(|(_, sample)| sample.error.is_none())
        .map(|(query, sample)| (query, reply(sample)))
        .collect();
    let replies: Vec<(usize, &Reply)> = answered
        .iter()
        .map(|(query, reply)| (*query, reply))
        .collect();
    let mut result = CellResult {
        cell,
        samples: samples.len(),
        failed: samples.len() - answered.len(),
        metrics: Vec::new(),
        interval: None,
        error: None,
    };
    match judge.judge(&replies) {
        Ok(judgement) => {
            for ((query, _), (answer, score)) in replies.iter().zip(&judgement.samples) {
                samples[*query].answer.clone_from(answer);
                samples[*query].score = *score;
            }
            result.interval = interval(&judgement, &replies, judge, cell.seed);
            result.metrics = judgement.metrics;
            (result, judgement.notes)
        }
        Err(error) => {
            for (query, reply) in &replies {
                samples[*query].answer = judge.answer(reply);
            }
            result.error = Some(error);
            (result, Vec::new())
        }
    }
}

/// The interval of the headline: of the mean of the samples' own scores where it is that, else of what the judge says
/// of each draw.
fn interval(
    judgement: &Judgement,
    replies: &[(usize, &Reply)],
    judge: &dyn Judge,
    seed: u64,
) -> Option<Interval> {
    /// Some benchmarks round to two places.
    const ROUNDED: f64 = 0.005_1;
    let headline = judgement.metrics.first()?.value?;
    let scores = judgement
        .samples
        .iter()
        .map(|(_, score)| score.map(|score| score * 100.0));
    if let Some(scores) = scores.collect::<Option<Vec<f64>>>()
        && (mean(&scores) - headline).abs() < ROUNDED
    {
        return bootstrap_mean(&scores, seed);
    }
    bootstrap(replies.len(), seed, &|drawn| {
        let drawn: Vec<(usize, &Reply)> = drawn.iter().map(|&at| replies[at]).collect();
        judge.judge(&drawn).ok()?.metrics.first()?.value
    })
}

const LABEL: usize = 24;
const COLUMN: usize = 22;

/// The headline by shots, a line for each ablation; below it the three figures of the shots, and notes.
impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics = self.cells.iter().find_map(|cell| cell.metrics.first());
        let metric = metrics.map_or("no metric", |metric| metric.name.as_str());
        let shots = &self.run.options.shots;
        write!(f, "{:<LABEL$}", format!("{}: {metric}", self.run.task))?;
        for count in shots {
            let label = counted(*count, "shot");
            write!(f, "{label:>COLUMN$}")?;
        }
        for curve in &self.curves {
            let label = match curve.ablation {
                None => "  score".to_owned(),
                Some(ablation) => format!("  {ablation}"),
            };
            write!(f, "\n{label:<LABEL$}")?;
            for count in shots {
                let point = curve.points.iter().find(|point| point.shots == *count);
                let text =
                    point.map_or_else(String::new, |point| self.point(curve.ablation, point));
                write!(f, "{text:>COLUMN$}")?;
            }
        }
        writeln!(f)?;
        if let Some(Icl {
            zero_shot,
            peak,
            efficiency,
        }) = self.curves.first().and_then(|curve| curve.icl)
        {
            writeln!(
                f,
                "\nzero-shot {zero_shot:.1}, peak {peak:.1}, ICL efficiency {efficiency:.1}%"
            )?;
        }
        let queries = self.run.queries;
        write!(
            f,
            "{}, {}, {}",
            counted(queries, "query"),
            counted(self.run.supports, "support"),
            match self.run.options.seeds.len() {
                1 => "one seed; [95% interval by resampling the queries]".to_owned(),
                seeds => format!("{seeds} seeds; ± standard deviation over the seeds"),
            }
        )?;
        let errors = self.cells.iter().filter_map(|cell| cell.error.as_ref());
        for note in self.notes.iter().chain(errors) {
            write!(f, "\n{note}")?;
        }
        Ok(())
    }
}

impl Results {
    fn point(&self, ablation: Option<Ablation>, point: &Point) -> String {
        if point.seeds > 1 {
            return format!("{:.1} ±{:.1}", point.mean, point.deviation);
        }
        let cell = self
            .cells
            .iter()
            .find(|cell| (cell.cell.ablation, cell.cell.shots) == (ablation, point.shots));
        match cell.and_then(|cell| cell.interval) {
            Some(Interval { low, high }) => format!("{:.1} [{low:.0}, {high:.0}]", point.mean),
            None => format!("{:.1}", point.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_three_figures_of_a_curve_are_those_of_its_area() {
        let point = |shots, mean| Point {
            shots,
            mean,
            deviation: 0.0,
            seeds: 1,
        };
        // Between 0 and 4 shots the curve climbs by 40, then stays: area 80 + 160 of 8 x 100.
        let figures = icl(&[point(0, 20.0), point(4, 60.0), point(8, 60.0)]).unwrap();
        assert_eq!((figures.zero_shot, figures.peak), (20.0, 60.0));
        assert!((figures.efficiency - 30.0).abs() < 1e-12, "{figures:?}");
        assert_eq!(icl(&[point(4, 60.0), point(8, 60.0)]), None);
        assert_eq!(icl(&[point(0, 60.0)]), None);
    }
}
