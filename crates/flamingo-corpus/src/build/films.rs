//! Folders of films: each film with its text is read as a page that shows nothing else.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flamingo_image::Format;
use flamingo_page::{Page, Part, Video};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use url::Url;

use super::examine::{Examined, Examiner};
use super::times::Times;
use crate::films::{FolderFilm, film_format};
use crate::signature::{registrable_domain, url_key};
use crate::tables::{ImageRow, PageRow};

/// Films that are looked at together.
const BATCH: usize = 256;
/// So many bytes tell what a file is.
const SNIFFED: u64 = 64;

/// What is read of a folder of films.
pub(super) struct Films<'a> {
    pub(super) folder: &'a str,
    pub(super) films: &'a [String],
    /// The most bytes of a film.
    pub(super) max_bytes: u64,
}

impl Films<'_> {
    /// Looks at the films in their order, some at a time.
    pub(super) fn batches<'a>(
        &'a self,
        examiner: Examiner<'a>,
    ) -> impl Iterator<Item = Vec<(Examined, ImageRow, Times)>> {
        self.films.chunks(BATCH).map(move |films| {
            let films = films.par_iter();
            films
                .filter_map(|film| self.examine(film, examiner))
                .collect()
        })
    }

    /// A film's page and its file; nothing of a name that no URL can hold.
    fn examine(&self, film: &str, examiner: Examiner<'_>) -> Option<(Examined, ImageRow, Times)> {
        let path = Path::new(self.folder).join(film);
        let url = String::from(Url::from_file_path(&path).ok()?);
        let row = self.file(&path, &url);
        // A text that cannot be read is none: there is nothing to make a pair of.
        let caption = FolderFilm::at(path).read_text().unwrap_or_default();
        let page = Page {
            url: url.clone(),
            parts: vec![Part::Video(Video {
                url: url.clone(),
                caption,
                ..Video::default()
            })],
            ..Page::default()
        };
        let mut times = Times::default();
        let page_row = PageRow {
            url_key: url_key(&url),
            domain: registrable_domain(&url),
            url,
            ..PageRow::default()
        };
        let examined = examiner.measured(page_row, &page, &mut times);
        Some((examined, row, times))
    }

    fn file(&self, path: &Path, url: &str) -> ImageRow {
        let row = ImageRow {
            url_key: url_key(url),
            url: url.to_owned(),
            file: path.to_string_lossy().into_owned(),
            ..ImageRow::default()
        };
        match measure(path, self.max_bytes) {
            Ok(Ok(measured)) => ImageRow {
                status: "ok".to_owned(),
                sha256: Some(measured.sha256),
                format: Some(measured.format.to_owned()),
                bytes: measured.bytes.cast_signed(),
                length: measured.bytes.cast_signed(),
                ..row
            },
            Ok(Err(reason)) => ImageRow {
                status: reason.to_owned(),
                ..row
            },
            Err(_) => ImageRow {
                status: "unreadable".to_owned(),
                ..row
            },
        }
    }
}

/// What is known of a film's file.
struct Measured {
    format: &'static str,
    bytes: u64,
    sha256: String,
}

/// Measures a file piece by piece, or says why it is not taken.
fn measure(path: &Path, max: u64) -> io::Result<Result<Measured, &'static str>> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() > max {
        return Ok(Err("too_large"));
    }
    let mut head = Vec::new();
    file.by_ref().take(SNIFFED).read_to_end(&mut head)?;
    let picture = Format::of(&head).map(|format| format.extension());
    let Some(format) = film_format(&head).or(picture) else {
        return Ok(Err("not_a_film"));
    };
    let mut hash = Sha256::new();
    hash.update(&head);
    let rest = io::copy(&mut file, &mut hash)?;
    Ok(Ok(Measured {
        format,
        bytes: head.len() as u64 + rest,
        sha256: format!("{:x}", hash.finalize()),
    }))
}
