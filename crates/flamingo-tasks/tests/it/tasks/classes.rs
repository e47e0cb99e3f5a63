//! ImageNet, Kinetics700, a folder of classes.

use flamingo_tasks::{DataFolder, Output, ReadOptions, ScoreOptions, task};

use super::{all_right, answered, dropped, first_dropped, ids, judged_as_scored, metric, read};
use crate::Folder;

#[test]
fn classes_of_imagenet_are_ranks_of_folders_and_have_the_names_of_a_file() {
    let folder = Folder::new();
    for (wnid, count) in [("n01440764", 3), ("n02012849", 2), ("n03126707", 2)] {
        for number in 0..count {
            folder.write(&format!("train/{wnid}/{wnid}_{number}.JPEG"), "");
            folder.write(
                &format!("val/{wnid}/ILSVRC2012_val_{wnid}_{number}.JPEG"),
                "",
            );
        }
    }
    folder.write("val/ILSVRC2012_val_00000001.JPEG", "");
    let task = task("imagenet").unwrap();
    let data = DataFolder::new(folder.path());
    let refused = task.read(&data, &ReadOptions::default()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("names of the classes are not below"),
        "{refused}"
    );
    folder.write(
        "LOC_synset_mapping.txt",
        "n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n",
    );
    let options = ReadOptions {
        supports: Some(2),
        ..ReadOptions::default()
    };
    let examples = task
        .read(&DataFolder::new(folder.path()), &options)
        .unwrap();
    assert_eq!(examples.supports.examples.len(), 6);
    assert_eq!(
        dropped(&examples.queries, "picture in no folder of a class"),
        1
    );
    assert_eq!(examples.labels, ["n01440764", "n02012849", "n03126707"]);
    let candidates = examples.queries.examples[0].candidates.as_deref().unwrap();
    assert_eq!(candidates, ["tench", "crane", "crane"]);
    assert!(
        examples
            .notes
            .iter()
            .any(|note| note.contains("both called \"crane\""))
    );
    let outputs = all_right(&examples);
    std::fs::remove_file(folder.path().join("val/ILSVRC2012_val_00000001.JPEG")).unwrap();
    let official = folder.path().join("val");
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[official]);
    assert_eq!(metric(&judged, "top-1"), 100.0);
    folder.write("classnames.json", r#"["tench", "crane"]"#);
    let refused = task
        .read(&DataFolder::new(folder.path()), &options)
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("has 2 entries, it should be 3 names"),
        "{refused}"
    );
}

#[test]
fn kinetics_tells_its_release_and_how_many_clips_are_there() {
    let folder = Folder::new();
    let columns = "label,youtube_id,time_start,time_end,split\n";
    let rows = "peeling lemon,abc,3,13,val\nwaxing legs,d-e,0,10,val\nwaxing legs,gone,1,11,val\nwaxing legs,x,then,11,val\n";
    folder.write("kinetics700_2020_val.csv", format!("{columns}{rows}"));
    folder.write(
        "kinetics700_2020_train.csv",
        format!("{columns}peeling lemon,t,3,13,train\n"),
    );
    for name in [
        "abc_000003_000013.mp4",
        "d-e_000000_000010.mp4",
        "t_000003_000013.mp4",
    ] {
        folder.write(&format!("clips/{name}"), "");
    }
    let examples = read(&folder, "kinetics700", "val");
    assert_eq!(
        ids(&examples.queries),
        ["abc_000003_000013", "d-e_000000_000010"]
    );
    assert_eq!(dropped(&examples.queries, "broken entry"), 1);
    assert_eq!(
        first_dropped(&examples.queries, "film that is not there"),
        "gone_000001_000011"
    );
    assert!(
        examples.notes[1].contains("2 of 4 clips of kinetics700_2020_val.csv"),
        "{:?}",
        examples.notes
    );
    let task = task("kinetics700").unwrap();
    let official = folder.write(
        "kinetics700_2020_val.csv",
        format!(
            "{columns}{}",
            rows.lines().take(2).collect::<Vec<_>>().join("\n")
        ),
    );
    let examples = read(&folder, "kinetics700", "val");
    let outputs = [
        Output::Likelihoods(vec![-1.0, -1.0]),
        Output::Likelihoods(vec![-1.0, -1.0]),
    ];
    // Equal scores: the first class.
    let judged = judged_as_scored(&folder, &*task, &examples, &outputs, &[official]);
    assert_eq!(metric(&judged, "top-1"), 50.0);
}

#[test]
fn a_folder_a_class_is_a_task_and_supports_are_never_asked() {
    let folder = Folder::new();
    for class in ["red_panda", "yak"] {
        for number in 0..7 {
            folder.write(&format!("{class}/{number}.png"), "");
        }
    }
    folder.write("yak/notes.txt", "");
    folder.write("yak/.DS_Store", "");
    let task = task("folder").unwrap();
    let read = |seed| {
        let options = ReadOptions {
            seed,
            supports: Some(2),
            ..ReadOptions::default()
        };
        task.read(&DataFolder::new(folder.path()), &options)
            .unwrap()
    };
    let examples = read(1);
    assert_eq!(
        (examples.supports.examples.len(), examples.supports.usable),
        (4, 6)
    );
    assert_eq!(examples.queries.examples.len(), 8);
    assert_eq!(
        first_dropped(&examples.queries, "neither a picture nor a film"),
        "yak/notes.txt"
    );
    assert_eq!(
        examples.queries.examples[0].candidates.as_deref().unwrap(),
        ["red panda", "yak"]
    );
    let asked = ids(&examples.queries);
    assert!(ids(&examples.supports).iter().all(|id| !asked.contains(id)));
    let other = read(2);
    assert_eq!(ids(&other.queries), asked);
    assert_ne!(ids(&other.supports), ids(&examples.supports));
    let judged = task
        .judge(
            &answered(&examples, &all_right(&examples)),
            &ScoreOptions::default(),
        )
        .unwrap();
    assert_eq!(metric(&judged, "top-1"), 100.0);

    let split = Folder::new();
    for name in [
        "train/yak/a.jpg",
        "train/emu/b.mp4",
        "val/yak/c.webp",
        "val/emu/d.JPG",
    ] {
        split.write(name, "");
    }
    let examples = task
        .read(&DataFolder::new(split.path()), &ReadOptions::default())
        .unwrap();
    assert_eq!(ids(&examples.queries), ["emu/d.JPG", "yak/c.webp"]);
    assert_eq!(examples.supports.examples.len(), 2);
    let empty = Folder::new();
    let refused = task
        .read(&DataFolder::new(empty.path()), &ReadOptions::default())
        .unwrap_err();
    assert!(refused.to_string().contains("0 folders"), "{refused}");
}
