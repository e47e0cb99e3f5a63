//! A hub on this machine, as far as the tests need one, with faults on request.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use sha2::{Digest, Sha256};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const REPO: &str = "org/name";

/// A file of the repository, and what the hub says of it.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) content: Vec<u8>,
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) lfs: bool,
}

impl Stored {
    /// A small file, which the hub sends itself.
    pub(crate) fn plain(content: &[u8]) -> Self {
        let etag = sha256(content)[..40].to_owned();
        Self {
            content: content.to_vec(),
            etag,
            size: content.len() as u64,
            lfs: false,
        }
    }

    /// A large file, to which the hub redirects.
    pub(crate) fn lfs(content: &[u8]) -> Self {
        Self {
            etag: sha256(content),
            lfs: true,
            ..Self::plain(content)
        }
    }
}

pub(crate) struct Asked {
    pub(crate) port: u16,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) authorization: Option<String>,
}

/// What the hub has, what it does wrong, and what it was asked.
pub(crate) struct State {
    pub(crate) files: BTreeMap<String, Stored>,
    pub(crate) commit: String,
    /// The file list as it is, in place of one made of `files`.
    pub(crate) listing: Option<Vec<u8>>,
    pub(crate) token: Option<String>,
    /// Before which large files are; empty for the hub's own address.
    pub(crate) cdn: String,
    pub(crate) knows_ranges: bool,
    /// The statuses of the next answers, with the hub's word for the error.
    pub(crate) statuses: VecDeque<(u16, &'static str)>,
    /// After how many bytes the next contents break off.
    pub(crate) breaks: VecDeque<usize>,
    pub(crate) redirect_all_to: Option<String>,
    pub(crate) asked: Vec<Asked>,
}

/// Stops listening when dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start(files: &[(&str, Stored)]) -> Self {
        let files = files
            .iter()
            .map(|(name, file)| ((*name).to_owned(), file.clone()));
        Self::listen(Arc::new(Mutex::new(State {
            files: files.collect(),
            commit: COMMIT.to_owned(),
            listing: None,
            token: None,
            cdn: String::new(),
            knows_ranges: true,
            statuses: VecDeque::new(),
            breaks: VecDeque::new(),
            redirect_all_to: None,
            asked: Vec::new(),
        })))
    }

    /// Another address of the same files.
    pub(crate) fn twin(&self) -> Self {
        Self::listen(Arc::clone(&self.state))
    }

    fn listen(state: Arc<Mutex<State>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || {
                    // A client that goes away is no fault of the server.
                    let _ = answer(stream, port, &state);
                });
            }
        });
        Self { port, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many contents were asked for, whole or in part.
    pub(crate) fn contents_asked(&self) -> usize {
        let state = self.state();
        let is_content = |asked: &&Asked| asked.path.starts_with("/cdn/") && asked.method == "GET";
        state.asked.iter().filter(is_content).count()
    }
}

pub(crate) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn answer(stream: TcpStream, port: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let asked = read_request(&mut reader, port)?;
    let mut state = state.lock().unwrap();
    let reply = reply(&asked, &mut state);
    let is_head = asked.method == "HEAD";
    state.asked.push(asked);
    drop(state);
    send(stream, &reply, is_head)
}

fn read_request(reader: &mut BufReader<TcpStream>, port: u16) -> std::io::Result<Asked> {
    let mut lines = reader.by_ref().lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut asked = Asked {
        port,
        method,
        path,
        range: None,
        authorization: None,
    };
    for line in lines {
        let line = line?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                asked.range = Some(value.to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                asked.authorization = Some(value.to_owned());
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(asked)
}

#[derive(Default)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// The length said, if it is not that of the body.
    length: Option<u64>,
    breaks_after: Option<usize>,
}

fn status(status: u16, code: &str) -> Reply {
    let headers = vec![
        ("X-Error-Code", code.to_owned()),
        ("Retry-After", "7".to_owned()),
    ];
    Reply {
        status,
        headers,
        ..Reply::default()
    }
}

fn redirect(to: String) -> Reply {
    Reply {
        status: 302,
        headers: vec![("Location", to)],
        ..Reply::default()
    }
}

fn reply(asked: &Asked, state: &mut State) -> Reply {
    if let Some((number, code)) = state.statuses.pop_front() {
        return status(number, code);
    }
    if let Some(etag) = asked.path.strip_prefix("/cdn/") {
        return content(asked, etag, state);
    }
    let required = state.token.as_ref().map(|token| format!("Bearer {token}"));
    if required.is_some() && required != asked.authorization {
        return status(401, "GatedRepo");
    }
    if let Some(to) = &state.redirect_all_to {
        return redirect(format!("{to}{}", asked.path));
    }
    let path = asked.path.replace("%20", " ");
    if path.starts_with(&format!("/api/models/{REPO}/revision/")) {
        return listing(state);
    }
    let prefix = format!("/{REPO}/resolve/{}/", state.commit);
    match path
        .strip_prefix(&prefix)
        .and_then(|name| state.files.get(name))
    {
        Some(file) => about(file.clone(), asked, state),
        None => status(404, "RepoNotFound"),
    }
}

fn listing(state: &State) -> Reply {
    let made = || {
        let names = state
            .files
            .keys()
            .map(|name| serde_json::json!({ "rfilename": name }));
        let names: Vec<_> = names.collect();
        serde_json::json!({ "id": REPO, "sha": state.commit, "siblings": names }).to_string()
    };
    let body = state.listing.clone().unwrap_or_else(|| made().into_bytes());
    Reply {
        status: 200,
        body,
        ..Reply::default()
    }
}

fn about(file: Stored, asked: &Asked, state: &mut State) -> Reply {
    let tag = format!("\"{}\"", file.etag);
    let mut reply = if file.lfs {
        let mut reply = redirect(format!("{}/cdn/{}?signature=x", state.cdn, file.etag));
        reply.headers.push(("X-Linked-Etag", tag));
        reply.headers.push(("X-Linked-Size", file.size.to_string()));
        reply
    } else if asked.method == "HEAD" {
        let headers = vec![("ETag", tag)];
        Reply {
            status: 200,
            headers,
            length: Some(file.size),
            ..Reply::default()
        }
    } else {
        redirect(format!("/cdn/{}", file.etag))
    };
    reply.headers.push(("X-Repo-Commit", state.commit.clone()));
    reply
}

fn content(asked: &Asked, etag: &str, state: &mut State) -> Reply {
    let etag = etag.split('?').next().unwrap();
    let Some(file) = state.files.values().find(|file| file.etag == etag) else {
        return status(404, "EntryNotFound");
    };
    let breaks_after = state.breaks.pop_front();
    let whole = file.content.clone();
    let range = asked.range.as_ref().filter(|_| state.knows_ranges);
    let Some(range) = range else {
        return Reply {
            status: 200,
            body: whole,
            breaks_after,
            ..Reply::default()
        };
    };
    let from = range
        .strip_prefix("bytes=")
        .and_then(|range| range.strip_suffix('-'));
    let from: usize = from.unwrap().parse().unwrap();
    if from >= whole.len() {
        return status(416, "");
    }
    let said = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
    let headers = vec![("Content-Range", said)];
    Reply {
        status: 206,
        headers,
        body: whole[from..].to_vec(),
        breaks_after,
        ..Reply::default()
    }
}

fn send(mut stream: TcpStream, reply: &Reply, is_head: bool) -> std::io::Result<()> {
    let length = reply.length.unwrap_or(reply.body.len() as u64);
    let mut head = format!(
        "HTTP/1.1 {} x\r\nContent-Length: {length}\r\n",
        reply.status
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    if !is_head {
        let end = reply
            .breaks_after
            .unwrap_or(usize::MAX)
            .min(reply.body.len());
        stream.write_all(&reply.body[..end])?;
    }
    stream.flush()
}
