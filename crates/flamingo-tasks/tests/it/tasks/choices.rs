//! VisDial, HatefulMemes, STAR.

use flamingo_sequence::Part;
use flamingo_tasks::{Output, ScoreOptions, task};

use super::{all_right, answered, dropped, first_dropped, ids, judged_as_scored, metric, read};
use crate::Folder;

fn dialogues(split: &str, dialogs: &str) -> String {
    format!(
        r#"{{"version": "1.0", "split": "{split}", "data": {{"dialogs": [{dialogs}], "questions": ["is it day", "any cats"], "answers": ["yes", "no", "2 cats", "maybe"]}}}}"#
    )
}

fn dialogue(image: usize) -> String {
    format!(
        r#"{{"image_id": {image}, "caption": "a room", "dialog": [{{"question": 0, "answer": 0, "answer_options": [1, 0, 3], "gt_index": 1}}, {{"question": 1, "answer": 2, "answer_options": [2, 3, 0], "gt_index": 0}}]}}"#
    )
}

fn visdial() -> Folder {
    let folder = Folder::new();
    let broken = r#"null, {"image_id": 19, "caption": "c", "dialog": []}, {"image_id": 23, "caption": "c", "dialog": [{"question": 9, "answer": 0, "answer_options": [0], "gt_index": 0}]}"#;
    let val = [dialogue(11), dialogue(13), dialogue(17), broken.to_owned()];
    folder.write("visdial_1.0_val.json", dialogues("val", &val.join(", ")));
    folder.write("visdial_1.0_train.json", dialogues("train", &dialogue(5)));
    let test = r#"{"image_id": 29, "caption": "a bus", "dialog": [{"question": 0, "answer": 0}, {"question": 1, "answer_options": [1, 2, 0]}]}"#;
    folder.write("visdial_1.0_test.json", dialogues("test", test));
    folder.write(
        "visdial_1.0_val_dense_annotations.json",
        r#"[{"image_id": 11, "round_id": 2, "gt_relevance": [0.5, 1.0, 0.0]}, {"image_id": 13, "round_id": 1, "gt_relevance": [0.0, 1.0, 0.0]}, {"image_id": 99, "round_id": 1, "gt_relevance": [1.0]}]"#,
    );
    for name in [
        "VisualDialog_val2018_000000000011",
        "VisualDialog_val2018_000000000013",
        "VisualDialog_test2018_000000000029",
        "COCO_train2014_000000000005",
    ] {
        folder.write(&format!("{name}.jpg"), "");
    }
    folder
}

#[test]
fn a_round_of_a_dialogue_is_asked_after_those_before_it() {
    let folder = visdial();
    let examples = read(&folder, "visdial", "val");
    assert_eq!(ids(&examples.queries), ["11, round 2", "13, round 1"]);
    let second = &examples.queries.examples[0];
    assert_eq!(second.turns, [("is it day".to_owned(), "yes".to_owned())]);
    assert_eq!(
        second.candidates.as_deref().unwrap(),
        ["2 cats", "maybe", "yes"]
    );
    assert_eq!(
        dropped(&examples.queries, "broken entry"),
        3,
        "{:?}",
        examples.queries.dropped
    );
    assert_eq!(
        first_dropped(&examples.queries, "picture that is not there"),
        "VisualDialog_val2018_000000000017.jpg"
    );
    assert_eq!(
        first_dropped(&examples.queries, "relevance without a round"),
        "99, round 1"
    );
    let support = &examples.supports.examples[0];
    assert_eq!(
        (support.turns.len(), support.answer.as_deref()),
        (1, Some("2 cats"))
    );
    assert_eq!(support.id.to_string(), "5, round 2");
    let task = task("visdial").unwrap();
    let outputs = all_right(&examples);
    let judged = task
        .judge(&answered(&examples, &outputs), &ScoreOptions::default())
        .unwrap();
    assert_eq!(judged.metrics[0].name, "NDCG");
    assert_eq!(metric(&judged, "MRR"), 100.0);
}

#[test]
fn ranks_of_all_rounds_are_handed_in_and_of_test_only_the_last() {
    let folder = visdial();
    let task = task("visdial").unwrap();
    let whole = dialogues("val", &[dialogue(11), dialogue(13)].join(", "));
    let official = folder.write("visdial_1.0_val.json", whole);
    let dense = folder.write(
        "visdial_1.0_val_dense_annotations.json",
        r#"[{"image_id": 11, "round_id": 2, "gt_relevance": [0.5, 1.0, 0.0]}, {"image_id": 13, "round_id": 1, "gt_relevance": [0.0, 1.0, 0.0]}]"#,
    );
    let examples = read(&folder, "visdial", "val-rounds");
    assert_eq!(examples.queries.examples.len(), 4);
    let scores = [
        [-3.0, -1.0, -1.0],
        [-1.0, -2.0, -3.0],
        [-1.0, -2.0, -3.0],
        [-2.0, -1.0, -3.0],
    ];
    let outputs = scores.map(|row| Output::Likelihoods(row.to_vec()));
    judged_as_scored(&folder, &*task, &examples, &outputs, &[official, dense]);
    let test = read(&folder, "visdial", "test");
    let outputs = [Output::Likelihoods(vec![-2.0, -3.0, -1.0])];
    let submission = task.submission(&test, &answered(&test, &outputs)).unwrap();
    let given: serde_json::Value = serde_json::from_slice(&submission.bytes).unwrap();
    let expected = r#"[{"image_id": 29, "round_id": 2, "ranks": [2, 3, 1]}]"#;
    assert_eq!(
        given,
        serde_json::from_str::<serde_json::Value>(expected).unwrap()
    );
}

#[test]
fn a_meme_is_hateful_by_the_probability_of_yes() {
    let folder = Folder::new();
    let meme = |id: usize, label: &str| {
        format!(r#"{{"id": {id}, "img": "img/{id:05}.png", {label}"text": "look at {id}"}}"#)
    };
    let train = [
        meme(1, r#""label": 1, "#),
        meme(2, r#""label": 0, "#),
        meme(3, ""),
        "{broken".to_owned(),
        meme(4, r#""label": "hateful", "#),
    ];
    folder.write("train.jsonl", train.join("\n"));
    let official = folder.write(
        "test_seen.jsonl",
        [meme(5, r#""label": 1, "#), meme(7, r#""label": 0, "#)].join("\n"),
    );
    folder.write("dev.jsonl", meme(8, r#""label": 0, "#));
    folder.write("test_unseen.jsonl", meme(42_953, ""));
    for id in [1, 2, 3, 4, 5, 7, 42_953] {
        folder.write(&format!("img/{id:05}.png"), "");
    }
    let task = task("hateful-memes").unwrap();
    let examples = read(&folder, "hateful-memes", "test-seen");
    assert_eq!(dropped(&examples.supports, "broken entry"), 3);
    let mut answers: Vec<_> = examples
        .supports
        .examples
        .iter()
        .map(|support| support.answer.clone().unwrap())
        .collect();
    answers.sort();
    assert_eq!(answers, ["no", "yes"]);
    let outputs = [
        Output::Likelihoods(vec![-1.0, -1.5]),
        Output::Likelihoods(vec![-3.0, -1.5]),
    ];
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[official]);
    assert_eq!(metric(&judged, "ROC AUC"), 100.0);
    let dev = read(&folder, "hateful-memes", "dev-seen");
    assert_eq!(
        first_dropped(&dev.queries, "picture that is not there"),
        "00008.png"
    );
    let unseen = read(&folder, "hateful-memes", "test-unseen");
    let outputs = [Output::Likelihoods(vec![
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
    ])];
    let submission = task
        .submission(&unseen, &answered(&unseen, &outputs))
        .unwrap();
    assert_eq!(
        String::from_utf8(submission.bytes).unwrap(),
        "id,proba,label\n42953,0.5,0\n"
    );
}

#[test]
fn star_is_answered_by_the_text_of_a_choice() {
    let folder = Folder::new();
    let entry = |id: &str, answer: &str| {
        format!(
            r#"{{"question_id": "{id}", "question": "Which object?", "video_id": "6H78U", "start": 11.1, "end": 19.6, {answer} "choices": [{{"choice_id": 1, "choice": "The door."}}, {{"choice_id": 0, "choice": "The cup."}}], "situations": {{}}}}"#
        )
    };
    let val = [
        entry("Interaction_T1_13", r#""answer": "The door.","#),
        entry("Sequence_T2_1", r#""answer": "The cup.","#),
    ];
    let broken = [
        entry("Feasibility_T1_1", r#""answer": "The sky.","#),
        entry("Prediction_T1_1", ""),
        "3".to_owned(),
    ];
    folder.write(
        "STAR_val.json",
        format!(
            "[{}]",
            val.iter()
                .chain(&broken)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ")
        ),
    );
    folder.write("STAR_train.json", format!("[{}]", val[0]));
    folder.write(
        "STAR_test.json",
        format!("[{}]", entry("Interaction_T1_1", "")),
    );
    folder.write("Charades_v1_480/6H78U.mp4", "");
    let examples = read(&folder, "star", "val");
    assert_eq!(
        ids(&examples.queries),
        ["Interaction_T1_13", "Sequence_T2_1"]
    );
    assert_eq!(dropped(&examples.queries, "broken entry"), 3);
    let first = &examples.queries.examples[0];
    assert_eq!(
        first.candidates.as_deref().unwrap(),
        ["The cup.", "The door."]
    );
    assert!(
        matches!(&first.parts[0], Part::Video(place) if place.ends_with("6H78U.mp4#t=11.1,19.6"))
    );
    let task = task("star").unwrap();
    let official = folder.write("STAR_val.json", format!("[{}]", val.join(", ")));
    let examples = read(&folder, "star", "val");
    let outputs = [
        Output::Likelihoods(vec![-2.0, -1.0]),
        Output::Likelihoods(vec![-2.0, -1.0]),
    ];
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[official]);
    assert_eq!(metric(&judged, "accuracy, mean over types"), 50.0);
    assert_eq!(judged.samples[0].answer, "The door.");
    let test = read(&folder, "star", "test");
    let submission = task
        .submission(&test, &answered(&test, &outputs[..1]))
        .unwrap();
    let given: serde_json::Value = serde_json::from_slice(&submission.bytes).unwrap();
    let expected = r#"[{"question_id": "Interaction_T1_1", "answer": "The door."}]"#;
    assert_eq!(
        given,
        serde_json::from_str::<serde_json::Value>(expected).unwrap()
    );
}
