//! VQAv2, OKVQA, TextVQA, VizWiz.

use flamingo_tasks::{Output, Preset, ScoreOptions, VqaVersion, task};

use super::{all_right, answered, dropped, first_dropped, ids, judged_as_scored, metric, read};
use crate::Folder;

fn question(id: &str, image: usize) -> String {
    format!(r#"{{"question_id": {id}, "image_id": {image}, "question": "What is in {image}?"}}"#)
}

fn annotation(id: &str, answer: &str) -> String {
    let entries = (1..=10).map(|number| {
        format!(r#"{{"answer": "{answer}", "answer_confidence": "yes", "answer_id": {number}}}"#)
    });
    let entries: Vec<String> = entries.collect();
    format!(
        r#"{{"question_id": {id}, "image_id": 1, "question_type": "what", "answer_type": "other", "multiple_choice_answer": "{answer}", "answers": [{}]}}"#,
        entries.join(", ")
    )
}

fn questions(entries: &[String]) -> String {
    format!(
        r#"{{"info": {{}}, "task_type": "Open-Ended", "questions": [{}]}}"#,
        entries.join(", ")
    )
}

fn annotations(entries: &[String]) -> String {
    format!(
        r#"{{"info": {{}}, "annotations": [{}]}}"#,
        entries.join(", ")
    )
}

/// VQA's form with all that may be wrong in it: two questions of val can be used.
fn broken(folder: &Folder, prefix: &str) {
    let file = |name: &str| format!("{prefix}{name}");
    let val = questions(&[
        question("30", 3),
        question("70", 7),
        question("110", 11),
        question("130", 13),
        "null".to_owned(),
        r#"{"question_id": 170, "image_id": 17}"#.to_owned(),
        r#"{"question_id": 1.5, "image_id": 17, "question": "?"}"#.to_owned(),
    ]);
    let answers = annotations(&[
        annotation("30", "two cats"),
        annotation("\"70\"", "a dog"),
        annotation("110", "an emu"),
        annotation("990", "nothing"),
        r#"{"question_id": 130, "answers": []}"#.to_owned(),
    ]);
    folder.write(&file("OpenEnded_mscoco_val2014_questions.json"), val);
    folder.write(&file("mscoco_val2014_annotations.json"), answers);
    let train: Vec<String> = (1..=5).map(|id| question(&id.to_string(), id)).collect();
    folder.write(
        &file("OpenEnded_mscoco_train2014_questions.json"),
        questions(&train),
    );
    let train: Vec<String> = (1..=5)
        .map(|id| annotation(&id.to_string(), "a fox"))
        .collect();
    folder.write(
        &file("mscoco_train2014_annotations.json"),
        annotations(&train),
    );
    for number in [3, 7, 13, 17] {
        folder.write(&format!("val2014/COCO_val2014_{number:012}.jpg"), "");
    }
    for number in 1..=5 {
        folder.write(&format!("train2014/COCO_train2014_{number:012}.jpg"), "");
    }
}

#[test]
fn questions_meet_their_annotations_and_what_does_not_is_named_by_reason() {
    for (name, prefix) in [("vqav2", "v2_"), ("okvqa", "")] {
        let folder = Folder::new();
        // VQAv2's file of annotations is `v2_mscoco_..`, its questions `v2_OpenEnded_..`.
        broken(&folder, prefix);
        let examples = read(&folder, name, "val");
        let queries = &examples.queries;
        assert_eq!(ids(queries), ["30", "70"], "{queries:?}");
        assert_eq!(queries.entries, 7);
        assert_eq!(dropped(queries, "broken entry"), 3);
        assert_eq!(
            first_dropped(queries, "broken entry"),
            "entry 4 is null, it should be an object"
        );
        assert_eq!(
            first_dropped(queries, "picture that is not there"),
            "COCO_val2014_000000000011.jpg"
        );
        assert_eq!(
            first_dropped(queries, "annotation without a question"),
            "990"
        );
        assert_eq!(
            first_dropped(queries, "question without an annotation"),
            "130"
        );
        assert!(first_dropped(queries, "broken annotation").contains("`answers` is []"));
        let other = &queries.noticed.0["id of another type"];
        assert_eq!(other.first, ["70: a number, annotated as a text"]);
        assert_eq!(examples.supports.examples.len(), 5);
        assert_eq!(
            examples.supports.examples[0].answer.as_deref(),
            Some("a fox")
        );
        // A submission holds what was dropped, too.
        let required: Vec<String> = examples.required.iter().map(ToString::to_string).collect();
        assert_eq!(required, ["30", "70", "110", "130", "170"]);
    }
}

#[test]
fn a_submission_of_test_dev_holds_all_questions_of_test() {
    let folder = Folder::new();
    broken(&folder, "v2_");
    let test = [question("30", 3), question("50", 5), question("70", 7)];
    folder.write(
        "v2_OpenEnded_mscoco_test2015_questions.json",
        questions(&test),
    );
    folder.write(
        "v2_OpenEnded_mscoco_test-dev2015_questions.json",
        questions(&test[1..2]),
    );
    folder.write("test2015/COCO_test2015_000000000005.jpg", "");
    let examples = read(&folder, "vqav2", "test-dev");
    let task = task("vqav2").unwrap();
    let outputs = [Output::Text("a yak".to_owned())];
    let answers = answered(&examples, &outputs);
    let submission = task.submission(&examples, &answers).unwrap();
    let expected = r#"[{"question_id":30,"answer":""},{"question_id":50,"answer":"a yak"},{"question_id":70,"answer":""}]"#;
    let given: serde_json::Value = serde_json::from_slice(&submission.bytes).unwrap();
    assert_eq!(
        given,
        serde_json::from_str::<serde_json::Value>(expected).unwrap()
    );
    assert_eq!((submission.items, submission.filled), (3, 2));
    let refused = task.judge(&answers, &ScoreOptions::default()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("50: the right answer is not published"),
        "{refused}"
    );
}

#[test]
fn answers_are_judged_as_their_submission_is_scored() {
    let folder = Folder::new();
    broken(&folder, "v2_");
    let task = task("vqav2").unwrap();
    let whole = annotations(&[annotation("30", "two cats"), annotation("70", "a dog")]);
    let official = folder.write("v2_mscoco_val2014_annotations.json", whole);
    let examples = read(&folder, "vqav2", "val");
    let mut outputs = all_right(&examples);
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[official]);
    assert_eq!(metric(&judged, "accuracy"), 100.0);
    outputs[0] = Output::Text("Two cats!".to_owned());
    let answers = answered(&examples, &outputs);
    let accuracy = |vqa| {
        let options = ScoreOptions {
            vqa,
            ..ScoreOptions::default()
        };
        task.judge(&answers, &options).unwrap()
    };
    // Where all annotators agree, the official code normalises nothing.
    let official = accuracy(VqaVersion::Official);
    assert_eq!(official.samples[0].score, Some(0.0));
    assert_eq!(
        accuracy(VqaVersion::OpenFlamingo).samples[0].score,
        Some(1.0)
    );
}

#[test]
fn textvqa_is_read_in_its_own_form_and_in_openflamingos() {
    let entry = |id: usize, image: &str| {
        format!(
            r#"{{"question_id": {id}, "image_id": "{image}", "question": "what brand?", "set_name": "val", "answers": ["nokia", "nokia", "a", "b", "c", "d", "e", "f", "g", "h"]}}"#
        )
    };
    let folder = Folder::new();
    let val = [
        entry(34_602, "0a1b"),
        entry(34_603, "2c3d"),
        r#"{"question_id": "x"}"#.to_owned(),
    ];
    folder.write(
        "TextVQA_0.5.1_val.json",
        format!(r#"{{"data": [{}]}}"#, val.join(", ")),
    );
    folder.write(
        "TextVQA_0.5.1_train.json",
        format!(r#"{{"data": [{}]}}"#, entry(0, "4e5f")),
    );
    folder.write("train_images/0a1b.jpg", "");
    folder.write("train_images/4e5f.jpg", "");
    let own = read(&folder, "textvqa", "val");
    assert_eq!(ids(&own.queries), ["34602"]);
    assert_eq!(dropped(&own.queries, "broken entry"), 1);
    let task = task("textvqa").unwrap();
    let annotations = folder.path().join("TextVQA_0.5.1_val.json");
    folder.write(
        "TextVQA_0.5.1_val.json",
        format!(r#"{{"data": [{}]}}"#, val[0]),
    );
    let own = read(&folder, "textvqa", "val");
    let judged = judged_as_scored(&folder, &*task, &own, &all_right(&own), &[annotations]);
    // Two of ten annotators.
    assert_eq!(metric(&judged, "accuracy"), 60.0);
    assert_eq!(task.prompt(Preset::OpenFlamingo).max_new_tokens, 10);

    let converted = Folder::new();
    for (split, id, image) in [("train", 0, "4e5f"), ("val", 34_602, "0a1b")] {
        let question =
            format!(r#"{{"question_id": {id}, "image_id": "{image}", "question": "what brand?"}}"#);
        converted.write(
            &format!("{split}_questions_vqa_format.json"),
            questions(&[question]),
        );
        let annotation = annotation(&id.to_string(), "nokia");
        converted.write(
            &format!("{split}_annotations_vqa_format.json"),
            annotations_of(annotation),
        );
        converted.write(&format!("train_images/{image}.jpg"), "");
    }
    let converted = read(&converted, "textvqa", "val");
    assert_eq!(ids(&converted.queries), ["34602"]);
    assert_eq!(
        converted.queries.examples[0].answer.as_deref(),
        Some("nokia")
    );
}

fn annotations_of(entry: String) -> String {
    annotations(&[entry])
}

#[test]
fn vizwiz_is_handed_in_by_picture_whole_and_in_both_forms() {
    let folder = Folder::new();
    let entry = |split: &str, number: usize| {
        let answers = [r#"{"answer": "unanswerable", "answer_confidence": "no"}"#; 10].join(", ");
        format!(
            r#"{{"image": "VizWiz_{split}_{number:08}.jpg", "question": "What is it?", "answer_type": "unanswerable", "answerable": 0, "answers": [{answers}]}}"#
        )
    };
    folder.write(
        "Annotations/val.json",
        format!("[{}, {}]", entry("val", 0), entry("val", 1)),
    );
    folder.write("Annotations/train.json", format!("[{}]", entry("train", 0)));
    folder.write(
        "Annotations/test.json",
        r#"[{"image": "VizWiz_test_00000000.jpg", "question": "?"}, {"image": "VizWiz_test_00000001.jpg", "question": "?"}]"#,
    );
    for name in [
        "val/VizWiz_val_00000000.jpg",
        "val/VizWiz_val_00000001.jpg",
        "train/VizWiz_train_00000000.jpg",
        "test/VizWiz_test_00000001.jpg",
    ] {
        folder.write(name, "");
    }
    let task = task("vizwiz").unwrap();
    let val = read(&folder, "vizwiz", "val");
    let annotations = folder.path().join("Annotations/val.json");
    let judged = judged_as_scored(&folder, &*task, &val, &all_right(&val), &[annotations]);
    assert_eq!(metric(&judged, "accuracy, unanswerable"), 100.0);
    let test = read(&folder, "vizwiz", "test");
    assert_eq!(
        first_dropped(&test.queries, "picture that is not there"),
        "VizWiz_test_00000000.jpg"
    );
    let outputs = [Output::Text("soup".to_owned())];
    let submission = task.submission(&test, &answered(&test, &outputs)).unwrap();
    let given: serde_json::Value = serde_json::from_slice(&submission.bytes).unwrap();
    let expected = r#"[{"image": "VizWiz_test_00000000.jpg", "answer": ""}, {"image": "VizWiz_test_00000001.jpg", "answer": "soup"}]"#;
    assert_eq!(
        given,
        serde_json::from_str::<serde_json::Value>(expected).unwrap()
    );

    let converted = Folder::new();
    for split in ["train", "val"] {
        let name = format!("VizWiz_{split}_00000000.jpg");
        let question =
            format!(r#"{{"question_id": 0, "image_id": "{name}", "question": "What is it?"}}"#);
        converted.write(
            &format!("{split}_questions_vqa_format.json"),
            questions(&[question]),
        );
        let entries = annotations_of(annotation("0", "soup"));
        converted.write(&format!("{split}_annotations_vqa_format.json"), entries);
        converted.write(&name, "");
    }
    let converted = read(&converted, "vizwiz", "val");
    assert_eq!(ids(&converted.queries), ["VizWiz_val_00000000.jpg"]);
}
