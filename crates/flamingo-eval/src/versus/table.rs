//! The comparison as a table for a terminal.

use std::fmt;

use flamingo_tasks::counted;

use super::{Versus, VersusFigure, Way};

const LABEL: usize = 32;
const COLUMN: usize = 13;

impl Versus {
    fn figure(&self, way: Way, examples: usize) -> Option<&VersusFigure> {
        self.figures
            .iter()
            .find(|figure| (figure.way, figure.examples) == (way, examples))
    }

    fn rows(
        &self,
        f: &mut fmt::Formatter<'_>,
        cell: &dyn Fn(&VersusFigure) -> String,
    ) -> fmt::Result {
        for way in Way::ALL {
            write!(f, "{:<LABEL$}", format!("  {}", way.name()))?;
            for &examples in &self.options.examples {
                let text = self.figure(way, examples).map_or_else(String::new, cell);
                write!(f, "{text:>COLUMN$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    /// The numbers of examples at which the prompt is ahead of what is fine-tuned, or behind.
    fn verdict(&self) -> String {
        let ahead = |examples: &&usize| {
            let of = |way| {
                self.figure(way, **examples)
                    .map_or(0.0, |figure| figure.accuracy)
            };
            of(Way::Prompt) > of(Way::FineTuned)
        };
        let list = |counts: Vec<&usize>| {
            counts
                .into_iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (ahead, behind): (Vec<&usize>, Vec<&usize>) =
            self.options.examples.iter().partition(ahead);
        match (ahead.is_empty(), behind.is_empty()) {
            (false, true) => {
                "The prompt is ahead of fine-tuning at every number of examples.".to_owned()
            }
            (true, _) => "The prompt is nowhere ahead of fine-tuning.".to_owned(),
            _ => format!(
                "The prompt is ahead of fine-tuning with {} examples, and not with {}.",
                list(ahead),
                list(behind)
            ),
        }
    }
}

impl fmt::Display for Versus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<LABEL$}", format!("{}: examples", self.task))?;
        for &examples in &self.options.examples {
            write!(f, "{examples:>COLUMN$}")?;
        }
        writeln!(f, "\nright answers, %")?;
        self.rows(f, &|figure| {
            format!(
                "{:.1} ±{:.1}",
                figure.accuracy * 100.0,
                figure.deviation * 100.0
            )
        })?;
        writeln!(f, "seconds until it can answer")?;
        self.rows(f, &|figure| format!("{:.2}", figure.seconds_to_prepare))?;
        writeln!(f, "milliseconds of an answer")?;
        self.rows(f, &|figure| {
            format!("{:.1}", figure.seconds_per_query * 1000.0)
        })?;
        write!(
            f,
            "\n{}\n{}, chance {:.0}%; {} of each seed ({}), ± standard deviation over the seeds.\n\
             Of more than {} examples a prompt has those {} that are most similar to the query.",
            self.verdict(),
            counted(self.classes, "class"),
            100.0 / self.classes.max(1) as f64,
            counted(self.queries, "query"),
            self.options.seeds.len(),
            self.options.most_shots,
            self.options.most_shots
        )?;
        for told in &self.left_out {
            write!(f, "\nleft out of the {told}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::VersusOptions;
    use super::*;

    #[test]
    fn the_verdict_names_the_numbers_of_examples() {
        let options = VersusOptions {
            examples: vec![4, 32],
            ..VersusOptions::default()
        };
        let figure = |way, examples, accuracy| VersusFigure {
            way,
            examples,
            accuracies: vec![accuracy],
            accuracy,
            deviation: 0.0,
            seconds_to_prepare: 1.0,
            seconds_per_query: 0.001,
        };
        let versus = |tuned: f64| Versus {
            task: "demo world".into(),
            classes: 4,
            queries: 7,
            left_out: Vec::new(),
            options: options.clone(),
            figures: vec![
                figure(Way::Prompt, 4, 0.5),
                figure(Way::Prompt, 32, 0.6),
                figure(Way::FineTuned, 4, 0.3),
                figure(Way::FineTuned, 32, tuned),
            ],
        };
        assert!(
            versus(0.9)
                .to_string()
                .contains("with 4 examples, and not with 32")
        );
        assert!(versus(0.5).to_string().contains("at every number"));
    }
}
