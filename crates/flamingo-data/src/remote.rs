//! Files of a source that lie on the web: fetched once into a folder, each whole under its name or not there.
//!
//! An address counts and lists as a path does (`https://a.org/{00000..00127}.tar`). What broke off goes on where it ended
//! if the server says that it still has the same file.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, Body};

use crate::{Error, Result, paths};

const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence, before an answer and within it.
const SILENCE: Duration = Duration::from_secs(60);
/// Tries in a row that bring nothing new.
const TRIES: u32 = 4;
/// The first pause between tries; each later one is three times as long.
const PAUSE: Duration = Duration::from_millis(200);
const BUFFER: usize = 1 << 17;

/// Whether a path is an address on the web.
pub fn is_remote(path: &Path) -> bool {
    let text = path.to_string_lossy();
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(scheme))
    })
}

/// Has the files of an address in `folder` and gives a list of them, which is a path as sources take it. Those that are there
/// already are not asked for again. `progress` hears how many of all files are there.
///
/// # Errors
/// [`Error::Fetch`] with the address, [`Error::Nothing`] for a pattern that cannot be read, [`Error::Read`] if the folder
/// cannot be written. The same call goes on.
pub fn fetch(
    address: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PathBuf> {
    let text = address.to_string_lossy();
    let nothing = |problem| Error::Nothing {
        path: address.to_path_buf(),
        problem,
    };
    let addresses = paths::braces(&text).map_err(nothing)?;
    fs::create_dir_all(folder).map_err(Error::read(folder))?;
    let agent = agent();
    let mut list = String::new();
    for (number, address) in addresses.iter().enumerate() {
        progress(number, addresses.len());
        list += &one(&agent, address, folder)?;
        list.push('\n');
    }
    progress(addresses.len(), addresses.len());
    let path = folder.join(format!("{}.txt", short_hash(&text)));
    flamingo_files::write(&path, list.as_bytes())
        .map_err(|error| Error::read(&path)(std::io::Error::other(error)))?;
    Ok(path)
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        // Sizes and ranges are those of the file itself.
        .accept_encoding("identity")
        .user_agent(concat!("flamingo/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .into()
}

/// The name in the folder of the file at an address, which is there then.
fn one(agent: &Agent, address: &str, folder: &Path) -> Result<String> {
    let name = name(address);
    let path = folder.join(&name);
    if path.is_file() {
        return Ok(name);
    }
    let draft = folder.join(format!("{name}.part"));
    let of_draft = || Error::read(&draft);
    let file = File::options().append(true).create(true).open(&draft);
    let file = file.map_err(of_draft())?;
    // Another process may be at it.
    file.lock().map_err(of_draft())?;
    if path.is_file() {
        return Ok(name);
    }
    let mut part = Part {
        file,
        path: draft.clone(),
        of: folder.join(format!("{name}.of")),
    };
    let (mut failed, mut most) = (0, part.len()?);
    while let Err(failure) = part.fill(agent, address)? {
        let len = part.len()?;
        failed = if len > most { 1 } else { failed + 1 };
        most = most.max(len);
        if failure.is_lasting || failed == TRIES {
            if len == 0 {
                fs::remove_file(&part.path).map_err(of_draft())?;
            }
            return Err(Error::Fetch {
                address: shown(address).to_owned(),
                problem: failure.problem,
            });
        }
        thread::sleep(PAUSE * 3_u32.pow(failed - 1));
    }
    part.file.sync_all().map_err(of_draft())?;
    fs::rename(&draft, &path).map_err(of_draft())?;
    // What the file was of is of no use any more.
    let _ = fs::remove_file(&part.of);
    Ok(name)
}

/// A file on its way.
struct Part {
    file: File,
    path: PathBuf,
    /// Says by which mark of the server's its bytes are known.
    of: PathBuf,
}

/// Why a try did not bring the whole file.
struct Failure {
    problem: String,
    /// Another try would bring the same.
    is_lasting: bool,
}

impl Failure {
    fn passing(problem: impl ToString) -> Self {
        Self {
            problem: problem.to_string(),
            is_lasting: false,
        }
    }
}

impl Part {
    fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(Error::read(&self.path))?.len())
    }

    fn restart(&self, mark: Option<&str>) -> Result<()> {
        self.file.set_len(0).map_err(Error::read(&self.path))?;
        match mark {
            Some(mark) => fs::write(&self.of, mark).map_err(Error::read(&self.of)),
            None => match fs::remove_file(&self.of) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::read(&self.of)(error))
                }
                _ => Ok(()),
            },
        }
    }

    /// Asks for what is missing; whether all is there then.
    fn fill(&mut self, agent: &Agent, address: &str) -> Result<Result<(), Failure>> {
        let mut from = self.len()?;
        let mark = fs::read_to_string(&self.of).ok().filter(|_| from > 0);
        if mark.is_none() {
            from = 0;
        }
        let answer = match ask(agent, address, from, mark.as_deref()) {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        let (status, headers) = (answer.status().as_u16(), answer.headers());
        let total = match status {
            206 if header(headers, "content-range")
                .is_some_and(|range| range.starts_with(&format!("bytes {from}-"))) =>
            {
                let range = header(headers, "content-range").unwrap_or_default();
                range
                    .rsplit('/')
                    .next()
                    .and_then(|total| total.parse().ok())
            }
            200 => {
                self.restart(mark_of(headers))?;
                header(headers, "content-length").and_then(|length| length.parse().ok())
            }
            // There is nothing from here on: not the file that was begun.
            206 | 416 => {
                self.restart(None)?;
                return Ok(Err(Failure::passing("the server has no rest of the file")));
            }
            status => {
                return Ok(Err(Failure {
                    problem: format!("the server answers {status}"),
                    is_lasting: status < 500 && status != 429,
                }));
            }
        };
        self.take(answer, total)
    }

    fn take(&mut self, answer: Response<Body>, total: Option<u64>) -> Result<Result<(), Failure>> {
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; BUFFER];
        loop {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let written = self.file.write_all(&buffer[..count]);
                    written.map_err(Error::read(&self.path))?;
                }
                Err(error) => return Ok(Err(Failure::passing(error))),
            }
        }
        let len = self.len()?;
        Ok(match total {
            Some(total) if total != len => Err(Failure::passing(format!(
                "it ended after {len} of {total} bytes"
            ))),
            _ => Ok(()),
        })
    }
}

fn ask(
    agent: &Agent,
    address: &str,
    from: u64,
    mark: Option<&str>,
) -> Result<Response<Body>, Failure> {
    let mut request = Request::builder().method("GET").uri(address);
    if let Some(mark) = mark {
        request = request
            .header("Range", format!("bytes={from}-"))
            .header("If-Range", mark);
    }
    let request = request.body(()).map_err(|error| Failure {
        problem: error.to_string(),
        is_lasting: true,
    })?;
    agent.run(request).map_err(|error| match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Failure {
            problem: error.to_string(),
            is_lasting: true,
        },
        error => Failure::passing(error),
    })
}

/// By what the server tells this file from a later one in its place.
fn mark_of(headers: &HeaderMap) -> Option<&str> {
    let tag = header(headers, "etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| header(headers, "last-modified"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The end of the address, behind what tells it from others.
fn name(address: &str) -> String {
    let end = shown(address).trim_end_matches('/').rsplit('/').next();
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => letter,
        _ => '_',
    };
    let end: String = end.unwrap_or_default().chars().map(plain).collect();
    format!("{}-{end}", short_hash(address))
}

fn short_hash(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An address without its query, which may hold a signature.
fn shown(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was asked for: the path, and the first byte.
    type Asked = Arc<Mutex<Vec<(String, u64)>>>;

    /// Answers with `body` and `tag` of the time of asking, cut after `cut` bytes in its first answer.
    fn server(
        body: fn(&str) -> Option<Vec<u8>>,
        tags: [&'static str; 2],
        cut: usize,
    ) -> (String, Asked) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let heard = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                let path = first.split(' ').nth(1).unwrap().to_owned();
                let (mut from, mut of) = (0, String::new());
                for line in lines.map(|line| line.unwrap().to_ascii_lowercase()) {
                    if let Some(range) = line.strip_prefix("range: bytes=") {
                        from = range.trim_end_matches('-').parse().unwrap();
                    }
                    if let Some(mark) = line.strip_prefix("if-range: ") {
                        of = mark.to_owned();
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let number = {
                    let mut heard = heard.lock().unwrap();
                    heard.push((path.clone(), from));
                    heard.len()
                };
                let Some(whole) = body(&path) else {
                    let none =
                        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    stream.write_all(none.as_bytes()).unwrap();
                    continue;
                };
                let tag = tags[usize::from(number > 1)];
                let goes_on = of == tag && from > 0;
                let rest = if goes_on {
                    &whole[from as usize..]
                } else {
                    &whole[..]
                };
                let head = match goes_on {
                    true => format!(
                        "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}",
                        whole.len() - 1,
                        whole.len()
                    ),
                    false => "200 OK".to_owned(),
                };
                let head = format!(
                    "HTTP/1.1 {head}\r\ncontent-length: {}\r\netag: {tag}\r\nconnection: close\r\n\r\n",
                    rest.len()
                );
                let sent = if number == 1 {
                    rest.len().min(cut)
                } else {
                    rest.len()
                };
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&rest[..sent]);
            }
        });
        (address, asked)
    }

    fn bytes(path: &str) -> Option<Vec<u8>> {
        let path = shown(path);
        path.ends_with(".tar")
            .then(|| path.bytes().cycle().take(300_000).collect())
    }

    fn files(list: &Path) -> Vec<PathBuf> {
        paths::named(list).unwrap()
    }

    #[test]
    fn files_of_a_pattern_are_fetched_once() {
        let folder = tempfile::tempdir().unwrap();
        let (host, asked) = server(bytes, ["\"a\"", "\"a\""], usize::MAX);
        let address = PathBuf::from(format!("{host}/d/s-{{08..10}}.tar?key=secret"));
        assert!(is_remote(&address) && !is_remote(Path::new("a/http.tar")));
        let mut told = Vec::new();
        let list = fetch(&address, folder.path(), &mut |done, all| {
            told.push((done, all))
        })
        .unwrap();
        assert_eq!(told, [(0, 3), (1, 3), (2, 3), (3, 3)]);
        let found = files(&list);
        let ends: Vec<bool> = found
            .iter()
            .zip(["08", "09", "10"])
            .map(|(path, number)| {
                path.to_string_lossy()
                    .ends_with(&format!("-s-{number}.tar"))
            })
            .collect();
        assert_eq!(ends, [true; 3], "{found:?}");
        assert!(fs::read(&found[1]).unwrap() == bytes("/d/s-09.tar").unwrap());
        assert_eq!(
            fetch(&address, folder.path(), &mut |_, _| ()).unwrap(),
            list
        );
        assert_eq!(asked.lock().unwrap().len(), 3);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn what_broke_off_goes_on_if_it_is_still_the_same_file_and_begins_anew_if_not() {
        for tags in [["\"a\"", "\"a\""], ["\"a\"", "\"b\""]] {
            let folder = tempfile::tempdir().unwrap();
            let (host, asked) = server(bytes, tags, 100_000);
            let address = PathBuf::from(format!("{host}/one.tar"));
            let list = fetch(&address, folder.path(), &mut |_, _| ()).unwrap();
            let found = fs::read(&files(&list)[0]).unwrap();
            assert!(found == bytes("/one.tar").unwrap(), "{tags:?}");
            let asked = asked.lock().unwrap().clone();
            let firsts: Vec<u64> = asked.iter().map(|(_, from)| *from).collect();
            assert_eq!(firsts, [0, 100_000], "{tags:?}");
        }
    }

    #[test]
    fn an_address_that_is_not_there_is_told_at_once_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (host, asked) = server(|_| None, ["\"a\"", "\"a\""], 0);
        let address = PathBuf::from(format!("{host}/none.tar?key=secret"));
        let told = fetch(&address, folder.path(), &mut |_, _| ()).unwrap_err();
        let told = told.to_string();
        assert!(told.contains("/none.tar") && told.contains("404"), "{told}");
        assert!(!told.contains("secret"), "{told}");
        assert_eq!(asked.lock().unwrap().len(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
