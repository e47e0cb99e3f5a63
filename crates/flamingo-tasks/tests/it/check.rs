use flamingo_tasks::{Benchmark, DataFolder, DataReport, ReadOptions, check_data, task};

use crate::Folder;

fn checked(name: &str, folder: &Folder) -> DataReport {
    check_data(
        &*task(name).unwrap(),
        &folder.path(),
        &ReadOptions::default(),
    )
    .unwrap()
}

#[test]
fn an_empty_folder_lacks_every_file_that_is_needed() {
    let folder = Folder::new();
    for benchmark in Benchmark::ALL {
        let report = checked(benchmark.name(), &folder);
        assert!(!report.is_ready() && !report.files.is_empty(), "{report}");
        let told = report.to_string();
        assert!(
            told.contains("missing: ") && told.contains("cannot be run"),
            "{told}"
        );
    }
}

#[test]
fn broken_items_other_versions_and_missing_pictures_are_named() {
    let folder = Folder::new();
    let memes = "{\"id\": 1, \"img\": \"img/00001.png\", \"label\": 1, \"text\": \"t\"}\n\
        {\"id\": 2, \"img\": \"img/00002.png\", \"label\": 0, \"text\": \"t\"}\n\
        {\"id\": 3, \"img\": \"img/00003.png\", \"text\": \"t\"}\n";
    folder.write("data/train.jsonl", memes);
    folder.write("data/test.jsonl", memes.lines().next().unwrap());
    folder.write("data/dev_seen.jsonl", "{broken\n");
    folder.write("data/img/00001.png", "");
    let report = checked("hateful-memes", &folder);
    let file = |name: &str| report.files.iter().find(|file| file.name == name).unwrap();
    let train = file("train.jsonl");
    assert_eq!((train.items, train.official), (3, Some(8_500)));
    let test = file("test_seen.jsonl");
    assert_eq!(test.path.as_deref(), Some("data/test.jsonl"));
    assert!(test.version.as_deref().unwrap().contains("older release"));
    let broken = &file("dev_seen.jsonl").broken;
    assert_eq!(broken.count, 1);
    assert!(broken.first[0].contains("line 1"), "{broken}");
    assert!(file("test_unseen.jsonl").path.is_none());
    assert!(!report.is_ready());
    // What would be asked and shown of it: the newer release's label and one of the pictures are not there.
    assert_eq!(
        (
            report.reading.supports.entries,
            report.reading.supports.usable
        ),
        (3, 1)
    );
    let told = report.to_string();
    assert!(
        told.contains(
            "supports (train): 1 of 3 can be used; left out: broken entry: 1 (line 3: `label`"
        ),
        "{told}"
    );
    assert!(
        told.contains("picture that is not there: 1 (00002.png)"),
        "{told}"
    );
    assert!(
        told.contains("can be run, without 2 entries that cannot be used"),
        "{told}"
    );
}

/// What a check says is what a run does: fields that no run reads, and films that it finds by another name, are nothing
/// to refuse.
#[test]
fn files_that_a_run_reads_whole_are_ready() {
    let folder = Folder::new();
    let question = r#"[{"id": 7, "question": "what?", "answer": "a cat", "video_id": 3}]"#;
    for name in ["train_qa.json", "test_qa.json"] {
        folder.write(name, question);
    }
    folder.write("video3.mp4", "");
    let questions = "video,question,answer,qid,type\n11,what,a cat,1,DO\n";
    for name in ["train.csv", "test.csv"] {
        folder.write(name, questions);
    }
    folder.write("map_vid_vidorID.json", r#"{"11": "1164/x7"}"#);
    folder.write("x7.mp4", "");
    let cut = "id,video_id,start,end,class_id,verb,noun,annotation\n0,film9,2,5,0,peel,lemon,1\n";
    folder.write("rareact.csv", cut);
    folder.write("film9_2_5.mp4", "");
    for name in ["msrvttqa", "msvdqa", "nextqa", "rareact"] {
        if name == "msvdqa" {
            folder.write("vid3.avi", "");
        }
        let report = checked(name, &folder);
        let read = task(name)
            .unwrap()
            .read(&DataFolder::new(folder.path()), &ReadOptions::default())
            .unwrap();
        assert_eq!(read.queries.examples.len(), 1, "{name}");
        assert!(report.is_ready(), "{report}");
    }
}

#[test]
fn a_film_counts_whatever_its_ending_and_a_set_that_is_whole_is_ready() {
    let folder = Folder::new();
    let row = |index: usize| format!("{index},film{},0,10,0,peel,lemon,1\n", index % 3);
    let rows: String = (0..7_607).map(row).collect();
    folder.write(
        "rareact.csv",
        format!("id,video_id,start,end,class_id,verb,noun,annotation\n{rows}"),
    );
    for film in ["films/film0.mp4", "films/film1.webm"] {
        folder.write(film, "");
    }
    let report = checked("rareact", &folder);
    let told = report.to_string();
    assert!(
        told.contains("film that is not there: 2535 (film2"),
        "{told}"
    );
    assert!(!report.is_ready());
    folder.write("more/film2.mkv", "");
    let report = checked("rareact", &folder);
    assert!(report.is_ready(), "{report}");
}

#[test]
fn a_users_own_task_is_checked_as_it_would_be_read() {
    let folder = Folder::new();
    folder.write(
        "queries.jsonl",
        "{\"parts\": [{\"text\": \"?\"}]}\n{}\n[]\n{\"parts\": []}\n",
    );
    let report = checked("own", &folder);
    assert!(report.files.is_empty() && !report.is_ready());
    let told = report.to_string();
    assert!(
        told.contains("1 of 4 can be used; left out: broken line: 3 (line 2: "),
        "{told}"
    );
    assert!(told.contains("supports: none"), "{told}");
    folder.write("queries.jsonl", "{\"parts\": [{\"text\": \"?\"}]}\n");
    assert!(checked("own", &folder).is_ready());
}

#[test]
fn a_name_that_is_no_benchmark_is_refused_with_those_that_are() {
    assert_eq!("VQAv2".parse::<Benchmark>().unwrap(), Benchmark::Vqav2);
    assert_eq!(
        "hateful_memes".parse::<Benchmark>().unwrap(),
        Benchmark::HatefulMemes
    );
    let told = "gqa".parse::<Benchmark>().unwrap_err().to_string();
    assert!(
        told.contains("\"gqa\"") && told.contains("kinetics700"),
        "{told}"
    );
}
