//! One file from the hub into the cache.

use std::io::Read;
use std::path::PathBuf;

use ureq::http::{HeaderMap, StatusCode};

use super::cache::RepoCache;
use super::client::{Client, header};
use super::error::{HubError, Result};
use super::failure::{Failure, Subject};
use super::names::{blob_name, is_sha256, percent_encoded};
use super::part::Part;
use super::progress::Progress;
use super::retry::{Tries, retrying};

const BUFFER: usize = 1 << 17;

/// So many new bytes make a broken connection a useful one.
const WORTHWHILE: u64 = 1 << 20;

/// Fetches the files of one commit.
pub(crate) struct Fetch<'a> {
    pub(crate) client: &'a Client,
    pub(crate) cache: &'a RepoCache,
    pub(crate) commit: &'a str,
    pub(crate) subject: Subject<'a>,
}

/// What the hub says of a file before it is fetched.
struct Announced {
    url: String,
    blob: String,
    size: u64,
}

impl Fetch<'_> {
    /// Has all of these files in the commit's snapshot, which is returned.
    pub(crate) fn files(&self, names: &[&str], progress: &mut dyn Progress) -> Result<PathBuf> {
        for name in names {
            self.file(name, progress)?;
        }
        // Last, so that a branch never stands for a snapshot that lacks files.
        self.cache
            .set_commit(&self.subject.id.revision, self.commit)?;
        Ok(self.cache.snapshot(self.commit))
    }

    /// Has the file in the commit's snapshot, fetched only if the cache lacks it.
    fn file(&self, name: &str, progress: &mut dyn Progress) -> Result<()> {
        if self.cache.snapshot(self.commit).join(name).is_file() {
            return Ok(());
        }
        let subject = Subject {
            file: Some(name),
            ..self.subject
        };
        let announced = retrying(|| self.announced(name));
        let announced = announced.map_err(|failure| subject.explain(failure))?;
        let blob = self.cache.blob(&announced.blob);
        if !blob.is_file() {
            let _lock = self.cache.lock(&announced.blob)?;
            // Whoever held the lock before may have fetched it.
            if !blob.is_file() {
                self.blob(&announced, subject, progress)?;
            }
        }
        self.cache.link(self.commit, name, &announced.blob)
    }

    fn announced(&self, name: &str) -> std::result::Result<Announced, Failure> {
        let (repo, file) = (&self.subject.id.name, percent_encoded(name));
        let url = self
            .client
            .url(&format!("{repo}/resolve/{}/{file}", self.commit));
        let headers = self.client.head(&url)?;
        let text = |names: [&str; 2]| names.into_iter().find_map(|name| header(&headers, name));
        if let Some(commit) = header(&headers, "x-repo-commit").filter(|&it| it != self.commit) {
            let reason = format!("commit {commit:?} instead of {}", self.commit);
            return Err(Failure::BadAnswer(reason));
        }
        let etag = text(["x-linked-etag", "etag"]);
        let blob = etag.and_then(blob_name).map(str::to_owned).ok_or_else(|| {
            Failure::BadAnswer(format!(
                "its etag {:?} names no file",
                etag.unwrap_or_default()
            ))
        })?;
        let size = text(["x-linked-size", "content-length"]).and_then(|size| size.parse().ok());
        let size = size.ok_or_else(|| Failure::BadAnswer("it has no size".to_owned()))?;
        Ok(Announced { url, blob, size })
    }

    fn blob(
        &self,
        announced: &Announced,
        subject: Subject<'_>,
        progress: &mut dyn Progress,
    ) -> Result<()> {
        let mut part = Part::open(self.cache.part(&announced.blob))?;
        if part.len() > announced.size {
            part.restart()?;
        }
        let mut transfer = Transfer {
            client: self.client,
            announced,
            subject,
            progress,
        };
        transfer
            .fill(&mut part)
            .map_err(|failure| subject.explain(failure))?;
        check(&subject, announced, part)?.finish(&self.cache.blob(&announced.blob))?;
        progress.finish();
        Ok(())
    }
}

/// A part and where its bytes come from.
struct Transfer<'a> {
    client: &'a Client,
    announced: &'a Announced,
    subject: Subject<'a>,
    progress: &'a mut dyn Progress,
}

impl Transfer<'_> {
    /// Asks for the rest until all is there, the hub has no more, or too many tries were in vain.
    fn fill(&mut self, part: &mut Part) -> std::result::Result<(), Failure> {
        let size = self.announced.size;
        self.show(part);
        let mut tries = Tries::default();
        let mut most = part.len();
        while part.len() < size {
            match self.append(part) {
                Ok(()) if part.len() >= size => break,
                Ok(()) => {
                    let reason = format!("it ended after {} of {size} bytes", part.len());
                    self.again(part, &mut most, &mut tries, Failure::Connection(reason))?;
                }
                // There is nothing from here on: the file is smaller than announced.
                Err(Failure::Status { status: 416, .. }) => break,
                Err(failure) => self.again(part, &mut most, &mut tries, failure)?,
            }
        }
        Ok(())
    }

    fn again(
        &self,
        part: &Part,
        most: &mut u64,
        tries: &mut Tries,
        failure: Failure,
    ) -> std::result::Result<(), Failure> {
        if part.len() >= *most + WORTHWHILE {
            tries.reset();
        }
        *most = part.len().max(*most);
        tries.pause(failure)
    }

    /// Appends one answer's bytes, at most one buffer more than announced.
    fn append(&mut self, part: &mut Part) -> std::result::Result<(), Failure> {
        let from = part.len();
        let answer = self.client.get(&self.announced.url, from)?;
        if from > 0 && !goes_on(answer.status(), answer.headers(), from)? {
            part.restart()?;
            self.show(part);
        }
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; BUFFER];
        while part.len() <= self.announced.size {
            let n = body
                .read(&mut buffer)
                .map_err(|error| Failure::Connection(error.to_string()))?;
            if n == 0 {
                break;
            }
            part.write(&buffer[..n])?;
            self.progress.advance(n as u64);
        }
        Ok(())
    }

    fn show(&mut self, part: &Part) {
        let file = self.subject.file.unwrap_or_default();
        self.progress.start(file, self.announced.size);
        self.progress.advance(part.len());
    }
}

/// Whether an answer starts at the byte asked for; `false` if it is the whole file.
fn goes_on(
    status: StatusCode,
    headers: &HeaderMap,
    from: u64,
) -> std::result::Result<bool, Failure> {
    if status != StatusCode::PARTIAL_CONTENT {
        return Ok(false);
    }
    let range = header(headers, "content-range").unwrap_or_default();
    match range.strip_prefix(&format!("bytes {from}-")) {
        Some(_) => Ok(true),
        None => Err(Failure::BadAnswer(format!(
            "the range {range:?} does not start at {from}"
        ))),
    }
}

/// Gives the part back if it is what was announced, and deletes it if not.
fn check(subject: &Subject<'_>, announced: &Announced, part: Part) -> Result<Part> {
    let (what, expected, found) = (subject.what(), announced.size, part.len());
    if found != expected {
        part.discard()?;
        return Err(HubError::Size {
            what,
            expected,
            found,
        });
    }
    let found = part.sha256();
    if is_sha256(&announced.blob) && found != announced.blob {
        part.discard()?;
        return Err(HubError::Checksum {
            what,
            expected: announced.blob.clone(),
            found,
        });
    }
    Ok(part)
}
