//! The same as transformers' `generate()`; `tests/fixtures/make_generate.py` wrote the cases.

use std::ops::ControlFlow;

use flamingo_engine::decoding::{
    BeamLength, Decoded, Decoding, Ending, Prompt, Search, Vocabulary, lay_out,
};
use serde_json::Value;

use super::toy::{Toy, logits};

/// One call of `generate()`.
struct Case {
    number: usize,
    kind: String,
    prompts: Vec<Vec<u32>>,
    vocabulary: Vocabulary,
    options: Decoding,
    value: Value,
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("as the script writes it")
}

fn fixture() -> (u32, Vec<Case>) {
    let text = include_str!("../../fixtures/generate.json");
    let value: Value = serde_json::from_str(text).expect("JSON");
    let cases = value["cases"]
        .as_array()
        .expect("a list")
        .iter()
        .enumerate();
    let case = |(number, value): (usize, &Value)| Case {
        number,
        kind: read(&value["kind"]),
        prompts: read(&value["prompts"]),
        vocabulary: Vocabulary {
            eos: read(&value["eos"]),
            forbidden: read(&value["forbidden"]),
        },
        options: read(&value["options"]),
        value: value.clone(),
    };
    (read(&value["pad"]), cases.map(case).collect())
}

impl Case {
    fn decoded(&self, beam_length: BeamLength) -> Vec<Vec<Decoded>> {
        let options = Decoding {
            beam_length,
            ..self.options.clone()
        };
        let stream = |(i, ids)| Prompt {
            ids,
            stream: i as u64,
        };
        let rows = self.prompts.iter().map(Vec::as_slice).enumerate();
        let prompts: Vec<Prompt<'_>> = rows.map(stream).collect();
        let mut toy = Toy::new(&self.kind, &prompts);
        let first = toy.logits();
        let search = Search::new(&options, &self.vocabulary).expect("options");
        let go = &mut |_| ControlFlow::Continue(());
        search.run(&mut toy, &prompts, first, go).expect("answers")
    }

    fn compare(&self, version: &str, beam_length: BeamLength, pad: u32) {
        let older = &self.value["4.35.2"];
        let expected = |name| self.value[version].get(name).or(older.get(name));
        let name = format!("case {} at {version}: {:?}", self.number, self.options);
        let decoded = self.decoded(beam_length);
        let prompts: Vec<&[u32]> = self.prompts.iter().map(Vec::as_slice).collect();
        let rows = lay_out(&prompts, &decoded, pad);
        let width = self.prompts[0].len();
        let generated: Vec<&[u32]> = rows.iter().map(|row| &row[width..]).collect();
        let sequences: Vec<Vec<u32>> = read(expected("sequences").expect("a list"));
        assert_eq!(generated, sequences, "{name}");
        let scores = decoded.iter().flatten().filter_map(|d| d.score);
        let expected: Option<Vec<f64>> = expected("scores").map(read);
        let expected = expected.unwrap_or_default();
        assert_eq!(scores.clone().count(), expected.len(), "{name}");
        for (score, expected) in scores.zip(expected) {
            let apart = (f64::from(score) - expected).abs();
            let allowed = 1e-5 * expected.abs().max(1.0);
            assert!(apart < allowed, "{name}: {score} for {expected}");
        }
    }
}

#[test]
fn answers_and_beam_scores_are_those_of_generate() {
    let (pad, cases) = fixture();
    let (mut greedy, mut beams) = (0, 0);
    for case in cases.iter().filter(|case| !case.options.draws()) {
        case.compare("4.35.2", BeamLength::WithPrompt, pad);
        case.compare("4.45.2", BeamLength::Generated, pad);
        match case.options.num_beams {
            1 => greedy += 1,
            _ => beams += 1,
        }
    }
    assert!(greedy > 30 && beams > 150, "{greedy} and {beams} cases");
}

#[test]
fn tokens_are_drawn_by_the_probabilities_of_generate() {
    let (_, cases) = fixture();
    let mut compared = 0;
    for case in cases.iter().filter(|case| case.options.draws()) {
        let search = Search::new(&case.options, &case.vocabulary).expect("options");
        for drawn in case.value["distributions"].as_array().expect("a list") {
            let name = format!("case {}: {:?} {drawn}", case.number, case.options);
            let row: Vec<u32> = read(&drawn["row"]);
            let generated: usize = read(&drawn["generated"]);
            let found = search.distribution(&row, generated, &logits(&case.kind, &row));
            let count = found.iter().filter(|p| **p > 0.0).count();
            assert_eq!(count, read::<usize>(&drawn["count"]), "{name}");
            let expected: Vec<(usize, f32)> = read(&drawn["probabilities"]);
            for (id, probability) in expected {
                let apart = (found[id] - probability).abs();
                assert!(
                    apart < 1e-5 + 1e-5 * probability,
                    "{name}: {id} {}",
                    found[id]
                );
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} distributions");
}

#[test]
fn an_answer_ends_by_an_end_of_text_or_its_length() {
    for case in fixture().1 {
        for decoded in case.decoded(BeamLength::Generated).into_iter().flatten() {
            let last = decoded.tokens.last().expect("a token").id;
            let ended = case.vocabulary.eos.contains(&last);
            assert_eq!(decoded.ending == Ending::Eos, ended);
            assert!(ended || decoded.tokens.len() == case.options.max_new_tokens);
        }
    }
}
