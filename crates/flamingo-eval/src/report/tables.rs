//! The figures as HTML tables.

use std::fmt::Write;

use flamingo_world::ROUNDS;

use super::about::About;
use super::escape::escape;
use crate::binding::pictures_word;
use crate::naming::lines as naming_lines;
use crate::questions::{CELLS, cell_label};
use crate::table::{binding_cell, binding_columns, binding_rows, row_label, shots_label};
use crate::{
    BindingFigure, CaptionFigure, DialogueFigure, FilmFigure, FilmQuestionFigure, QuestionFigure,
    Share,
};

/// What ran, as a list of facts.
pub(super) fn about(about: &About, seconds: f64) -> String {
    let options = &about.options;
    let facts_of_run = [
        ("model", about.model.clone()),
        (
            "parameters",
            format!("{:.2} million", about.parameters as f64 / 1e6),
        ),
        ("device", about.device.clone()),
        ("queries", format!("{} a figure", options.queries)),
        ("seed", options.seed.to_string()),
        ("time", format!("{seconds:.0} s")),
        ("program", format!("flamingo {}", about.version)),
    ];
    facts(&facts_of_run)
}

/// Names with their values.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let fact = |(name, value): &(&str, String)| {
        format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value))
    };
    format!(
        "<dl class=\"facts\">{}</dl>",
        facts.iter().map(fact).collect::<String>()
    )
}

/// As [`binding`], with the class mean and both weighed below each row of real pictures.
pub(super) fn naming(figures: &[BindingFigure]) -> String {
    let columns = binding_columns(figures);
    let rows = binding_rows(figures).into_iter().flat_map(|row| {
        let lines = naming_lines(row).into_iter();
        let columns = &columns;
        lines.map(move |(name, shown)| {
            let cells = columns.iter().map(|&shots| {
                let figure = binding_cell(figures, row, shots);
                let shown = figure.and_then(shown).as_ref().map(share);
                shown.unwrap_or_else(|| "<td></td>".to_owned())
            });
            let chance = format!("<td class=\"chance\">{:.0}%</td>", 100.0 / row.0 as f64);
            (name, cells.chain([chance]).collect())
        })
    });
    table("Share of right names", &binding_head(&columns), rows)
}

fn binding_head(columns: &[usize]) -> Vec<String> {
    let mut head = vec!["names".to_owned()];
    head.extend(columns.iter().map(|&shots| shots_label(shots)));
    head.push("chance".to_owned());
    head
}

pub(super) fn binding(figures: &[BindingFigure]) -> String {
    let columns = binding_columns(figures);
    let rows = binding_rows(figures).into_iter().map(|row| {
        let cells = columns
            .iter()
            .map(|&shots| match binding_cell(figures, row, shots) {
                Some(figure) => share(&figure.accuracy),
                None => "<td></td>".to_owned(),
            });
        let chance = format!("<td class=\"chance\">{:.0}%</td>", 100.0 / row.0 as f64);
        (row_label(row), cells.chain([chance]).collect())
    });
    table("Share of right names", &binding_head(&columns), rows)
}

pub(super) fn captions(figures: &[CaptionFigure]) -> String {
    let head = ["things", "exact name", "right group"].map(str::to_owned);
    let rows = figures.iter().map(|figure| {
        let things = crate::captions::split_word(figure.things).to_owned();
        (things, share(&figure.exact) + &share(&figure.group))
    });
    table("Share of right captions without shots", &head, rows)
}

pub(super) fn questions(figures: &[QuestionFigure]) -> String {
    let rows = figures.chunks(CELLS.len()).map(|row| {
        let cells = row.iter().map(|figure| share(&figure.accuracy)).collect();
        (row[0].kind.word().to_owned(), cells)
    });
    let head = question_head();
    table(
        "Share of right answers, in content and in form",
        &head,
        rows,
    )
}

pub(super) fn film_questions(figures: &[FilmQuestionFigure]) -> String {
    let rows = figures.chunks(CELLS.len()).map(|row| {
        let cells = row.iter().map(|figure| share(&figure.accuracy)).collect();
        (row[0].kind.word().to_owned(), cells)
    });
    table("Share of right answers about films", &question_head(), rows)
}

fn question_head() -> Vec<String> {
    let cells = CELLS.map(cell_label);
    ["question".to_owned()].into_iter().chain(cells).collect()
}

pub(super) fn dialogues(figures: &[DialogueFigure]) -> String {
    let rounds = (1..=ROUNDS).map(|round| format!("question {round}"));
    let head: Vec<String> = ["picture".to_owned()].into_iter().chain(rounds).collect();
    let rows = figures.chunks(ROUNDS).map(|row| {
        let cells = row.iter().map(|figure| share(&figure.accuracy)).collect();
        (pictures_word(row[0].pictures).to_owned(), cells)
    });
    table("Share of right answers in dialogues", &head, rows)
}

pub(super) fn films(figures: &[FilmFigure]) -> String {
    let head = ["things", "motion"].map(str::to_owned);
    let rows = figures.iter().map(|figure| {
        (
            crate::captions::split_word(figure.things).to_owned(),
            share(&figure.accuracy),
        )
    });
    table("Share of right motions without shots", &head, rows)
}

/// A cell: the percentage with its standard error, and a bar as long as it.
fn share(share: &Share) -> String {
    format!(
        "<td style=\"--share:{:.3}\"><span class=\"value\">{:.1}%</span> <span class=\"error\">±{:.1}</span></td>",
        share.accuracy(),
        share.accuracy() * 100.0,
        share.standard_error() * 100.0
    )
}

fn table(caption: &str, head: &[String], rows: impl Iterator<Item = (String, String)>) -> String {
    let mut html = format!("<div class=\"wide\"><table><caption>{caption}</caption><thead><tr>");
    for cell in head {
        let _ = write!(html, "<th scope=\"col\">{cell}</th>");
    }
    html.push_str("</tr></thead><tbody>");
    for (name, cells) in rows {
        let _ = write!(html, "<tr><th scope=\"row\">{name}</th>{cells}</tr>");
    }
    html + "</tbody></table></div>"
}
