//! Answers that are not a success, and what is said of them.

use super::Place;
use super::server::{REPO, Server, Stored};

fn server() -> Server {
    Server::start(&[("c", Stored::plain(b"{}"))])
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

#[test]
fn a_gated_repository_asks_for_a_token() {
    let server = server();
    server.state().token = Some("hf_right".to_owned());
    let error = Place::of(&server).failure(REPO);
    let page = format!("{}/org/name", server.endpoint());
    assert_says(
        &error,
        &[
            "org/name",
            "401",
            "HF_TOKEN",
            "huggingface-cli login",
            &page,
        ],
    );
}

#[test]
fn a_token_without_access_is_not_shown() {
    let server = server();
    server.state().token = Some("hf_right".to_owned());
    let error = Place::of(&server).with_token("hf_wrong").failure(REPO);
    assert_says(&error, &["org/name", "401", "accept its terms"]);
    assert!(!error.contains("hf_wrong"), "{error}");
}

#[test]
fn a_token_that_no_header_can_hold_is_not_shown() {
    let error = Place::of(&server())
        .with_token("hf_wrong\nX: y")
        .failure(REPO);
    assert!(!error.contains("hf_wrong"), "{error}");
}

#[test]
fn forbidden_with_a_token_says_to_check_it() {
    let server = server();
    server.state().statuses = [(403, "")].into();
    let error = Place::of(&server).with_token("hf_x").failure(REPO);
    assert_says(&error, &["org/name", "403", "check HF_TOKEN"]);
}

#[test]
fn a_missing_repository_or_revision_is_named() {
    let server = server();
    server.state().statuses = [(404, "RepoNotFound"), (404, "RevisionNotFound")].into();
    let place = Place::of(&server);
    assert_says(
        &place.failure("org/nome"),
        &["org/nome", "main", "404", "check the id"],
    );
    assert_says(
        &place.failure("org/name@v9"),
        &["org/name@v9", "404", "check the revision"],
    );
    assert_eq!(server.state().asked.len(), 2);
}

#[test]
fn a_listed_file_that_is_not_there_is_named() {
    let server = server();
    let listing = br#"{"sha":"0123456789abcdef","siblings":[{"rfilename":"gone.bin"}]}"#;
    server.state().listing = Some(listing.to_vec());
    assert_says(
        &Place::of(&server).failure(REPO),
        &["gone.bin of org/name", "404"],
    );
}

#[test]
fn too_many_requests_says_when_to_come_back() {
    let server = server();
    server.state().statuses = [(429, "")].into();
    assert_says(
        &Place::of(&server).failure(REPO),
        &["org/name", "429", "in 7 seconds"],
    );
}

#[test]
fn a_passing_fault_of_the_server_is_not_noticed() {
    let server = server();
    server.state().statuses = [(503, ""), (500, ""), (502, "")].into();
    Place::of(&server).resolve(REPO).unwrap();
}

#[test]
fn a_lasting_fault_of_the_server_is_told_after_some_tries() {
    let server = server();
    server.state().statuses = [(503, ""); 9].into();
    assert_says(
        &Place::of(&server).failure(REPO),
        &["org/name", "503", "HF_ENDPOINT"],
    );
    assert_eq!(server.state().asked.len(), 4);
}

#[test]
fn a_hub_that_is_not_there_is_named_with_the_ways_out() {
    let error = Place::new("http://127.0.0.1:1".to_owned()).failure("org/name@v2");
    let command = "`huggingface-cli download org/name --revision v2`";
    assert_says(
        &error,
        &[
            "org/name@v2",
            "http://127.0.0.1:1",
            command,
            "give a directory",
        ],
    );
}

#[test]
fn an_endpoint_that_is_no_address_is_named() {
    let error = Place::new("no address".to_owned()).failure(REPO);
    assert_says(&error, &["no address", "HF_ENDPOINT"]);
}

#[test]
fn a_repository_without_a_wanted_file_says_so() {
    let server = server();
    let error = Place::of(&server)
        .hub()
        .resolve(REPO, &|_| false, &mut ())
        .unwrap_err()
        .to_string();
    assert_says(&error, &["org/name", "none of the files", "1 in all"]);
}

#[test]
fn a_proxy_that_is_no_address_is_not_shown() {
    let mut place = Place::of(&server());
    place.options.proxy = Some("gopher://user:secret@x".to_owned());
    let error = place.failure(REPO);
    assert_says(&error, &["HTTPS_PROXY"]);
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn hosts_of_no_proxy_are_reached_without_it() {
    let server = server();
    let mut place = Place::of(&server);
    place.options.proxy = Some("http://127.0.0.1:1".to_owned());
    assert_says(&place.failure(REPO), &["connection"]);
    place.options.no_proxy = Some("example.com, 127.0.0.1".to_owned());
    place.resolve(REPO).unwrap();
}
