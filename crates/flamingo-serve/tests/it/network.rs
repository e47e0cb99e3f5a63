//! Over real connections: clients that hang up, headers without end, and the end of the server.

use std::time::Duration;

use flamingo_serve::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle as Task;

use super::*;

/// A server at a port of its own.
struct Listening {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    served: Task<std::io::Result<()>>,
    worker: JoinHandle<()>,
}

impl Listening {
    async fn new(limits: Limits) -> Self {
        let setup = Setup {
            limits,
            ..Setup::default()
        };
        let (server, worker) = Server::new(engine(), setup);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(server.serve(listener, async {
            let _ = stopped.await;
        }));
        let worker = std::thread::spawn(move || worker.run());
        Self {
            address,
            stop,
            served,
            worker,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// All that is answered to these bytes until the server closes.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn metric(&self, name: &str) -> f64 {
        let text = self
            .exchange(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("flamingo_{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not in {text}"))
            .parse()
            .unwrap()
    }

    async fn until(&self, name: &str, wanted: f64) {
        while self.metric(name).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it, and sees that its engine ends as well.
    async fn end(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
        let worker = self.worker;
        tokio::task::spawn_blocking(move || worker.join().unwrap())
            .await
            .unwrap();
    }
}

/// A request that closes its connection.
fn posted(path: &str, body: &Value, connection: &str) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: {connection}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An answer that takes long: many tokens, none of which ends it.
fn long(stream: bool) -> Value {
    json!({
        "prompt": "Output:", "max_tokens": 100, "min_tokens": 100, "n": 8, "temperature": 1.0, "stream": stream,
    })
}

#[tokio::test]
async fn a_client_that_hangs_up_frees_its_rows() {
    let server = Listening::new(Limits::default()).await;
    for stream in [true, false] {
        let before = server.metric("requests_cancelled_total").await;
        let mut client = server.connect().await;
        client
            .write_all(&posted("/v1/completions", &long(stream), "keep-alive"))
            .await
            .unwrap();
        if stream {
            let mut some = [0; 64];
            assert!(client.read(&mut some).await.unwrap() > 0);
        } else {
            server.until("engine_requests", 1.0).await;
        }
        drop(client);
        server.until("requests_cancelled_total", before + 1.0).await;
        server.until("engine_requests", 0.0).await;
        server.until("queue_requests", 0.0).await;
        assert_eq!(server.metric("engine_rows").await, 0.0);
    }
    server.end().await;
}

#[tokio::test]
async fn a_header_of_a_megabyte_is_refused_and_the_server_lives() {
    let server = Listening::new(Limits::default()).await;
    let request = format!(
        "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Large: {}\r\n\r\n",
        "a".repeat(1_000_000)
    );
    let told = server.exchange(request.as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 431"), "{told}");
    assert!(told.contains("\"code\":\"headers_too_large\""), "{told}");
    assert!(told.contains("more than 65536 bytes"), "{told}");
    assert!(told.contains("x-request-id: req-"), "{told}");
    let told = server
        .exchange(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    server.end().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_without_being_sent() {
    let server = Listening::new(Limits::default()).await;
    for expects in ["", "Expect: 100-continue\r\n"] {
        let head = format!(
            "POST /ask HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: 99999999999\r\n{expects}\r\n"
        );
        let told = server.exchange(head.as_bytes()).await;
        assert!(told.starts_with("HTTP/1.1 413"), "{told}");
        assert!(told.contains("has 99999999999 bytes"), "{told}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_head_that_is_no_request_is_refused_with_an_object_too() {
    let server = Listening::new(Limits::default()).await;
    let many: String = (0..101).map(|i| format!("x-{i}: a\r\n")).collect();
    for (head, status, code) in [
        ("GARBAGE\r\n\r\n".to_owned(), 400, "invalid_http"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400, "invalid_http"),
        (
            "GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
            400,
            "invalid_http",
        ),
        (
            "POST /ask HTTP/1.1\r\ncontent-length: x\r\n\r\n".to_owned(),
            400,
            "invalid_http",
        ),
        (
            format!("GET / HTTP/1.1\r\n{many}\r\n"),
            431,
            "headers_too_large",
        ),
        (
            format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(66_000)),
            414,
            "uri_too_long",
        ),
        ("a".repeat(5_000_000), 431, "headers_too_large"),
    ] {
        // Behind an answer on the same connection as well.
        for before in ["", "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"] {
            let told = server.exchange(format!("{before}{head}").as_bytes()).await;
            let shown: String = head.chars().take(40).collect();
            let answer = match before.is_empty() {
                true => told.as_str(),
                false => {
                    told.split_once("{\"status\":\"ok\"}")
                        .expect("the answer before")
                        .1
                }
            };
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{shown}: {told}"
            );
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("\r\nconnection: close"), "{shown}: {told}");
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], code, "{shown}");
            assert_eq!(body["error"]["type"], "invalid_request_error", "{shown}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_and_http2_are_refused_and_silence_is_closed() {
    let limits = Limits {
        header_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Listening::new(limits).await;
    let health = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (head, status, code) in [
        ("GET /health HT", 408, "headers_timeout"),
        (
            "GET /health HTTP/1.1\r\nHost: a\r\n",
            408,
            "headers_timeout",
        ),
        (http2, 505, "http2"),
    ] {
        for before in ["", health] {
            let told = server.exchange(format!("{before}{head}").as_bytes()).await;
            let (_, answer) = told.rsplit_once("HTTP/1.1 ").unwrap();
            assert!(answer.starts_with(&status.to_string()), "{head}: {told}");
            let (_, body) = answer.split_once("\r\n\r\n").unwrap();
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], code, "{head}");
        }
    }
    assert_eq!(server.exchange(b"").await, "");
    let told = server.exchange(health.as_bytes()).await;
    assert!(told.ends_with("{\"status\":\"ok\"}"), "{told}");
    server.end().await;
}

#[tokio::test]
async fn a_client_that_stops_reading_is_given_up() {
    const REQUESTS: usize = 2000;
    let limits = Limits {
        read_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Listening::new(limits).await;
    let mut client = server.connect().await;
    let request = b"GET /app.js HTTP/1.1\r\nHost: a\r\n\r\n".repeat(REQUESTS);
    client.write_all(&request).await.unwrap();
    // That which asks is open itself.
    server.until("connections", 1.0).await;
    let mut told = Vec::new();
    // It may be reset, too.
    let _ = client.read_to_end(&mut told).await;
    let answers = String::from_utf8_lossy(&told)
        .matches("HTTP/1.1 200")
        .count();
    assert!((1..REQUESTS).contains(&answers), "{answers}");
    server.end().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_though_the_client_sends_on() {
    let limits = Limits {
        body: 100_000,
        ..Limits::default()
    };
    let server = Listening::new(limits).await;
    let body = json!({"prompt": "a".repeat(300_000)});
    let told = server
        .exchange(&posted("/v1/completions", &body, "close"))
        .await;
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
    server.end().await;
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_by_comments() {
    let limits = Limits {
        ping: Duration::from_millis(1),
        ..Limits::default()
    };
    let server = Listening::new(limits).await;
    // Of beams nothing is certain before the end.
    let body = json!({
        "prompt": "Output:", "max_tokens": 60, "min_tokens": 60, "num_beams": 8, "stream": true,
    });
    let told = server
        .exchange(&posted("/v1/completions", &body, "close"))
        .await;
    assert!(told.contains(": ping\n\n"), "{told}");
    assert!(told.contains("data: [DONE]\n\n"), "{told}");
    assert!(
        !told.contains("data: \n") && !told.contains("data: {}"),
        "{told}"
    );
    server.end().await;
}

#[tokio::test]
async fn what_was_begun_is_finished_when_the_server_ends() {
    let limits = Limits {
        drain_time: Duration::from_secs(3600),
        ..Limits::default()
    };
    let server = Listening::new(limits).await;
    let mut client = server.connect().await;
    client
        .write_all(&posted("/v1/completions", &long(true), "keep-alive"))
        .await
        .unwrap();
    let mut some = [0; 64];
    assert!(client.read(&mut some).await.unwrap() > 0);
    let address = server.address;
    let ended = tokio::spawn(server.end());
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    let rest = String::from_utf8(rest).unwrap();
    assert!(rest.contains("data: [DONE]"), "{rest}");
    ended.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_end_does_not_wait_for_ever() {
    let limits = Limits {
        drain_time: Duration::from_millis(1),
        ..Limits::default()
    };
    let server = Listening::new(limits).await;
    let mut client = server.connect().await;
    client
        .write_all(&posted("/v1/completions", &long(true), "keep-alive"))
        .await
        .unwrap();
    let mut some = [0; 64];
    assert!(client.read(&mut some).await.unwrap() > 0);
    server.end().await;
    let mut rest = Vec::new();
    // It may be reset, too.
    let _ = client.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains("[DONE]"));
}
