//! Locks of folders. Each handle stands for a process: a lock belongs to the handle.

use std::fs;

use flamingo_files::{Error, FolderLock};

use crate::names;

fn holder(result: Result<FolderLock, Error>) -> String {
    match result.unwrap_err() {
        Error::Held { holder, .. } => holder,
        other => panic!("{other}"),
    }
}

#[test]
fn the_second_writer_is_told_who_the_first_one_is_and_may_write_when_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("corpus");
    let first = FolderLock::alone(&folder, "flamingo train a.toml").unwrap();
    let told = holder(FolderLock::alone(&folder, "second"));
    let process = format!("process {} on ", std::process::id());
    assert!(told.starts_with(&process), "{told}");
    assert!(
        told.contains(" since 2") && told.ends_with("(flamingo train a.toml)"),
        "{told}"
    );
    assert!(holder(FolderLock::worker(&folder, 0, 2, "worker")).contains("a.toml"));
    fs::write(folder.join("a"), "kept").unwrap();
    drop(first);
    assert_eq!(names(&folder), ["a"]);
    drop(FolderLock::alone(&folder, "second").unwrap());
    assert_eq!(names(&folder), ["a"]);
}

#[test]
fn workers_share_a_folder_but_none_of_them_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let worker = |index, count| {
        FolderLock::worker(
            folder.path(),
            index,
            count,
            &format!("worker {index} of {count}"),
        )
    };
    let (zero, one) = (worker(0, 3).unwrap(), worker(1, 3).unwrap());
    assert!(holder(worker(1, 3)).contains("worker 1 of 3"));
    assert!(
        holder(worker(1, 2)).contains(" of 3"),
        "of another number of workers"
    );
    assert!(holder(FolderLock::alone(folder.path(), "alone")).contains("worker 0 of 3"));
    drop(zero);
    assert!(holder(FolderLock::alone(folder.path(), "alone")).contains("worker 1 of 3"));
    drop(one);
    drop(FolderLock::alone(folder.path(), "alone").unwrap());
    assert!(
        names(folder.path()).is_empty(),
        "{:?}",
        names(folder.path())
    );
}

#[test]
fn what_a_killed_process_left_holds_nobody_off_and_is_not_told_as_a_holder() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".lock", ".lock-0-of-2", ".lock-1-of-3"] {
        fs::write(folder.path().join(name), "process 1 since long ago (dead)").unwrap();
    }
    let worker = FolderLock::worker(folder.path(), 0, 2, "alive").unwrap();
    assert!(holder(FolderLock::alone(folder.path(), "alone")).contains("alive"));
    drop(worker);
    drop(FolderLock::alone(folder.path(), "alone").unwrap());
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_is_an_error_that_names_it() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("other"), "another's").unwrap();
    let folder = place.path().join("out");
    fs::create_dir(&folder).unwrap();
    for target in ["../other", "../nowhere"] {
        let lock = folder.join(".lock");
        std::os::unix::fs::symlink(target, &lock).unwrap();
        let error = FolderLock::alone(&folder, "me").unwrap_err().to_string();
        assert!(
            error.contains(".lock") && error.contains("symbolic link"),
            "{error}"
        );
        fs::remove_file(&lock).unwrap();
    }
    assert_eq!(fs::read(place.path().join("other")).unwrap(), b"another's");
    assert!(!place.path().join("nowhere").exists());
}

#[test]
fn a_folder_that_was_made_for_a_lock_goes_with_it_if_nothing_was_written() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    drop(FolderLock::alone(&folder, "a").unwrap());
    assert!(!folder.exists());
}
