//! Transfers that break off or bring something else than announced.

use std::fs;

use flamingo_checkpoint::HubError;

use super::server::{REPO, Server, Stored, sha256};
use super::{Place, Shown, write};

fn content() -> Vec<u8> {
    (0..500_009_u32).map(|i| (i % 241) as u8).collect()
}

fn ranges(server: &Server) -> Vec<Option<String>> {
    let state = server.state();
    let contents = state
        .asked
        .iter()
        .filter(|asked| asked.path.starts_with("/cdn/"));
    contents.map(|asked| asked.range.clone()).collect()
}

#[test]
fn a_broken_connection_goes_on_where_it_broke() {
    let server = Server::start(&[("w", Stored::lfs(&content()))]);
    server.state().breaks = [100_003, 200_003].into();
    let mut shown = Shown::default();
    let place = Place::of(&server);
    let directory = place.hub().resolve(REPO, &|_| true, &mut shown).unwrap();
    assert!(fs::read(directory.join("w")).unwrap() == content());
    let expected = [
        None,
        Some("bytes=100003-".to_owned()),
        Some("bytes=300006-".to_owned()),
    ];
    assert_eq!(ranges(&server), expected);
    assert_eq!(shown.0, [("w".to_owned(), 500_009, 500_009, true)]);
}

#[test]
fn the_next_run_goes_on_where_the_last_one_stopped() {
    let server = Server::start(&[("w", Stored::lfs(&content()))]);
    let place = Place::of(&server);
    server.state().breaks = [1009, 0, 0, 0].into();
    let error = place.resolve(REPO).unwrap_err();
    assert!(matches!(error, HubError::Connection { .. }), "{error}");
    let part = format!("{}.incomplete", sha256(&content()));
    assert_eq!(place.blobs(), [part]);
    assert!(!place.repo().join("refs").exists());

    let directory = place.resolve(REPO).unwrap();
    assert!(fs::read(directory.join("w")).unwrap() == content());
    assert_eq!(
        ranges(&server).last().unwrap().as_deref(),
        Some("bytes=1009-")
    );
    assert_eq!(place.blobs(), [sha256(&content())]);
}

#[test]
fn without_ranges_the_file_begins_anew() {
    let server = Server::start(&[("w", Stored::lfs(&content()))]);
    server.state().breaks = [100_003].into();
    server.state().knows_ranges = false;
    let mut shown = Shown::default();
    let place = Place::of(&server);
    let directory = place.hub().resolve(REPO, &|_| true, &mut shown).unwrap();
    assert!(fs::read(directory.join("w")).unwrap() == content());
    assert_eq!(shown.0[0], ("w".to_owned(), 500_009, 100_003, false));
    assert_eq!(shown.0[1], ("w".to_owned(), 500_009, 500_009, true));
}

#[test]
fn a_complete_part_is_checked_and_not_fetched() {
    let server = Server::start(&[("w", Stored::lfs(&content()))]);
    let place = Place::of(&server);
    let part = place
        .repo()
        .join("blobs")
        .join(format!("{}.incomplete", sha256(&content())));
    write(&part, &content());
    place.resolve(REPO).unwrap();
    assert_eq!(server.contents_asked(), 0);
    assert_eq!(place.blobs(), [sha256(&content())]);
}

#[test]
fn a_part_of_something_else_is_found_out_and_deleted() {
    let server = Server::start(&[("w", Stored::lfs(&content()))]);
    let place = Place::of(&server);
    let part = place
        .repo()
        .join("blobs")
        .join(format!("{}.incomplete", sha256(&content())));
    write(&part, b"not these bytes");
    let error = place.resolve(REPO).unwrap_err();
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    assert_eq!(place.blobs(), [""; 0]);
    place.resolve(REPO).unwrap();
}

#[test]
fn a_wrong_checksum_deletes_the_part_and_says_both() {
    let wrong = Stored {
        etag: "e".repeat(64),
        ..Stored::lfs(&content())
    };
    let server = Server::start(&[("w.bin", wrong)]);
    let place = Place::of(&server);
    let error = place.failure(REPO);
    for part in [
        "w.bin of org/name",
        &"e".repeat(64),
        &sha256(&content()),
        "deleted",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(place.blobs(), [""; 0]);
}

#[test]
fn a_wrong_size_deletes_the_part_and_says_both() {
    for announced in [11, 17] {
        let wrong = Stored {
            size: announced,
            ..Stored::lfs(b"thirteen byte")
        };
        let server = Server::start(&[("w.bin", wrong)]);
        let place = Place::of(&server);
        let error = place.failure(REPO);
        for part in [
            "w.bin of org/name",
            "13 bytes",
            &announced.to_string(),
            "deleted",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(place.blobs(), [""; 0]);
    }
}

#[test]
fn a_file_without_end_is_cut_at_the_announced_size() {
    let endless = Stored {
        size: 7,
        ..Stored::lfs(&vec![0; 4 << 20])
    };
    let server = Server::start(&[("w", endless)]);
    let place = Place::of(&server);
    match place.resolve(REPO).unwrap_err() {
        HubError::Size {
            expected: 7, found, ..
        } => assert!(found < 1 << 20, "{found}"),
        error => panic!("{error}"),
    }
    assert_eq!(place.blobs(), [""; 0]);
}
