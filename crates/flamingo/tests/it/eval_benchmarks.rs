//! A small set in the official form of each benchmark, asked and scored by the built program.
#![allow(clippy::print_stdout)]

use std::process::Command;

use flamingo::film::Ffmpeg;
use flamingo::image::Image;
use serde_json::{Value, json};

use crate::Workplace;

/// A set of two queries or more.
struct Form {
    task: &'static str,
    split: &'static str,
    files: Vec<(&'static str, String)>,
    pictures: Vec<&'static str>,
    films: Vec<&'static str>,
    shots: &'static str,
    metric: &'static str,
}

impl Form {
    fn new(task: &'static str, split: &'static str, metric: &'static str) -> Self {
        Self {
            task,
            split,
            files: Vec::new(),
            pictures: Vec::new(),
            films: Vec::new(),
            shots: "0,2",
            metric,
        }
    }

    fn file(mut self, name: &'static str, text: impl ToString) -> Self {
        self.files.push((name, text.to_string()));
        self
    }

    fn pictures(mut self, names: &[&'static str]) -> Self {
        self.pictures.extend(names);
        self
    }

    fn films(mut self, names: &[&'static str]) -> Self {
        self.films.extend(names);
        self
    }

    /// Asks and scores it; a film stands for all of its films.
    fn run(&self, film: Option<&[u8]>) {
        let place = Workplace::new();
        for (name, text) in &self.files {
            place.write(&format!("data/{name}"), text.as_bytes());
        }
        for (number, name) in (1..).zip(&self.pictures) {
            let image = Image::from_fn(48, 40, |x, y| [x as u8 * 5, y as u8 * 6, number * 30]);
            place.write(&format!("data/{name}"), &image.to_png());
        }
        for name in &self.films {
            place.write(&format!("data/{name}"), film.unwrap());
        }
        let task = ["eval", self.task, "--data", "data", "--split", self.split];
        // What a run reads whole is ready.
        let check = [&["eval", "check-data"], &task[1..]].concat();
        assert!(place.ok(&check).contains(": ready"), "{}", self.task);
        let how = ["--shots", self.shots, "--max-tokens", "4"];
        let output = place.run(&[&task[..], &how, &["--output", "run", "--json"]].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{}: {told}", self.task);
        let results: Value = serde_json::from_slice(&output.stdout).unwrap();
        let cells = results["cells"].as_array().unwrap();
        assert_eq!(
            cells.len(),
            self.shots.split(',').count(),
            "{}: {results}",
            self.task
        );
        for cell in cells {
            assert!(
                cell["samples"].as_u64().unwrap() >= 2,
                "{}: {cell}",
                self.task
            );
            assert_eq!(cell["failed"], 0, "{}: {cell}", self.task);
            let metric = &cell["metrics"][0];
            assert_eq!(metric["name"], self.metric, "{}: {cell}", self.task);
            assert!(metric["value"].is_number(), "{}: {cell}", self.task);
        }
        let submissions = std::fs::read_dir(place.path().join("run/submissions")).unwrap();
        assert_eq!(submissions.count(), cells.len(), "{}", self.task);
    }
}

fn questions(of: &[(u64, u64)]) -> Value {
    let entry = |(id, image): &(u64, u64)| json!({"question_id": id, "image_id": image, "question": "what is it?"});
    json!({"questions": of.iter().map(entry).collect::<Vec<_>>()})
}

fn annotations(of: &[(u64, u64)]) -> Value {
    let answers: Vec<Value> = (1..=10)
        .map(|id| json!({"answer": "a pig", "answer_confidence": "yes", "answer_id": id}))
        .collect();
    let entry = |(id, image): &(u64, u64)| {
        json!({"question_id": id, "image_id": image, "question_type": "what", "answer_type": "other",
               "multiple_choice_answer": "a pig", "answers": answers})
    };
    json!({"annotations": of.iter().map(entry).collect::<Vec<_>>()})
}

/// VQAv2's form, with its prefixes of the files' names.
fn vqa(task: &'static str, names: [&'static str; 4]) -> Form {
    let (val, train) = ([(31, 3), (32, 3), (51, 5)], [(11, 1), (21, 2)]);
    Form::new(task, "val", "accuracy")
        .file(names[0], questions(&val))
        .file(names[1], annotations(&val))
        .file(names[2], questions(&train))
        .file(names[3], annotations(&train))
        .pictures(&[
            "val2014/COCO_val2014_000000000003.jpg",
            "val2014/COCO_val2014_000000000005.jpg",
            "train2014/COCO_train2014_000000000001.jpg",
            "train2014/COCO_train2014_000000000002.jpg",
        ])
}

fn textvqa() -> Form {
    let entry = |id: usize, image: &str| json!({"question_id": id, "image_id": image, "question": "what brand?", "answers": vec!["a pig"; 10]});
    let data = |entries: Vec<Value>| json!({"data": entries});
    Form::new("textvqa", "val", "accuracy")
        .file(
            "TextVQA_0.5.1_val.json",
            data(vec![entry(3, "a"), entry(4, "b")]),
        )
        .file(
            "TextVQA_0.5.1_train.json",
            data(vec![entry(1, "c"), entry(2, "d")]),
        )
        .pictures(&[
            "train_images/a.jpg",
            "train_images/b.jpg",
            "train_images/c.jpg",
            "train_images/d.jpg",
        ])
}

fn vizwiz() -> Form {
    let entry = |image: &str| {
        let answers: Vec<Value> = (0..10)
            .map(|_| json!({"answer": "soup", "answer_confidence": "yes"}))
            .collect();
        json!({"image": image, "question": "What is it?", "answer_type": "other", "answerable": 1, "answers": answers})
    };
    Form::new("vizwiz", "val", "accuracy")
        .file(
            "Annotations/val.json",
            json!([entry("VizWiz_val_0.jpg"), entry("VizWiz_val_1.jpg")]),
        )
        .file(
            "Annotations/train.json",
            json!([entry("VizWiz_train_0.jpg"), entry("VizWiz_train_1.jpg")]),
        )
        .pictures(&[
            "val/VizWiz_val_0.jpg",
            "val/VizWiz_val_1.jpg",
            "train/VizWiz_train_0.jpg",
            "train/VizWiz_train_1.jpg",
        ])
}

fn karpathy(images: &[(u64, &str, &str)]) -> Value {
    let entry = |(id, name, split): &(u64, &str, &str)| {
        json!({"cocoid": id, "filepath": "val2014", "filename": name, "split": split,
               "sentences": [{"raw": format!("A pig looks at {name}.")}, {"raw": "A pig."}]})
    };
    json!({"images": images.iter().map(entry).collect::<Vec<_>>()})
}

fn coco() -> Form {
    let captions = json!({"annotations": [
        {"image_id": 1, "id": 1, "caption": "A pig runs."}, {"image_id": 2, "id": 2, "caption": "Two goats."}]});
    let images = [
        (1, "COCO_val2014_000000000001.jpg", "test"),
        (2, "COCO_val2014_000000000002.jpg", "test"),
        (3, "COCO_val2014_000000000003.jpg", "train"),
        (4, "COCO_val2014_000000000004.jpg", "train"),
    ];
    Form::new("coco", "test", "CIDEr")
        .file("dataset_coco.json", karpathy(&images))
        .file("captions_val2014.json", captions)
        .pictures(&[
            "val2014/COCO_val2014_000000000001.jpg",
            "val2014/COCO_val2014_000000000002.jpg",
            "val2014/COCO_val2014_000000000003.jpg",
            "val2014/COCO_val2014_000000000004.jpg",
        ])
}

fn flickr30k() -> Form {
    let images = [
        (1, "1000.jpg", "test"),
        (2, "2000.jpg", "test"),
        (3, "3000.jpg", "train"),
        (4, "4000.jpg", "train"),
    ];
    Form::new("flickr30k", "test", "CIDEr")
        .file("dataset_flickr30k.json", karpathy(&images))
        .pictures(&[
            "flickr30k-images/1000.jpg",
            "flickr30k-images/2000.jpg",
            "flickr30k-images/3000.jpg",
            "flickr30k-images/4000.jpg",
        ])
}

fn visdial() -> Form {
    let dialogues = |split: &str, images: [u64; 2]| {
        let dialogs = images.map(|image| {
            json!({"image_id": image, "caption": "a room", "dialog": [
                {"question": 0, "answer": 0, "answer_options": [1, 0, 2], "gt_index": 1},
                {"question": 1, "answer": 2, "answer_options": [2, 1, 0], "gt_index": 0}]})
        });
        json!({"version": "1.0", "split": split, "data": {"dialogs": dialogs,
               "questions": ["is it day", "any cats"], "answers": ["yes", "no", "2 cats"]}})
    };
    let dense = json!([
        {"image_id": 11, "round_id": 2, "gt_relevance": [0.5, 1.0, 0.0]},
        {"image_id": 13, "round_id": 1, "gt_relevance": [0.0, 1.0, 0.0]}]);
    Form::new("visdial", "val", "NDCG")
        .file("visdial_1.0_val.json", dialogues("val", [11, 13]))
        .file("visdial_1.0_train.json", dialogues("train", [5, 7]))
        .file("visdial_1.0_val_dense_annotations.json", dense)
        .pictures(&[
            "VisualDialog_val2018_000000000011.jpg",
            "VisualDialog_val2018_000000000013.jpg",
            "COCO_train2014_000000000005.jpg",
            "COCO_train2014_000000000007.jpg",
        ])
}

fn hateful_memes() -> Form {
    let lines = |of: [(u64, u64); 2]| {
        let line = |(id, label): (u64, u64)| {
            json!({"id": id, "img": format!("img/{id:05}.png"), "label": label, "text": "look"})
                .to_string()
        };
        of.map(line).join("\n")
    };
    Form::new("hateful-memes", "test-seen", "ROC AUC")
        .file("train.jsonl", lines([(1, 1), (2, 0)]))
        .file("test_seen.jsonl", lines([(3, 0), (4, 1)]))
        .pictures(&[
            "img/00001.png",
            "img/00002.png",
            "img/00003.png",
            "img/00004.png",
        ])
}

fn imagenet() -> Form {
    Form::new("imagenet", "val", "top-1")
        .file("LOC_synset_mapping.txt", "n01 tench, Tinca\nn02 crane\n")
        .pictures(&[
            "train/n01/1.JPEG",
            "train/n02/2.JPEG",
            "val/n01/3.JPEG",
            "val/n02/4.JPEG",
        ])
}

fn kinetics700() -> Form {
    let columns = "label,youtube_id,time_start,time_end,split\n";
    let rows = |split: &str, names: [&str; 2]| {
        let [a, b] = names;
        format!("{columns}peeling lemon,{a},3,13,{split}\nwaxing legs,{b},0,10,{split}\n")
    };
    Form::new("kinetics700", "val", "top-1")
        .file("kinetics700_2020_val.csv", rows("val", ["a", "b"]))
        .file("kinetics700_2020_train.csv", rows("train", ["c", "d"]))
        .films(&[
            "clips/a_000003_000013.mp4",
            "clips/b_000000_000010.mp4",
            "clips/c_000003_000013.mp4",
            "clips/d_000000_000010.mp4",
        ])
}

fn film_questions(
    task: &'static str,
    films: [&'static str; 2],
    more: &[(&'static str, &str)],
) -> Form {
    let questions = |ids: [u64; 2]| {
        json!(ids.map(
            |id| json!({"id": id, "video_id": id, "question": "who is eating?", "answer": "goat",
                                  "category_id": 1})
        ))
    };
    let form = Form::new(task, "test", "accuracy")
        .file("test_qa.json", questions([1, 2]))
        .file("train_qa.json", questions([1, 2]))
        .films(&films);
    more.iter()
        .fold(form, |form, (name, text)| form.file(name, text))
}

fn ivqa() -> Form {
    let rows = "video_id,start,end,question,answer1,answer2,answer3,answer4,answer5\n\
                a,3,11,what is cut?,leek,onion,onion,knife,pan\nc,5,9,where?,pan,pan,pan,pan,pan\n";
    Form::new("ivqa", "test", "accuracy")
        .file("test.csv", rows)
        .file("train.csv", rows)
        .films(&["videos/a_3_11.mp4", "videos/c.mp4"])
}

fn vatex() -> Form {
    let films = |names: [&str; 2]| {
        json!(names.map(|name| json!({"videoID": name, "enCap": [format!("a goat jumps over {name}"), "a goat"]})))
    };
    Form::new("vatex", "test", "CIDEr")
        .file(
            "vatex_public_test_english_v1.1.json",
            films(["a_000001_000011", "b_000001_000011"]),
        )
        .file(
            "vatex_training_v1.0.json",
            films(["c_000001_000011", "d_000001_000011"]),
        )
        .films(&[
            "videos/a_000001_000011.mp4",
            "videos/b_000001_000011.mp4",
            "videos/c_000001_000011.mp4",
            "videos/d_000001_000011.mp4",
        ])
}

fn youcook2() -> Form {
    let film = |subset: &str| {
        json!({"subset": subset, "duration": 19.5, "annotations": [
            {"id": 0, "segment": [1, 5.5], "sentence": "chop a leek"}, {"id": 1, "segment": [5, 9], "sentence": "fry it"}]})
    };
    Form::new("youcook2", "val", "CIDEr")
        .file(
            "youcookii_annotations_trainval.json",
            json!({"database": {"x": film("validation"), "y": film("training")}}),
        )
        .films(&["raw_videos/x.mp4", "raw_videos/y.mp4"])
}

fn star() -> Form {
    let entry = |id: &str| {
        json!({"question_id": id, "question": "Which object?", "video_id": "6H78U", "start": 11.1, "end": 18.6,
               "answer": "The door.",
               "choices": [{"choice_id": 0, "choice": "The cup."}, {"choice_id": 1, "choice": "The door."}]})
    };
    let entries = json!([entry("Interaction_T1_13"), entry("Sequence_T2_1")]);
    Form::new("star", "val", "accuracy, mean over types")
        .file("STAR_val.json", &entries)
        .file("STAR_train.json", &entries)
        .films(&["Charades_v1_480/6H78U.mp4"])
}

fn rareact() -> Form {
    let rows = "id,video_id,start,end,class_id,verb,noun,annotation\n\
                0,f1,3,13,0,cut,keyboard,1\n1,f2,5,15,1,drill,phone,1\n2,f2,0,4,0,cut,keyboard,0\n";
    let mut form = Form::new("rareact", "test", "mWAP")
        .file("rareact.csv", rows)
        .films(&["clips/f1.mp4", "clips/f2.mp4"]);
    form.shots = "0";
    form
}

#[test]
fn every_benchmark_of_pictures_is_asked_and_scored() {
    let two = vqa(
        "vqav2",
        [
            "v2_OpenEnded_mscoco_val2014_questions.json",
            "v2_mscoco_val2014_annotations.json",
            "v2_OpenEnded_mscoco_train2014_questions.json",
            "v2_mscoco_train2014_annotations.json",
        ],
    );
    let ok = vqa(
        "okvqa",
        [
            "OpenEnded_mscoco_val2014_questions.json",
            "mscoco_val2014_annotations.json",
            "OpenEnded_mscoco_train2014_questions.json",
            "mscoco_train2014_annotations.json",
        ],
    );
    let all = [
        two,
        ok,
        textvqa(),
        vizwiz(),
        coco(),
        flickr30k(),
        visdial(),
        hateful_memes(),
        imagenet(),
    ];
    all.iter().for_each(|form| form.run(None));
}

#[test]
fn every_benchmark_of_films_is_asked_and_scored() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(ffmpeg) = Ffmpeg::find(std::env::split_paths(&path)) else {
        println!("skipped: ffmpeg and ffprobe are not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    let made = Command::new(&ffmpeg.ffmpeg)
        .args(["-v", "error", "-nostdin", "-f", "lavfi"])
        .args(["-i", "testsrc=duration=20:size=64x48:rate=2"])
        .args(["-pix_fmt", "yuv420p"])
        .arg(&film)
        .status()
        .unwrap();
    assert!(made.success());
    let film = std::fs::read(film).unwrap();
    let youtube = [(
        "youtube_mapping.txt",
        "-4wsuPCjDBc_5_15 vid1\nmv89psg6zh4_33_46 vid2\n",
    )];
    let msvd = ["YouTubeClips/-4wsuPCjDBc_5_15.mp4", "YouTubeClips/vid2.mp4"];
    let msrvtt = ["TestVideo/video1.mp4", "TestVideo/video2.mp4"];
    let all = [
        film_questions("msvdqa", msvd, &youtube),
        film_questions("msrvttqa", msrvtt, &[]),
        ivqa(),
        vatex(),
        youcook2(),
        star(),
        kinetics700(),
        rareact(),
    ];
    all.iter().for_each(|form| form.run(Some(&film)));
}

#[test]
fn nextqa_says_which_files_its_metric_needs_before_anything_is_asked() {
    let place = Workplace::new();
    let rows =
        "video,frame_count,width,height,question,answer,qid,type\n24,100,64,48,how many,two,5,DC\n";
    for name in ["data/test.csv", "data/train.csv"] {
        place.write(name, rows.as_bytes());
    }
    place.write("data/map_vid_vidorID.json", br#"{"24": "1101/24"}"#);
    place.write("data/NExTVideo/1101/24.mp4", b"never read");
    std::fs::create_dir_all(place.path().join("none")).unwrap();
    let output = place.run(&[
        "eval",
        "nextqa",
        "--data",
        "data",
        "--wordnet",
        "none",
        "--shots",
        "0",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("WordNet") && told.contains("none"), "{told}");
    assert!(!place.path().join("flamingo-eval").exists());
}
