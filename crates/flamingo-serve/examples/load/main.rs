//! A load on `flamingo serve`: what it costs beside `flamingo ask` on the same documents, whether every answer is the
//! same to the bit, and what is left over afterwards.
//!
//! ```text
//! cargo build -p flamingo --features serve
//! cargo run -p flamingo-serve --example load -- target/debug/flamingo [REQUESTS [MODEL]]
//! ```
//!
//! It starts the server itself, on this machine, and prints a JSON object. Without a number, the mixed requests are 10,000.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod client;
mod documents;
mod process;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use client::{Connection, Outcome};
use documents::{Documents, TOKENS};
use process::{Program, Seconds, Server};

/// Clients that ask at once.
const CLIENTS: usize = 16;
/// Connections that ask nothing.
const IDLE: usize = 1000;

/// How often each load is measured, in turn with what it is compared to.
const ROUNDS: usize = 3;
/// Documents that are asked.
const DOCUMENTS: u32 = 240;

fn main() {
    let mut args = std::env::args().skip(1);
    let usage = "usage: load PROGRAM [REQUESTS [MODEL]]";
    let path = args.next().expect(usage);
    let requests: usize = args.next().map_or(10_000, |n| n.parse().expect(usage));
    let model = args.next();
    let program = Program { path, model };
    let documents = Documents::new(DOCUMENTS);
    let folder = tempfile::tempdir().unwrap();
    let (expected, _) = documents.asked_by(&program, folder.path());
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round(&program, &documents, &expected, folder.path()));
    }
    let server = Server::start(&program);
    let report = json!({
        "rounds": rounds,
        "first_token": first_token(&server, &documents),
        "idle_connections": idle(&server),
        "mixed": mixed(&server, &documents, &expected, requests),
    });
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
}

/// The program on a file, then the server asked the same; each load on a server that knows nothing, as the program did.
fn round(program: &Program, documents: &Documents, expected: &[Value], folder: &Path) -> Value {
    let (_, asked) = documents.asked_by(program, folder);
    let sixteen = generate(&Server::start(program), documents, expected, CLIENTS);
    let one = generate(&Server::start(program), documents, expected, 1);
    let (scores, scored) = documents.scored_by(program, folder);
    let scoring = score(&Server::start(program), documents, &scores);
    let cpu = |load: &Value| load["cpu_seconds_a_request"].as_f64().unwrap();
    let wall = |load: &Value| load["requests_a_second"].as_f64().unwrap();
    json!({
        "ask_cpu_seconds_a_document": asked.cpu,
        "ask_documents_a_second": 1.0 / asked.wall,
        "score_cpu_seconds_a_document": scored.cpu,
        "score_documents_a_second": 1.0 / scored.wall,
        "of_ask": wall(&sixteen) * asked.wall,
        "of_ask_by_cpu": asked.cpu / cpu(&sixteen),
        "of_score": wall(&scoring) * scored.wall,
        "of_score_by_cpu": scored.cpu / cpu(&scoring),
        "of_one_client": wall(&sixteen) / wall(&one),
        "of_one_client_by_cpu": cpu(&one) / cpu(&sixteen),
        "sixteen_clients": sixteen,
        "one_client": one,
        "sixteen_clients_score": scoring,
    })
}

/// Every document asked once by some clients.
fn generate(server: &Server, documents: &Documents, expected: &[Value], clients: usize) -> Value {
    let wrong = AtomicUsize::new(0);
    let total = documents.len();
    let run = timed(server, || {
        each(server, clients, total, |connection, i| {
            let told = connection.post("/ask", &documents.ask(i));
            if !same(&told.json(), &expected[i]) {
                wrong.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    let mut told = report(&run, total, &wrong);
    let rows = server.metric("answer_tokens_total") / server.metric("answer_passes_total");
    told["rows_a_pass"] = rows.into();
    told["prompt_passes"] = server.metric("prompt_passes_total").into();
    told
}

fn score(server: &Server, documents: &Documents, expected: &[Value]) -> Value {
    let wrong = AtomicUsize::new(0);
    let total = documents.len();
    let run = timed(server, || {
        each(server, CLIENTS, total, |connection, i| {
            if connection.post("/score", &documents.score(i)).json() != expected[i] {
                wrong.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    let mut told = report(&run, total, &wrong);
    told["prompt_passes"] = server.metric("prompt_passes_total").into();
    told
}

/// Seconds until the first piece of an answer to a prompt of which all but the end is known, what the engine itself
/// took to read it, and the one over the other.
fn first_token(server: &Server, documents: &Documents) -> Value {
    let mut connection = Connection::open(server.address);
    let (mut first, mut prefill, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..documents.len() {
        connection.post("/ask", &documents.ask(i));
        let (seconds, told) = connection.stream("/ask", &documents.streamed(i));
        let read = told["answers"][0]["timings"]["prefill"].as_f64().unwrap();
        first.push(seconds);
        prefill.push(read);
        ratio.push(seconds / read);
    }
    json!({"seconds": spread(first), "prefill_seconds": spread(prefill), "over_prefill": spread(ratio)})
}

/// The least, the middle and the largest.
fn spread(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let [least, middle, largest] = [0, values.len() / 2, values.len() - 1].map(|i| values[i]);
    json!({"least": least, "median": middle, "largest": largest})
}

/// What connections that ask nothing take.
fn idle(server: &Server) -> Value {
    let before = server.resident();
    let mut connections: Vec<Connection> = (0..IDLE)
        .map(|_| Connection::open(server.address))
        .collect();
    // Each has asked once, and then keeps its connection.
    for connection in &mut connections {
        assert_eq!(connection.get("/health").status, 200);
    }
    let after = server.resident();
    json!({"connections": IDLE, "bytes": after.saturating_sub(before)})
}

/// Requests of which 5% hang up, 5% have a broken picture and 2% are too large.
fn mixed(server: &Server, documents: &Documents, expected: &[Value], total: usize) -> Value {
    let counts: [AtomicUsize; 5] = Default::default();
    let [answered, hung_up, broken, large, wrong] = &counts;
    let (early, sampled) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let one = |connection: &mut Connection, i: usize| {
        let document = i % documents.len();
        let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
        match i * 37 % 100 {
            0..5 => {
                connection.hang_up("/ask", &documents.streamed(document));
                count(hung_up);
            }
            5..10 => {
                let told = connection.post("/ask", &documents.broken(document));
                count(if is_refused(&told, 400) {
                    broken
                } else {
                    wrong
                });
            }
            10..12 => {
                let told = connection.post("/ask", &documents.large());
                count(if is_refused(&told, 413) { large } else { wrong });
            }
            _ => {
                let told = connection.post("/ask", &documents.ask(document));
                let right = told.status == 200 && same(&told.json(), &expected[document]);
                count(if right { answered } else { wrong });
            }
        }
        if sampled.fetch_add(1, Ordering::Relaxed) + 1 == 500.min(total) {
            early.store(server.resident() as usize, Ordering::Relaxed);
        }
    };
    let run = timed(server, || each(server, CLIENTS, total, one));
    let left = server.settled();
    let (early, late) = (
        early.load(Ordering::Relaxed) as f64,
        server.resident() as f64,
    );
    json!({
        "requests": total,
        "answered_as_ask": answered.load(Ordering::Relaxed),
        "hung_up": hung_up.load(Ordering::Relaxed),
        "broken_pictures_refused": broken.load(Ordering::Relaxed),
        "large_bodies_refused": large.load(Ordering::Relaxed),
        "lost_or_wrong": wrong.load(Ordering::Relaxed),
        "cpu_seconds_a_request": run.cpu / total as f64,
        "resident_after_500": early,
        "resident_at_end": late,
        "grown": late / early - 1.0,
        "requests_left": left,
        "threads": server.threads(),
    })
}

fn is_refused(told: &Outcome, status: u16) -> bool {
    told.status == status && told.json()["error"]["message"].is_string()
}

/// Whether two answers are the same but for times.
fn same(a: &Value, b: &Value) -> bool {
    ["text", "tokens", "finish", "prompt_tokens"]
        .iter()
        .all(|key| a[key] == b[key])
}

fn timed(server: &Server, load: impl FnOnce()) -> Seconds {
    let (started, before) = (Instant::now(), server.cpu_seconds());
    load();
    Seconds {
        wall: started.elapsed().as_secs_f64(),
        cpu: server.cpu_seconds() - before,
    }
}

fn report(run: &Seconds, total: usize, wrong: &AtomicUsize) -> Value {
    json!({
        "requests": total,
        "lost_or_wrong": wrong.load(Ordering::Relaxed),
        "wall_seconds": run.wall,
        "requests_a_second": total as f64 / run.wall,
        "answer_tokens": TOKENS,
        "cpu_seconds_a_request": run.cpu / total as f64,
    })
}

/// Does `work` for each number, by so many clients with a connection each.
fn each(
    server: &Server,
    clients: usize,
    total: usize,
    work: impl Fn(&mut Connection, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut connection = Connection::open(server.address);
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= total {
                        return;
                    }
                    work(&mut connection, i);
                }
            });
        }
    });
}

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
