//! Rules that official versions of the metrics disagree about.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flamingo::metrics::{AnswerReading, LineEnds, Nltk};
use flamingo::tasks::{ScoreOptions, Stems, VqaVersion};

use super::lexicon::{Lexicon, LexiconArgs};
use crate::failure::Result;

/// Rules that official versions disagree about.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct RulesArgs {
    /// Whose VQA accuracy
    #[arg(long, value_enum, default_value_t)]
    vqa: Vqa,
    /// okvqa: stem predictions as these annotations do, which hold answers both as given and stemmed; other words by
    /// WordNet if it is there [default: compared as they stand]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    stems: Vec<PathBuf>,
    /// What a line end within a caption is
    #[arg(long, value_enum, default_value_t)]
    line_ends: Ends,
    /// How annotated answers about films are read
    #[arg(long, value_enum, default_value_t)]
    answers: Answers,
    /// Which NLTK's word similarity
    #[arg(long, value_enum, default_value_t)]
    nltk: Version,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Vqa {
    /// GT-Vision-Lab/VQA's: nothing is normalised where all annotators say the same
    #[default]
    Official,
    /// OpenFlamingo's: always normalised; equal answers without answer_id drop out together (VizWiz)
    OpenFlamingo,
    /// EvalAI's, as lmms-eval scores TextVQA, OK-VQA and VizWiz
    Evalai,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Ends {
    /// A space; such captions are counted
    #[default]
    Space,
    /// The end of the caption, which shifts all that follow, as in the official code
    Shift,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Answers {
    /// As they stand
    #[default]
    Exact,
    /// As the official loader does, which takes "None", "nan" and the like for missing
    Pandas,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Version {
    /// Up to NLTK 3.5, with which NExT-OE's published figures were made: adjectives and adverbs have no common
    /// root, and the first of two words decides
    #[default]
    UpTo35,
    /// NLTK 3.6 and later: any two verbs, adjectives or adverbs have a common root
    From36,
}

impl RulesArgs {
    /// What a task's rules need to know of words.
    pub(crate) fn lexicon(&self, task: &str, words: &LexiconArgs) -> Result<Lexicon> {
        match task {
            "nextqa" => words.read(),
            "okvqa" if !self.stems.is_empty() => Ok(Lexicon {
                stems: Some(Stems::learn(&self.stems)?),
                ..words.read()?
            }),
            _ => Ok(Lexicon::default()),
        }
    }

    /// The rules, with what of words' resources is there.
    pub(crate) fn options<'a>(&self, partial: bool, lexicon: &'a Lexicon) -> ScoreOptions<'a> {
        ScoreOptions {
            partial,
            vqa: match self.vqa {
                Vqa::Official => VqaVersion::Official,
                Vqa::OpenFlamingo => VqaVersion::OpenFlamingo,
                Vqa::Evalai => VqaVersion::EvalAi,
            },
            line_ends: match self.line_ends {
                Ends::Space => LineEnds::Space,
                Ends::Shift => LineEnds::Shift,
            },
            reading: match self.answers {
                Answers::Exact => AnswerReading::Exact,
                Answers::Pandas => AnswerReading::Pandas,
            },
            nltk: match self.nltk {
                Version::From36 => Nltk::From36,
                Version::UpTo35 => Nltk::UpTo35,
            },
            whole: None,
            stems: lexicon.stems.as_ref(),
            wordnet: lexicon.wordnet.as_ref(),
            tagger: lexicon.tagger.as_ref(),
        }
    }

    /// The rules by their names.
    pub(crate) fn told(&self) -> String {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let stems = self
            .stems
            .iter()
            .map(|path| format!("stems of {}", path.display()));
        let rules = [
            name(self.vqa.to_possible_value()),
            name(self.line_ends.to_possible_value()),
            name(self.answers.to_possible_value()),
            name(self.nltk.to_possible_value()),
        ];
        rules
            .into_iter()
            .chain(stems)
            .collect::<Vec<_>>()
            .join(", ")
    }
}
