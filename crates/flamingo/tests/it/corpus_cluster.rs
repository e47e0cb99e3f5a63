//! `flamingo corpus build --cluster`: the same corpus as without, or an error in time.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use crate::Workplace;
use crate::corpus_build::files;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/corpus.toml");

/// A node that ends with its owner.
struct Node(Child);

impl Node {
    fn start(place: &Workplace, args: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_flamingo"))
            .args(["corpus", "cluster"])
            .args(args)
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Node(child.unwrap())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Builds the example in the folder `corpus` of a folder: what a corpus is called stands in its card.
fn build(place: &Workplace, folder: &str, more: &[&str]) -> Output {
    fs::create_dir_all(place.path().join(folder)).unwrap();
    let output = &format!("{folder}/corpus");
    let args = ["corpus", "build", "--config", CONFIG, "--output", output];
    place.run(&[&args, more].concat())
}

#[test]
fn the_example_is_the_same_corpus_when_a_cluster_compares_its_pages() {
    let place = Workplace::new();
    let here = build(&place, "here", &[]);
    assert!(here.status.success(), "{here:?}");
    let port = free_port().to_string();
    let scheduler = format!("127.0.0.1:{port}");
    let _nodes = [
        Node::start(&place, &["scheduler", "--port", &port]),
        Node::start(
            &place,
            &["executor", "--scheduler", &scheduler, "--work-dir", "work"],
        ),
    ];
    // Whatever is not there yet is waited for.
    let there = build(&place, "there", &["--cluster", &scheduler]);
    assert!(there.status.success(), "{there:?}");
    let [here, there] =
        ["here", "there"].map(|name| files(&place.path().join(name).join("corpus")));
    assert!(here.len() > 5);
    assert!(
        here.keys().eq(there.keys()),
        "{:?} {:?}",
        here.keys(),
        there.keys()
    );
    for (name, bytes) in &here {
        assert!(*bytes == there[name], "{name} differs");
    }
}

#[test]
fn waiting_for_a_scheduler_is_said_and_ends_with_the_next_step_after_which_the_same_command_goes_on()
 {
    let place = Workplace::new();
    let scheduler = format!("127.0.0.1:{}", free_port());
    let cluster = ["--cluster", scheduler.as_str(), "--cluster-timeout", "1"];
    let refused = build(&place, "some", &cluster);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    for said in [
        &format!("waiting for the scheduler at {scheduler}"),
        "of at most 1 s",
        "error: joining all units: waited 1 s for the scheduler",
        "flamingo corpus cluster scheduler --port",
        "the same command goes on",
    ] {
        assert!(told.contains(said), "no {said:?} in {told}");
    }
    let done = build(&place, "some", &[]);
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn an_address_that_names_no_scheduler_is_an_error_that_says_what_to_give() {
    let place = Workplace::new();
    let refused = build(&place, "some", &["--cluster", "ftp://node:7"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(
        told.contains("ftp://node:7") && told.contains("HOST:PORT"),
        "{told}"
    );
}
