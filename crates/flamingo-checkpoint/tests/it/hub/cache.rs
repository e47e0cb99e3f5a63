//! What others left in the cache.

use std::fs;

use super::server::{REPO, Server, Stored, sha256};
use super::{Place, write};

#[test]
fn what_python_downloaded_is_not_fetched_again() {
    let server = Server::start(&[("w", Stored::lfs(b"weights")), ("c", Stored::plain(b"{}"))]);
    let place = Place::of(&server);
    place.put("w", b"weights");
    let directory = place.resolve(REPO).unwrap();
    assert_eq!(fs::read(directory.join("w")).unwrap(), b"weights");
    assert_eq!(server.contents_asked(), 1);
}

#[test]
fn a_link_to_a_lost_blob_is_mended() {
    let server = Server::start(&[("w", Stored::lfs(b"weights"))]);
    let place = Place::of(&server);
    place.put("w", b"weights");
    fs::remove_file(place.repo().join("blobs").join(sha256(b"weights"))).unwrap();
    let directory = place.resolve(REPO).unwrap();
    assert_eq!(fs::read(directory.join("w")).unwrap(), b"weights");
}

#[test]
fn a_branch_moves_only_once_all_its_files_are_there() {
    let server = Server::start(&[("w", Stored::lfs(b"old"))]);
    let mut place = Place::of(&server);
    let old = place.resolve(REPO).unwrap();
    server.state().commit = "f".repeat(40);
    server
        .state()
        .files
        .insert("w".to_owned(), Stored::lfs(b"new"));
    server.state().breaks = [0; 4].into();
    place.resolve(REPO).unwrap_err();
    place.options.offline = true;
    let found = place.hub().resolve(REPO, &|_| true, &mut ()).unwrap();
    assert_eq!(found, old);
    place.options.offline = false;
    assert_eq!(
        fs::read(place.resolve(REPO).unwrap().join("w")).unwrap(),
        b"new"
    );
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let server = Server::start(&[("w", Stored::lfs(b"weights"))]);
    let place = Place::of(&server);
    write(&place.options.cache, b"a file where the folder should be");
    let error = place.failure(REPO);
    let cache = place.options.cache.display().to_string();
    assert!(
        error.contains(&cache) && error.contains("HF_HUB_CACHE"),
        "{error}"
    );
}
