//! What an answer holds: a page, an image, a film.

use flamingo_crawl::Answer;
use flamingo_image::Format;

use crate::films::film_format;

/// Bytes at the start of an answer without a media type by which a page is known.
const SNIFFED: usize = 1024;

/// What an answer that a server is content with holds. Pictures are known by their bytes, whatever they are called.
pub(crate) enum Kind {
    Page,
    Image,
    Film(&'static str),
    Other,
}

impl Kind {
    pub(crate) fn of(answer: &Answer) -> Self {
        if Format::of(&answer.body).is_some() {
            return Self::Image;
        }
        if let Some(format) = film_format(&answer.body) {
            return Self::Film(format);
        }
        match answer.content_type.as_deref() {
            Some("text/html" | "application/xhtml+xml") => Self::Page,
            Some(image) if image.starts_with("image/") => Self::Image,
            None if looks_like_html(&answer.body) => Self::Page,
            _ => Self::Other,
        }
    }
}

fn looks_like_html(body: &[u8]) -> bool {
    let start = &body[..body.len().min(SNIFFED)];
    let start = start.trim_ascii_start();
    let begins = |word: &[u8]| {
        start
            .get(..word.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    begins(b"<!doctype html") || begins(b"<html")
}
