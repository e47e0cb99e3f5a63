//! The files of a repository, as the hub lists them.

use std::io::Read;

use serde::Deserialize;

use super::client::Client;
use super::failure::Failure;
use super::id::RepoId;
use super::names::{is_commit, percent_encoded};

/// Bytes of an answer; a model's is a few kilobytes.
const LARGEST_ANSWER: u64 = 32 << 20;

/// Files of a repository; the hub itself advises against more.
const MOST_FILES: usize = 100_000;

/// A revision's commit and the names of its files, none of which was checked.
pub(crate) struct Listing {
    pub(crate) commit: String,
    pub(crate) files: Vec<String>,
}

#[derive(Deserialize)]
struct ModelInfo {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

/// Asks the hub for the files of a repository.
pub(crate) fn list(client: &Client, id: &RepoId) -> Result<Listing, Failure> {
    let revision = percent_encoded(&id.revision).replace('/', "%2F");
    let url = client.url(&format!("api/models/{}/revision/{revision}", id.name));
    let answer = client.get(&url, 0)?;
    let mut text = Vec::new();
    let mut body = answer.into_body().into_reader().take(LARGEST_ANSWER + 1);
    body.read_to_end(&mut text)
        .map_err(|error| Failure::Connection(error.to_string()))?;
    if text.len() as u64 > LARGEST_ANSWER {
        let reason = format!("its file list has more than {LARGEST_ANSWER} bytes");
        return Err(Failure::BadAnswer(reason));
    }
    let info: ModelInfo = serde_json::from_slice(&text)
        .map_err(|error| Failure::BadAnswer(format!("its file list cannot be read: {error}")))?;
    checked(info)
}

fn checked(info: ModelInfo) -> Result<Listing, Failure> {
    if !is_commit(&info.sha) {
        return Err(Failure::BadAnswer(format!(
            "{:?} is not a commit",
            info.sha
        )));
    }
    let files: Vec<String> = info
        .siblings
        .into_iter()
        .map(|file| file.rfilename)
        .collect();
    if files.len() > MOST_FILES {
        let reason = format!(
            "it lists {} files, at most {MOST_FILES} are read",
            files.len()
        );
        return Err(Failure::BadAnswer(reason));
    }
    Ok(Listing {
        commit: info.sha,
        files,
    })
}
