//! MSVDQA, MSRVTTQA, iVQA, NextQA, RareAct.

use flamingo_sequence::Part;
use flamingo_tasks::{DataFolder, Example, Output, ReadOptions, ScoreOptions, TaskError, task};

use super::{all_right, answered, dropped, first_dropped, ids, judged_as_scored, metric, read};
use crate::Folder;

fn film(example: &Example) -> &str {
    match &example.parts[0] {
        Part::Video(place) => place,
        other => panic!("{other:?} is no film"),
    }
}

#[test]
fn films_of_msvd_are_known_by_number_or_by_youtubes_name() {
    let folder = Folder::new();
    let question = |id: usize, video: usize| {
        format!(
            r#"{{"question": "who is eating?", "answer": "goat", "video_id": {video}, "id": {id}}}"#
        )
    };
    let test = [
        question(31, 2),
        question(37, 3),
        question(41, 5),
        r#"{"id": 43, "video_id": -1, "question": "?", "answer": "x"}"#.to_owned(),
        "[]".to_owned(),
        r#"{"id": 47}"#.to_owned(),
    ];
    folder.write("test_qa.json", format!("[{}]", test.join(", ")));
    folder.write("train_qa.json", format!("[{}]", question(1, 2)));
    folder.write(
        "youtube_mapping.txt",
        "-4wsuPCjDBc_5_15 vid2\nmv89psg6zh4_33_46 vid3\n",
    );
    folder.write("YouTubeClips/-4wsuPCjDBc_5_15.avi", "");
    folder.write("YouTubeClips/vid3.mp4", "");
    let examples = read(&folder, "msvdqa", "test");
    assert_eq!(ids(&examples.queries), ["31", "37"]);
    assert!(film(&examples.queries.examples[0]).ends_with("-4wsuPCjDBc_5_15.avi"));
    assert_eq!(dropped(&examples.queries, "broken entry"), 3);
    assert_eq!(
        first_dropped(&examples.queries, "film that is not there"),
        "vid5"
    );
    let annotations = folder.write("test_qa.json", format!("[{}]", test[..2].join(", ")));
    let examples = read(&folder, "msvdqa", "test");
    let task = task("msvdqa").unwrap();
    let outputs = [
        Output::Text("goat".to_owned()),
        Output::Text("goats".to_owned()),
    ];
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[annotations]);
    assert_eq!(metric(&judged, "accuracy"), 50.0);
    assert_eq!(judged.samples[1].score, Some(0.0));
}

#[test]
fn films_of_msrvtt_are_numbered() {
    let folder = Folder::new();
    let question =
        r#"[{"question": "who?", "answer": "man", "video_id": 7010, "id": 3, "category_id": 14}]"#;
    folder.write("test_qa.json", question);
    folder.write("train_qa.json", question);
    folder.write("TestVideo/video7010.mp4", "");
    folder.write("TestVideo/video70100.mp4", "");
    let examples = read(&folder, "msrvttqa", "test");
    assert!(film(&examples.queries.examples[0]).ends_with("video7010.mp4"));
    assert_eq!(ids(&examples.supports), ["3"]);
}

#[test]
fn a_question_of_ivqa_is_known_by_its_row_though_rows_are_broken() {
    let folder = Folder::new();
    let columns = "video_id,start,end,question,answer1,answer2,answer3,answer4,answer5\n";
    let rows = "a,3,11,what is cut?,leek,onion,onion,knife,pan\nb,x\nc,5,9,where?,pan,pan,pan,pan,pan\nd,1,2,?,x,x,x,x,x\n";
    folder.write("test.csv", format!("{columns}{rows}"));
    folder.write(
        "train.csv",
        format!("{columns}a,3,11,what?,tea,cup,cup,pot,pot\n"),
    );
    folder.write("videos/a_3_11.mp4", "");
    folder.write("videos/c.mp4", "");
    let examples = read(&folder, "ivqa", "test");
    assert_eq!(ids(&examples.queries), ["0", "2"]);
    assert!(film(&examples.queries.examples[0]).ends_with("a_3_11.mp4"));
    assert!(film(&examples.queries.examples[1]).ends_with("c.mp4#t=5,9"));
    assert!(
        first_dropped(&examples.queries, "broken entry")
            .contains("row 2 has 2 cells below 9 columns")
    );
    // Two say cup, two say pot: the first of them is the shot's.
    assert_eq!(examples.supports.examples[0].answer.as_deref(), Some("cup"));
    let task = task("ivqa").unwrap();
    let outputs = all_right(&examples);
    let answers = answered(&examples, &outputs);
    let judged = task.judge(&answers, &ScoreOptions::default()).unwrap();
    assert_eq!(metric(&judged, "accuracy"), 75.0);
}

#[test]
fn nextqa_is_handed_in_by_film_and_question() {
    let folder = Folder::new();
    let columns = "video,frame_count,width,height,question,answer,qid,type\n";
    let rows = "24,100,640,480,why does he run,to catch it,0,CW\n24,100,640,480,how many,two,5,DC\n25,90,1,1,where,park,0,DL\n";
    folder.write("test.csv", format!("{columns}{rows}"));
    folder.write(
        "train.csv",
        format!("{columns}24,100,640,480,what,ball,0,DO\n"),
    );
    folder.write(
        "add_reference_answer_test.json",
        r#"{"24": {"0": "to get the ball"}}"#,
    );
    folder.write(
        "map_vid_vidorID.json",
        r#"{"24": "1101/mapped", "25": "1101/25"}"#,
    );
    folder.write("NExTVideo/1101/mapped.mp4", "");
    let examples = read(&folder, "nextqa", "test");
    assert_eq!(ids(&examples.queries), ["24, question 0", "24, question 5"]);
    assert_eq!(
        first_dropped(&examples.queries, "film that is not there"),
        "25"
    );
    let task = task("nextqa").unwrap();
    let outputs = [
        Output::Text("to win".to_owned()),
        Output::Text("2".to_owned()),
    ];
    let answers = answered(&examples, &outputs);
    let submission = task.submission(&examples, &answers).unwrap();
    let given: serde_json::Value = serde_json::from_slice(&submission.bytes).unwrap();
    let expected = r#"{"24": {"0": "to win", "5": "2"}, "25": {"0": ""}}"#;
    assert_eq!(
        given,
        serde_json::from_str::<serde_json::Value>(expected).unwrap()
    );
    assert_eq!((submission.items, submission.filled), (3, 1));
    // WUPS needs WordNet, and says so.
    let refused = task.judge(&answers, &ScoreOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("WordNet"), "{refused}");
    folder.write(
        "test.csv",
        "video,question,a0,a1,answer,qid,type\n24,q,a,b,0,0,CW\n",
    );
    let data = DataFolder::new(folder.path());
    let refused = task.read(&data, &ReadOptions::default()).unwrap_err();
    assert!(matches!(refused, TaskError::Task { .. }), "{refused}");
    assert!(refused.to_string().contains("multiple choice"), "{refused}");
}

#[test]
fn rareact_ranks_all_actions_for_each_clip_and_hands_in_a_matrix() {
    let folder = Folder::new();
    let rows = "0,f1,3,13,0,cut,keyboard,1\n1,f2,5,15,1,drill,phone,1\n2,f3,0,10,0,cut,keyboard,0\n3,gone,0,10,1,drill,phone,4\n";
    let csv = folder.write(
        "rareact.csv",
        format!("id,video_id,start,end,class_id,verb,noun,annotation\n{rows}"),
    );
    for name in ["f1.mp4", "f2_5_15.mp4", "f3.mp4", "gone.mp4"] {
        folder.write(&format!("clips/{name}"), "");
    }
    let task = task("rareact").unwrap();
    let examples = read(&folder, "rareact", "test");
    assert!(examples.supports.examples.is_empty());
    let candidates = examples.queries.examples[0].candidates.as_deref().unwrap();
    assert_eq!(
        candidates,
        ["a person cut keyboard", "a person drill phone"]
    );
    assert!(film(&examples.queries.examples[0]).ends_with("f1.mp4#t=3,13"));
    assert!(film(&examples.queries.examples[1]).ends_with("f2_5_15.mp4"));
    let scores = [[-1.0, -2.0], [-1.5, -0.5], [-3.0, -1.0], [-2.0, -2.5]];
    let outputs = scores.map(|row| Output::Likelihoods(row.to_vec()));
    let judged = judged_as_scored(
        &folder,
        &*task,
        &examples,
        &outputs,
        std::slice::from_ref(&csv),
    );
    assert_eq!(metric(&judged, "mWAP"), 100.0);
    std::fs::remove_file(folder.path().join("clips/gone.mp4")).unwrap();
    let examples = read(&folder, "rareact", "test");
    let submission = task
        .submission(&examples, &answered(&examples, &outputs[..3]))
        .unwrap();
    assert_eq!(
        (submission.items, submission.filled, submission.ending),
        (4, 1, "npy")
    );
    folder.write(
        "rareact.csv",
        format!(
            "id,video_id,start,end,class_id,verb,noun,annotation\n{}",
            rows.replace(",1,drill", ",2,drill")
        ),
    );
    let data = DataFolder::new(folder.path());
    let refused = task.read(&data, &ReadOptions::default()).unwrap_err();
    assert!(
        refused.to_string().contains("not numbered from 0"),
        "{refused}"
    );
}
