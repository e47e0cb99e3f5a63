//! Files in the making.

use std::fs;
use std::io::Write;
use std::path::Path;

use flamingo_files::{Draft, FolderDraft, sweep, write};

use crate::names;

#[test]
fn a_file_is_there_only_when_it_is_committed_and_the_older_one_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    write(&path, b"older").unwrap();
    let mut draft = Draft::create(&path).unwrap();
    draft.add(b"newer").unwrap();
    draft.flush().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"older");
    draft.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"newer");
    assert_eq!(names(folder.path()), ["page.html"]);
}

#[test]
fn a_draft_that_is_dropped_leaves_the_older_file_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    write(&path, b"older").unwrap();
    let mut draft = Draft::create(&path).unwrap();
    draft.add(&[7; 1 << 20]).unwrap();
    drop(draft);
    assert_eq!(fs::read(&path).unwrap(), b"older");
    assert_eq!(names(folder.path()), ["page.html"]);
}

#[test]
fn drafts_of_one_name_do_not_disturb_each_other_and_the_last_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let mut drafts: Vec<Draft> = (0..3).map(|_| Draft::create(&path).unwrap()).collect();
    for (number, draft) in drafts.iter_mut().enumerate() {
        draft.add(format!("number {number}").as_bytes()).unwrap();
    }
    for draft in drafts {
        draft.commit().unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), b"number 2");
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn what_a_killed_process_left_is_removed_by_the_next_one_and_what_is_in_the_making_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    for number in [0, 1, 2] {
        let remains = folder.path().join(format!(".a.json.part{number}"));
        fs::write(remains, "longer than what is written now").unwrap();
    }
    write(&path, b"short").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"short");
    assert_eq!(names(folder.path()), ["a.json"]);

    fs::create_dir(folder.path().join("deep")).unwrap();
    fs::write(folder.path().join("deep/.b.part7"), "left").unwrap();
    fs::write(folder.path().join("deep/.b.party"), "another's").unwrap();
    let draft = Draft::create(&path).unwrap();
    assert_eq!(sweep(folder.path()).unwrap(), 1);
    assert_eq!(names(&folder.path().join("deep")), [".b.party"]);
    draft.commit().unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = write(Path::new("/nowhere/a.json"), b"x")
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot write /nowhere/a.json"), "{error}");
}

#[test]
fn a_long_name_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    for letter in ["a", "ü"] {
        let name = letter.repeat(250 / letter.len());
        write(&folder.path().join(&name), b"x").unwrap();
        assert!(folder.path().join(&name).is_file());
    }
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn a_folder_is_whole_or_not_there_and_takes_the_place_of_an_older_one() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("step-7");
    fs::create_dir_all(place.path().join(".step-7.partial/left")).unwrap();
    let draft = FolderDraft::create(&target).unwrap();
    draft.write("deep/a.txt", b"first").unwrap();
    assert!(!target.exists());
    draft.commit().unwrap();
    assert_eq!(fs::read(target.join("deep/a.txt")).unwrap(), b"first");
    assert_eq!(names(&target), ["deep"]);

    let dropped = FolderDraft::create(&target).unwrap();
    dropped.write("b.txt", b"second").unwrap();
    drop(dropped);
    assert_eq!(names(place.path()), ["step-7"]);
    let second = FolderDraft::create(&target).unwrap();
    second.write("b.txt", b"second").unwrap();
    second.commit().unwrap();
    assert_eq!(names(&target), ["b.txt"]);
}
