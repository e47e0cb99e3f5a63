//! A hub that means harm: nothing outside the cache, nothing without bounds.

use std::fs;

use super::Place;
use super::server::{COMMIT, REPO, Server, Stored};

fn listing(names: &[&str]) -> Vec<u8> {
    let names: Vec<_> = names
        .iter()
        .map(|name| serde_json::json!({ "rfilename": name }))
        .collect();
    serde_json::json!({ "sha": COMMIT, "siblings": names })
        .to_string()
        .into_bytes()
}

#[test]
fn names_that_leave_the_cache_are_refused_before_anything_is_written() {
    let names = [
        "../../evil",
        "/tmp/evil",
        "a/../../../evil",
        "..\\evil",
        "C:\\evil",
        "a\0b",
        "",
    ];
    for name in names {
        let server = Server::start(&[("c", Stored::plain(b"{}"))]);
        server.state().listing = Some(listing(&["c", name]));
        let place = Place::of(&server);
        let error = place.failure(REPO);
        assert!(error.contains(&format!("{name:?}")), "{error}");
        assert_eq!(fs::read_dir(place.cache.path()).unwrap().count(), 0);
        assert_eq!(server.state().asked.len(), 1);
    }
}

#[test]
fn an_etag_that_leaves_the_cache_is_refused() {
    for etag in ["../../../evil", "/tmp/evil", "..", "a\\b"] {
        let evil = Stored {
            etag: etag.to_owned(),
            ..Stored::lfs(b"evil")
        };
        let place = Place::of(&Server::start(&[("w", evil)]));
        let error = place.failure(REPO);
        assert!(
            error.contains("w of org/name") && error.contains("etag"),
            "{error}"
        );
        assert_eq!(fs::read_dir(place.cache.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_commit_that_leaves_the_cache_is_refused() {
    for commit in ["../../../evil", "/tmp", "", "main"] {
        let server = Server::start(&[("c", Stored::plain(b"{}"))]);
        server.state().commit = commit.to_owned();
        let error = Place::of(&server).failure(REPO);
        assert!(error.contains("not a commit"), "{error}");
    }
}

#[test]
fn a_file_of_another_commit_than_listed_is_refused() {
    let server = Server::start(&[("c", Stored::plain(b"{}"))]);
    server.state().listing = Some(listing(&["c"]));
    server.state().commit = "f".repeat(40);
    assert!(Place::of(&server).resolve(REPO).is_err());
}

#[test]
fn a_huge_answer_is_not_read_to_its_end() {
    let server = Server::start(&[]);
    server.state().listing = Some(vec![b' '; (32 << 20) + 1]);
    let error = Place::of(&server).failure(REPO);
    assert!(error.contains("more than 33554432 bytes"), "{error}");
}

#[test]
fn a_huge_file_list_is_refused() {
    let server = Server::start(&[]);
    server.state().listing = Some(listing(&["x"; 100_001]));
    let error = Place::of(&server).failure(REPO);
    assert!(error.contains("100001 files"), "{error}");
}

#[test]
fn an_answer_that_is_no_file_list_is_refused() {
    for text in [
        "",
        "<html>",
        "[]",
        "{}",
        "{\"sha\":1}",
        &"[".repeat(100_000),
    ] {
        let server = Server::start(&[]);
        server.state().listing = Some(text.as_bytes().to_vec());
        let error = Place::of(&server).failure(REPO);
        assert!(error.contains("cannot be read"), "{error}");
    }
}

#[test]
fn a_circle_of_redirects_ends() {
    let server = Server::start(&[("c", Stored::plain(b"{}"))]);
    server.state().redirect_all_to = Some(String::new());
    let error = Place::of(&server).failure(REPO);
    assert!(error.contains("redirects more than"), "{error}");
    assert!(server.state().asked.len() < 20);
}
