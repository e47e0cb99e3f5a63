use flamingo_tasks::{Benchmark, DataReport, check_data, task};

use crate::Folder;

fn checked(name: &str, folder: &Folder) -> DataReport {
    check_data(&*task(name).unwrap(), &folder.path(), None).unwrap()
}

#[test]
fn an_empty_folder_lacks_every_file_that_is_needed() {
    let folder = Folder::new();
    for benchmark in Benchmark::ALL {
        let report = checked(benchmark.name(), &folder);
        assert!(!report.is_ready() && !report.files.is_empty(), "{report}");
        assert!(report.to_string().contains("missing: "), "{report}");
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
    assert_eq!(
        (train.items, train.official, train.with_media),
        (3, Some(8_500), 1)
    );
    assert_eq!(train.without_media.first, ["00002.png"]);
    assert_eq!(train.broken.first, ["item 2 has no `label`"]);
    let test = file("test_seen.jsonl");
    assert_eq!(test.path.as_deref(), Some("data/test.jsonl"));
    assert!(test.version.as_deref().unwrap().contains("older release"));
    let broken = &file("dev_seen.jsonl").broken;
    assert_eq!(broken.count, 1);
    assert!(broken.first[0].contains("line 1"), "{broken}");
    assert!(file("test_unseen.jsonl").path.is_none());
    assert!(!report.is_ready());
    // What would be asked and shown of it.
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
    assert_eq!(report.files[0].without_media.count, 2_535);
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
