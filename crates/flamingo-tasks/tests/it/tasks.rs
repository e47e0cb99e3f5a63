//! Every task by small files in its official form, which are broken where real ones may be.

mod captions;
mod choices;
mod classes;
mod films;
mod hostile;
mod own;
mod prompts;
mod vqa;

use std::path::PathBuf;

use flamingo_tasks::{
    Answered, DataFolder, Example, Examples, Judged, Output, ReadOptions, References, ScoreOptions,
    Set, Task, score, task,
};

use crate::Folder;

/// What a folder holds of a task.
fn read(folder: &Folder, name: &str, split: &str) -> Examples {
    let options = ReadOptions {
        split: Some(split.to_owned()),
        ..ReadOptions::default()
    };
    let data = DataFolder::new(folder.path());
    task(name).unwrap().read(&data, &options).unwrap()
}

fn ids(set: &Set) -> Vec<String> {
    set.examples
        .iter()
        .map(|example| example.id.to_string())
        .collect()
}

/// How many were left out for a reason.
fn dropped(set: &Set, reason: &str) -> usize {
    set.dropped.0.get(reason).map_or(0, |names| names.count)
}

/// The first that was left out for a reason.
fn first_dropped<'a>(set: &'a Set, reason: &str) -> &'a str {
    &set.dropped.0[reason].first[0]
}

/// The answer that the references call right.
fn right(example: &Example) -> Output {
    let chosen = |right: usize| {
        let count = example.candidates.as_ref().unwrap().len();
        let likelihood = |place| if place == right { -1.0 } else { -2.0 };
        Output::Likelihoods((0..count).map(likelihood).collect())
    };
    match &example.references {
        References::Vqa(vqa) => Output::Text(vqa.answers[0].answer.clone()),
        References::Captions(captions) => Output::Text(captions[0].clone()),
        References::Exact(answers) | References::Normalised(answers) => {
            Output::Text(answers[0].clone())
        }
        References::Five(five) => Output::Text(five[0].clone()),
        References::Words { answer, .. } => Output::Text(answer.clone()),
        References::Choice { right, .. } => chosen(*right),
        References::Hateful(hateful) => chosen(usize::from(!hateful)),
        References::Round { right, .. } => chosen(right.unwrap_or_default()),
        References::Clip(clip) => chosen(clip.class),
        References::None => Output::Text("?".to_owned()),
    }
}

/// Every query with the right answer.
fn all_right(examples: &Examples) -> Vec<Output> {
    examples.queries.examples.iter().map(right).collect()
}

fn answered<'a>(examples: &'a Examples, outputs: &'a [Output]) -> Vec<Answered<'a>> {
    let both = examples.queries.examples.iter().zip(outputs);
    both.map(|(example, output)| Answered { example, output })
        .collect()
}

fn metric(judged: &Judged, name: &str) -> f64 {
    let mut metrics = judged.metrics.iter();
    let metric = metrics.find(|metric| metric.name == name);
    metric
        .unwrap_or_else(|| panic!("no {name} in {judged:?}"))
        .value
        .unwrap()
}

/// Judges answers, hands them in, and scores what was handed in with the official files: both must agree.
fn judged_as_scored(
    folder: &Folder,
    task: &dyn Task,
    examples: &Examples,
    outputs: &[Output],
    annotations: &[PathBuf],
) -> Judged {
    let answered = answered(examples, outputs);
    let options = ScoreOptions {
        partial: true,
        ..ScoreOptions::default()
    };
    let judged = task.judge(&answered, &options).unwrap();
    assert_eq!(judged.samples.len(), outputs.len());
    let submission = task.submission(examples, &answered).unwrap();
    let name = format!("submission.{}", submission.ending);
    let path = folder.write(&name, &submission.bytes);
    let scored = score(task.benchmark().unwrap(), &path, annotations, &options).unwrap();
    assert_eq!(scored.metrics[0].name, judged.metrics[0].name);
    // What was filled in is scored as well, if it is annotated.
    let compared = if submission.filled == 0 {
        judged.metrics.len()
    } else {
        0
    };
    for metric in &judged.metrics[..compared] {
        let same = scored
            .metrics
            .iter()
            .find(|other| other.name == metric.name);
        assert_eq!(same.unwrap_or(metric), metric);
    }
    judged
}
