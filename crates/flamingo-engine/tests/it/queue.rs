//! The queue and the caches: what is shared, kept and freed changes no answer.

use std::cell::RefCell;
use std::collections::HashMap;

use flamingo_engine::{
    Answer, Decoding, Engine, EngineOptions, Event, MediaSource, RankBy, Request, RequestId,
};
use flamingo_image::{Media, Wanted};
use flamingo_sequence::{Candidates, Document, Part};

use super::{engine, image, pictures, prompts, text};

fn sampling() -> Decoding {
    Decoding {
        max_new_tokens: 7,
        temperature: 1.0,
        seed: 5,
        num_return_sequences: 2,
        ..Decoding::default()
    }
}

fn beams() -> Decoding {
    Decoding {
        max_new_tokens: 6,
        num_beams: 3,
        num_return_sequences: 2,
        length_penalty: 0.0,
        ..Decoding::default()
    }
}

fn generate(engine: &mut Engine, prompts: &[Document], decoding: &Decoding) -> Vec<Answer> {
    let mut answers = engine
        .generate(prompts, &pictures(), decoding, &mut |_, _| {})
        .unwrap();
    answers
        .iter_mut()
        .for_each(|a| a.timings = Default::default());
    answers
}

/// Ten prompts, five of which begin alike for many tokens.
fn many() -> Vec<Document> {
    let shots = [
        image("a"),
        text("Output: a thing that is red"),
        Part::End,
        image("b"),
    ];
    let query = |word: &str| {
        let shots = shots.iter().cloned();
        Document::new(shots.chain([text(&format!("Output: {word}"))]))
    };
    let mut all = prompts();
    all.extend(["one", "two", "three", "four", "five"].map(query));
    all.push(Document::new([text("Output: one")]));
    all
}

fn without_caches() -> EngineOptions {
    EngineOptions {
        batch: 1,
        media_bytes: 0,
        prefix_bytes: 0,
        ..EngineOptions::default()
    }
}

#[test]
fn answers_do_not_depend_on_what_runs_beside_them_or_ran_before_to_the_last_bit() {
    for decoding in [sampling(), beams()] {
        let expected = generate(&mut engine(without_caches()), &many(), &decoding);
        let media = EngineOptions::default().prefill_media_bytes;
        for (batch, prefill_tokens, prefill_media_bytes) in [
            (1, 1, media),
            (3, 4096, media),
            (32, 20, media),
            (32, 4096, media),
            (32, 4096, 1),
        ] {
            let options = EngineOptions {
                batch,
                prefill_tokens,
                prefill_media_bytes,
                ..EngineOptions::default()
            };
            let mut engine = engine(options);
            for round in ["cold", "warm"] {
                let answers = generate(&mut engine, &many(), &decoding);
                assert_eq!(answers, expected, "{batch} {prefill_tokens} {round}");
            }
        }
    }
}

/// Prompts that each show a picture of their own are read one by one where a pass may hold one picture, and together where
/// it may hold all.
#[test]
fn a_pass_holds_no_more_of_pictures_than_it_may() {
    let asked = ["a", "b", "c"].map(|name| Document::new([image(name), text("Output:")]));
    let passes = |prefill_media_bytes: usize| {
        let mut engine = engine(EngineOptions {
            prefill_media_bytes,
            prefix_bytes: 0,
            ..EngineOptions::default()
        });
        generate(&mut engine, &asked, &beams());
        engine.counts().reading_passes
    };
    let medium = engine(EngineOptions::default())
        .model()
        .config()
        .medium_numbers()
        * size_of::<f32>();
    assert_eq!(passes(3 * medium), 1);
    assert_eq!(passes(3 * medium - 1), 2);
    assert_eq!(passes(1), 3);
}

#[test]
fn prompts_that_begin_alike_share_what_was_read_to_the_token() {
    let mut engine = engine(EngineOptions::default());
    let all = many();
    let known = |engine: &mut Engine, prompt: &Document| {
        let answers = engine.generate(
            std::slice::from_ref(prompt),
            &pictures(),
            &beams(),
            &mut |_, _| {},
        );
        let answer = answers.unwrap().remove(0);
        (answer.timings.known, answer.prompt_tokens)
    };
    assert_eq!(known(&mut engine, &all[4]).0, 0);
    let (shared, tokens) = known(&mut engine, &all[5]);
    assert!(shared > 5 && shared < tokens, "{shared} of {tokens}");
    let (again, tokens) = known(&mut engine, &all[5]);
    assert_eq!(again, tokens);
    // The same words over another picture are another beginning.
    let other = Document::new([image("c"), text("Output: a thing that is red")]);
    assert!(known(&mut engine, &other).0 <= 1);
    engine.clear_caches();
    assert_eq!(known(&mut engine, &all[5]).0, 0);
}

#[test]
fn caches_stay_within_their_budgets() {
    let expected = generate(&mut engine(without_caches()), &many(), &beams());
    for budget in [1 << 10, 20 << 10, 60 << 10] {
        let mut engine = engine(EngineOptions {
            media_bytes: budget,
            prefix_bytes: budget,
            ..EngineOptions::default()
        });
        for _ in 0..3 {
            assert_eq!(generate(&mut engine, &many(), &beams()), expected);
            let [media, prefixes] = engine.cached_bytes();
            assert!(media <= budget && prefixes <= budget, "{media} {prefixes}");
        }
    }
}

/// Runs the engine until nothing is left, and returns what came of one request.
fn finish(engine: &mut Engine, wanted: RequestId) -> Vec<Event> {
    let mut all = Vec::new();
    while engine.pending() > 0 {
        all.extend(engine.step(&pictures()));
    }
    all.retain(|event| event.request() == wanted);
    all
}

#[test]
fn a_request_that_is_cancelled_says_no_more_and_leaves_the_others_as_they_are() {
    let alone = generate(&mut engine(without_caches()), &prompts()[1..2], &sampling());
    let request = |prompt: &Document, stream| Request::Generate {
        prompt: prompt.clone(),
        decoding: sampling(),
        stream,
    };
    for steps in 0..4 {
        let mut engine = engine(EngineOptions {
            batch: 4,
            ..EngineOptions::default()
        });
        let all: Vec<RequestId> = prompts()
            .iter()
            .map(|prompt| engine.submit(request(prompt, 0)).unwrap())
            .collect();
        for _ in 0..steps {
            engine.step(&pictures());
        }
        assert!(engine.cancel(all[0]) && engine.cancel(all[3]));
        assert!(!engine.cancel(all[0]), "it is over already");
        assert_eq!(engine.pending(), 2);
        let mut events = Vec::new();
        while engine.pending() > 0 {
            events.extend(engine.step(&pictures()));
        }
        assert!(
            events
                .iter()
                .all(|event| ![all[0], all[3]].contains(&event.request()))
        );
        let answered = events.into_iter().find_map(|event| match event {
            Event::Answered { request, answers } if request == all[1] => Some(answers),
            _ => None,
        });
        let texts = |answers: &[Answer]| answers.iter().map(|a| a.text.clone()).collect::<Vec<_>>();
        assert_eq!(
            texts(&answered.unwrap()),
            texts(&alone),
            "after {steps} steps"
        );
    }
}

#[test]
fn a_request_whose_picture_is_missing_fails_and_the_others_go_on() {
    let mut engine = engine(EngineOptions::default());
    let request = |prompt: Document| Request::Generate {
        prompt,
        decoding: beams(),
        stream: 0,
    };
    let bad = engine.submit(request(Document::new([image("nowhere"), text("Output:")])));
    let good = engine.submit(request(prompts()[0].clone())).unwrap();
    let score = Request::Score {
        candidates: Candidates {
            document: prompts()[1].clone(),
            candidates: vec![" one".into(), " two".into()],
        },
        by: RankBy::Sum,
    };
    let score = engine.submit(score).unwrap();
    let events = engine.step(&pictures());
    let failed = |event: &Event| match event {
        Event::Failed { request, error } => {
            (Some(request) == bad.as_ref().ok()).then(|| error.to_string())
        }
        _ => None,
    };
    let error = events.iter().find_map(failed).unwrap();
    assert!(error.contains("nowhere"), "{error}");
    let scored =
        |event: &Event| matches!(event, Event::Scored { request, .. } if *request == score);
    assert!(events.iter().any(scored));
    let rest = finish(&mut engine, good);
    assert!(matches!(rest.last(), Some(Event::Answered { answers, .. }) if answers.len() == 2));
}

#[test]
fn events_of_others_outlive_a_job_that_fails_beside_them() {
    let mut engine = engine(EngineOptions::default());
    let score = Request::Score {
        candidates: Candidates {
            document: prompts()[1].clone(),
            candidates: vec![" one".into(), " two".into()],
        },
        by: RankBy::Sum,
    };
    let other = engine.submit(score).unwrap();
    let missing = [Document::new([image("nowhere"), text("Output:")])];
    let failed = engine.generate(&missing, &pictures(), &beams(), &mut |_, _| {});
    assert!(failed.unwrap_err().to_string().contains("nowhere"));
    assert_eq!(engine.pending(), 0);
    let events = engine.step(&pictures());
    let scored =
        |event: &Event| matches!(event, Event::Scored { request, .. } if *request == other);
    assert!(events.iter().any(scored), "{events:?}");
}

#[test]
fn candidates_get_the_same_bits_whatever_is_scored_beside_their_prompt() {
    let candidates = || [" one", " one two", " one two three", " daxo", " on"].map(str::to_owned);
    let requests: Vec<Candidates> = many()
        .into_iter()
        .map(|document| Candidates {
            document,
            candidates: candidates().to_vec(),
        })
        .collect();
    let mut alone = engine(without_caches());
    let mut together = engine(EngineOptions::default());
    let all = together
        .score(&requests, &pictures(), RankBy::Mean)
        .unwrap();
    for (request, expected) in requests.into_iter().zip(all) {
        let scores = alone.score(&[request], &pictures(), RankBy::Mean).unwrap();
        assert_eq!(scores[0], expected);
    }
}

#[test]
fn latents_of_another_run_are_read_and_damaged_files_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let options = || EngineOptions {
        latents: Some(folder.path().join("latents")),
        ..EngineOptions::default()
    };
    let files = || -> Vec<_> {
        let entries = std::fs::read_dir(folder.path().join("latents")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let first = generate(&mut engine(options()), &prompts(), &beams());
    assert_eq!(
        first,
        generate(&mut engine(without_caches()), &prompts(), &beams())
    );
    assert_eq!(files().len(), 4, "three pictures and a film");
    assert_eq!(
        generate(&mut engine(options()), &prompts(), &beams()),
        first
    );

    // What is in the files is what is used.
    let [one, other] = [&files()[0], &files()[1]];
    let (mine, theirs) = (std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
    std::fs::write(one, &theirs).unwrap();
    std::fs::write(other, &mine).unwrap();
    assert_ne!(
        generate(&mut engine(options()), &prompts(), &beams()),
        first
    );

    let mut flipped = mine.clone();
    flipped[mine.len() / 2] ^= 1;
    for (file, damaged) in files()
        .iter()
        .zip([&mine[..mine.len() / 2], &flipped].into_iter().cycle())
    {
        std::fs::write(file, damaged).unwrap();
    }
    assert_eq!(
        generate(&mut engine(options()), &prompts(), &beams()),
        first
    );
    assert_eq!(
        generate(&mut engine(options()), &prompts(), &beams()),
        first
    );
}

/// Pictures with versions, that counts how often each is loaded.
struct Counting {
    pictures: HashMap<String, Media>,
    version: &'static str,
    loaded: RefCell<Vec<String>>,
}

impl Counting {
    fn new(version: &'static str) -> Self {
        Self {
            pictures: pictures(),
            version,
            loaded: RefCell::default(),
        }
    }
}

impl MediaSource for Counting {
    fn media(&self, reference: &str, wanted: &Wanted) -> flamingo_engine::Result<Media> {
        self.loaded.borrow_mut().push(reference.to_owned());
        self.pictures.media(reference, wanted)
    }

    fn version(&self, reference: &str) -> Option<String> {
        Some(format!("{reference} {}", self.version))
    }
}

#[test]
fn a_picture_whose_version_is_known_is_not_loaded_again() {
    let mut engine = engine(EngineOptions::default());
    let expected = generate(&mut engine, &many(), &beams());
    engine.clear_caches();
    let source = Counting::new("1");
    let run = |engine: &mut Engine, source: &Counting| {
        let mut answers = engine
            .generate(&many(), source, &beams(), &mut |_, _| {})
            .unwrap();
        answers
            .iter_mut()
            .for_each(|a| a.timings = Default::default());
        answers
    };
    assert_eq!(run(&mut engine, &source), expected);
    let mut loaded = source.loaded.take();
    loaded.sort();
    assert_eq!(loaded, ["a", "b", "c", "film"]);
    assert_eq!(run(&mut engine, &source), expected);
    assert!(source.loaded.borrow().is_empty());

    // Another version is another picture.
    let mut other = Counting::new("2");
    other.pictures.insert("a".into(), pictures()["c"].clone());
    assert_ne!(run(&mut engine, &other), expected);
    assert_eq!(other.loaded.borrow().len(), 4);
}

#[test]
fn a_picture_that_changes_under_its_version_is_an_error_where_it_is_noticed() {
    let mut engine = engine(without_caches());
    let mut source = Counting::new("1");
    let ask = |engine: &mut Engine, source: &Counting| {
        engine.generate(&prompts()[1..2], source, &beams(), &mut |_, _| {})
    };
    ask(&mut engine, &source).unwrap();
    source.pictures.insert("a".into(), pictures()["c"].clone());
    let error = ask(&mut engine, &source).unwrap_err().to_string();
    assert!(error.starts_with("a changed"), "{error}");
    assert_eq!(engine.pending(), 0);
}
