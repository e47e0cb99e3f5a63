//! `flamingo train --finetune`: a recipe from the data that it is to learn, and what became of it.

mod data;

use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::data::Source;
use flamingo::kernels::LoraConfig;
use flamingo::train::{
    CheckpointSpec, DataSpec, FineTuneSpec, Group, HeldOutReport, HeldOutSpec, Line, LogSpec,
    ModelSpec, OptimiserSpec, Recipe, Schedule, Shape, Summary,
};

use crate::args::at_least_one;
use crate::failure::{Failure, Result};
use crate::output;
use data::{Kind, kind, recognised};

/// The name of the one source.
const NAME: &str = "data";

/// Passes over the samples at most; the training ends sooner when it has learnt what it can.
const EPOCHS: usize = 6;

/// Looks at the held-out samples in these passes.
const LOOKS: u64 = 20;

#[derive(Debug, Args)]
#[command(next_help_heading = "Fine-tuning")]
pub(super) struct FineTuneArgs {
    /// Fine-tune a model on your own pictures, without a recipe: demo, photos, a directory, or a published model
    #[arg(long, value_name = "MODEL", requires = "data")]
    finetune: Option<String>,
    /// Its data: a folder with a folder for each class; a folder of pictures with captions.jsonl, metadata.jsonl or
    /// metadata.csv; or JSONL of documents
    #[arg(long, value_name = "PATH", requires = "finetune")]
    data: Option<PathBuf>,
    /// The run folder [default: the name of the data with -tuned behind it, here]
    #[arg(long, value_name = "DIR", requires = "finetune")]
    out: Option<PathBuf>,
    /// The language model of an OpenFlamingo checkpoint: a directory or a hub id
    #[arg(long, value_name = "DIR", requires = "finetune")]
    lm: Option<String>,
    /// Its image tower: a file, a directory or a hub id
    #[arg(long, value_name = "PATH", requires = "finetune")]
    vision: Option<String>,
    /// What stands between a picture and its class or caption
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "Output:",
        requires = "finetune"
    )]
    prompt: String,
    /// Updates at most [default: 6 passes over the data, between 60 and 2000]
    #[arg(long, value_name = "N", requires = "finetune")]
    steps: Option<u64>,
    /// Highest learning rate; it rises over a tenth of the steps and then falls to a tenth
    #[arg(
        long,
        value_name = "R",
        default_value_t = 1e-3,
        value_parser = rate,
        requires = "finetune"
    )]
    rate: f64,
    /// Samples of an update [default: 16, or all if they are fewer]
    #[arg(long, value_name = "N", value_parser = at_least_one, requires = "finetune")]
    batch: Option<usize>,
    /// Seed of all that is random: which samples are held out, and their order
    #[arg(long, value_name = "N", default_value_t = 0, requires = "finetune")]
    seed: u64,
    /// Share of each class that is not trained on, but tells when to stop and what it was worth; 0 for none
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.2,
        value_parser = share,
        requires = "finetune"
    )]
    hold_out: f64,
    /// Also train a change of this rank beside each matrix of the language model (LoRA)
    #[arg(long, value_name = "RANK", requires = "finetune")]
    lora: Option<usize>,
    /// Also train the vision encoder, at a tenth of the rate: each step then encodes its pictures
    #[arg(long, requires = "finetune")]
    unfreeze_vision: bool,
}

/// A learning rate.
fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| rate.is_finite() && *rate >= 0.0)
        .ok_or_else(|| "a number from 0 on is wanted, such as 1e-3".to_owned())
}

/// A share of the samples that leaves some.
fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share
        .filter(|share| (0.0..1.0).contains(share))
        .ok_or_else(|| "a number from 0 to below 1 is wanted, such as 0.2".to_owned())
}

impl FineTuneArgs {
    /// The recipe, which is told.
    pub(super) fn recipe(&self) -> Result<Recipe> {
        let (Some(base), Some(data)) = (&self.finetune, &self.data) else {
            return Err(Failure::new(
                "nothing to train: give a recipe, or --finetune MODEL with --data PATH",
            ));
        };
        let format = recognised(data)?;
        let samples = Source::read(format, data)?.samples;
        let kind = kind(format, &samples);
        let samples = samples.len();
        let trained = samples - (self.hold_out * samples as f64) as usize;
        let batch = self.batch.unwrap_or(16.min(trained).max(1));
        let passes = (EPOCHS * trained).div_ceil(batch) as u64;
        let steps = self.steps.unwrap_or(passes.clamp(60, 2000));
        let every = steps.div_ceil(LOOKS).max(1);
        let run = self.out.clone().unwrap_or_else(|| default_run(data));
        let source = DataSpec {
            form: Some(kind.form()),
            prompt: kind.is_asked().then(|| self.prompt.clone()),
            p_next: (!kind.is_asked()).then_some(0.0),
            ..DataSpec::new(NAME, format, data, batch)
        };
        let model = ModelSpec::FineTune(FineTuneSpec {
            base: base.clone(),
            lm: self.lm.clone(),
            vision: self.vision.clone(),
            lora: self.lora.map(LoraConfig::of_rank),
            unfreeze_vision: self.unfreeze_vision,
        });
        let schedule = Schedule {
            steps,
            rate: self.rate,
            warmup: steps.div_ceil(10),
            shape: Shape::Cosine,
            decay_from: 0,
            floor: 0.1,
        };
        let recipe = Recipe {
            seed: self.seed,
            held_out: (self.hold_out > 0.0).then_some(HeldOutSpec {
                share: self.hold_out,
                every,
                patience: 5,
            }),
            optimiser: OptimiserSpec {
                group: self.groups(),
                ..OptimiserSpec::default()
            },
            checkpoint: CheckpointSpec {
                every: 5 * every,
                keep: 1,
            },
            log: LogSpec {
                every,
                ..Default::default()
            },
            ..Recipe::new(&run, model, vec![source], schedule)
        };
        // As if it had been read: what contradicts itself is refused.
        let recipe = Recipe::from_toml(&recipe.to_toml(), "the fine-tuning's recipe")?;
        self.tell(&recipe, kind, samples)?;
        Ok(recipe)
    }

    fn groups(&self) -> Vec<Group> {
        let encoder = Group {
            parameters: r"^vision\.".to_owned(),
            rate: 0.1,
            ..Group::default()
        };
        self.unfreeze_vision
            .then_some(encoder)
            .into_iter()
            .collect()
    }

    fn tell(&self, recipe: &Recipe, kind: Kind, samples: usize) -> Result<()> {
        let source = &recipe.data[0];
        let path = source.path.display();
        let asked = match &source.prompt {
            Some(prompt) => format!("asked as {prompt:?}"),
            None => "as they are".to_owned(),
        };
        output::line(&format!(
            "data: {samples} {}, {asked} ({path})",
            kind.name()
        ))?;
        let held_out = match &recipe.held_out {
            Some(spec) => format!(
                "{}% of each class by seed {}, looked at every {} steps; ends after {} looks without gain, the best weights stay",
                (spec.share * 100.0).round(),
                recipe.seed,
                spec.every,
                spec.patience
            ),
            None => "nothing: nobody tells when it has learnt what it can".to_owned(),
        };
        output::line(&format!("held out: {held_out}"))?;
        let beside = [
            self.lora
                .map(|rank| format!("changes of rank {rank} in the language model")),
            self.unfreeze_vision
                .then(|| "the vision encoder".to_owned()),
        ];
        let beside: String = beside
            .into_iter()
            .flatten()
            .map(|what| format!(", {what}"))
            .collect();
        output::line(&format!("learns: resampler and gated blocks{beside}"))?;
        output::line(&format!(
            "steps: {} at most, {} samples each, rate {}",
            recipe.schedule.steps, source.batch, recipe.schedule.rate
        ))?;
        output::line(&format!(
            "recipe: {}",
            recipe.run.join("recipe.toml").display()
        ))
    }
}

/// `NAME-tuned` here, after the data's last name without its ending.
fn default_run(data: &Path) -> PathBuf {
    let name = data.canonicalize().ok();
    let name = name.as_deref().unwrap_or(data).file_stem();
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    PathBuf::from(format!("{name}-tuned"))
}

/// What a look at the held-out samples gave, in words.
pub(super) fn seen(line: &Line) -> String {
    let of = |(source, loss): (&String, &f64)| {
        let exact = line.exact.get(source).copied().unwrap_or_default();
        format!("{source} {loss:.4}, {:.1}% word for word", exact * 100.0)
    };
    line.held_out.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// What became of a fine-tuning.
pub(super) fn report(summary: &Summary, recipe: &Recipe, spec: &FineTuneSpec) -> Result<()> {
    for (name, report) in &summary.data {
        let reasons = report.left_out.iter();
        let reasons: Vec<String> = reasons
            .map(|(why, count)| format!("{count} x {why}"))
            .collect();
        if !reasons.is_empty() {
            output::line(&format!(
                "{name}: left out {} of {}: {}",
                report.found - report.kept(),
                report.found,
                reasons.join(", ")
            ))?;
        }
    }
    if let Some([first, best]) = &summary.looks {
        for (name, held_out) in HeldOutReport::read(&summary.folder)? {
            let count = held_out.held_out.len();
            let told = |line: &Line| {
                let loss = line.held_out.get(&name).copied().unwrap_or_default();
                let exact = line.exact.get(&name).copied().unwrap_or_default();
                let right = (exact * count as f64).round();
                format!("loss {loss:.4}, {right} of {count} word for word")
            };
            output::line(&format!("held out, before: {}", told(first)))?;
            output::line(&format!(
                "held out, after step {}: {}",
                best.step,
                told(best)
            ))?;
            if let Some(right) = held_out.nearest_class_mean {
                output::line(&format!(
                    "held out, nearest class mean of the frozen encoder: {right} of {count}"
                ))?;
            }
        }
        if best.step == 0 {
            output::line(
                "no step was better than the model as it was: try a lower --rate, or more data",
            )?;
        }
    }
    let folder = summary.folder.display();
    output::line(&format!(
        "{} steps; figures and curves: {folder}/metrics.jsonl, {folder}/curves.svg",
        summary.steps
    ))?;
    let Some(adapter) = &summary.model else {
        return Ok(());
    };
    let parts = [("--lm", &spec.lm), ("--vision", &spec.vision)];
    let parts: String = parts
        .into_iter()
        .filter_map(|(flag, part)| Some(format!(" {flag} {}", part.as_ref()?)))
        .collect();
    let prompt = recipe.data[0].prompt.as_deref().unwrap_or("Output:");
    output::line(&format!("adapter: {}", adapter.display()))?;
    output::line(&format!(
        "use: flamingo ask --model {}{parts} --adapter {} --image PICTURE --text {}",
        spec.base,
        adapter.display(),
        quoted(prompt)
    ))
}

/// A text as shells take it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_quoted_as_shells_read_it() {
        assert_eq!(quoted("Output:"), "'Output:'");
        assert_eq!(quoted("what's it?"), r"'what'\''s it?'");
    }

    #[test]
    fn numbers_that_no_training_can_have_are_refused_where_they_are_given() {
        for wrong in ["nan", "inf", "-1", "x"] {
            assert!(rate(wrong).is_err(), "{wrong}");
            assert!(share(wrong).is_err(), "{wrong}");
        }
        assert!(share("1").is_err() && share("0").is_ok());
        assert_eq!((rate("0"), rate("2e-4")), (Ok(0.0), Ok(2e-4)));
    }
}
