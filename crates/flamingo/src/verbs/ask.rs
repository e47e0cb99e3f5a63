//! `flamingo ask`: answers prompts.

use std::path::PathBuf;

use clap::Args;
use flamingo::Files;
use flamingo::engine::{Answer, Engine, Finish, MediaSource};
use flamingo::sequence::Document;
use serde::Serialize;

use crate::args::{DecodingArgs, MediaArgs, ModelArgs};
use crate::chat::Chat;
use crate::failure::{Failure, Hint, Result};
use crate::verbs::parts::{FLAGS, Parts, is_jsonl};
use crate::verbs::prompts::{self, Lines};
use crate::verbs::shots::ShotArgs;
use crate::{interrupt, output};

/// Answer a prompt of pictures and text.
///
/// The prompt is given in parts, in order, or as a file. An answer is written as it comes; those to
/// a JSONL file come as JSONL, in its order.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo ask --image pig.png --text 'Output: pig' --end \
                        --image dog.png --text 'Output:'"
)]
pub(crate) struct AskArgs {
    #[command(flatten)]
    parts: Parts,
    /// Prompts from a file: one JSON document, or one a line (JSONL); - for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = FLAGS)]
    prompt: Option<PathBuf>,
    /// Put the prompt as a chat, by the template that the model brings: --end (or an end of a shot) ends
    /// a turn, and turns are the user's and the model's
    #[arg(long)]
    chat: bool,
    #[command(flatten)]
    shots: ShotArgs,
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    decoding: DecodingArgs,
    /// Print JSON with tokens, log-probabilities and timings
    #[arg(long, help_heading = "Answer")]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

/// What a line of answers holds without `--json`.
#[derive(Serialize)]
struct Short<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    finish: Finish,
}

pub(crate) fn run(args: &AskArgs) -> Result<()> {
    let shots = args.shots.read()?;
    let (queries, places) = queries(args)?;
    let many = queries.len() > 1
        || args.decoding.answers > 1
        || args.prompt.as_deref().is_some_and(is_jsonl);
    let documents: Vec<Document> = queries
        .iter()
        .map(|query| shots.all_before(query))
        .collect();
    for document in &documents {
        document.check()?;
    }
    interrupt::ends_with(match many || args.json {
        true => "each line above is a whole answer; the same command answers all prompts again",
        false => "the answer above is not whole; the same command asks again",
    })?;
    let chat = args.chat.then(|| Chat::of(&args.model.files.source()?));
    let chat = chat.transpose()?;
    let films = args.media.sampling();
    let mut engine = args.model.open_with(|options| options.films = films)?;
    let reader = args.media.reader();
    let documents = shots.nearest_before(&mut engine, documents, &reader, &places)?;
    let documents = match chat {
        Some(chat) => chat.prompts(documents, engine.tokenizer())?,
        None => documents,
    };
    let files = Files::of(&documents).read_with(reader.clone());
    let source = shots.source(&files, &reader);
    if many || args.json {
        lines(&mut engine, &documents, &source, args, &places)
    } else {
        stream(&mut engine, &documents, &source, args)
    }
}

/// The prompts, and where they stand if they are a file's.
fn queries(args: &AskArgs) -> Result<(Vec<Document>, Lines)> {
    if let Some(file) = &args.prompt {
        return prompts::prompts(file);
    }
    let empty = || Failure::new("the prompt is empty: give at least one part");
    let document = args.parts.document().ok_or_else(empty);
    let document =
        document.hint("use --image, --video, --text and --end, in order, or --prompt FILE")?;
    Ok((vec![document], Lines::default()))
}

/// Writes the one answer as it comes.
fn stream(
    engine: &mut Engine,
    documents: &[Document],
    source: &dyn MediaSource,
    args: &AskArgs,
) -> Result<()> {
    let mut begun = false;
    let mut written = Ok(());
    engine.generate(
        documents,
        source,
        &args.decoding.decoding(),
        &mut |_, text| {
            // The space between prompt and answer is no part of what the user wants to read.
            let text = if begun { text } else { text.trim_start() };
            begun |= !text.is_empty();
            if written.is_ok() {
                written = output::piece(text);
            }
        },
    )?;
    written?;
    output::line("")
}

fn lines(
    engine: &mut Engine,
    documents: &[Document],
    source: &dyn MediaSource,
    args: &AskArgs,
    places: &Lines,
) -> Result<()> {
    let answers = engine.generate(documents, source, &args.decoding.decoding(), &mut |_, _| {});
    let answers = answers.map_err(|error| places.told(0, error))?;
    answers
        .iter()
        .try_for_each(|answer| line(answer, args.json))
}

fn line(answer: &Answer, full: bool) -> Result<()> {
    if full {
        return output::json_line(answer);
    }
    let (id, text, finish) = (
        answer.id.as_deref(),
        answer.text.trim_start(),
        answer.finish,
    );
    output::json_line(&Short { id, text, finish })
}
