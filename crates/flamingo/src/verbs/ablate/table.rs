//! What the rows of an ablation scored, as a table.

use flamingo::eval::statistics;

use super::judge::Score;
use super::spec::Row;

/// A row with a score for each seed.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    pub(super) name: String,
    pub(super) paper: Option<f64>,
    pub(super) scores: Vec<Score>,
}

impl Scored {
    pub(super) fn new(row: &Row, scores: Vec<Score>) -> Self {
        Self {
            name: row.name.clone(),
            paper: row.paper,
            scores,
        }
    }

    fn overall(&self) -> Vec<f64> {
        self.scores.iter().map(Score::overall).collect()
    }
}

/// A table in Markdown: mean and standard deviation over the seeds; and beside them, where a row has one, the paper's
/// figures, each with its distance from that of the first row.
pub(super) fn table(columns: &[&str], rows: &[Scored]) -> String {
    let with_paper = rows.iter().any(|row| row.paper.is_some());
    let mut heads = vec!["row"];
    heads.extend(columns);
    heads.extend(["overall", "to the first"]);
    if with_paper {
        heads.extend(["paper", "to its first"]);
    }
    let mut out = format!(
        "| {} |\n|{}\n",
        heads.join(" | "),
        "---|".repeat(heads.len())
    );
    let Some(first) = rows.first() else {
        return out;
    };
    let base = statistics::mean(&first.overall());
    for row in rows {
        let of_column = |name: &&str| {
            let figures = row.scores.iter().map(|score| score.column(name));
            spread(&figures.collect::<Vec<_>>())
        };
        let overall = row.overall();
        let mut cells = vec![row.name.clone()];
        cells.extend(columns.iter().map(of_column));
        cells.push(spread(&overall));
        cells.push(format!("{:+.1}", statistics::mean(&overall) - base));
        if with_paper {
            let none = || "-".to_owned();
            cells.push(row.paper.map_or_else(none, |paper| format!("{paper:.1}")));
            let lost = row.paper.zip(first.paper);
            cells.push(lost.map_or_else(none, |(own, first)| format!("{:+.1}", own - first)));
        }
        out += &format!("| {} |\n", cells.join(" | "));
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
        let score = |names: f64| {
            Score::new(&[
                ("names", names),
                ("captions", 50.0),
                ("questions", 40.0),
                ("films", 30.0),
            ])
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
        let columns = ["names", "captions", "questions", "films"];
        let table = table(&columns, &rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[2].starts_with("| the model | 82.0 ± 2.8 | 50.0 ± 0.0 | 40.0 ± 0.0 | 30.0 ± 0.0 | 50.5 ± 0.7 | +0.0 | 70.7 | +0.0 |"), "{table}");
        assert_eq!(
            lines[3],
            "| no gate | 70.0 | 50.0 | 40.0 | 30.0 | 47.5 | -3.0 | 66.5 | -4.2 |"
        );
        assert!(lines[4].ends_with("| +0.0 | - | - |"), "{table}");
    }

    #[test]
    fn a_table_of_rows_that_the_paper_has_not_says_nothing_of_it() {
        let row = Scored {
            name: "the model".to_owned(),
            paper: None,
            scores: vec![Score::new(&[("clothing", 50.0), ("grocery", 90.0)])],
        };
        assert_eq!(
            table(&["grocery", "clothing"], &[row]),
            "| row | grocery | clothing | overall | to the first |\n|---|---|---|---|---|\n\
             | the model | 90.0 | 50.0 | 70.0 | +0.0 |\n"
        );
    }
}
