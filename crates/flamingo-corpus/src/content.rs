//! What of a page may be used: its content, where neither the answer nor the page forbids it.

use flamingo_crawl::Answer;
use flamingo_page::{Context, Page, Part, Robots};

use crate::permission::Permission;

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
