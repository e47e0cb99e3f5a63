//! A scheduler and two executors, each a process of its own on this machine.

use std::env;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flamingo_corpus::build::Global;
use flamingo_corpus::deduplication::Deduplication;
use flamingo_dedup::Deduplicator;
use flamingo_dedup::cluster::{Executor, Scheduler};

use crate::corpus::{Corpus, page_of, picture, redirect, with_images, words};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What a process of this test's binary is to be: `scheduler PORT` or `executor PORT FOLDER`.
const NODE: &str = "FLAMINGO_TEST_NODE";

/// Not a test: what the processes of the cluster run.
#[test]
#[ignore = "run by the tests of the cluster"]
fn node() {
    let Ok(node) = env::var(NODE) else {
        return;
    };
    // The pipe closes when the test ends, whichever way.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let mut words = node.splitn(3, ' ');
    let (kind, port) = (
        words.next().unwrap(),
        words.next().unwrap().parse().unwrap(),
    );
    match kind {
        "scheduler" => Scheduler {
            bind: HERE,
            host: HERE.to_string(),
            port,
            ready_executors: 2,
        }
        .run(),
        _ => Executor {
            scheduler_host: HERE.to_string(),
            scheduler_port: port,
            bind: HERE,
            host: None,
            port: 0,
            work_port: 0,
            work_dir: words.next().unwrap().into(),
            memory: 256 << 20,
            cores: 1,
        }
        .run(),
    }
    .unwrap();
}

/// A process that ends with its owner.
struct Node(Child);

impl Node {
    fn start(node: &str) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["cluster::node", "--exact", "--ignored", "--nocapture"])
            .env(NODE, node)
            .stdin(Stdio::piped())
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

struct Cluster {
    nodes: Vec<Node>,
    port: u16,
}

impl Cluster {
    /// A cluster whose executors have registered.
    fn start(work: &[&Path; 2]) -> Self {
        let port = TcpListener::bind((HERE, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut nodes = vec![Node::start(&format!("scheduler {port}"))];
        nodes.extend(
            work.iter()
                .map(|work| Node::start(&format!("executor {port} {}", work.display()))),
        );
        let mut cluster = Cluster { nodes, port };
        for _ in 0..1_200 {
            let ended = cluster
                .nodes
                .iter_mut()
                .find_map(|node| node.0.try_wait().unwrap());
            assert_eq!(ended, None, "a node ended");
            if cluster.is_ready() {
                return cluster;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the executors did not register");
    }

    fn is_ready(&self) -> bool {
        let answer = TcpStream::connect((HERE, self.port)).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(
                b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    fn url(&self) -> String {
        format!("df://{HERE}:{}", self.port)
    }
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => 1,
        })
        .sum()
}

fn corpus() -> Corpus {
    let pages: Vec<_> = (0..400usize)
        .map(|document| {
            let text = format!("{} {}", words(document / 3, 60), document % 2);
            let url = format!(
                "https://{}.example/{}",
                ["a", "b"][document % 2],
                document % 390
            );
            let page = page_of(
                document as i64,
                &url,
                &[&text, &format!("footer {}", document / 3 % 7)],
            );
            let mut page = with_images(
                page,
                &[
                    (0, 0, "https://a.example/moved.jpg"),
                    (1, 0, &format!("https://a.example/{document}.jpg")),
                ],
            );
            page.texts = vec![document as i64 % 70];
            page
        })
        .collect();
    let images: Vec<_> = (0..300)
        .map(|number| {
            picture(
                &format!("https://a.example/{number}.jpg"),
                &format!("{}", number % 20),
                number % 9,
            )
        })
        .chain([redirect(
            "https://a.example/moved.jpg",
            "https://a.example/1.jpg",
        )])
        .collect();
    let units: Vec<(&[_], &[_])> = pages.chunks(100).zip(images.chunks(76)).collect();
    Corpus::of(&units)
}

#[test]
fn a_scheduler_and_two_executors_make_the_same_tables_as_the_process_itself() {
    let corpus = corpus();
    let here = corpus.join(&Deduplication::default());
    assert!(
        here.counts.values().all(|count| *count > 0),
        "{:?}",
        here.counts
    );
    let bytes = corpus.bytes();

    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let cluster = Cluster::start(&[&work[0], &work[1]]);
    let there = corpus.join_by(
        &Deduplicator::cluster(cluster.url()),
        &Deduplication::default(),
    );
    assert_eq!(here, there);
    assert!(bytes == corpus.bytes());
    for work in &work {
        assert!(files(work) > 0, "an executor did nothing");
    }
}

#[test]
fn a_cluster_that_is_not_there_is_an_error_that_says_what_is_needed() {
    let port = TcpListener::bind((HERE, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("df://{HERE}:{port}");
    let corpus = corpus();
    let error = Deduplicator::cluster(&url).join(&corpus.folder, &Deduplication::default());
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains(&url) && message.contains("shared file system"),
        "{message}"
    );
}
