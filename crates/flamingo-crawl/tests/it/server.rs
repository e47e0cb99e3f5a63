//! A web server on the loopback interface that answers as it is told and remembers what it was
//! asked, and a resolver that knows every host as this server.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flamingo_crawl::Lookup;

/// What a request is answered with.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    after: Duration,
    breaks_off: bool,
    chunked: bool,
}

impl Reply {
    pub(crate) fn page(body: &str) -> Self {
        Self::status(200)
            .header("Content-Type", "text/html")
            .body(body.as_bytes())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            after: Duration::ZERO,
            breaks_off: false,
            chunked: false,
        }
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status(302).header("Location", to)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }

    /// The connection ends in the middle of the body.
    pub(crate) fn breaks_off(mut self) -> Self {
        self.breaks_off = true;
        self
    }

    /// The body comes in chunks.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Whatever\r\n", self.status);
        let length = self.body.len() + if self.breaks_off { 10 } else { 0 };
        let length = match self.chunked {
            true => "Transfer-Encoding: chunked\r\n".to_owned(),
            false => format!("Content-Length: {length}\r\n"),
        };
        head.push_str(&length);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        match self.chunked {
            true => write_chunks(stream, &self.body)?,
            false => stream.write_all(&self.body)?,
        }
        if self.breaks_off {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

fn write_chunks(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    for chunk in body.chunks(7) {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) agent: String,
    pub(crate) began: Instant,
    pub(crate) ended: Option<Instant>,
}

#[derive(Default)]
struct State {
    replies: HashMap<String, Vec<Reply>>,
    requests: Vec<Request>,
    lookups: Vec<String>,
}

/// The server; clones are the same one.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let running = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = running.clone();
                thread::spawn(move || server.serve(stream).ok());
            }
        });
        server
    }

    /// `a.test/x` as a URL of this server.
    pub(crate) fn url(&self, host_and_path: &str) -> String {
        let (host, path) = host_and_path.split_once('/').unwrap();
        format!("http://{host}:{}/{path}", self.address.port())
    }

    /// Answers requests for `a.test/x` with these replies in turn, and then with the last.
    /// What is not told is not found.
    pub(crate) fn tell(
        &self,
        host_and_path: &str,
        replies: impl IntoIterator<Item = Reply>,
    ) -> String {
        let mut replies: Vec<_> = replies.into_iter().collect();
        replies.reverse();
        self.state
            .lock()
            .unwrap()
            .replies
            .insert(host_and_path.to_owned(), replies);
        self.url(host_and_path)
    }

    /// All requests so far, in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Hosts and paths of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|request| format!("{}{}", request.host, request.path))
            .collect()
    }

    /// The requests for `host`, without that for its robots.txt.
    pub(crate) fn pages_of(&self, host: &str) -> Vec<Request> {
        let ours = |request: &Request| request.host == host && request.path != "/robots.txt";
        self.requests().into_iter().filter(ours).collect()
    }

    /// Names that were looked up.
    pub(crate) fn lookups(&self) -> Vec<String> {
        self.state.lock().unwrap().lookups.clone()
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        while let Some(first) = lines.next().transpose()? {
            let began = Instant::now();
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let mut headers = HashMap::new();
            while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(": ").unwrap();
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            let host = headers["host"].split(':').next().unwrap().to_owned();
            let agent = headers.get("user-agent").cloned().unwrap_or_default();
            let (number, reply) = self.note(Request {
                host,
                path,
                agent,
                began,
                ended: None,
            });
            thread::sleep(reply.after);
            self.state.lock().unwrap().requests[number].ended = Some(Instant::now());
            reply.write(&mut stream)?;
        }
        Ok(())
    }

    fn note(&self, request: Request) -> (usize, Reply) {
        let mut state = self.state.lock().unwrap();
        let key = format!("{}{}", request.host, request.path);
        let reply = match state.replies.get_mut(&key) {
            Some(replies) if replies.len() > 1 => replies.pop().unwrap(),
            Some(replies) => replies[0].clone(),
            None => Reply::status(404),
        };
        state.requests.push(request);
        (state.requests.len() - 1, reply)
    }
}

impl Lookup for Server {
    fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.state.lock().unwrap().lookups.push(host.to_owned());
        match host {
            "nowhere.test" => Err(io::Error::other("no such host")),
            _ => Ok(vec![self.address.ip()]),
        }
    }
}
