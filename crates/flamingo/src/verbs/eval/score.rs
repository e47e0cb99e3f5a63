//! `flamingo eval score`: the score of predictions in a benchmark's form of submission.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flamingo::metrics::{AnswerReading, LineEnds, Nltk};
use flamingo::tasks::{Benchmark, ScoreOptions, Stems, VqaVersion, score};

use super::lexicon::{Lexicon, LexiconArgs};
use crate::failure::Result;
use crate::output;

/// Score predictions in a benchmark's form of submission.
///
/// Reads the official files of coco, flickr30k, vqav2, okvqa, textvqa, vizwiz, visdial, hateful-memes, msvdqa,
/// msrvttqa, vatex, ivqa, youcook2, star, nextqa, rareact, imagenet or kinetics700, and computes what the
/// official code computes. Ids that do not match are named and counted.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// The benchmark
    #[arg(long, value_name = "TASK")]
    task: Benchmark,
    /// The predictions, in the benchmark's form of submission
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// The official annotations; of some benchmarks several files (visdial: dialogues and dense annotations;
    /// nextqa: questions and second references)
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    annotations: Vec<PathBuf>,
    /// Score the items that match, where some have no prediction or another id
    #[arg(long)]
    partial: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    lexicon: LexiconArgs,
}

/// Rules that official versions disagree about.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
struct RulesArgs {
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

pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    let stems = match args.rules.stems.as_slice() {
        [] => None,
        files => Some(Stems::learn(files)?),
    };
    let lexicon = match (args.task, &stems) {
        (Benchmark::Nextqa, _) | (Benchmark::Okvqa, Some(_)) => args.lexicon.read()?,
        _ => Lexicon::default(),
    };
    let options = ScoreOptions {
        partial: args.partial,
        vqa: match args.rules.vqa {
            Vqa::Official => VqaVersion::Official,
            Vqa::OpenFlamingo => VqaVersion::OpenFlamingo,
            Vqa::Evalai => VqaVersion::EvalAi,
        },
        line_ends: match args.rules.line_ends {
            Ends::Space => LineEnds::Space,
            Ends::Shift => LineEnds::Shift,
        },
        reading: match args.rules.answers {
            Answers::Exact => AnswerReading::Exact,
            Answers::Pandas => AnswerReading::Pandas,
        },
        nltk: match args.rules.nltk {
            Version::From36 => Nltk::From36,
            Version::UpTo35 => Nltk::UpTo35,
        },
        whole: None,
        stems: stems.as_ref(),
        wordnet: lexicon.wordnet.as_ref(),
        tagger: lexicon.tagger.as_ref(),
    };
    let scored = score(args.task, &args.predictions, &args.annotations, &options)?;
    match args.json {
        true => output::json(&scored),
        false => output::line(&scored.to_string()),
    }
}
