//! What labels are written to: lines for people, CSV, JSON lines, a page.

use std::io::IsTerminal;

use flamingo::Files;
use flamingo::engine::Engine;
use flamingo::eval::{Doubt, Label, Labeller};
use flamingo_files::Draft;
use serde::Serialize;

use super::args::{LabelArgs, is_stdout};
use super::page::Page;
use crate::failure::{Failure, Hint, Result, say};
use crate::output;
use crate::writer::Output;

const FULL: &str = "make room, then give the same command again";

/// The outputs asked for.
pub(super) struct Outputs<'a> {
    args: &'a LabelArgs,
    csv: Option<Output<'a>>,
    jsonl: Option<Output<'a>>,
    html: Option<Output<'a>>,
}

/// The outputs in the making.
pub(super) struct Begun<'a> {
    csv: Option<Draft>,
    jsonl: Option<Draft>,
    html: Option<(Draft, Page<'a>)>,
    /// Whether standard output is one of them.
    stdout_is_taken: bool,
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    photo: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<Doubt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<Class<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct Class<'a> {
    name: &'a str,
    probability: f32,
    /// By the model's likelihood alone.
    likelihood: f32,
    /// With the class mean.
    cosine: f32,
}

impl<'a> Outputs<'a> {
    /// Looks at what the flags name.
    pub(super) fn of(args: &'a LabelArgs) -> Result<Self> {
        let given = [
            ("--csv", &args.csv),
            ("--jsonl", &args.jsonl),
            ("--html", &args.html),
        ];
        let to_stdout = given
            .iter()
            .filter(|(_, path)| path.as_deref().is_some_and(is_stdout));
        let flags: Vec<&str> = to_stdout.map(|(flag, _)| *flag).collect();
        if flags.len() > 1 {
            return Err(Failure::new(format!(
                "{} are both standard output: give one of them a file",
                flags.join(" and ")
            )));
        }
        let [csv, jsonl, html] = given.map(|(flag, path)| {
            let place = path.as_deref().map(Output::of).transpose();
            place.hint(format!("name another place with {flag} FILE"))
        });
        Ok(Self {
            args,
            csv: csv?,
            jsonl: jsonl?,
            html: html?,
        })
    }

    /// What Ctrl-C leaves of them.
    pub(super) fn stands(&self) -> String {
        let all = [&self.csv, &self.jsonl, &self.html].into_iter().flatten();
        all.map(|output| output.stands() + "; ").collect()
    }

    pub(super) fn begin(self) -> Result<Begun<'a>> {
        let begin = |output: &Option<Output<'_>>| output.as_ref().map(Output::begin).transpose();
        let html = begin(&self.html)?;
        let all = [&self.csv, &self.jsonl, &self.html].into_iter().flatten();
        Ok(Begun {
            stdout_is_taken: all.clone().any(Output::is_stdout),
            csv: begin(&self.csv)?,
            jsonl: begin(&self.jsonl)?,
            html: html.map(|draft| {
                (
                    draft,
                    Page {
                        args: self.args,
                        unreadable: Vec::new(),
                    },
                )
            }),
        })
    }
}

impl Begun<'_> {
    /// Whether it is to be known where the model looked.
    pub(super) fn looks(&self) -> bool {
        self.html.is_some()
    }

    /// Whether lines for people are written.
    pub(super) fn are_lines(&self) -> bool {
        !self.stdout_is_taken
    }

    /// What stands before the first photo; `shots` are the places of each class's.
    pub(super) fn head(
        &mut self,
        engine: &Engine,
        labeller: &Labeller,
        shots: &[Vec<String>],
        files: &Files,
    ) -> Result<()> {
        if let Some(csv) = &mut self.csv {
            let names = ["photo", "label", "probability", "doubt"].map(str::to_owned);
            let of = labeller
                .classes()
                .iter()
                .map(|class| format!("probability of {class}"));
            let row: Vec<String> = names.into_iter().chain(of).collect();
            csv.add(&record(&row)?).hint_if_full(FULL)?;
        }
        if let Some((draft, page)) = &mut self.html {
            let head = page.head(engine, labeller, shots, files);
            draft.add(head.as_bytes()).hint_if_full(FULL)?;
        }
        Ok(())
    }

    /// A photo with its label, or with why it has none.
    pub(super) fn add(
        &mut self,
        engine: &Engine,
        labeller: &Labeller,
        photo: &str,
        label: Result<Label, String>,
        files: &Files,
    ) -> Result<()> {
        let classes = labeller.classes();
        if let Some(csv) = &mut self.csv {
            csv.add(&record(&row(photo, &label, classes))?)
                .hint_if_full(FULL)?;
        }
        if let Some(jsonl) = &mut self.jsonl {
            let line = serde_json::to_string(&line(photo, &label, classes))? + "\n";
            jsonl.add(line.as_bytes()).hint_if_full(FULL)?;
        }
        if let Some((draft, page)) = &mut self.html {
            let card = page.card(engine, classes, photo, &label, files);
            draft.add(card.as_bytes()).hint_if_full(FULL)?;
        }
        match label {
            Ok(label) if !self.stdout_is_taken => output::line(&told(&label, classes)),
            _ => Ok(()),
        }
    }

    /// Ends the outputs, and tells the summary.
    pub(super) fn finish(mut self, summary: &str) -> Result<()> {
        if let Some((draft, page)) = &mut self.html {
            draft.add(page.foot().as_bytes()).hint_if_full(FULL)?;
        }
        let html = self.html.map(|(draft, _)| draft);
        for draft in [self.csv, self.jsonl, html].into_iter().flatten() {
            draft.commit().hint_if_full(FULL)?;
        }
        // Labels that go to another program go alone.
        match self.stdout_is_taken || !std::io::stdout().is_terminal() {
            true => {
                say(&format!("{summary}\n"));
                Ok(())
            }
            false => output::line(&format!("\n{summary}")),
        }
    }
}

/// `holiday/1.jpg: dog 97%`, and the next likeliest where it is unsure.
fn told(label: &Label, classes: &[String]) -> String {
    let percent = |class: usize| {
        format!(
            "{} {:.0}%",
            classes[class],
            label.probabilities[class] * 100.0
        )
    };
    let likeliest = percent(label.class);
    let doubt = match label.doubt {
        None => String::new(),
        Some(Doubt::Unlike) => ", unlike the shots".to_owned(),
        Some(Doubt::Unsure) => {
            let others = (0..classes.len()).filter(|class| *class != label.class);
            let next =
                others.max_by(|a, b| label.probabilities[*a].total_cmp(&label.probabilities[*b]));
            next.map_or(String::new(), |next| {
                format!(", unsure: or {}", percent(next))
            })
        }
    };
    format!("{}: {likeliest}{doubt}", label.reference)
}

fn row(photo: &str, label: &Result<Label, String>, classes: &[String]) -> Vec<String> {
    let mut row = vec![photo.to_owned()];
    match label {
        Err(_) => {
            row.extend(["", "", "unreadable"].map(str::to_owned));
            row.extend(classes.iter().map(|_| String::new()));
        }
        Ok(label) => {
            row.push(classes[label.class].clone());
            row.push(format!("{:.4}", label.probabilities[label.class]));
            row.push(label.doubt.map_or("", doubt).to_owned());
            row.extend(label.probabilities.iter().map(|p| format!("{p:.4}")));
        }
    }
    row
}

fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Unsure => "unsure",
        Doubt::Unlike => "unlike",
    }
}

fn line<'a>(photo: &'a str, label: &'a Result<Label, String>, classes: &'a [String]) -> Line<'a> {
    let nothing = Line {
        photo,
        label: None,
        probability: None,
        doubt: None,
        classes: Vec::new(),
        error: None,
    };
    match label {
        Err(error) => Line {
            error: Some(error),
            ..nothing
        },
        Ok(label) => Line {
            label: Some(&classes[label.class]),
            probability: Some(label.probabilities[label.class]),
            doubt: label.doubt,
            classes: (classes.iter().enumerate())
                .map(|(class, name)| Class {
                    name,
                    probability: label.probabilities[class],
                    likelihood: label.likelihood[class],
                    cosine: label.cosines[class],
                })
                .collect(),
            ..nothing
        },
    }
}

fn record(row: &[String]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(row)?;
    let bytes = writer.into_inner();
    bytes.map_err(|error| Failure::new(format!("cannot write a row: {}", error.error())))
}
