//! What a model expects after each token of prompts, whose pictures are files:
//! `cargo run --example expects -- MODEL PROMPTS`, where PROMPTS has a document a line (JSONL). Writes a JSON line for
//! each: its tokens, and the log-probability of each token of the vocabulary behind each of them.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use flamingo::Files;
use flamingo::engine::{Engine, EngineOptions};
use flamingo::kernels::{Backend, open_device};
use flamingo::sequence::Document;
use flamingo::weights::Source;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("name a model's directory")?;
    let prompts = arguments.next().ok_or("name a file of prompts")?;
    let device = open_device(Backend::Cpu)?;
    let source = Source::Directory(PathBuf::from(model));
    let mut engine = Engine::open(&source, &device, EngineOptions::default())?;
    let mut out = std::io::stdout().lock();
    for line in std::fs::read_to_string(prompts)?.lines() {
        let document = Document::from_json(line)?;
        let files = Files::of([&document]);
        let found = engine.distributions(&document, &files)?;
        let rows: Vec<&[f32]> = (0..found.tokens.len()).map(|i| found.after(i)).collect();
        let line = serde_json::json!({"tokens": found.tokens, "log_probabilities": rows});
        writeln!(out, "{line}")?;
    }
    Ok(())
}
