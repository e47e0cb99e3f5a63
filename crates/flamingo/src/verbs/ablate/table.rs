//! What the rows of an ablation scored, as a table.

use flamingo::eval::{DemoReport, statistics};
use serde::{Deserialize, Serialize};

/// What a model scored in the demo, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Score {
    /// Names learnt from shots.
    pub(super) names: f64,
    /// Captions word for word.
    pub(super) captions: f64,
    /// Questions and dialogues.
    pub(super) questions: f64,
    /// What things do in films, and questions about films.
    pub(super) films: f64,
}

impl Score {
    pub(super) const COLUMNS: [&'static str; 4] = ["names", "captions", "questions", "films"];

    pub(super) fn of(report: &DemoReport) -> Self {
        let percent = |shares: Vec<f64>| 100.0 * statistics::mean(&shares);
        let names = report
            .binding
            .iter()
            .map(|figure| figure.accuracy.accuracy());
        let captions = report.captions.iter().map(|figure| figure.exact.accuracy());
        let asked = report.questions.iter().filter(|f| !f.is_control());
        let dialogues = report.dialogues.iter().filter(|f| !f.is_control());
        let questions = asked
            .map(|figure| figure.accuracy.accuracy())
            .chain(dialogues.map(|figure| figure.accuracy.accuracy()));
        let of_films = report.film_questions.iter().filter(|f| !f.is_control());
        let films = report.films.iter().map(|figure| figure.accuracy.accuracy());
        let films = films.chain(of_films.map(|figure| figure.accuracy.accuracy()));
        Self {
            names: percent(names.collect()),
            captions: percent(captions.collect()),
            questions: percent(questions.collect()),
            films: percent(films.collect()),
        }
    }

    pub(super) fn columns(&self) -> [f64; 4] {
        [self.names, self.captions, self.questions, self.films]
    }

    /// The mean of the four.
    pub(super) fn overall(&self) -> f64 {
        statistics::mean(&self.columns())
    }
}

/// A row with a score for each seed.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    pub(super) name: String,
    pub(super) paper: Option<f64>,
    pub(super) scores: Vec<Score>,
}

impl Scored {
    fn overall(&self) -> Vec<f64> {
        self.scores.iter().map(Score::overall).collect()
    }
}

/// A table in Markdown: mean and standard deviation over the seeds, and beside them the paper's figures, each with its
/// distance from that of the first row.
pub(super) fn table(rows: &[Scored]) -> String {
    let mut out = format!(
        "| row | {} | overall | to the first | paper | to its first |\n|---|{}\n",
        Score::COLUMNS.join(" | "),
        "---|".repeat(Score::COLUMNS.len() + 4)
    );
    let Some(first) = rows.first() else {
        return out;
    };
    let base = statistics::mean(&first.overall());
    for row in rows {
        let column = |at: usize| -> Vec<f64> {
            row.scores.iter().map(|score| score.columns()[at]).collect()
        };
        let columns: Vec<String> = (0..Score::COLUMNS.len())
            .map(|at| spread(&column(at)))
            .collect();
        let overall = row.overall();
        let paper = row
            .paper
            .map_or("-".to_owned(), |paper| format!("{paper:.1}"));
        let lost = match (row.paper, first.paper) {
            (Some(own), Some(first)) => format!("{:+.1}", own - first),
            _ => "-".to_owned(),
        };
        out += &format!(
            "| {} | {} | {} | {:+.1} | {paper} | {lost} |\n",
            row.name,
            columns.join(" | "),
            spread(&overall),
            statistics::mean(&overall) - base,
        );
    }
    out
}

fn spread(values: &[f64]) -> String {
    let mean = statistics::mean(values);
    match values.len() {
        0 | 1 => format!("{mean:.1}"),
        _ => format!("{mean:.1} ± {:.1}", statistics::deviation(values)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_means_and_spreads_and_their_distances_from_the_first() {
        let score = |names: f64| Score {
            names,
            captions: 50.0,
            questions: 40.0,
            films: 30.0,
        };
        let row = |name: &str, paper, names: &[f64]| Scored {
            name: name.to_owned(),
            paper,
            scores: names.iter().copied().map(score).collect(),
        };
        let rows = [
            row("the model", Some(70.7), &[80.0, 84.0]),
            row("no gate", Some(66.5), &[70.0]),
            row("own", None, &[80.0, 84.0]),
        ];
        let table = table(&rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[2].starts_with("| the model | 82.0 ± 2.8 | 50.0 ± 0.0 | 40.0 ± 0.0 | 30.0 ± 0.0 | 50.5 ± 0.7 | +0.0 | 70.7 | +0.0 |"), "{table}");
        assert_eq!(
            lines[3],
            "| no gate | 70.0 | 50.0 | 40.0 | 30.0 | 47.5 | -3.0 | 66.5 | -4.2 |"
        );
        assert!(lines[4].ends_with("| +0.0 | - | - |"), "{table}");
    }
}
