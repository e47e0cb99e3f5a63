//! Which answers are pages, and what of a page may be used: its content, where neither the answer nor the page
//! forbids it.

use flamingo_crawl::Answer;
use flamingo_image::Format;
use flamingo_page::{Context, Page, Part, Robots};

use crate::films::film_format;
use crate::permission::Permission;

/// Bytes at the start of an answer without a media type by which a page is known.
const SNIFFED: usize = 1024;

/// Whether an answer that a server is content with holds a page. Pictures and films are known by their bytes, whatever
/// they are called.
pub(crate) fn is_page(answer: &Answer) -> bool {
    let body = &answer.body;
    Format::of(body).is_none() && film_format(body).is_none() && says_page(answer)
}

/// Whether an answer that is no picture or film says that it is a page.
pub(crate) fn says_page(answer: &Answer) -> bool {
    match answer.content_type.as_deref() {
        Some(media_type) => matches!(media_type, "text/html" | "application/xhtml+xml"),
        None => looks_like_html(&answer.body),
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

/// The content of a page, and what it asks of robots; or why it may not be used.
pub(crate) fn content(answer: &Answer, permission: &Permission) -> Result<(Page, Robots), String> {
    let refused = permission.url(&answer.url).map(str::to_owned);
    let header = permission.header(&answer.directives);
    if let Some(reason) = refused.or(header.content) {
        return Err(reason);
    }
    let content_type = content_type(answer);
    let context = Context {
        url: &answer.url,
        content_type: content_type.as_deref(),
    };
    let extraction = flamingo_page::extract(&answer.body, &context);
    let meta = permission.page(&extraction.robots);
    if let Some(reason) = meta.content {
        return Err(reason);
    }
    let mut page = extraction.page;
    if header.pictures.or(meta.pictures).is_some() {
        page.parts.retain(|part| !matches!(part, Part::Image(_)));
    }
    Ok((page, extraction.robots))
}

fn content_type(answer: &Answer) -> Option<String> {
    let media_type = answer.content_type.as_deref();
    match (&answer.charset, media_type) {
        (Some(charset), media_type) => {
            let media_type = media_type.unwrap_or("text/html");
            Some(format!("{media_type}; charset={charset}"))
        }
        (None, media_type) => media_type.map(str::to_owned),
    }
}
