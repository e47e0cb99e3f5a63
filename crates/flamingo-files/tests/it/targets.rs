//! Names of outputs that are no plain file.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use flamingo_files::{Draft, Target, is_disk_full, write};

use crate::names;

#[test]
fn the_names_of_standard_output_are_one_target() {
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let target = Target::of(Path::new(name)).unwrap();
        assert!(target.is_stdout(), "{name}: {target:?}");
    }
    let error = Target::of(Path::new("/dev/stderr")).unwrap();
    assert_eq!(error, Target::Descriptor(2));
    assert!(Target::of(Path::new("./-")).unwrap().is_file());
}

#[test]
fn a_link_stays_and_the_file_it_leads_to_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("data")).unwrap();
    fs::write(path("data/real.html"), "older").unwrap();
    symlink("data/real.html", path("page.html")).unwrap();
    symlink("page.html", path("twice.html")).unwrap();
    write(&path("twice.html"), b"newer").unwrap();
    assert_eq!(fs::read(path("data/real.html")).unwrap(), b"newer");
    assert!(path("twice.html").is_symlink() && path("page.html").is_symlink());
    // A link to what is not there yet leads to a new file.
    symlink("data/new.html", path("new.html")).unwrap();
    write(&path("new.html"), b"new").unwrap();
    assert!(path("new.html").is_symlink());
    assert_eq!(names(&path("data")), ["new.html", "real.html"]);
}

#[test]
fn what_can_be_no_file_is_refused_and_told_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    symlink("b", path("a")).unwrap();
    symlink("a", path("b")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    for (name, what) in [
        (".", "a folder"),
        ("new/", "a folder"),
        ("a", "a circle"),
        ("socket", "a socket"),
    ] {
        let error = write(&path(name), b"x").unwrap_err().to_string();
        assert!(error.contains(what), "{name}: {error}");
    }
}

#[test]
fn a_pipe_is_written_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let reader = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut text = String::new();
            fs::File::open(path)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            text
        }
    });
    write(&path, b"through the pipe").unwrap();
    assert_eq!(reader.join().unwrap(), "through the pipe");
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
}

#[test]
fn a_full_device_is_told_and_stays_a_device() {
    // Before the first byte comes: the work need not even begin.
    let error = Draft::create(Path::new("/dev/full")).unwrap_err();
    assert!(
        error.to_string().contains("cannot write to /dev/full"),
        "{error}"
    );
    let source = std::error::Error::source(&error).unwrap();
    assert!(is_disk_full(source.downcast_ref().unwrap()));
    assert!(
        fs::metadata("/dev/full")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    write(Path::new("/dev/null"), b"gone").unwrap();
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
}

#[test]
fn a_file_keeps_its_permissions_and_one_that_may_not_be_changed_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "older").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    write(&path, b"newer").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o640);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::File::options().write(true).open(&path).is_ok() {
        eprintln!("skipped: this user may write everything");
        return;
    }
    assert!(Draft::create(&path).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"newer");
}
