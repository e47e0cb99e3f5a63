//! The figures of runs as HTML.

use std::fmt::Write;

use flamingo_tasks::counted;

use super::chart::{Line, Mark, chart};
use super::published::{fine_tuned, paper_split, published};
use super::read::RunRead;
use crate::diff::{Group, GroupDifference, compare};
use crate::report::escape::escape;
use crate::run::{Ablation, CellResult, Curve, Point};
use crate::statistics::Interval;

pub(super) fn about(runs: &[RunRead]) -> String {
    let mut html = String::new();
    for run in runs {
        let file = &run.results.run;
        let seeds: Vec<String> = file.options.seeds.iter().map(u64::to_string).collect();
        let facts = [
            ("run", run.name()),
            ("model", file.model.clone()),
            ("data", file.data.clone()),
            ("queries", file.queries.to_string()),
            ("supports", file.supports.to_string()),
            ("shots are", file.selection.clone()),
            ("prompts", file.preset.clone()),
            (
                "orders",
                if file.options.ensemble {
                    "up to 6"
                } else {
                    "1"
                }
                .to_owned(),
            ),
            ("seeds", seeds.join(", ")),
            ("program", format!("flamingo {}", file.version)),
        ];
        let fact = |(name, value): &(&str, String)| {
            format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value))
        };
        let facts: String = facts.iter().map(fact).collect();
        let _ = write!(html, "<dl class=\"facts\">{facts}</dl>");
    }
    html
}

/// The numbers of shots of the runs and of what was published.
fn columns(runs: &[RunRead], task: &str) -> Vec<usize> {
    let mut columns: Vec<usize> = runs
        .iter()
        .flat_map(|run| run.results.run.options.shots.clone())
        .collect();
    columns.extend(
        published(task)
            .iter()
            .flat_map(|row| row.figures.iter().map(|(shots, _)| *shots)),
    );
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn shots(count: usize) -> String {
    counted(count, "shot")
}

fn task(runs: &[RunRead]) -> &str {
    &runs[0].results.run.task
}

fn label(run: &RunRead, runs: &[RunRead]) -> String {
    match runs.len() {
        1 => "this run".to_owned(),
        _ => escape(&run.name()),
    }
}

/// The headline beside published figures.
pub(super) fn scores(runs: &[RunRead]) -> String {
    let task = task(runs);
    let columns = columns(runs, task);
    let mut html = String::from("<div class=\"wide\"><table><thead><tr><th scope=\"col\"></th>");
    for &count in &columns {
        let _ = write!(html, "<th scope=\"col\">{}</th>", shots(count));
    }
    html.push_str("<th scope=\"col\">source</th></tr></thead><tbody>");
    for run in runs {
        for curve in &run.results.curves {
            let name = match curve.ablation {
                None => format!("<strong>{}</strong>", label(run, runs)),
                Some(ablation) => format!("&emsp;{ablation}"),
            };
            let _ = write!(html, "<tr><th scope=\"row\">{name}</th>");
            for &count in &columns {
                let point = curve.points.iter().find(|point| point.shots == count);
                let text = point.map_or_else(String::new, |point| of_point(run, curve, point));
                let _ = write!(html, "<td>{text}</td>");
            }
            html.push_str("<td class=\"source\">measured</td></tr>");
        }
    }
    for row in published(task) {
        let _ = write!(
            html,
            "<tr class=\"beside\"><th scope=\"row\">{}</th>",
            row.model
        );
        for &count in &columns {
            let figure = row.figures.iter().find(|(shots, _)| *shots == count);
            let text = figure.map_or_else(String::new, |(_, value)| format!("{value:.1}"));
            let _ = write!(html, "<td>{text}</td>");
        }
        let _ = write!(html, "<td class=\"source\">{}</td></tr>", row.source);
    }
    html.push_str("</tbody></table></div>");
    if let Some((value, source)) = fine_tuned(task) {
        let _ = write!(
            html,
            "<p>Fine-tuned on the whole training set: {value:.1} ({source}).</p>"
        );
    }
    if let Some(split) = paper_split(task) {
        let _ = write!(
            html,
            "<p>The paper scores the split <em>{split}</em>; figures of another split or of a part of the queries \
             stand beside it for orientation only.</p>"
        );
    }
    html
}

fn of_point(run: &RunRead, curve: &Curve, point: &Point) -> String {
    if point.seeds > 1 {
        return format!(
            "{:.1} <span class=\"error\">±{:.1}</span>",
            point.mean, point.deviation
        );
    }
    match cell(run, curve.ablation, point.shots).and_then(|cell| cell.interval) {
        Some(Interval { low, high }) => {
            format!(
                "{:.1} <span class=\"error\">[{low:.1}, {high:.1}]</span>",
                point.mean
            )
        }
        None => format!("{:.1}", point.mean),
    }
}

fn cell(run: &RunRead, ablation: Option<Ablation>, shots: usize) -> Option<&CellResult> {
    let mut cells = run.results.cells.iter();
    cells.find(|cell| (cell.cell.ablation, cell.cell.shots) == (ablation, shots))
}

/// The curves over shots, with what was published beside them.
pub(super) fn curves(runs: &[RunRead]) -> String {
    let mut lines = Vec::new();
    let mut series = 0;
    for run in runs {
        for curve in &run.results.curves {
            let name = match curve.ablation {
                None => label(run, runs),
                Some(ablation) => ablation.to_string(),
            };
            let mark = |point: &Point| match point.seeds {
                1 => Mark {
                    place: point.shots,
                    value: point.mean,
                    bar: cell(run, curve.ablation, point.shots)
                        .and_then(|cell| cell.interval)
                        .map(|interval| (interval.low, interval.high)),
                },
                _ => Mark::with_deviation(point.shots, point.mean, point.deviation),
            };
            lines.push(Line {
                name,
                series: Some(series),
                dashed: curve.ablation.is_some(),
                points: curve.points.iter().map(mark).collect(),
            });
            series += 1;
        }
    }
    for row in published(task(runs)) {
        lines.push(Line {
            name: row.model.to_owned(),
            series: None,
            dashed: false,
            points: row
                .figures
                .iter()
                .map(|(shots, value)| Mark::with_deviation(*shots, *value, 0.0))
                .collect(),
        });
    }
    let title = "The headline over the numbers of shots; the figures are those of the table above";
    chart(&lines, title, &shots)
}

/// Three figures after VL-ICL.
pub(super) fn icl(runs: &[RunRead]) -> String {
    let mut rows = String::new();
    for run in runs {
        for curve in &run.results.curves {
            let Some(icl) = curve.icl else { continue };
            let name = match curve.ablation {
                None => label(run, runs),
                Some(ablation) => format!("&emsp;{ablation}"),
            };
            let _ = write!(
                rows,
                "<tr><th scope=\"row\">{name}</th><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td></tr>",
                icl.zero_shot, icl.peak, icl.efficiency
            );
        }
    }
    if rows.is_empty() {
        return "<p>These need a run with 0 shots and another number.</p>".to_owned();
    }
    format!(
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\"></th><th scope=\"col\">zero-shot</th>\
         <th scope=\"col\">peak</th><th scope=\"col\">ICL efficiency, %</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// How many answers stay when something is taken from the prompts.
pub(super) fn controls(runs: &[RunRead]) -> String {
    let mut rows = String::new();
    for run in runs {
        for (cell, samples) in &run.cells {
            let Some(ablation) = cell.ablation else {
                continue;
            };
            let plain = crate::Cell {
                ablation: None,
                ..*cell
            };
            let Some(plain) = run.cells.get(&plain) else {
                continue;
            };
            let (whole, taken) = (Group::of(cell, plain), Group::of(cell, samples));
            let compared = compare(cell.to_string(), &whole, &taken);
            let answers = compared.samples
                - compared
                    .changed
                    .iter()
                    .filter(|c| c.first != c.second)
                    .count();
            let _ = write!(
                rows,
                "<tr><th scope=\"row\">{}{ablation}, {}, seed {}</th><td>{:.1}%</td>{}</tr>",
                match runs.len() {
                    1 => String::new(),
                    _ => format!("{}: ", escape(&run.name())),
                },
                shots(cell.shots),
                cell.seed,
                100.0 * answers as f64 / compared.samples.max(1) as f64,
                tested(&compared)
            );
        }
    }
    if rows.is_empty() {
        return "<p>The run has no ablations: <code>--ablate blank,swap-shot-images</code> adds them.</p>".to_owned();
    }
    format!(
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">taken from the prompts</th>\
         <th scope=\"col\">same answer</th><th scope=\"col\">score whole</th><th scope=\"col\">without</th>\
         <th scope=\"col\">difference</th><th scope=\"col\">95%</th><th scope=\"col\">p</th></tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

/// Paired tests of the first run and the others.
pub(super) fn tests(runs: &[RunRead], others: &[Group]) -> String {
    let mut rows = String::new();
    let first = &runs[0];
    let mut row = |name: String, compared: &GroupDifference| {
        let changed = compared.changed.len();
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{changed} of {}</td>{}</tr>",
            escape(&name),
            compared.samples,
            tested(compared)
        );
    };
    for run in &runs[1..] {
        for (cell, samples) in &run.cells {
            let Some(own) = first.cells.get(cell) else {
                continue;
            };
            let compared = compare(
                String::new(),
                &Group::of(cell, own),
                &Group::of(cell, samples),
            );
            row(format!("{}, {cell}", run.name()), &compared);
        }
    }
    for other in others {
        for (cell, own) in first
            .cells
            .iter()
            .filter(|(cell, _)| cell.ablation.is_none())
        {
            let compared = compare(String::new(), &Group::of(cell, own), other);
            if compared.samples > 0 {
                row(format!("{} against {cell}", other.name), &compared);
            }
        }
    }
    if rows.is_empty() {
        return "<p>There is one run on this page: <code>flamingo eval report A B</code> compares several.</p>"
            .to_owned();
    }
    format!(
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">against {}</th><th scope=\"col\">changed</th>\
         <th scope=\"col\">score there</th><th scope=\"col\">here</th><th scope=\"col\">difference</th>\
         <th scope=\"col\">95%</th><th scope=\"col\">p</th></tr></thead><tbody>{rows}</tbody></table></div>",
        escape(&first.name())
    )
}

/// Both scores, their difference, its interval and p.
fn tested(compared: &GroupDifference) -> String {
    let score =
        |score: Option<f64>| score.map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
    let both = format!(
        "<td>{}</td><td>{}</td>",
        score(compared.first),
        score(compared.second)
    );
    match &compared.test {
        Some(test) => format!(
            "{both}<td>{:+.3}</td><td>[{:+.3}, {:+.3}]</td><td>{}</td>",
            test.difference,
            test.interval.low,
            test.interval.high,
            match test.p < 0.001 {
                true => "&lt;0.001".to_owned(),
                false => format!("{:.3}", test.p),
            }
        ),
        None => format!("{both}<td>-</td><td>-</td><td>-</td>"),
    }
}

/// All metrics of all cells.
pub(super) fn metrics(runs: &[RunRead]) -> String {
    let mut html = String::new();
    for run in runs {
        let names: Vec<&str> = match run
            .results
            .cells
            .iter()
            .find(|cell| !cell.metrics.is_empty())
        {
            Some(cell) => cell
                .metrics
                .iter()
                .map(|metric| metric.name.as_str())
                .collect(),
            None => continue,
        };
        html.push_str("<div class=\"wide\"><table>");
        if runs.len() > 1 {
            let _ = write!(html, "<caption>{}</caption>", label(run, runs));
        }
        html.push_str("<thead><tr><th scope=\"col\">cell</th>");
        for name in &names {
            let _ = write!(html, "<th scope=\"col\">{}</th>", escape(name));
        }
        html.push_str(
            "<th scope=\"col\">samples</th><th scope=\"col\">no answer</th></tr></thead><tbody>",
        );
        for cell in &run.results.cells {
            let _ = write!(html, "<tr><th scope=\"row\">{}</th>", cell.cell);
            for name in &names {
                let metric = cell.metrics.iter().find(|metric| metric.name == *name);
                let value = metric.and_then(|metric| metric.value);
                let _ = write!(
                    html,
                    "<td>{}</td>",
                    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
                );
            }
            let _ = write!(
                html,
                "<td>{}</td><td>{}</td></tr>",
                cell.samples, cell.failed
            );
        }
        html.push_str("</tbody></table></div>");
    }
    html
}

pub(super) fn notes(runs: &[RunRead]) -> String {
    let errors = runs.iter().flat_map(|run| {
        run.results
            .cells
            .iter()
            .filter_map(|cell| cell.error.as_ref())
    });
    let notes = runs
        .iter()
        .flat_map(|run| run.results.notes.iter())
        .chain(errors);
    let notes: String = notes
        .map(|note| format!("<li>{}</li>", escape(note)))
        .collect();
    match notes.is_empty() {
        true => String::new(),
        false => format!("<h2>What to know of the figures</h2><ul>{notes}</ul>"),
    }
}
