//! `flamingo serve`: asked over the network, and ended by a signal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::Workplace;

#[test]
fn the_server_answers_and_ends_in_order_when_it_is_told_to() {
    let place = Workplace::new();
    place.write("key", b"sk-test\n");
    let mut server = Command::new(env!("CARGO_BIN_EXE_flamingo"))
        .args([
            "serve",
            "--port",
            "0",
            "--api-key-file",
            "key",
            "--name",
            "tiny",
        ])
        .current_dir(place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim()
        .strip_prefix("tiny is served at http://")
        .unwrap()
        .to_owned();
    let exchange = |request: String| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let get = |path: &str, key: &str| {
        exchange(format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\n{key}Connection: close\r\n\r\n"
        ))
    };
    assert!(get("/health", "").starts_with("HTTP/1.1 200"));
    assert!(get("/v1/models", "").starts_with("HTTP/1.1 401"));
    let models = get("/v1/models", "Authorization: Bearer sk-test\r\n");
    assert!(models.contains("\"id\":\"tiny\""), "{models}");
    let body = r#"{"parts": [{"text": "Output:"}], "max_tokens": 2}"#;
    let answer = exchange(format!(
        "POST /ask HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ));
    assert!(answer.contains("\"finish\":"), "{answer}");
    let killed = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let mut told = String::new();
    server
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert!(told.starts_with("ending: "), "{told}");
}

#[test]
fn what_cannot_be_served_is_refused_before_the_model_is_loaded() {
    let place = Workplace::new();
    place.write("empty", b"\n");
    for (args, says) in [
        (&["--api-key-file", "empty"][..], "holds no key"),
        (&["--api-key-file", "none"], "cannot read none"),
        (&["--shots", "a"], "NAME=PATH"),
        (&["--shots", "a=none"], "none"),
        (&["--host", "192.0.2.7"], "cannot listen at 192.0.2.7:8080"),
    ] {
        let told = place.refused(&[&["serve"], args].concat());
        assert!(told.contains(says), "{args:?}: {told}");
    }
    let told = place.refused(&["serve", "--port", "0", "--template", "poem"]);
    assert!(
        told.contains("paper, idefics-instruct, langinstruct"),
        "{told}"
    );
}
