//! What is fetched, and where it then is.

use std::fs;
use std::path::Path;

use super::server::{COMMIT, REPO, Server, Stored, sha256};
use super::{Place, Shown};

#[test]
fn wanted_files_stand_in_the_standard_layout() {
    let (config, weights) = (Stored::plain(b"{}"), Stored::lfs(b"weights"));
    let files = [
        ("config.json", config.clone()),
        ("a b/w.bin", weights),
        ("x.md", config.clone()),
    ];
    let server = Server::start(&files);
    let place = Place::of(&server);
    let wanted = |name: &str| name != "x.md";
    let directory = place.hub().resolve(REPO, &wanted, &mut ()).unwrap();

    assert_eq!(directory, place.repo().join("snapshots").join(COMMIT));
    assert_eq!(fs::read(directory.join("config.json")).unwrap(), b"{}");
    assert_eq!(fs::read(directory.join("a b/w.bin")).unwrap(), b"weights");
    assert!(!directory.join("x.md").exists());
    assert_eq!(
        fs::read_to_string(place.repo().join("refs/main")).unwrap(),
        COMMIT
    );
    let target = fs::read_link(directory.join("a b/w.bin")).unwrap();
    assert_eq!(target, Path::new("../../../blobs").join(sha256(b"weights")));
    let mut blobs = vec![config.etag, sha256(b"weights")];
    blobs.sort();
    assert_eq!(place.blobs(), blobs);
}

#[test]
fn a_second_time_nothing_is_fetched() {
    let server = Server::start(&[("w", Stored::lfs(b"weights")), ("c", Stored::plain(b"{}"))]);
    let place = Place::of(&server);
    let first = place.resolve(REPO).unwrap();
    assert_eq!(server.contents_asked(), 2);
    assert_eq!(place.resolve(REPO).unwrap(), first);
    assert_eq!(server.contents_asked(), 2);
}

#[test]
fn a_blob_of_another_commit_is_linked_and_not_fetched() {
    let server = Server::start(&[("w", Stored::lfs(b"weights"))]);
    let place = Place::of(&server);
    place.resolve(REPO).unwrap();
    server.state().commit = "f".repeat(40);
    let directory = place.resolve("org/name@v2").unwrap();
    assert!(directory.ends_with("f".repeat(40)));
    assert_eq!(fs::read(directory.join("w")).unwrap(), b"weights");
    assert_eq!(server.contents_asked(), 1);
    assert_eq!(
        fs::read_to_string(place.repo().join("refs/v2")).unwrap(),
        "f".repeat(40)
    );
    assert_eq!(
        fs::read_to_string(place.repo().join("refs/main")).unwrap(),
        COMMIT
    );
}

#[test]
fn a_revision_with_slashes_is_asked_for_as_one_part_of_the_path() {
    let server = Server::start(&[("c", Stored::plain(b"{}"))]);
    let place = Place::of(&server);
    place.resolve("org/name@refs/pr/1").unwrap();
    let asked = server.state().asked[0].path.clone();
    assert_eq!(asked, "/api/models/org/name/revision/refs%2Fpr%2F1");
    assert!(place.repo().join("refs/refs/pr/1").is_file());
}

#[test]
fn an_empty_file_is_a_file() {
    let server = Server::start(&[("empty", Stored::lfs(b"")), ("none", Stored::plain(b""))]);
    let place = Place::of(&server);
    let directory = place.resolve(REPO).unwrap();
    assert_eq!(fs::read(directory.join("empty")).unwrap(), b"");
    assert_eq!(fs::read(directory.join("none")).unwrap(), b"");
}

#[test]
fn progress_counts_every_byte_of_every_file() {
    let server = Server::start(&[
        ("a", Stored::lfs(&[1; 300_007])),
        ("b", Stored::plain(&[2; 11])),
    ]);
    let mut shown = Shown::default();
    Place::of(&server)
        .hub()
        .resolve(REPO, &|_| true, &mut shown)
        .unwrap();
    let expected = [
        ("a".to_owned(), 300_007, 300_007, true),
        ("b".to_owned(), 11, 11, true),
    ];
    assert_eq!(shown.0, expected);
}

#[test]
fn token_goes_to_the_hub_and_never_to_another_host() {
    let server = Server::start(&[("w", Stored::lfs(b"weights"))]);
    let cdn = server.twin();
    server.state().cdn = cdn.endpoint();
    server.state().token = Some("hf_secret".to_owned());
    Place::of(&server)
        .with_token("hf_secret")
        .resolve(REPO)
        .unwrap();

    let state = server.state();
    let (own, others): (Vec<_>, Vec<_>) = state
        .asked
        .iter()
        .partition(|asked| asked.port == server.port);
    assert!(
        own.iter()
            .all(|it| it.authorization.as_deref() == Some("Bearer hf_secret"))
    );
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].port, cdn.port);
    assert_eq!(others[0].authorization, None);
}

#[test]
fn another_host_that_the_hub_redirects_to_gets_no_token() {
    let server = Server::start(&[("w", Stored::lfs(b"weights"))]);
    let other = Server::start(&[("w", Stored::lfs(b"weights"))]);
    server.state().redirect_all_to = Some(other.endpoint());
    Place::of(&server)
        .with_token("hf_secret")
        .resolve(REPO)
        .unwrap();
    let state = other.state();
    assert!(!state.asked.is_empty());
    assert!(
        state
            .asked
            .iter()
            .all(|asked| asked.authorization.is_none())
    );
}

#[test]
fn many_threads_that_want_the_same_fetch_it_once() {
    let content: Vec<u8> = (0..2_000_003_u32).map(|i| (i % 251) as u8).collect();
    let server = Server::start(&[("w", Stored::lfs(&content)), ("c", Stored::plain(b"{}"))]);
    let place = Place::of(&server);
    std::thread::scope(|scope| {
        for _ in 0..7 {
            scope.spawn(|| {
                let directory = place.resolve(REPO).unwrap();
                assert!(fs::read(directory.join("w")).unwrap() == content);
            });
        }
    });
    assert_eq!(server.contents_asked(), 2);
    assert_eq!(place.blobs().len(), 2);
}
