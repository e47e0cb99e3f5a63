//! The command line.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use crate::verbs;

/// Few-shot image, video and text understanding.
///
/// Shows a model a few examples, pictures and text in turn, and asks it about one more. Without
/// --model it uses the small demo model that is part of the program.
#[derive(Debug, Parser)]
#[command(name = "flamingo", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Log what is done to stderr; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Threads to compute with [default: all of the processor]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Demo(verbs::demo::DemoArgs),
    Ask(verbs::ask::AskArgs),
    Score(verbs::score::ScoreArgs),
    Label(verbs::label::LabelArgs),
    Serve(verbs::serve::ServeArgs),
    Train(verbs::train::TrainArgs),
    Ablate(verbs::ablate::AblateArgs),
    Data(verbs::data::DataArgs),
    Describe(verbs::describe::DescribeArgs),
    Fetch(verbs::fetch::FetchArgs),
    Weights(verbs::weights::WeightsArgs),
    Corpus(verbs::corpus::CorpusArgs),
    Eval(verbs::eval::EvalArgs),
    Bench(verbs::bench::BenchArgs),
    Doctor(verbs::doctor::DoctorArgs),
    Completions(verbs::completions::CompletionsArgs),
    Man(verbs::man::ManArgs),
}

/// The words of the command line; `eval TASK` is `eval run TASK`, and so is a word that is no verb of `eval`, for then the
/// tasks that there are can be told.
pub(crate) fn words(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let Some(at) = words.iter().position(|word| word == "eval") else {
        return words;
    };
    // Before a verb stand only flags that all verbs have, one of them with a number.
    let is_global = |word: &OsString| {
        let word = word.to_string_lossy();
        word.starts_with('-') || word.parse::<usize>().is_ok()
    };
    let command = Cli::command();
    let verbs = command.find_subcommand("eval").into_iter();
    let verbs: Vec<&str> = verbs
        .flat_map(clap::Command::get_subcommands)
        .map(clap::Command::get_name)
        .collect();
    let is_task = |word: &OsString| {
        let word = word.to_string_lossy();
        !word.starts_with('-') && word != "help" && !verbs.contains(&&*word)
    };
    if at > 0 && words[1..at].iter().all(is_global) && words.get(at + 1).is_some_and(is_task) {
        words.insert(at + 1, "run".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_in_the_place_of_a_verb_of_eval_is_run() {
        let read = |line: &str| {
            let words = words(line.split(' ').map(OsString::from));
            let words: Vec<String> = words
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            words.join(" ")
        };
        assert_eq!(
            read("flamingo eval own --data x"),
            "flamingo eval run own --data x"
        );
        assert_eq!(
            read("flamingo -v --threads 2 eval hateful_memes"),
            "flamingo -v --threads 2 eval run hateful_memes"
        );
        assert_eq!(read("flamingo eval blah"), "flamingo eval run blah");
        for same in [
            "flamingo eval run own",
            "flamingo ask --text eval own",
            "flamingo eval",
            "flamingo eval help run",
            "flamingo eval --help",
            "flamingo eval diff own b",
        ] {
            assert_eq!(read(same), same);
        }
    }
}
