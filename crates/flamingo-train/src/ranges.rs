//! The numbers of a recipe that mean something only within a range.

use crate::data_spec::DataSpec;
use crate::initial::InitialSpec;
use crate::optimiser::OptimiserSpec;
use crate::regularise::RegulariseSpec;
use crate::schedule::Schedule;

/// Where a number may lie.
#[derive(Clone, Copy)]
enum Range {
    /// 0 to 1.
    Share,
    /// 0 to 1, without 1.
    Decay,
    /// 0 or above.
    NotNegative,
    /// Above 0.
    Positive,
    /// Any number.
    Finite,
}

impl Range {
    fn has(self, number: f64) -> bool {
        number.is_finite()
            && match self {
                Self::Share => (0.0..=1.0).contains(&number),
                Self::Decay => (0.0..1.0).contains(&number),
                Self::NotNegative => number >= 0.0,
                Self::Positive => number > 0.0,
                Self::Finite => true,
            }
    }

    fn said(self) -> &'static str {
        match self {
            Self::Share => "within 0 to 1",
            Self::Decay => "at least 0 and below 1",
            Self::NotNegative => "a finite number from 0 on",
            Self::Positive => "a finite number above 0",
            Self::Finite => "a finite number",
        }
    }
}

/// The parts of a recipe that have such numbers.
pub(crate) struct Numbers<'a> {
    pub(crate) schedule: &'a Schedule,
    pub(crate) optimiser: &'a OptimiserSpec,
    pub(crate) regularise: &'a RegulariseSpec,
    pub(crate) initial: &'a InitialSpec,
    pub(crate) data: &'a [DataSpec],
}

impl Numbers<'_> {
    /// What of them is out of its range, said with the range.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut all = self.all().into_iter();
        match all.find(|(_, number, range)| !range.has(*number)) {
            Some((key, number, range)) => Err(format!("{key} is {number}: give {}", range.said())),
            None => Ok(()),
        }
    }

    fn all(&self) -> Vec<(String, f64, Range)> {
        let (schedule, optimiser) = (self.schedule, self.optimiser);
        let mut numbers = vec![
            ("schedule.rate", schedule.rate, Range::NotNegative),
            ("schedule.floor", schedule.floor, Range::Share),
            ("optimiser.betas[0]", optimiser.betas[0], Range::Decay),
            ("optimiser.betas[1]", optimiser.betas[1], Range::Decay),
            ("optimiser.epsilon", optimiser.epsilon, Range::Positive),
            (
                "optimiser.weight_decay",
                optimiser.weight_decay,
                Range::NotNegative,
            ),
            (
                "regularise.feature_noise",
                self.regularise.feature_noise,
                Range::NotNegative,
            ),
        ];
        for group in &optimiser.group {
            numbers.push(("optimiser.group.rate", group.rate, Range::NotNegative));
            let decay = group.weight_decay.unwrap_or(0.0);
            numbers.push(("optimiser.group.weight_decay", decay, Range::NotNegative));
        }
        for fill in &self.initial.fill {
            numbers.push(("initial.fill.with", fill.with, Range::Finite));
        }
        for scale in &self.initial.scale {
            numbers.push(("initial.scale.by", scale.by, Range::Finite));
        }
        let of_sources = self.data.iter().flat_map(|data| {
            let numbers = [
                ("weight", data.weight, Range::NotNegative),
                ("p_next", data.p_next.unwrap_or(0.0), Range::Share),
                ("p_space", data.p_space.unwrap_or(0.0), Range::Share),
                ("augment.flip", data.augment.flip, Range::Share),
                ("augment.colour", data.augment.colour, Range::Share),
            ];
            numbers.map(|(key, number, range)| {
                (format!("source {:?}: {key}", data.name), number, range)
            })
        });
        let named = numbers
            .into_iter()
            .map(|(key, number, range)| (key.to_owned(), number, range));
        named.chain(of_sources).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_data::Format;

    use super::*;
    use crate::optimiser::Group;
    use crate::schedule::Shape;

    struct All(
        Schedule,
        OptimiserSpec,
        RegulariseSpec,
        InitialSpec,
        DataSpec,
    );

    fn all() -> All {
        let schedule = Schedule {
            steps: 3,
            rate: 1e-3,
            warmup: 0,
            shape: Shape::Cosine,
            decay_from: 0,
            floor: 0.1,
        };
        let optimiser = OptimiserSpec {
            group: vec![Group::default()],
            ..OptimiserSpec::default()
        };
        let data = DataSpec::new("text", Format::Jsonl, "text.jsonl".as_ref(), 2);
        All(
            schedule,
            optimiser,
            RegulariseSpec::default(),
            InitialSpec::default(),
            data,
        )
    }

    fn told(All(schedule, optimiser, regularise, initial, data): &All) -> Result<(), String> {
        Numbers {
            schedule,
            optimiser,
            regularise,
            initial,
            data: std::slice::from_ref(data),
        }
        .check()
    }

    #[test]
    fn numbers_out_of_their_range_are_refused_with_it() {
        type Change = fn(&mut All, f64);
        let most = f64::INFINITY;
        let numbers: [(&str, Change, [f64; 2]); 12] = [
            ("schedule.rate", |all, x| all.0.rate = x, [-1e-3, most]),
            ("schedule.floor", |all, x| all.0.floor = x, [-0.1, 1.5]),
            ("betas[0]", |all, x| all.1.betas[0] = x, [1.0, -0.9]),
            ("betas[1]", |all, x| all.1.betas[1] = x, [1.0, 2.0]),
            ("epsilon", |all, x| all.1.epsilon = x, [0.0, -1e-8]),
            (
                "r.weight_decay",
                |all, x| all.1.weight_decay = x,
                [-0.1, most],
            ),
            ("group.rate", |all, x| all.1.group[0].rate = x, [-3.0, most]),
            (
                "group.weight_decay",
                |all, x| all.1.group[0].weight_decay = Some(x),
                [-0.1, most],
            ),
            (
                "source \"text\": weight",
                |all, x| all.4.weight = x,
                [-1.0, most],
            ),
            ("p_next", |all, x| all.4.p_next = Some(x), [-0.5, 1.1]),
            ("flip", |all, x| all.4.augment.flip = x, [2.0, -0.1]),
            ("colour", |all, x| all.4.augment.colour = x, [1.5, -1.0]),
        ];
        told(&all()).unwrap();
        for (key, change, wrong) in numbers {
            for number in wrong.into_iter().chain([f64::NAN]) {
                let mut all = all();
                change(&mut all, number);
                let error = told(&all).unwrap_err();
                assert!(
                    error.contains(&format!("{key} is {number}: give ")),
                    "{error}"
                );
            }
        }
    }
}
