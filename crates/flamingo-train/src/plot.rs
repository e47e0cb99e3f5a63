//! A run as a page: how far it is, its losses and curves, what was found in its data, its recipe.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use flamingo_data::Report;

use crate::{Error, Line, Recipe, Result, curves};

const PAGE: &str = include_str!("plot.html");
/// The page's name in the run folder.
const FILE: &str = "plot.html";

/// Writes the page of a run, finished or not, into its folder, and gives its path.
///
/// # Errors
/// [`Error::Run`] if the folder holds no run with figures; [`Error::Io`].
pub fn plot(run: &Path) -> Result<PathBuf> {
    let read = |name: &str| {
        let path = run.join(name);
        fs::read_to_string(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::Run {
                folder: run.to_path_buf(),
                problem: format!("it has no {name}: give the run folder of a training"),
            },
            _ => Error::io("read", &path)(source),
        })
    };
    let text = read("recipe.toml")?;
    let recipe = Recipe::from_toml(&text, &run.join("recipe.toml").display().to_string())?;
    let lines: Vec<Line> = read("metrics.jsonl")?
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    // A look at held-out samples before the first step has no losses.
    let first = lines.iter().find(|line| !line.losses.is_empty());
    let (Some(first), Some(last)) = (first, lines.last()) else {
        return Err(Error::Run {
            folder: run.to_path_buf(),
            problem: "it has no figures yet: wait for the first steps".into(),
        });
    };
    let reports: BTreeMap<String, Report> =
        serde_json::from_str(&read("data.json")?).unwrap_or_default();
    let path = run.join(FILE);
    let values = [
        ("title", escape(&recipe.run.display().to_string())),
        ("progress", escape(&progress(&recipe, last))),
        ("losses", losses(&lines, first, last)),
        ("curves", curves::svg(&path, &lines)?),
        ("data", data(&reports)),
        ("summary", format!("{} lines", text.lines().count())),
        ("recipe", escape(&text)),
    ];
    flamingo_files::write(&path, filled(&values).as_bytes())?;
    Ok(path)
}

fn progress(recipe: &Recipe, last: &Line) -> String {
    let steps = recipe.schedule.steps;
    let state = match last.step == steps {
        true => "finished",
        false => "not finished",
    };
    format!(
        "A {} training: {} of {steps} steps, {state}; {:.0} targets a second at the end.",
        recipe.kind(),
        last.step,
        last.targets_per_second
    )
}

/// For each source its loss in the first line and the last, and the least of all.
fn losses(lines: &[Line], first: &Line, last: &Line) -> String {
    let mut names: Vec<&String> = lines.iter().flat_map(|line| line.losses.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut rows = String::new();
    for name in names {
        let of = |line: &Line| line.losses.get(name).copied();
        let least = lines.iter().filter_map(of).fold(f64::INFINITY, f64::min);
        let told = |loss: Option<f64>| loss.map_or("-".to_owned(), |loss| format!("{loss:.4}"));
        let accuracy = last.accuracies.get(name);
        let accuracy = accuracy.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share));
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{least:.4}</td><td>{accuracy}</td></tr>",
            escape(name),
            told(of(first)),
            told(of(last))
        );
    }
    format!(
        "<table><thead><tr><th>source</th><th>step {}</th><th>step {}</th><th>least</th><th>right at the end</th></tr></thead>\
         <tbody>{rows}</tbody></table>",
        first.step, last.step
    )
}

fn data(reports: &BTreeMap<String, Report>) -> String {
    let mut rows = String::new();
    for (name, report) in reports {
        let reasons = report.left_out.iter();
        let reasons = reasons.map(|(reason, count)| format!("{count} x {reason}"));
        let reasons = reasons.collect::<Vec<_>>().join(", ");
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(name),
            report.found,
            report.kept(),
            escape(if reasons.is_empty() { "-" } else { &reasons })
        );
    }
    format!(
        "<table><thead><tr><th>source</th><th>samples</th><th>used</th><th>left out</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

/// The page with each value at its `{{name}}`; values are not searched for names.
fn filled(values: &[(&str, String)]) -> String {
    let mut page = String::new();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the page closes its braces");
        let value = values.iter().find(|(known, _)| *known == name);
        page.push_str(before);
        page.push_str(&value.expect("the page names what there is").1);
        rest = after;
    }
    page + rest
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
