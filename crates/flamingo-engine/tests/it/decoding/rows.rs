//! What becomes of rows: dropped, doubled, streamed, stopped.

use std::convert::Infallible;
use std::ops::ControlFlow;

use flamingo_engine::decoding::{
    Decoded, Decoding, Ending, NextLogits, Prompt, Search, SearchError, Step, Vocabulary,
};

use super::toy::{Toy, VOCABULARY, logits};

const PROMPTS: [&[u32]; 3] = [&[7, 11, 13], &[17, 19, 23], &[29, 31, 37]];

fn prompts(which: &[usize]) -> Vec<Prompt<'static>> {
    let prompt = |&i: &usize| Prompt {
        ids: PROMPTS[i],
        stream: i as u64,
    };
    which.iter().map(prompt).collect()
}

fn eos() -> Vocabulary {
    Vocabulary {
        eos: vec![2, 3],
        forbidden: vec![],
    }
}

fn run(options: &Decoding, which: &[usize], kind: &str) -> (Vec<Vec<Decoded>>, Toy) {
    let prompts = prompts(which);
    let mut toy = Toy::new(kind, &prompts);
    let first = toy.logits();
    let vocabulary = eos();
    let search = Search::new(options, &vocabulary).expect("options");
    let go = &mut |_| ControlFlow::Continue(());
    let answers = search.run(&mut toy, &prompts, first, go).expect("answers");
    (answers, toy)
}

fn sampled() -> Decoding {
    Decoding {
        temperature: 1.3,
        num_return_sequences: 4,
        max_new_tokens: 11,
        seed: 5,
        ..Decoding::default()
    }
}

#[test]
fn an_answer_does_not_depend_on_its_batch() {
    let beams = Decoding {
        num_beams: 3,
        num_return_sequences: 2,
        max_new_tokens: 9,
        ..Decoding::default()
    };
    let drawn_beams = Decoding {
        temperature: 1.3,
        top_k: 7,
        ..beams.clone()
    };
    for options in [Decoding::default(), sampled(), beams, drawn_beams] {
        let (together, _) = run(&options, &[0, 1, 2], "ending");
        let (turned, _) = run(&options, &[2, 0], "ending");
        assert_eq!(turned, [together[2].clone(), together[0].clone()]);
        for (i, alone) in together.iter().enumerate() {
            assert_eq!(run(&options, &[i], "ending").0[0], *alone);
        }
    }
}

#[test]
fn answers_to_one_prompt_differ_and_come_again_with_the_seed() {
    let (first, _) = run(&sampled(), &[0], "flat");
    let (again, _) = run(&sampled(), &[0], "flat");
    assert_eq!(first, again);
    assert_ne!(first[0][0], first[0][1]);
    let (other, _) = run(
        &Decoding {
            seed: 6,
            ..sampled()
        },
        &[0],
        "flat",
    );
    assert_ne!(first, other);
}

#[test]
fn rows_that_have_ended_are_not_advanced() {
    let (answers, toy) = run(&sampled(), &[0, 1, 2], "ending");
    let longer = |n: usize| {
        let lengths = answers.iter().flatten().map(|answer| answer.tokens.len());
        lengths.filter(|length| *length > n).count()
    };
    let steps = answers.iter().flatten().map(|a| a.tokens.len()).max();
    let expected: Vec<usize> = (1..steps.expect("answers")).map(longer).collect();
    assert_eq!(toy.advanced, expected);
    assert!(
        expected[0] > *expected.last().expect("steps"),
        "{expected:?}"
    );
}

#[test]
fn beams_of_prompts_that_are_done_are_not_advanced() {
    let options = Decoding {
        num_beams: 2,
        max_new_tokens: 12,
        early_stopping: flamingo_engine::decoding::EarlyStopping::Immediate,
        ..Decoding::default()
    };
    let (_, toy) = run(&options, &[0, 1, 2], "ending");
    let alone: usize = (0..3)
        .map(|i| run(&options, &[i], "ending").1.advanced.len())
        .sum();
    let rows: usize = toy.advanced.iter().sum();
    assert_eq!(rows, 2 * alone);
    assert!(toy.advanced.iter().all(|rows| *rows > 0));
}

#[test]
fn tokens_are_called_back_in_order_and_a_break_ends_their_answer_alone() {
    let prompts = prompts(&[0, 1]);
    let mut toy = Toy::new("flat", &prompts);
    let first = toy.logits();
    let (options, vocabulary) = (sampled(), eos());
    let search = Search::new(&options, &vocabulary).expect("options");
    let mut steps: Vec<Step> = Vec::new();
    let stop = &mut |step: Step| {
        steps.push(step.clone());
        let count = steps
            .iter()
            .filter(|s| (s.prompt, s.sequence) == (1, 2))
            .count();
        match (step.prompt, step.sequence, count) {
            (1, 2, 3) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let answers = search
        .run(&mut toy, &prompts, first, stop)
        .expect("answers");
    for (prompt, answers) in answers.iter().enumerate() {
        for (sequence, answer) in answers.iter().enumerate() {
            let its = steps
                .iter()
                .filter(|s| (s.prompt, s.sequence) == (prompt, sequence));
            assert!(its.map(|step| &step.token).eq(&answer.tokens));
            assert_eq!(
                answer.ending == Ending::Stopped,
                (prompt, sequence) == (1, 2)
            );
        }
    }
    assert_eq!(answers[1][2].tokens.len(), 3);
}

#[test]
fn a_token_has_the_log_probability_of_the_model_without_the_rules() {
    let options = Decoding {
        repetition_penalty: 2.0,
        no_repeat_ngram_size: 2,
        ..sampled()
    };
    let beams = Decoding {
        temperature: 0.0,
        num_beams: 4,
        ..options.clone()
    };
    for options in [options, beams] {
        let (answers, _) = run(&options, &[0], "flat");
        for answer in &answers[0] {
            let mut row = PROMPTS[0].to_vec();
            for token in &answer.tokens {
                let logits = logits("flat", &row);
                let sum: f64 = logits.iter().map(|x| f64::from(*x).exp()).sum();
                let expected = f64::from(logits[token.id as usize]) - sum.ln();
                // A beam shows the first end of text, whichever it was.
                let eos = options.num_beams > 1 && token.id == 2;
                assert!(eos || (f64::from(token.logprob) - expected).abs() < 1e-5);
                row.push(token.id);
            }
        }
    }
}

/// Returns what it was given.
struct Broken(Vec<Vec<f32>>);

impl NextLogits for Broken {
    type Error = Infallible;

    fn advance(&mut self, _: &[usize], _: &[u32]) -> Result<Vec<Vec<f32>>, Infallible> {
        Ok(self.0.clone())
    }
}

fn error(first: Vec<Vec<f32>>, next: Vec<Vec<f32>>, vocabulary: &Vocabulary) -> String {
    let options = Decoding::default();
    let search = Search::new(&options, vocabulary).expect("options");
    let go = &mut |_| ControlFlow::Continue(());
    let error: SearchError<Infallible> = search
        .run(&mut Broken(next), &prompts(&[0, 1]), first, go)
        .expect_err("refused");
    error.to_string()
}

#[test]
fn models_and_tokens_that_do_not_fit_are_named() {
    let rows = |count| vec![vec![0.0; VOCABULARY]; count];
    let none = Vocabulary::default();
    assert_eq!(
        error(rows(3), rows(2), &none),
        "3 rows of logits for 2 rows of tokens: give one each"
    );
    assert_eq!(
        error(rows(2), rows(1), &none),
        "1 rows of logits for 2 rows of tokens: give one each"
    );
    assert_eq!(
        error(rows(2), vec![vec![0.0; 3]; 2], &none),
        "a row of 3 logits where the vocabulary has 50: give one logit for each id"
    );
    assert_eq!(
        error(vec![vec![0.0; 3]; 2], rows(2), &none),
        "prompt is id 13: give ids below 3, the size of the vocabulary"
    );
    let vocabulary = Vocabulary {
        eos: vec![50],
        forbidden: vec![],
    };
    assert_eq!(
        error(rows(2), rows(2), &vocabulary),
        "eos is id 50: give ids below 50, the size of the vocabulary"
    );
}

#[test]
fn no_prompts_have_no_answers() {
    let (answers, toy) = run(&Decoding::default(), &[], "flat");
    assert!(answers.is_empty() && toy.advanced.is_empty());
}
