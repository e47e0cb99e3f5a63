//! A user's own lines.

use flamingo_sequence::Part;
use flamingo_tasks::{
    Answered, DataFolder, Output, Own, OwnMetric, Preset, ReadOptions, References, ScoreOptions,
    Shown, Task,
};

use super::{answered, dropped, first_dropped, ids, metric};
use crate::Folder;

const QUERIES: &str = r#"{"id": "a", "parts": [{"image": "cat.jpg"}, {"text": "What?"}], "answers": ["a cat", "cat"]}
{"id": 7, "parts": [{"text": "1 + 1 ="}], "candidates": ["2", "3"], "answer": "3"}

{"parts": [{"text": "What now?"}]}
{"parts": [{"image": "gone.jpg"}], "answers": ["x"]}
{"parts": [{"text": "?"}], "candidates": ["2"], "answer": "5"}
{"parts": [{"text": "?"}], "answr": "5"}
{"id": 7, "parts": [{"text": "again"}]}
{"parts": []}
"#;

#[test]
fn lines_are_queries_and_broken_ones_are_named() {
    let folder = Folder::new();
    folder.write("queries.jsonl", QUERIES);
    folder.write("cat.jpg", "");
    folder.write("supports.jsonl", "{\"parts\": [{\"image\": \"cat.jpg\"}], \"answers\": [\" a cat\"]}\n{\"parts\": [{\"text\": \"?\"}]}\n");
    let task = Own::default();
    let data = DataFolder::new(folder.path());
    let examples = task.read(&data, &ReadOptions::default()).unwrap();
    assert_eq!(ids(&examples.queries), ["a"]);
    let reasons = [
        ("candidates, where those before have none", "7"),
        ("no answer, where others have one", "4"),
    ];
    for (reason, id) in reasons {
        assert_eq!(first_dropped(&examples.queries, reason), id);
    }
    let cat = folder.path().join("cat.jpg");
    assert_eq!(
        examples.queries.examples[0].parts[0],
        Part::Image(cat.to_str().unwrap().to_owned())
    );
    assert_eq!(
        dropped(&examples.queries, "broken line"),
        3,
        "{:?}",
        examples.queries.dropped
    );
    assert!(
        first_dropped(&examples.queries, "broken line")
            .contains("line 6: \"5\" is none of the candidates")
    );
    assert!(
        first_dropped(&examples.queries, "picture or film that is not there").contains("gone.jpg")
    );
    assert_eq!(first_dropped(&examples.queries, "id that came before"), "7");
    assert!(first_dropped(&examples.supports, "broken line").contains("a support needs `answer`"));
    // An answer that brings its own space is left as it is.
    let shot = task
        .prompt(Preset::Paper)
        .shot(&examples.supports.examples[0], Shown::Whole);
    assert_eq!(shot[1..], [Part::Text(" a cat".to_owned()), Part::End]);
    let outputs = [Output::Text("cat".to_owned())];
    let judged = task
        .judge(&answered(&examples, &outputs), &ScoreOptions::default())
        .unwrap();
    assert_eq!(metric(&judged, "accuracy"), 100.0);
    let submission = task
        .submission(&examples, &answered(&examples, &outputs))
        .unwrap();
    let text = String::from_utf8(submission.bytes).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first, serde_json::json!({"id": "a", "answer": "cat"}));
    assert_eq!((submission.items, submission.filled), (1, 0));
}

#[test]
fn queries_without_answers_are_asked_where_none_has_one() {
    let folder = Folder::new();
    let lines = "{\"parts\": [{\"text\": \"What?\"}]}\n{\"parts\": [{\"text\": \"Or?\"}], \"candidates\": [\"a\", \"b\"]}\n";
    let data = DataFolder::new(folder.write("q.jsonl", lines));
    let examples = Own::default().read(&data, &ReadOptions::default()).unwrap();
    assert_eq!(ids(&examples.queries), ["1", "2"]);
    let queries = &examples.queries.examples;
    assert!(
        queries
            .iter()
            .all(|query| query.references == References::None)
    );
}

#[test]
fn a_line_may_bring_its_own_supports() {
    let folder = Folder::new();
    let line = r#"{"parts": [{"text": "a dax?"}], "candidates": ["dax", "blicket"], "answer": "dax", "supports": [{"parts": [{"image": "1.png"}], "answer": "dax"}, {"parts": [{"image": "2.png"}], "answer": "blicket"}]}"#;
    let path = folder.write("episodes.jsonl", line);
    for name in ["1.png", "2.png"] {
        folder.write(name, "");
    }
    let data = DataFolder::new(path);
    let examples = Own::default().read(&data, &ReadOptions::default()).unwrap();
    let supports = examples.queries.examples[0].supports.as_deref().unwrap();
    assert_eq!(supports.len(), 2);
    assert_eq!(supports[1].answer.as_deref(), Some("blicket"));
    assert!(examples.supports.examples.is_empty());
}

#[test]
fn free_answers_are_judged_by_the_metric_that_was_asked_for() {
    let folder = Folder::new();
    let path = folder.write(
        "q.jsonl",
        "{\"parts\": [{\"text\": \"?\"}], \"answers\": [\"two cats\", \"2 dogs\", \"2 dogs\", \"2 dogs\", \"2 dogs\"]}\n",
    );
    let accuracy = |name, text: &str| {
        let task = Own { metric: name };
        let data = DataFolder::new(&path);
        let examples = task.read(&data, &ReadOptions::default()).unwrap();
        let output = Output::Text(text.to_owned());
        let answered = Answered {
            example: &examples.queries.examples[0],
            output: &output,
        };
        let judged = task.judge(&[answered], &ScoreOptions::default()).unwrap();
        judged.metrics[0].value.unwrap()
    };
    assert_eq!(accuracy(OwnMetric::Exact, "Two cats."), 0.0);
    assert_eq!(accuracy(OwnMetric::Normalised, "Two cats."), 100.0);
    assert_eq!(accuracy(OwnMetric::Vqa, "two dogs"), 100.0);
    assert_eq!(accuracy(OwnMetric::Vqa, "two cats"), 26.67);
}
