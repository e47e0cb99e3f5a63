//! The cache alone: because it was asked for, or because the hub does not answer.

use std::fs;

use super::server::{COMMIT, REPO, Server, Stored, sha256};
use super::{Place, write};

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn place() -> Place {
    Place::new(NOWHERE.to_owned())
}

#[test]
fn what_python_downloaded_is_found_offline() {
    let place = place().offline();
    place.put("config.json", b"{}");
    place.put("deep/w.safetensors", b"weights");
    let directory = place.resolve(REPO).unwrap();
    assert_eq!(
        fs::read(directory.join("deep/w.safetensors")).unwrap(),
        b"weights"
    );
    assert_eq!(
        place.resolve(&format!("{REPO}@{COMMIT}")).unwrap(),
        directory
    );
}

#[test]
fn offline_without_a_copy_says_all_there_is_to_say() {
    let error = place().offline().failure(REPO);
    let command = "`huggingface-cli download org/name`";
    for part in [
        "org/name",
        NOWHERE,
        "HF_HUB_OFFLINE",
        "revision main",
        command,
        "a directory",
    ] {
        assert!(error.contains(part), "no {part:?} in: {error}");
    }
}

#[test]
fn offline_asks_no_one() {
    let server = Server::start(&[("c", Stored::plain(b"{}"))]);
    let place = Place::of(&server).offline();
    place.resolve(REPO).unwrap_err();
    place.put("c", b"{}");
    place.resolve(REPO).unwrap();
    assert!(server.state().asked.is_empty());
}

#[test]
fn a_hub_that_does_not_answer_is_replaced_by_the_cache() {
    let place = place();
    place.put("config.json", b"{}");
    let directory = place.resolve(REPO).unwrap();
    assert_eq!(fs::read(directory.join("config.json")).unwrap(), b"{}");
}

#[test]
fn a_hub_that_has_lost_the_repository_is_not_replaced_by_the_cache() {
    let server = Server::start(&[]);
    server.state().statuses = [(404, "RepoNotFound")].into();
    let place = Place::of(&server);
    place.put("config.json", b"{}");
    assert!(place.failure(REPO).contains("404"));
}

#[test]
fn a_link_to_a_lost_blob_is_missing() {
    let place = place().offline();
    place.put("config.json", b"{}");
    place.put("w.bin", b"weights");
    fs::remove_file(place.repo().join("blobs").join(sha256(b"weights"))).unwrap();
    let error = place.failure(REPO);
    assert!(error.contains("w.bin is missing"), "{error}");
}

#[test]
fn a_shard_that_the_index_names_is_missing() {
    let place = place().offline();
    let index = br#"{"weight_map":{"a":"w-1.safetensors","b":"w-2.safetensors"}}"#;
    place.put("w.safetensors.index.json", index);
    place.put("w-1.safetensors", b"1");
    let error = place.failure(REPO);
    assert!(error.contains("w-2.safetensors is missing"), "{error}");
    place.put("w-2.safetensors", b"2");
    place.resolve(REPO).unwrap();
}

#[test]
fn a_copy_with_no_wanted_file_is_not_complete() {
    let place = place().offline();
    place.put("README.md", b"#");
    let error = place
        .hub()
        .resolve(REPO, &|name| name == "config.json", &mut ())
        .unwrap_err();
    assert!(error.to_string().contains("none of the files"), "{error}");
}

#[test]
fn a_ref_that_leaves_the_cache_is_not_followed() {
    let place = place().offline();
    place.put("config.json", b"{}");
    write(&place.repo().join("refs/main"), b"../../..");
    assert!(place.failure(REPO).contains("no revision main"));
}
