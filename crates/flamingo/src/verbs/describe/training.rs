//! What a training takes, as it is told.

use std::time::Duration;

use flamingo::model::print_count;
use flamingo::train::Prediction;
use indicatif::HumanDuration;
use serde_json::{Value, json};

/// The unit in which so many bytes and less are told, and how many bytes it has.
fn unit(most: f64) -> (&'static str, f64) {
    let [mib, gib] = [f64::from(1 << 20), f64::from(1 << 30)];
    match most < gib {
        true => ("MiB", mib),
        false => ("GiB", gib),
    }
}

/// A time, in seconds where it is short.
fn time(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(long) if seconds >= 60.0 => HumanDuration(long).to_string(),
        Ok(_) => format!("{seconds:.2} s"),
        Err(_) => format!("{seconds:.1e} s"),
    }
}

/// The prediction with its sums.
pub(super) fn json(prediction: &Prediction, rate: Option<f64>) -> Value {
    let mut value = json!(prediction);
    value["peak"] = prediction.peak().into();
    if let Some(rate) = rate {
        value["seconds_a_step"] = prediction.seconds(rate).into();
    }
    value
}

/// For people.
pub(super) fn table(prediction: &Prediction, rate: Option<f64>) -> String {
    let mut lines = vec![head(prediction), String::new()];
    lines.extend(sources(prediction));
    lines.push(String::new());
    lines.extend(memory(prediction));
    lines.push(String::new());
    lines.extend(work(prediction, rate));
    lines.join("\n")
}

fn head(prediction: &Prediction) -> String {
    let name = match &prediction.preset {
        Some(preset) => format!("{preset}, a {} training", prediction.kind),
        None => format!("a {} training", prediction.kind),
    };
    format!(
        "{name}: {} parameters, {} of them learn",
        print_count(prediction.parameters),
        print_count(prediction.trained)
    )
}

fn sources(prediction: &Prediction) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<24} {:>6} {:>8} {:>7} {:>9} {:>7}",
        "a step of a process", "rows", "at once", "tokens", "pictures", "frames"
    )];
    lines.extend(prediction.sources.iter().map(|source| {
        format!(
            "{:<24} {:>6} {:>8} {:>7} {:>9} {:>7}",
            source.name, source.rows, source.at_once, source.length, source.media, source.frames
        )
    }));
    lines
}

fn memory(prediction: &Prediction) -> Vec<String> {
    let memory = &prediction.memory;
    let rows = [
        ("what is frozen", memory.frozen),
        ("what learns, f32", memory.trained),
        ("AdamW's moments", memory.moments),
        ("gradients and their sum", memory.gradients),
        ("kept for the backward pass", memory.kept.whole),
        ("the same with `recompute`", memory.kept.recomputed),
        ("pictures that wait", prediction.waiting),
        ("a step at its highest", memory.peak + prediction.waiting),
        (
            "while the model is written",
            memory.saving + prediction.waiting,
        ),
    ];
    let most = rows.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    let (unit, size) = unit(most);
    let line = |(what, bytes): (&str, f64)| format!("{what:<28} {:>12.2}", bytes / size);
    let mut lines = vec![format!("{:<28} {:>12}", "memory of a process", unit)];
    lines.extend(rows.map(line));
    lines
}

fn work(prediction: &Prediction, rate: Option<f64>) -> Vec<String> {
    let processes = prediction.processes;
    let mut lines = vec![format!(
        "operations of a step: {:.3e}",
        prediction.operations
    )];
    if let Some(rate) = rate {
        let seconds = prediction.seconds(rate);
        let all = seconds * prediction.steps as f64;
        lines.push(format!(
            "at {rate:.3e} a second, processes: {processes}: {} a step, {} for {} steps",
            time(seconds),
            time(all),
            prediction.steps
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_is_told() {
        assert_eq!(time(1.5), "1.50 s");
        assert_eq!(time(7200.0), "2 hours");
        assert_eq!(time(4.7e22), "4.7e22 s");
    }

    #[test]
    fn little_memory_is_told_in_a_unit_in_which_it_is_not_0() {
        assert_eq!(unit(f64::from(3 << 20)).0, "MiB");
        assert_eq!(unit(f64::from(1 << 30)), ("GiB", f64::from(1 << 30)));
    }
}
