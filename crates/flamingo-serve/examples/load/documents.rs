//! What is asked: questions behind four shots that all have in common.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_image::Image;
use serde_json::{Value, json};

use crate::process::{Program, Seconds, run};

/// Tokens of each answer.
pub(crate) const TOKENS: usize = 20;
const SHOTS: u32 = 4;
const CANDIDATES: [&str; 5] = [" a pig", " a dog", " dax", " wug", " a red ball"];

/// Documents with the parts that the program and the server take alike.
pub(crate) struct Documents(Vec<Vec<Value>>);

fn picture(seed: u32) -> Vec<u8> {
    let color = [53, 97, 151].map(|factor: u32| (seed * factor % 251) as u8);
    let disc = move |x: u32, y: u32| {
        let (dx, dy) = (x as i32 - 24 - (seed % 7) as i32, y as i32 - 24);
        if dx * dx + dy * dy < 200 {
            color
        } else {
            [230, 230, 220]
        }
    };
    Image::from_fn(48, 48, disc).to_png()
}

fn url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

impl Documents {
    pub(crate) fn new(count: u32) -> Self {
        let shots = (0..SHOTS).flat_map(|i| {
            [
                json!({"image": url(&picture(i))}),
                json!({"text": format!("Output: {}", ["dax", "wug", "blick", "toma"][i as usize])}),
                json!({"end": true}),
            ]
        });
        let shots: Vec<Value> = shots.collect();
        let query = |i: u32| {
            [
                json!({"image": url(&picture(SHOTS + i))}),
                json!({"text": "Output:"}),
            ]
        };
        Self(
            (0..count)
                .map(|i| shots.iter().cloned().chain(query(i)).collect())
                .collect(),
        )
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn ask(&self, i: usize) -> String {
        json!({"parts": self.0[i], "max_tokens": TOKENS, "min_tokens": TOKENS}).to_string()
    }

    pub(crate) fn streamed(&self, i: usize) -> String {
        json!({"parts": self.0[i], "max_tokens": TOKENS, "min_tokens": TOKENS, "stream": true})
            .to_string()
    }

    pub(crate) fn score(&self, i: usize) -> String {
        json!({"parts": self.0[i], "candidates": CANDIDATES}).to_string()
    }

    /// With a picture that is cut short, and no one has.
    pub(crate) fn broken(&self, i: usize) -> String {
        let mut parts = self.0[i].clone();
        let mut png = picture(1_000_000 + i as u32);
        png.truncate(40 + i % 60);
        parts.push(json!({"image": url(&png)}));
        json!({"parts": parts, "max_tokens": TOKENS}).to_string()
    }

    /// More than the server's 1 MiB.
    pub(crate) fn large(&self) -> String {
        json!({"parts": [{"text": "a".repeat(1_100_000)}]}).to_string()
    }

    /// The answers of the program to all of them as one file, and what each took.
    pub(crate) fn asked_by(&self, program: &Program, folder: &Path) -> (Vec<Value>, Seconds) {
        let file = folder.join("ask.jsonl");
        let line = |parts: &Vec<Value>| json!({ "parts": parts }).to_string() + "\n";
        std::fs::write(&file, self.0.iter().map(line).collect::<String>()).unwrap();
        let tokens = TOKENS.to_string();
        let args = [
            "--json",
            "--max-tokens",
            &tokens,
            "--min-tokens",
            &tokens,
            "--prompt",
        ];
        self.lines(program, "ask", &args, &file, &line(&self.0[0]))
    }

    /// Their scores, likewise.
    pub(crate) fn scored_by(&self, program: &Program, folder: &Path) -> (Vec<Value>, Seconds) {
        let file = folder.join("score.jsonl");
        let line = |parts: &Vec<Value>| {
            json!({"parts": parts, "candidates": CANDIDATES}).to_string() + "\n"
        };
        std::fs::write(&file, self.0.iter().map(line).collect::<String>()).unwrap();
        self.lines(program, "score", &["--prompts"], &file, &line(&self.0[0]))
    }

    /// What a run on the file prints, and what a document costs beyond the first, which is what starting costs, too.
    fn lines(
        &self,
        program: &Program,
        verb: &str,
        args: &[&str],
        file: &Path,
        first: &str,
    ) -> (Vec<Value>, Seconds) {
        let (printed, whole) = run(program, verb, args, file);
        let one = file.with_extension("one.jsonl");
        std::fs::write(&one, first).unwrap();
        let (_, start) = run(program, verb, args, &one);
        let lines = printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let each = |whole: f64, start: f64| (whole - start) / (self.len() - 1) as f64;
        let seconds = Seconds {
            wall: each(whole.wall, start.wall),
            cpu: each(whole.cpu, start.cpu),
        };
        (lines.collect(), seconds)
    }
}
