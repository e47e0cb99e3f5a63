//! Figures that others published, with their sources.

/// A row of published figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Published {
    /// Whose.
    pub(crate) model: &'static str,
    /// Where from.
    pub(crate) source: &'static str,
    /// The headline by the number of shots.
    pub(crate) figures: &'static [(usize, f64)],
}

const FLAMINGO: &str = "Alayrac et al. (2022), tables of results by shots";
const TUNED: &str = "Alayrac et al. (2022): the best fine-tuned model then";
const OPEN_FLAMINGO: &str = "Awadalla et al. (2023)";
const IDEFICS: &str = "Laurençon et al. (2023)";

/// A task's figures: Flamingo's three sizes after 0, 4 and 32 shots, and the best fine-tuned model then.
struct OfPaper {
    task: &'static str,
    small: &'static [(usize, f64)],
    middle: &'static [(usize, f64)],
    large: &'static [(usize, f64)],
    tuned: Option<f64>,
    /// The split, and what of the rules may differ.
    split: &'static str,
}

macro_rules! of_paper {
    ($($task:literal, $split:literal: $a:literal $b:literal $c:literal, $d:literal $e:literal $f:literal, $g:literal $h:literal $i:literal, $tuned:literal;)*) => {
        &[$(OfPaper {
            task: $task,
            split: $split,
            small: &[(0, $a), (4, $b), (32, $c)],
            middle: &[(0, $d), (4, $e), (32, $f)],
            large: &[(0, $g), (4, $h), (32, $i)],
            tuned: Some($tuned),
        },)*]
    };
}

const PAPER: &[OfPaper] = of_paper! {
    "okvqa", "val": 41.2 43.3 45.9, 44.7 49.3 51.0, 50.6 57.4 57.8, 54.4;
    "vqav2", "test-dev": 49.2 53.2 57.1, 51.8 56.3 60.4, 56.3 63.1 67.6, 80.2;
    "coco", "test": 73.0 85.0 99.0, 79.4 93.1 106.3, 84.3 103.2 113.8, 143.3;
    "msvdqa", "test": 27.5 33.0 42.6, 30.2 36.2 47.2, 35.6 41.7 52.3, 47.9;
    "vatex", "test": 40.1 50.0 59.2, 39.5 51.7 57.4, 46.7 56.0 65.1, 76.3;
    "vizwiz", "test-dev": 28.9 34.0 45.5, 28.8 34.9 44.0, 31.6 39.6 49.8, 57.2;
    "flickr30k", "Karpathy test": 60.6 72.0 71.2, 61.5 72.6 72.8, 67.2 75.1 75.4, 67.4;
    "msrvttqa", "test": 11.0 14.9 25.6, 13.7 18.2 29.4, 17.4 23.9 31.0, 46.8;
    "ivqa", "test": 32.7 35.7 37.7, 35.2 37.7 40.7, 40.7 44.1 45.3, 35.4;
    "youcook2", "val": 55.8 64.6 76.7, 55.0 70.8 77.3, 60.1 74.5 86.8, 138.7;
    "star", "test": 39.6 41.3 41.6, 41.8 42.8 41.2, 39.7 42.4 42.2, 36.7;
    "visdial", "val": 46.1 47.3 47.3, 48.0 50.4 50.4, 52.0 55.6 55.6, 75.2;
    "textvqa", "val": 30.1 32.7 30.6, 31.8 33.6 32.6, 35.0 36.5 37.9, 54.7;
    "nextqa", "test": 21.3 22.4 26.1, 23.0 24.7 28.4, 26.7 30.8 33.5, 25.2;
    "hateful-memes", "seen test": 53.7 53.6 56.3, 57.0 62.7 63.5, 46.4 68.6 70.0, 79.1;
};

/// RareAct has figures without shots only.
const RAREACT: OfPaper = OfPaper {
    task: "rareact",
    split: "test",
    small: &[(0, 58.4)],
    middle: &[(0, 57.9)],
    large: &[(0, 60.8)],
    tuned: None,
};

const OTHERS: &[(&str, Published)] = &[
    (
        "coco",
        open_flamingo(&[(0, 79.5), (4, 89.0), (8, 96.3), (16, 98.8), (32, 99.5)]),
    ),
    (
        "vqav2",
        open_flamingo(&[(0, 52.7), (4, 54.8), (8, 54.8), (16, 54.3), (32, 53.3)]),
    ),
    (
        "okvqa",
        open_flamingo(&[(0, 37.8), (4, 40.1), (8, 41.1), (16, 42.7), (32, 42.4)]),
    ),
    (
        "flickr30k",
        open_flamingo(&[(0, 59.5), (4, 65.8), (8, 62.9), (16, 62.8), (32, 61.3)]),
    ),
    (
        "vizwiz",
        open_flamingo(&[(0, 27.5), (4, 34.1), (8, 38.5), (16, 42.5), (32, 44.0)]),
    ),
    (
        "coco",
        idefics(&[(0, 46.0), (4, 93.0), (8, 97.0), (16, 99.7), (32, 98.0)]),
    ),
    (
        "vqav2",
        idefics(&[(0, 50.9), (4, 55.4), (8, 56.4), (16, 57.0), (32, 57.9)]),
    ),
    (
        "okvqa",
        idefics(&[(0, 38.4), (4, 45.4), (8, 47.7), (16, 48.4), (32, 49.6)]),
    ),
];

const fn open_flamingo(figures: &'static [(usize, f64)]) -> Published {
    Published {
        model: "OpenFlamingo-9B",
        source: OPEN_FLAMINGO,
        figures,
    }
}

const fn idefics(figures: &'static [(usize, f64)]) -> Published {
    Published {
        model: "IDEFICS-9B",
        source: IDEFICS,
        figures,
    }
}

/// The rows of a task, the paper's first; none for a task that is no benchmark.
pub(crate) fn published(task: &str) -> Vec<Published> {
    let mut rows = Vec::new();
    for of in PAPER.iter().chain([&RAREACT]).filter(|of| of.task == task) {
        for (model, figures) in [
            ("Flamingo-3B", of.small),
            ("Flamingo-9B", of.middle),
            ("Flamingo-80B", of.large),
        ] {
            rows.push(Published {
                model,
                source: FLAMINGO,
                figures,
            });
        }
    }
    let others = OTHERS.iter().filter(|(of, _)| *of == task);
    rows.extend(others.map(|(_, row)| *row));
    rows
}

/// The best fine-tuned model of the paper's table, and where it is from.
pub(crate) fn fine_tuned(task: &str) -> Option<(f64, &'static str)> {
    let of = PAPER.iter().find(|of| of.task == task)?;
    Some((of.tuned?, TUNED))
}

/// The split that the paper scores.
pub(crate) fn paper_split(task: &str) -> Option<&'static str> {
    let mut all = PAPER.iter().chain([&RAREACT]);
    all.find(|of| of.task == task).map(|of| of.split)
}

#[cfg(test)]
mod tests {
    use flamingo_tasks::task_names;

    use super::*;

    #[test]
    fn every_published_task_is_a_task_and_the_paper_has_three_sizes_of_it() {
        for of in PAPER.iter().chain([&RAREACT]) {
            let rows = published(of.task);
            assert!(rows.len() >= 3, "{}", of.task);
            assert!(
                rows.iter()
                    .all(|row| row.figures.is_sorted_by(|a, b| a.0 < b.0))
            );
        }
        assert_eq!(PAPER.len(), 15);
        assert_eq!(published("vqav2").len(), 5);
        assert_eq!(published("own"), []);
        assert_eq!(fine_tuned("rareact"), None);
        assert!(task_names().contains(&"vqav2"));
    }
}
