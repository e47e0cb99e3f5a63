//! COCO, Flickr30K, VATEX, YouCook2.

use flamingo_sequence::Part;
use flamingo_tasks::{Output, ScoreOptions, Span, task};

use super::{all_right, answered, dropped, first_dropped, ids, judged_as_scored, metric, read};
use crate::Folder;

fn picture(id: &str, name: &str, split: &str, sentence: &str) -> String {
    format!(
        r#"{{"filepath": "val2014", "filename": "{name}", {id} "split": "{split}", "imgid": 0, "sentences": [{{"raw": "{sentence} ", "tokens": [], "sentid": 1}}, {{"raw": "another", "tokens": []}}]}}"#
    )
}

#[test]
fn coco_takes_karpathys_splits_and_references_from_the_annotations() {
    let folder = Folder::new();
    let coco = |number: usize, split: &str| {
        let name = format!("COCO_val2014_{number:012}.jpg");
        picture(
            &format!("\"cocoid\": {number},"),
            &name,
            split,
            "a karpathy sentence",
        )
    };
    let images = [
        coco(3, "test"),
        coco(5, "test"),
        coco(7, "test"),
        coco(11, "test"),
        coco(13, "train"),
        coco(17, "restval"),
        coco(19, "val"),
        "7".to_owned(),
        r#"{"split": "test"}"#.to_owned(),
        r#"{"cocoid": 23, "split": "test", "sentences": {}}"#.to_owned(),
    ];
    folder.write(
        "dataset_coco.json",
        format!(
            r#"{{"images": [{}], "dataset": "coco"}}"#,
            images.join(", ")
        ),
    );
    let captions = r#"{"images": [], "annotations": [
        {"image_id": 3, "id": 1, "caption": "Two goats."}, {"image_id": 3, "id": 2, "caption": "Goats"},
        {"image_id": "5", "id": 3, "caption": "A grey goose flies."}, {"image_id": 7, "id": 4, "caption": "A bell."},
        {"image_id": 19, "id": 5, "caption": "of val"}, {"image_id": 999, "id": 6, "caption": "of no picture"}]}"#;
    let annotations = folder.write("captions_val2014.json", captions);
    for number in [3, 5, 11, 13, 17] {
        folder.write(&format!("val2014/COCO_val2014_{number:012}.jpg"), "");
    }
    let examples = read(&folder, "coco", "test");
    assert_eq!(ids(&examples.queries), ["3", "5"]);
    assert_eq!(
        dropped(&examples.queries, "broken entry"),
        3,
        "{:?}",
        examples.queries.dropped
    );
    assert_eq!(
        first_dropped(&examples.queries, "picture that is not there"),
        "COCO_val2014_000000000007.jpg"
    );
    assert_eq!(
        first_dropped(&examples.queries, "picture without a caption"),
        "11"
    );
    assert_eq!(
        first_dropped(&examples.queries, "caption without a picture"),
        "999"
    );
    assert_eq!(
        examples.queries.noticed.0["id of another type"].first,
        ["5: a number, annotated as a text"]
    );
    // Supports are of train alone, with the first sentence.
    assert_eq!(ids(&examples.supports), ["13"]);
    assert_eq!(
        examples.supports.examples[0].answer.as_deref(),
        Some("a karpathy sentence")
    );
    let task = task("coco").unwrap();
    let outputs = all_right(&examples);
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[annotations]);
    // Words that both references have in common weigh nothing; two words of four fill half of the n-grams.
    assert!((metric(&judged, "ROUGE-L") - 100.0).abs() < 1e-9);
    assert_eq!(judged.samples[1].answer, "a grey goose flies");
}

#[test]
fn flickr30k_knows_pictures_by_name_and_takes_the_type_of_id_that_annotations_have() {
    let folder = Folder::new();
    let images = [
        picture("", "1000.jpg", "test", "a man"),
        picture("", "2000.jpg", "test", "a woman runs"),
        picture("", "3000.jpg", "train", "a child"),
    ];
    folder.write(
        "dataset_flickr30k.json",
        format!(r#"{{"images": [{}]}}"#, images.join(", ")),
    );
    for name in ["1000.jpg", "2000.jpg", "3000.jpg"] {
        folder.write(&format!("flickr30k-images/{name}"), "");
    }
    let sentences = read(&folder, "flickr30k", "test");
    assert!(sentences.notes[0].contains("references are the sentences"));
    let task = task("flickr30k").unwrap();
    let annotations = folder.path().join("dataset_flickr30k.json");
    let outputs = all_right(&sentences);
    let judged = judged_as_scored(&folder, &*task, &sentences, &outputs, &[annotations]);
    assert!((metric(&judged, "ROUGE-L") - 100.0).abs() < 1e-9);
    let numbers = r#"{"annotations": [{"image_id": 1000, "caption": "a tall man"}, {"image_id": 2000, "caption": "b"}]}"#;
    folder.write("dataset_flickr30k_coco_style.json", numbers);
    let examples = read(&folder, "flickr30k", "test");
    assert!(examples.notes.is_empty());
    let outputs = all_right(&examples);
    let submission = task
        .submission(&examples, &answered(&examples, &outputs))
        .unwrap();
    let text = String::from_utf8(submission.bytes).unwrap();
    assert!(text.contains(r#""image_id":1000"#), "{text}");
}

#[test]
fn vatex_tells_how_many_films_are_left() {
    let folder = Folder::new();
    let film = |name: &str| {
        format!(
            r#"{{"videoID": "{name}", "enCap": ["a goat jumps over {name}", "a goat"], "chCap": ["x"]}}"#
        )
    };
    let test = [
        film("abc_000001_000011"),
        film("def_000002_000012"),
        film("ghi_000003_000013"),
        "{}".to_owned(),
    ];
    let annotations = folder.write(
        "vatex_public_test_english_v1.1.json",
        format!("[{}]", test.join(", ")),
    );
    folder.write(
        "vatex_training_v1.0.json",
        format!("[{}]", film("jkl_000000_000010")),
    );
    for name in [
        "abc_000001_000011.mp4",
        "def_000002_000012.webm",
        "jkl_000000_000010.mp4",
    ] {
        folder.write(&format!("videos/{name}"), "");
    }
    let examples = read(&folder, "vatex", "test");
    assert_eq!(
        ids(&examples.queries),
        ["abc_000001_000011", "def_000002_000012"]
    );
    assert_eq!(
        first_dropped(&examples.queries, "film that is not there"),
        "ghi_000003_000013"
    );
    assert_eq!(dropped(&examples.queries, "broken entry"), 1);
    assert!(
        examples.notes[0].contains("2 of 3 films are there"),
        "{:?}",
        examples.notes
    );
    let whole = test[..2].join(", ");
    folder.write("vatex_public_test_english_v1.1.json", format!("[{whole}]"));
    let examples = read(&folder, "vatex", "test");
    let task = task("vatex").unwrap();
    let outputs = all_right(&examples);
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[annotations]);
    assert!(metric(&judged, "CIDEr") > 0.0);
}

#[test]
fn a_segment_of_youcook2_is_an_item_with_its_seconds() {
    let folder = Folder::new();
    let database = r#"{"database": {
        "xyz": {"subset": "validation", "duration": 60.5, "recipe_type": "113", "video_url": "u", "annotations": [
            {"id": 0, "segment": [1, 5.5], "sentence": "chop a leek"}, {"id": 1, "segment": [9, 5], "sentence": "?"},
            {"id": 2, "segment": [5, 9], "sentence": "fry it"}, {"id": 3, "segment": [9, 11]}]},
        "gone": {"subset": "validation", "annotations": [{"id": 0, "segment": [1, 5], "sentence": "boil"}]},
        "odd": {"subset": "validation"},
        "uvw": {"subset": "training", "annotations": [{"id": 7, "segment": [2, 4], "sentence": "stir the soup"}]}}}"#;
    folder.write("youcookii_annotations_trainval.json", database);
    for name in ["xyz.mp4", "uvw.mkv"] {
        folder.write(&format!("raw_videos/{name}"), "");
    }
    let examples = read(&folder, "youcook2", "val");
    assert_eq!(ids(&examples.queries), ["xyz_0", "xyz_2"]);
    let Part::Video(place) = &examples.queries.examples[0].parts[0] else {
        panic!("no film in {:?}", examples.queries.examples[0]);
    };
    assert!(place.ends_with("xyz.mp4#t=1,5.5"), "{place}");
    assert_eq!(
        Span::split(place).1,
        Some(Span {
            start: 1.0,
            end: 5.5
        })
    );
    assert_eq!(dropped(&examples.queries, "broken segment"), 2);
    assert_eq!(
        first_dropped(&examples.queries, "film that is not there"),
        "gone"
    );
    assert!(
        first_dropped(&examples.queries, "broken entry")
            .contains("odd: `annotations` is not there")
    );
    assert_eq!(ids(&examples.supports), ["uvw_7"]);
    assert_eq!(
        examples.supports.examples[0].answer.as_deref(),
        Some("stir the soup")
    );
    let task = task("youcook2").unwrap();
    let outputs = [
        Output::Text("chop a leek".to_owned()),
        Output::Text("fry it".to_owned()),
    ];
    let answers = answered(&examples, &outputs);
    let judged = task.judge(&answers, &ScoreOptions::default()).unwrap();
    // Captions equal to their references: three words are 7.5, two are 5.
    assert!((metric(&judged, "CIDEr") - 100.0 * (7.5 + 5.0) / 2.0).abs() < 1e-9);
    let submission = task.submission(&examples, &answers).unwrap();
    assert_eq!((submission.items, submission.filled), (5, 3));
    // The words' weights of a part are others than those of the whole, and that is told.
    let options = ScoreOptions {
        whole: Some(examples.required.len()),
        ..ScoreOptions::default()
    };
    let judged = task.judge(&answers, &options).unwrap();
    assert!(
        judged.notes[0].contains("the 2 scored of 5 items"),
        "{:?}",
        judged.notes
    );
}
