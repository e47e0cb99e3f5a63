use flamingo_tasks::{Benchmark, ScoreOptions, Scored, Stems, TaskError, VqaVersion, score};

use crate::Folder;

/// The score of predictions against annotations, each a file of these names and texts.
fn scored(
    task: Benchmark,
    predictions: (&str, &str),
    annotations: &[(&str, &str)],
    options: &ScoreOptions,
) -> Result<Scored, TaskError> {
    let folder = Folder::new();
    let given = folder.write(predictions.0, predictions.1);
    let official: Vec<_> = annotations
        .iter()
        .map(|(name, text)| folder.write(name, text))
        .collect();
    score(task, &given, &official, options)
}

fn metric(scored: &Scored, name: &str) -> f64 {
    let metric = scored.metrics.iter().find(|metric| metric.name == name);
    metric
        .unwrap_or_else(|| panic!("no {name} in {scored:?}"))
        .value
        .unwrap()
}

/// An annotation in VQA's form, ten annotators of which so many say "kiwi".
fn question(id: &str, kiwis: usize, with_ids: bool) -> String {
    let entry = |annotator: usize| {
        let answer = if annotator < kiwis { "kiwi" } else { "plum" };
        let id = if with_ids {
            format!(r#", "answer_id": {}"#, annotator + 1)
        } else {
            String::new()
        };
        format!(r#"{{"answer": "{answer}", "answer_confidence": "yes"{id}}}"#)
    };
    let answers: Vec<String> = (0..10).map(entry).collect();
    let answers = answers.join(", ");
    format!(
        r#"{{"question_id": {id}, "image_id": 5, "question_type": "what", "answer_type": "other", "answers": [{answers}]}}"#
    )
}

#[test]
fn vqa_is_scored_by_question_id_and_by_answer_type() {
    let annotations = format!(
        r#"{{"annotations": [{}, {}]}}"#,
        question("7", 3, true),
        question("9", 10, true)
    );
    let predictions =
        r#"[{"question_id": 9, "answer": "Kiwi"}, {"question_id": 7, "answer": "kiwi"}]"#;
    let score = |options: &ScoreOptions| {
        scored(
            Benchmark::Vqav2,
            ("p.json", predictions),
            &[("a.json", &annotations)],
            options,
        )
        .unwrap()
    };
    // 0.9 for three of ten; nothing for another capital where all agree.
    let official = score(&ScoreOptions::default());
    assert_eq!(metric(&official, "accuracy"), 45.0);
    assert_eq!(metric(&official, "accuracy, other"), 45.0);
    let evalai = ScoreOptions {
        vqa: VqaVersion::EvalAi,
        ..ScoreOptions::default()
    };
    assert_eq!(metric(&score(&evalai), "accuracy"), 95.0);
}

#[test]
fn predictions_of_okvqa_are_stemmed_as_the_annotations_are_if_asked() {
    let answers = [r#"{"answer_id": 1, "raw_answer": "riding waves", "answer": "ride wave"}"#; 10];
    let answers: Vec<String> = answers
        .iter()
        .enumerate()
        .map(|(place, entry)| {
            entry.replace("\"answer_id\": 1", &format!("\"answer_id\": {}", place + 1))
        })
        .collect();
    let annotations = format!(
        r#"{{"annotations": [{{"question_id": 3, "image_id": 5, "answers": [{}]}}]}}"#,
        answers.join(", ")
    );
    let predictions = r#"[{"question_id": 3, "answer": "Riding waves"}]"#;
    let folder = Folder::new();
    let official = folder.write("mscoco_val2014_annotations.json", &annotations);
    let stems = Stems::learn(&[official]).unwrap();
    let score = |options: &ScoreOptions| {
        let files = [("a.json", annotations.as_str())];
        scored(Benchmark::Okvqa, ("p.json", predictions), &files, options).unwrap()
    };
    let as_it_stands = score(&ScoreOptions::default());
    assert_eq!(metric(&as_it_stands, "accuracy"), 0.0);
    assert!(as_it_stands.notes[0].contains("only if it is stemmed likewise"));
    let stemmed = score(&ScoreOptions {
        stems: Some(&stems),
        ..ScoreOptions::default()
    });
    assert_eq!(metric(&stemmed, "accuracy"), 100.0);
    assert!(stemmed.notes[0].contains("stemmed by 2 words"), "{stemmed}");
}

#[test]
fn vizwiz_knows_questions_by_their_picture_and_annotators_without_number_count() {
    let answers = [r#"{"answer": "unanswerable", "answer_confidence": "no"}"#; 10].join(", ");
    let annotations = format!(
        r#"[{{"image": "VizWiz_val_00000003.jpg", "question": "?", "answerable": 0, "answers": [{answers}]}}]"#
    );
    let predictions = r#"[{"image": "VizWiz_val_00000003.jpg", "answer": "unanswerable"}]"#;
    let accuracy = |vqa| {
        let options = ScoreOptions {
            vqa,
            ..ScoreOptions::default()
        };
        let score = scored(
            Benchmark::Vizwiz,
            ("p.json", predictions),
            &[("a.json", &annotations)],
            &options,
        );
        metric(&score.unwrap(), "accuracy")
    };
    assert_eq!(accuracy(VqaVersion::Official), 100.0);
    assert_eq!(accuracy(VqaVersion::OpenFlamingo), 0.0);
}

#[test]
fn textvqa_of_its_own_form_holds_ten_strings() {
    let annotations = r#"{"data": [{"question_id": 34602, "image_id": "0a1b", "answers": ["stop", "stop", "halt", "halt", "halt", "halt", "halt", "halt", "halt", "halt"]}]}"#;
    let predictions = r#"[{"question_id": 34602, "answer": "stop"}]"#;
    let score = scored(
        Benchmark::Textvqa,
        ("p.json", predictions),
        &[("a.json", annotations)],
        &ScoreOptions::default(),
    );
    assert_eq!(metric(&score.unwrap(), "accuracy"), 60.0);
}

const COCO: &str = r#"{"images": [{"id": 3}, {"id": 5}, {"id": 8}], "annotations": [
    {"image_id": 3, "id": 1, "caption": "A goat."}, {"image_id": 5, "id": 2, "caption": "Two grey geese fly."},
    {"image_id": 3, "id": 3, "caption": "A goat!"}, {"image_id": 8, "id": 4, "caption": "A bell."}]}"#;

#[test]
fn captions_are_scored_over_all_references_and_a_part_says_that_its_scale_is_its_own() {
    let whole = r#"[{"image_id": 3, "caption": "a goat"}, {"image_id": 5, "caption": "two grey geese fly"},
        {"image_id": 8, "caption": "a bell"}]"#;
    let options = ScoreOptions::default();
    let score = scored(
        Benchmark::Coco,
        ("p.json", whole),
        &[("a.json", COCO)],
        &options,
    )
    .unwrap();
    // "a" is in two of three images and weighs less, but captions equal their references: 5, 10 and 5 of 10.
    assert!(
        (metric(&score, "CIDEr") - 100.0 * 20.0 / 3.0).abs() < 1e-9,
        "{score:?}"
    );
    assert!((metric(&score, "ROUGE-L") - 100.0).abs() < 1e-9);
    assert!(score.notes.is_empty(), "{score}");
    let part = r#"[{"image_id": 5, "caption": "two\u2028geese"}, {"image_id": "8", "caption": "a bell"},
        {"image_id": 5, "caption": "geese"}, {"image_id": 77, "caption": "?"}]"#;
    let refused = scored(
        Benchmark::Coco,
        ("p.json", part),
        &[("a.json", COCO)],
        &options,
    );
    let told = refused.unwrap_err().to_string();
    for part in [
        "without a prediction: 1 (3)",
        "unknown: 1 (77)",
        "more than once: 1 (5)",
        "another type: 1 (8: a number, predicted as a text)",
        "--partial",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let options = ScoreOptions {
        partial: true,
        ..options
    };
    let score = scored(
        Benchmark::Coco,
        ("p.json", part),
        &[("a.json", COCO)],
        &options,
    )
    .unwrap();
    assert_eq!((score.matching.scored, score.matching.annotated), (2, 3));
    assert!(
        score.to_string().contains("of the 2 scored of 3 items"),
        "{score}"
    );
}

#[test]
fn a_caption_with_the_end_of_a_line_is_told_and_shifts_nothing() {
    let captions = r#"[{"image_id": 3, "caption": "a\u2028goat"}, {"image_id": 5, "caption": "two grey geese fly"},
        {"image_id": 8, "caption": "a bell"}]"#;
    let score = scored(
        Benchmark::Coco,
        ("p.json", captions),
        &[("a.json", COCO)],
        &ScoreOptions::default(),
    )
    .unwrap();
    assert!((metric(&score, "ROUGE-L") - 100.0).abs() < 1e-9);
    assert!(
        score.notes[0].contains("1 captions hold the end of a line"),
        "{score}"
    );
}

#[test]
fn captions_of_films_are_known_by_name_and_segments_by_film_and_number() {
    let vatex = r#"[{"videoID": "abc_000001_000011", "enCap": ["a goat jumps"], "chCap": []},
        {"videoID": "def_000002_000012", "enCap": ["geese fly"], "chCap": []}]"#;
    let captions = r#"{"abc_000001_000011": "a goat jumps", "def_000002_000012": "geese fly"}"#;
    let options = ScoreOptions::default();
    let score = scored(
        Benchmark::Vatex,
        ("p.json", captions),
        &[("a.json", vatex)],
        &options,
    )
    .unwrap();
    assert!((metric(&score, "CIDEr") - 100.0 * (7.5 + 5.0) / 2.0).abs() < 1e-9);
    let youcook = r#"{"database": {"xyz": {"subset": "validation", "annotations": [
        {"id": 0, "segment": [1, 5], "sentence": "chop a leek"}, {"id": 1, "segment": [5, 9], "sentence": "fry it"}]},
        "uvw": {"subset": "training", "annotations": []}}}"#;
    let captions = r#"[{"image_id": "xyz_0", "caption": "chop a leek"}, {"image_id": "xyz_1", "caption": "fry it"}]"#;
    let score = scored(
        Benchmark::Youcook2,
        ("p.json", captions),
        &[("a.json", youcook)],
        &options,
    )
    .unwrap();
    assert!((metric(&score, "CIDEr") - 100.0 * (7.5 + 5.0) / 2.0).abs() < 1e-9);
}

#[test]
fn visdial_takes_dialogues_and_dense_annotations() {
    let dialogues = r#"{"split": "val", "data": {"dialogs": [{"image_id": 11, "caption": "c", "dialog": [
        {"question": 0, "answer": 1, "answer_options": [0, 1, 2], "gt_index": 2},
        {"question": 1, "answer": 0, "answer_options": [0, 1, 2], "gt_index": 0}]}]}}"#;
    let dense = r#"[{"image_id": 11, "round_id": 2, "gt_relevance": [0.0, 1.0, 0.0]}]"#;
    let ranks = r#"[{"image_id": 11, "round_id": 1, "ranks": [3, 2, 1]}, {"image_id": 11, "round_id": 2, "ranks": [2, 1, 3]}]"#;
    let files = [("visdial.json", dialogues), ("dense.json", dense)];
    let score = scored(
        Benchmark::Visdial,
        ("p.json", ranks),
        &files,
        &ScoreOptions::default(),
    )
    .unwrap();
    assert_eq!(score.metrics[0].name, "NDCG");
    assert_eq!(metric(&score, "NDCG"), 100.0);
    assert_eq!(metric(&score, "mean rank"), 1.5);
    assert_eq!(metric(&score, "MRR"), 75.0);
    let twice = r#"[{"image_id": 11, "round_id": 1, "ranks": [1, 1, 3]}]"#;
    let refused = scored(
        Benchmark::Visdial,
        ("p.json", twice),
        &files[..1],
        &ScoreOptions::default(),
    );
    assert!(refused.unwrap_err().to_string().contains("not 1 to 3"));
}

#[test]
fn memes_are_scored_by_the_area_under_the_curve() {
    let memes = "{\"id\": 42953, \"img\": \"img/42953.png\", \"label\": 1, \"text\": \"t\"}\n\
        {\"id\": 7, \"img\": \"img/00007.png\", \"label\": 0, \"text\": \"t\"}\n\n\
        {\"id\": 8, \"img\": \"img/00008.png\", \"label\": 0, \"text\": \"t\"}\n";
    let predictions = "id,proba,label\n42953,0.4,0\n7,0.1,0\n8,0.4,0\n";
    let score = scored(
        Benchmark::HatefulMemes,
        ("p.csv", predictions),
        &[("dev_seen.jsonl", memes)],
        &ScoreOptions::default(),
    );
    assert_eq!(metric(&score.unwrap(), "ROC AUC"), 75.0);
    let broken = predictions.replace("0.1", "likely");
    let refused = scored(
        Benchmark::HatefulMemes,
        ("p.csv", &broken),
        &[("dev_seen.jsonl", memes)],
        &ScoreOptions::default(),
    );
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("row 2: `proba` is \"likely\""), "{told}");
}

#[test]
fn answers_about_films_are_right_if_they_are_the_same_string() {
    let questions = r#"[{"question": "what?", "answer": "goat", "video_id": 1, "id": 30},
        {"question": "who?", "answer": "None", "video_id": 1, "id": 31}]"#;
    let answers =
        r#"[{"question_id": 31, "answer": "None"}, {"question_id": 30, "answer": "Goat"}]"#;
    let score = scored(
        Benchmark::Msvdqa,
        ("p.json", answers),
        &[("test_qa.json", questions)],
        &ScoreOptions::default(),
    );
    assert_eq!(metric(&score.unwrap(), "accuracy"), 50.0);
    let five = "video_id,question,answer1,answer2,answer3,answer4,answer5\na,q,jam,jam,tea,pot,cup\nb,q,x,x,x,x,x\n";
    let answers = r#"[{"question_id": 0, "answer": "cup"}, {"question_id": 1, "answer": "x"}]"#;
    let score = scored(
        Benchmark::Ivqa,
        ("p.json", answers),
        &[("test.csv", five)],
        &ScoreOptions::default(),
    );
    assert_eq!(metric(&score.unwrap(), "accuracy"), 75.0);
}

#[test]
fn star_gives_the_mean_over_types_and_over_questions() {
    let choices =
        r#"[{"choice_id": 0, "choice": "The cup."}, {"choice_id": 1, "choice": "The door."}]"#;
    let entry = |id: &str| {
        format!(
            r#"{{"question_id": "{id}", "video_id": "v", "answer": "The cup.", "choices": {choices}}}"#
        )
    };
    let questions = format!(
        "[{}, {}, {}]",
        entry("Interaction_T1_1"),
        entry("Interaction_T1_2"),
        entry("Sequence_T2_1")
    );
    let answers = r#"[{"question_id": "Interaction_T1_1", "answer": "The cup."},
        {"question_id": "Interaction_T1_2", "answer": 1}, {"question_id": "Sequence_T2_1", "answer": 0}]"#;
    let score = scored(
        Benchmark::Star,
        ("p.json", answers),
        &[("STAR_val.json", &questions)],
        &ScoreOptions::default(),
    );
    let score = score.unwrap();
    assert_eq!(metric(&score, "accuracy, mean over types"), 75.0);
    assert!((metric(&score, "accuracy, over questions") - 200.0 / 3.0).abs() < 1e-9);
}

#[test]
fn nextqa_says_what_it_needs() {
    let questions =
        "video,frame_count,width,height,question,answer,qid,type\n1,9,9,9,q,goat,0,DO\n";
    let answers = r#"{"1": {"0": "goat"}}"#;
    let refused = scored(
        Benchmark::Nextqa,
        ("p.json", answers),
        &[("test.csv", questions)],
        &ScoreOptions::default(),
    );
    assert!(refused.unwrap_err().to_string().contains("--wordnet"));
}

#[test]
fn rareact_takes_a_matrix() {
    let clips = "id,video_id,start,end,class_id,verb,noun,annotation\n0,p,0,10,0,peel,lemon,1\n1,q,0,10,0,peel,lemon,0\n";
    let score = scored(
        Benchmark::Rareact,
        ("p.json", "[[0.5], [0.9]]"),
        &[("rareact.csv", clips)],
        &ScoreOptions::default(),
    );
    assert_eq!(metric(&score.unwrap(), "mWAP"), 50.0);
    let refused = scored(
        Benchmark::Rareact,
        ("p.json", "[[0.5]]"),
        &[("rareact.csv", clips)],
        &ScoreOptions::default(),
    );
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("2 clips but 1 rows of scores")
    );
}

#[test]
fn classes_are_found_among_the_first_and_the_first_five() {
    let folder = Folder::new();
    for picture in ["val/n01/a.JPEG", "val/n02/b.JPEG"] {
        folder.write(picture, "");
    }
    let given = folder.write("p.json", r#"[{"id": "a.JPEG", "labels": ["n01", "n02"]}, {"id": "b.JPEG", "labels": ["n01", "n02"]}]"#);
    let official = [folder.path().join("val")];
    let score = score(
        Benchmark::Imagenet,
        &given,
        &official,
        &ScoreOptions::default(),
    )
    .unwrap();
    assert_eq!(
        (metric(&score, "top-1"), metric(&score, "top-5")),
        (50.0, 100.0)
    );
    let clips = "label,youtube_id,time_start,time_end,split\nskiing,xyz,5,15,val\n";
    let given = r#"[{"id": "xyz_000005_000015", "label": "skiing"}]"#;
    let score = scored(
        Benchmark::Kinetics700,
        ("p.json", given),
        &[("val.csv", clips)],
        &ScoreOptions::default(),
    );
    assert_eq!(metric(&score.unwrap(), "top-1"), 100.0);
}

#[test]
fn a_broken_entry_is_told_by_file_entry_and_field() {
    for (annotations, told) in [
        (
            r#"{"annotations": [{"image_id": 3, "caption": 5}]}"#,
            "`annotations` 0: `caption` is 5, it should be a text",
        ),
        (
            r#"{"annotations": [{"caption": "goat"}]}"#,
            "`image_id` is not there",
        ),
        (r#"{"annotations": [[]]}"#, "is [], it should be an object"),
        ("{", "is no JSON"),
    ] {
        let refused = scored(
            Benchmark::Coco,
            ("p.json", "[]"),
            &[("a.json", annotations)],
            &ScoreOptions::default(),
        );
        let message = refused.unwrap_err().to_string();
        assert!(
            message.contains(told) && message.contains("a.json"),
            "{message}"
        );
    }
}

#[test]
fn no_file_of_another_form_stops_the_program() {
    let texts = [
        "",
        "[]",
        "{}",
        "null",
        "[[]]",
        "[{}]",
        "[{\"image_id\": 1}]",
        "{\"annotations\": [{}]}",
        "{\"data\": []}",
        "{\"data\": {\"dialogs\": [{\"image_id\": 1, \"dialog\": [{\"gt_index\": 9}]}]}}",
        "{\"database\": {\"a\": 1}}",
        "[{\"question_id\": 1, \"answers\": [], \"answer\": \"x\"}]",
        "[{\"image_id\": 1, \"round_id\": 1, \"ranks\": []}]",
        "[{\"question_id\": 1, \"answer\": \"x\", \"choices\": []}]",
        "video,qid,answer,type\n1,0,x,QQ\n",
        "id,proba,label\n1,nan,0\n",
        "video_id,class_id,verb,noun,annotation\na,7,peel,lemon,1\n",
        "[[1e999]]",
        "{\"id\": 1, \"label\": 1}\n",
        "[{\"videoID\": \"a\", \"enCap\": []}]",
        "{\"a\": \"x\"}",
        "{\"1\": {\"0\": \"x\"}}",
        "label,youtube_id,time_start,time_end\nx,y,-1,5\n",
        "\u{feff}[]",
        "[{\"id\": \"y\", \"labels\": []}]",
    ];
    let folder = Folder::new();
    let files: Vec<_> = texts
        .iter()
        .zip(["json", "npy", "csv"].into_iter().cycle())
        .enumerate()
        .map(|(index, (text, ending))| folder.write(&format!("{index}.{ending}"), text))
        .collect();
    for &task in Benchmark::ALL {
        for (given, official) in files.iter().flat_map(|a| files.iter().map(move |b| (a, b))) {
            let options = ScoreOptions {
                partial: true,
                ..ScoreOptions::default()
            };
            // A score or an error, and every error says of what.
            if let Err(error) = score(task, given, std::slice::from_ref(official), &options) {
                assert!(error.to_string().len() > 10, "{task}: {error}");
            }
        }
    }
}
