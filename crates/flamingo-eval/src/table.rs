//! The figures as a table for the terminal.

use std::fmt;

use flamingo_world::{Pictures, ROUNDS};

use crate::binding::pictures_word;
use crate::captions::split_word;
use crate::questions::{CELLS, cell_label};
use crate::{BindingFigure, DemoReport, Share};

pub(crate) const CELL: usize = 13;

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_binding(f)?;
        writeln!(
            f,
            "\n{:<32}{:>CELL$}{:>CELL$}",
            "captions, no shots", "exact name", "group"
        )?;
        for figure in &self.captions {
            let things = format!("  {} things", split_word(figure.things));
            writeln!(
                f,
                "{things:<32}{:>CELL$}{:>CELL$}",
                figure.exact, figure.group
            )?;
        }
        let of = |figures: &[crate::QuestionFigure]| {
            let shares = figures.iter().map(|figure| figure.accuracy).collect();
            (figures[0].kind.word(), shares)
        };
        let questions = self.questions.chunks(CELLS.len()).map(of);
        rows(f, "questions", &CELLS.map(cell_label), questions)?;
        let dialogues = self.dialogues.chunks(ROUNDS).map(|row| {
            let shares = row.iter().map(|figure| figure.accuracy).collect();
            (pictures_word(row[0].pictures), shares)
        });
        let rounds: Vec<String> = (1..=ROUNDS).map(|k| format!("question {k}")).collect();
        rows(f, "dialogues, no shots, pictures", &rounds, dialogues)?;
        writeln!(f, "\n{:<32}{:>CELL$}", "films, no shots", "motion")?;
        for figure in &self.films {
            let things = format!("  {} things", split_word(figure.things));
            writeln!(f, "{things:<32}{:>CELL$}", figure.accuracy)?;
        }
        let of = |figures: &[crate::FilmQuestionFigure]| {
            let shares = figures.iter().map(|figure| figure.accuracy).collect();
            (figures[0].kind.word(), shares)
        };
        let questions = self.film_questions.chunks(CELLS.len()).map(of);
        rows(
            f,
            "questions about films",
            &CELLS.map(cell_label),
            questions,
        )?;
        let queries = self.binding.first().map_or(0, |figure| figure.queries);
        write!(
            f,
            "\n{queries} queries a figure, ± standard error; {:.0} s in all",
            self.seconds
        )
    }
}

/// Rows of the binding table: names and pictures, with the figures by number of shots.
pub(crate) fn binding_rows(figures: &[BindingFigure]) -> Vec<(usize, Pictures)> {
    let mut rows: Vec<(usize, Pictures)> = Vec::new();
    for figure in figures {
        if !rows.contains(&(figure.names, figure.pictures)) {
            rows.push((figure.names, figure.pictures));
        }
    }
    rows
}

/// The numbers of shots that occur, rising: the columns of the binding table.
pub(crate) fn binding_columns(figures: &[BindingFigure]) -> Vec<usize> {
    let mut columns: Vec<usize> = figures.iter().map(|figure| figure.shots_each).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// The figure of a row and column.
pub(crate) fn binding_cell(
    figures: &[BindingFigure],
    row: (usize, Pictures),
    shots_each: usize,
) -> Option<&BindingFigure> {
    figures
        .iter()
        .find(|f| (f.names, f.pictures) == row && f.shots_each == shots_each)
}

/// `no shots`, `1 of each`.
pub(crate) fn shots_label(shots_each: usize) -> String {
    match shots_each {
        0 => "no shots".to_owned(),
        n => format!("{n} of each"),
    }
}

/// `2 names`, `5 names, blank pictures`.
pub(crate) fn row_label((names, pictures): (usize, Pictures)) -> String {
    match pictures {
        Pictures::Real => format!("{names} names"),
        Pictures::Blank => format!("{names} names, {} pictures", pictures_word(pictures)),
        Pictures::ShuffledLabels => format!("{names} names, shuffled labels"),
    }
}

impl DemoReport {
    fn fmt_binding(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = binding_columns(&self.binding);
        write!(f, "{:<32}", "new names for held-out things")?;
        for &shots in &columns {
            write!(f, "{:>CELL$}", shots_label(shots))?;
        }
        writeln!(f, "{:>CELL$}", "chance")?;
        for row in binding_rows(&self.binding) {
            write!(f, "{:<32}", format!("  {}", row_label(row)))?;
            for &shots in &columns {
                match binding_cell(&self.binding, row, shots) {
                    Some(figure) => write!(f, "{:>CELL$}", figure.accuracy)?,
                    None => write!(f, "{:>CELL$}", "")?,
                }
            }
            writeln!(f, "{:>CELL$}", format!("{:.0}%", 100.0 / row.0 as f64))?;
        }
        Ok(())
    }
}

/// A part of the table: its title over the names of its rows, a column for each of `head`.
fn rows<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    head: &[String],
    rows: impl Iterator<Item = (&'a str, Vec<Share>)>,
) -> fmt::Result {
    write!(f, "\n{title:<32}")?;
    for column in head {
        write!(f, "{column:>CELL$}")?;
    }
    writeln!(f)?;
    for (name, shares) in rows {
        write!(f, "{:<32}", format!("  {name}"))?;
        for share in shares {
            write!(f, "{share:>CELL$}")?;
        }
        writeln!(f)?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use flamingo_world::{FilmQuestion, Pictures, QuestionKind, ROUNDS, Split};

    use crate::questions::CELLS;
    use crate::{
        BindingFigure, CaptionFigure, DemoReport, DialogueFigure, FilmFigure, FilmQuestionFigure,
        QuestionFigure, Share, binding_cells,
    };

    /// A report of made-up figures.
    pub(crate) fn report() -> DemoReport {
        let share = |right| Share { right, queries: 40 };
        let binding = binding_cells()
            .into_iter()
            .zip(20..)
            .map(|(cell, right)| BindingFigure {
                names: cell.names,
                shots_each: cell.shots_each,
                pictures: cell.pictures,
                accuracy: share(right),
                class_mean: None,
                label: None,
                queries: 40,
            });
        let captions = [(Split::HeldIn, 31), (Split::HeldOut, 0)];
        let caption = |(things, right)| CaptionFigure {
            things,
            exact: share(right),
            group: share(37),
        };
        let questions = QuestionKind::ALL.into_iter().flat_map(|kind| {
            let figure = move |(shots, pictures)| QuestionFigure {
                kind,
                shots,
                pictures,
                accuracy: share(13 + shots),
            };
            CELLS.map(figure)
        });
        let dialogue = |pictures| {
            (1..=ROUNDS).map(move |round| DialogueFigure {
                round,
                pictures,
                accuracy: share(30 + round),
            })
        };
        let film_questions = FilmQuestion::ALL.into_iter().flat_map(|kind| {
            let figure = move |(shots, pictures)| FilmQuestionFigure {
                kind,
                shots,
                pictures,
                accuracy: share(19 + shots),
            };
            CELLS.map(figure)
        });
        DemoReport {
            binding: binding.collect(),
            captions: captions.map(caption).into(),
            questions: questions.collect(),
            dialogues: [Pictures::Real, Pictures::Blank]
                .into_iter()
                .flat_map(dialogue)
                .collect(),
            film_questions: film_questions.collect(),
            films: vec![FilmFigure {
                things: Split::HeldOut,
                accuracy: share(40),
            }],
            seconds: 17.4,
        }
    }

    #[test]
    fn the_table_for_the_terminal() {
        insta::assert_snapshot!(report());
    }

    #[test]
    fn the_json_has_the_documented_keys_and_plain_numbers() {
        let json = serde_json::to_value(report()).expect("plain data");
        assert_eq!(
            json["binding"][0].to_string(),
            r#"{"names":2,"shots_each":0,"pictures":"real","accuracy":0.5,"queries":40}"#
        );
        assert_eq!(
            json["captions"][1].to_string(),
            r#"{"things":"held-out","exact":0.0,"group":0.925}"#
        );
        assert_eq!(
            json["questions"][1].to_string(),
            r#"{"kind":"count","shots":4,"pictures":"real","accuracy":0.425}"#
        );
        assert_eq!(
            json["films"][0].to_string(),
            r#"{"things":"held-out","accuracy":1.0}"#
        );
        assert_eq!(json["seconds"], 17.4);
    }
}
