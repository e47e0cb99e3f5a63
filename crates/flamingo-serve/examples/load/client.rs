//! A client over HTTP/1.1, as small as can be.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::Value;

use crate::PATIENCE;

/// A connection that is opened again where it was closed.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// What was answered.
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Outcome {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            address,
            stream: BufReader::new(stream),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Outcome {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        self.exchange(request.as_bytes())
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> Outcome {
        self.exchange(&posted(path, body))
    }

    fn exchange(&mut self, request: &[u8]) -> Outcome {
        self.stream.get_mut().write_all(request).expect("sent");
        let (status, length, closes) = self.head();
        let mut body = Vec::new();
        match length {
            Some(length) => {
                body.resize(length, 0);
                self.stream.read_exact(&mut body).expect("the whole body");
            }
            None => while self.chunk(&mut body) {},
        }
        if closes {
            *self = Self::open(self.address);
        }
        Outcome { status, body }
    }

    /// Seconds until the first piece, and the last event but `[DONE]`.
    pub(crate) fn stream(&mut self, path: &str, body: &str) -> (f64, Value) {
        let started = Instant::now();
        self.stream
            .get_mut()
            .write_all(&posted(path, body))
            .expect("sent");
        let (status, ..) = self.head();
        assert_eq!(status, 200);
        let (mut told, mut first) = (Vec::new(), None);
        while self.chunk(&mut told) {
            first.get_or_insert_with(|| started.elapsed().as_secs_f64());
        }
        let text = String::from_utf8(told).unwrap();
        let mut events = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let last = events.rfind(|event| *event != "[DONE]").unwrap();
        (first.unwrap(), serde_json::from_str(last).unwrap())
    }

    /// Asks, reads the beginning of the answer, and goes away.
    pub(crate) fn hang_up(&mut self, path: &str, body: &str) {
        self.stream
            .get_mut()
            .write_all(&posted(path, body))
            .expect("sent");
        let mut some = [0; 16];
        // It may be gone before anything comes, too.
        let _ = self.stream.get_mut().read(&mut some);
        *self = Self::open(self.address);
    }

    /// Status, length of the body if it is told, and whether the connection is closed behind it.
    fn head(&mut self) -> (u16, Option<usize>, bool) {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a status");
        let status = line
            .split(' ')
            .nth(1)
            .expect("a status")
            .parse()
            .expect("a number");
        let (mut length, mut closes) = (None, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a header");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                return (status, length, closes);
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = Some(value.parse().expect("a number"));
            }
            closes |= line == "connection: close";
        }
    }

    /// Reads a chunk of a body; false at its end.
    fn chunk(&mut self, body: &mut Vec<u8>) -> bool {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a size");
        let size = usize::from_str_radix(line.trim_end(), 16).expect("a size");
        let start = body.len();
        body.resize(start + size, 0);
        self.stream.read_exact(&mut body[start..]).expect("a chunk");
        self.stream.read_exact(&mut [0; 2]).expect("its end");
        size > 0
    }
}

fn posted(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}
