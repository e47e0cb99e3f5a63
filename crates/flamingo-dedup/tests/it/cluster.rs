//! A scheduler and two executors, each a process of its own on this machine, some of which are killed.

use std::env;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flamingo_corpus::build::Global;
use flamingo_corpus::deduplication::Deduplication;
use flamingo_corpus::folder::Folder;
use flamingo_dedup::Deduplicator;
use flamingo_dedup::cluster::{Executor, Scheduler};

use crate::corpus::{Corpus, page_of, picture, redirect, with_images, words};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What a process of this test's binary is to be: `scheduler PORT` or `executor PORT FOLDER`.
const NODE: &str = "FLAMINGO_TEST_NODE";
/// How many executors are killed in the join, one after the other; 2 where it is not set.
const KILLS: &str = "FLAMINGO_TEST_KILLS";
const PATIENCE: Duration = Duration::from_secs(60);

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
        "client" => {
            let folder = Folder::open(words.next().unwrap(), 0).unwrap();
            let joined =
                on(&format!("{HERE}:{port}"), PATIENCE).join(&folder, &Deduplication::default());
            joined.unwrap();
            Ok(())
        }
        _ => Executor {
            scheduler: format!("{HERE}:{port}"),
            patience: PATIENCE,
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

impl Node {
    fn executor(port: u16, work: &Path) -> Self {
        Node::start(&format!("executor {port} {}", work.display()))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Cluster {
    scheduler: Node,
    executors: Vec<Node>,
    port: u16,
}

impl Cluster {
    /// A cluster whose executors have registered.
    fn start(work: &[&Path; 2]) -> Self {
        let port = free_port();
        let scheduler = Node::start(&format!("scheduler {port}"));
        let executors = work.iter().map(|work| Node::executor(port, work)).collect();
        let mut cluster = Cluster {
            scheduler,
            executors,
            port,
        };
        cluster.wait_until_ready();
        cluster
    }

    /// Stops the executors' processes without ending them.
    #[cfg(unix)]
    fn freeze(&self) {
        for executor in &self.executors {
            let frozen = Command::new("kill")
                .args(["-STOP", &executor.0.id().to_string()])
                .status();
            assert!(frozen.unwrap().success());
        }
    }

    fn wait_until_ready(&mut self) {
        for _ in 0..1_200 {
            let nodes = self.executors.iter_mut().chain([&mut self.scheduler]);
            let ended = nodes
                .map(|node| node.0.try_wait().unwrap())
                .find(Option::is_some);
            assert_eq!(ended, None, "a node ended");
            if self.get("/readyz").starts_with("HTTP/1.1 200") {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the executors did not register");
    }

    /// What the scheduler answers, with its head; nothing if it does not.
    fn get(&self, path: &str) -> String {
        let answer = TcpStream::connect((HERE, self.port)).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        answer.unwrap_or_default()
    }

    fn address(&self) -> String {
        format!("{HERE}:{}", self.port)
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn on(address: &str, patience: Duration) -> Deduplicator {
    Deduplicator::cluster(address, patience).unwrap()
}

/// The error of a join on this cluster, which must come soon after `patience`.
fn refused(corpus: &Corpus, address: &str, patience: Duration) -> String {
    let start = Instant::now();
    let joined = on(address, patience).join(&corpus.folder, &Deduplication::default());
    let message = joined.unwrap_err().to_string();
    assert!(
        start.elapsed() < patience + Duration::from_secs(60),
        "{message}"
    );
    for debug in ["Error(", "Status {", "Os {", "\\\""] {
        assert!(!message.contains(debug), "{message}");
    }
    message
}

/// Jobs that an executor worked on. What it kept of them goes when they have ended, their folders stay.
fn jobs(work: &Path) -> usize {
    let names = std::fs::read_dir(work.join("jobs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| !name.to_string_lossy().starts_with("datafusion-"))
        .count()
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
    let there = corpus.join_by(&on(&cluster.address(), PATIENCE), &Deduplication::default());
    assert_eq!(here, there);
    assert!(bytes == corpus.bytes());
    for work in &work {
        assert!(jobs(work) > 0, "{} did nothing", work.display());
    }
}

#[allow(clippy::print_stderr, reason = "who kills many wants to see them")]
#[test]
fn an_executor_that_is_killed_in_the_join_changes_no_byte() {
    let kills: usize = env::var(KILLS).map_or(2, |kills| kills.parse().unwrap());
    let corpus = corpus();
    let here = corpus.join(&Deduplication::default());
    let bytes = corpus.bytes();
    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let mut cluster = Cluster::start(&[&work[0], &work[1]]);
    let address = cluster.address();
    let join = || {
        let start = Instant::now();
        let there = corpus.join_by(&on(&address, PATIENCE), &Deduplication::default());
        assert_eq!(here, there);
        assert!(bytes == corpus.bytes());
        start.elapsed()
    };
    let (mut whole, mut kill, mut moments) = (join(), 0, 0);
    while kill < kills {
        // Over the whole join, in no order.
        let moment = whole.mul_f64((f64::from(moments) * 0.618 + 0.3).fract());
        moments += 1;
        let index = kill % 2;
        let took = std::thread::scope(|scope| {
            let executor = &mut cluster.executors[index];
            scope.spawn(move || {
                std::thread::sleep(moment);
                executor.0.kill().unwrap();
                executor.0.wait().unwrap();
            });
            join()
        });
        if took > moment {
            kill += 1;
            eprintln!("kill {kill} after {moment:.1?}: the same bytes after {took:.1?}");
        }
        whole = whole.min(took);
        cluster.executors[index] = Node::executor(cluster.port, &work[index]);
        cluster.wait_until_ready();
    }
}

#[test]
fn a_cluster_without_executors_is_an_error_in_time_after_which_the_same_join_goes_on() {
    let corpus = corpus();
    let here = corpus.join(&Deduplication::default());
    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let mut cluster = Cluster::start(&[&work[0], &work[1]]);
    cluster.executors.clear();
    let message = refused(&corpus, &cluster.address(), Duration::from_secs(3));
    assert!(
        message.contains("waited 3 s for an executor") && message.contains(&cluster.address()),
        "{message}"
    );
    cluster.executors = work
        .iter()
        .map(|work| Node::executor(cluster.port, work))
        .collect();
    let there = corpus.join_by(&on(&cluster.address(), PATIENCE), &Deduplication::default());
    assert_eq!(here, there);
}

#[test]
fn a_scheduler_that_starts_anew_has_its_executors_back() {
    let corpus = corpus();
    let here = corpus.join(&Deduplication::default());
    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let mut cluster = Cluster::start(&[&work[0], &work[1]]);
    cluster.scheduler.0.kill().unwrap();
    cluster.scheduler.0.wait().unwrap();
    cluster.scheduler = Node::start(&format!("scheduler {}", cluster.port));
    let there = corpus.join_by(&on(&cluster.address(), PATIENCE), &Deduplication::default());
    assert_eq!(here, there);
}

/// Executors that are frozen hold a job, so that only its client's end can end it.
#[cfg(unix)]
#[test]
fn the_job_of_a_client_that_is_killed_is_cancelled() {
    let corpus = corpus();
    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let cluster = Cluster::start(&[&work[0], &work[1]]);
    cluster.freeze();
    let place = corpus.folder.root().display();
    let client = Node::start(&format!("client {} {place}", cluster.port));
    let jobs = |there: bool| {
        let ended = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            cluster.get("/cluster").contains("\"id\"") == there
        });
        assert!(ended, "{}", cluster.get("/cluster"));
    };
    jobs(true);
    drop(client);
    jobs(false);
    // They were not missed meanwhile, which would have ended it, too.
    let told = cluster.get("/cluster");
    let room = format!(r#""room":{{"tasks":2,"task_bytes":{}}}"#, 256 << 20);
    assert!(
        told.contains("work folder") && told.contains(&room),
        "{told}"
    );
}

#[test]
fn an_executor_that_can_not_write_is_named_with_its_folder_after_which_the_same_join_goes_on() {
    let corpus = corpus();
    let here = corpus.join(&Deduplication::default());
    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let cluster = Cluster::start(&[&work[0], &work[1]]);
    for work in &work {
        std::fs::remove_dir_all(work).unwrap();
        std::fs::write(work, "a file where a folder was").unwrap();
    }
    let message = refused(&corpus, &cluster.address(), PATIENCE);
    let named = work
        .iter()
        .any(|work| message.contains(&work.display().to_string()));
    assert!(
        named && message.contains("not a directory") && message.contains("executor"),
        "{message}"
    );
    for work in &work {
        std::fs::remove_file(work).unwrap();
        std::fs::create_dir(work).unwrap();
    }
    let there = corpus.join_by(&on(&cluster.address(), PATIENCE), &Deduplication::default());
    assert_eq!(here, there);
}

/// Executors that are frozen are not missed before 60 s are over, and end no task.
#[cfg(unix)]
#[test]
fn a_job_of_which_no_task_ends_is_an_error_after_ten_times_the_limit() {
    let corpus = corpus();
    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let cluster = Cluster::start(&[&work[0], &work[1]]);
    cluster.freeze();
    let message = refused(&corpus, &cluster.address(), Duration::from_secs(1));
    assert!(
        message.contains("no task ended, for 1") && message.contains("--cluster-timeout"),
        "{message}"
    );
}

#[test]
fn a_work_folder_has_one_executor_and_what_an_earlier_one_left_is_cleared() {
    let corpus = corpus();
    let work = [corpus.dir().join("one"), corpus.dir().join("two")];
    let left = work[0].join("jobs/left");
    std::fs::create_dir_all(&left).unwrap();
    let _cluster = Cluster::start(&[&work[0], &work[1]]);
    assert!(!left.exists());
    let second = Executor {
        scheduler: format!("{HERE}:{}", free_port()),
        patience: Duration::from_secs(1),
        bind: HERE,
        host: None,
        port: 0,
        work_port: 0,
        work_dir: work[0].clone(),
        memory: 1 << 20,
        cores: 1,
    };
    let message = second.run().unwrap_err().to_string();
    assert!(
        message.contains("one is being written") && message.contains("executor of the scheduler"),
        "{message}"
    );
}

#[test]
fn a_cluster_that_is_not_there_is_an_error_that_says_what_is_needed() {
    let corpus = corpus();
    let address = format!("{HERE}:{}", free_port());
    let message = refused(&corpus, &format!("df://{address}"), Duration::from_secs(1));
    assert!(
        message.contains(&address) && message.contains("corpus cluster scheduler"),
        "{message}"
    );
}

#[test]
fn a_port_of_something_else_is_an_error_at_once_that_names_it() {
    let corpus = corpus();
    let other = TcpListener::bind((HERE, 0)).unwrap();
    let address = other.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in other.incoming().flatten() {
            let _ = stream.read(&mut [0; 1_024]);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let message = refused(&corpus, &address, PATIENCE);
    assert!(
        message.contains(&address) && message.contains("no scheduler"),
        "{message}"
    );
    let message = Deduplicator::cluster("ftp://node:7", PATIENCE)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("ftp://node:7") && message.contains("HOST:PORT"),
        "{message}"
    );
}
