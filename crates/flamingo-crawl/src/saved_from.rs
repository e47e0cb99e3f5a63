//! Where a saved page was, as the tool that saved it writes into it, or as the page itself says.

use memchr::memmem;
use url::Url;

use crate::headers::text;
use crate::references::{tags, value_of};

/// Tools write into the first lines of a page.
const HEAD: usize = 16 << 10;
/// A page says its own address in its head, which may hold pictures.
const MAX_HEAD: usize = 1 << 20;

/// The address that a tool wrote into a page: a browser, SingleFile, monolith, HTTrack, Save Page WE, WebScrapBook.
pub(crate) fn tool(page: &[u8]) -> Option<Url> {
    let head = &page[..page.len().min(HEAD)];
    comments(head)
        .find_map(|comment| in_comment(&text(comment)))
        .or_else(|| in_page_tag(head))
        .or_else(|| in_meta_tag(&page[..page.len().min(MAX_HEAD)]))
}

/// The address that a page names as its own (`<link rel="canonical">`).
pub(crate) fn canonical(page: &[u8]) -> Option<Url> {
    let head = &page[..page.len().min(MAX_HEAD)];
    let is_canonical = |tag: &&[u8]| {
        value_of(tag, b"rel").is_some_and(|rel| {
            let mut words = rel.split_ascii_whitespace();
            words.any(|word| word.eq_ignore_ascii_case("canonical"))
        })
    };
    let link = tags(head, b"<link").find(is_canonical)?;
    web(&value_of(link, b"href")?)
}

fn in_comment(comment: &str) -> Option<Url> {
    let comment = comment.trim();
    if let Some((_, rest)) = comment.split_once("saved from url=(") {
        let url = first_word(rest.split_once(')')?.1).trim_end_matches('-');
        // What would end the comment is written so.
        return web(&url.replace("%2D%2D", "--"));
    }
    if comment.contains("SingleFile") {
        let mut lines = comment.lines();
        return lines.find_map(|line| web(first_word(line.trim().strip_prefix("url:")?)));
    }
    if let Some(rest) = comment.strip_prefix("Saved from ") {
        return rest.contains(" using ").then(|| web(first_word(rest)))?;
    }
    let mirrored = first_word(comment.strip_prefix("Mirrored from ")?);
    // HTTrack leaves the scheme out.
    let is_bare = !mirrored.contains("://");
    web(&format!(
        "{}{mirrored}",
        if is_bare { "http://" } else { "" }
    ))
}

fn in_page_tag(head: &[u8]) -> Option<Url> {
    let mut pages = tags(head, b"<html");
    web(&pages.find_map(|tag| value_of(tag, b"data-scrapbook-source"))?)
}

/// It may stand behind long styles.
fn in_meta_tag(head: &[u8]) -> Option<Url> {
    memmem::find(head, b"savepage-url")?;
    let is_it = |tag: &&[u8]| value_of(tag, b"name").as_deref() == Some("savepage-url");
    web(&value_of(tags(head, b"<meta").find(is_it)?, b"content")?)
}

/// The comments of a page's beginning.
fn comments(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    memmem::find_iter(head, b"<!--").filter_map(|at| {
        let rest = &head[at + b"<!--".len()..];
        Some(&rest[..memmem::find(rest, b"-->")?])
    })
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(page: &str) -> Option<String> {
        tool(page.as_bytes()).map(Into::into)
    }

    #[test]
    fn every_tools_mark_is_read() {
        for page in [
            "<!DOCTYPE html>\n<!-- saved from url=(0021)https://a.example/b?c -->\n<html>",
            "<!-- saved from url=(0021)https://a.example/b?c--><html>",
            "<!DOCTYPE html> <html lang=en><!--\n Page saved with SingleFile \n url: https://a.example/b?c \n saved date: Sat--><p>",
            "<!-- Saved from https://a.example/b?c at 2026-01-02T03:04:05Z using monolith v2.12.0 -->\n<p>",
            "<html data-scrapbook-source=\"https://a.example/b?c\" data-scrapbook-create=1>",
            "<html><head><meta name=\"savepage-url\" content=\"https://a.example/b?c\">",
            &format!(
                "<html><head><style>{}</style><meta name=savepage-url content=https://a.example/b?c>",
                "p{color:red}".repeat(3000)
            ),
        ] {
            assert_eq!(
                address(page).as_deref(),
                Some("https://a.example/b?c"),
                "{page}"
            );
        }
        let mirrored = "<html>\n<!-- Mirrored from a.example/b.html by HTTrack Website Copier/3.x [XR&CO'2014], Sat -->";
        assert_eq!(
            address(mirrored).as_deref(),
            Some("http://a.example/b.html")
        );
    }

    #[test]
    fn dashes_that_would_end_the_comment_are_as_they_were() {
        let page = "<!-- saved from url=(0025)https://a.example/b%2D%2Dc -->";
        assert_eq!(address(page).as_deref(), Some("https://a.example/b--c"));
    }

    #[test]
    fn mark_that_names_no_web_page_is_none() {
        for page in [
            "<!-- saved from url=(0014)about:internet -->",
            "<!-- saved from url=(0014 -->",
            "<!-- Saved from local source at 2026-01-02T03:04:05Z using monolith v2.12.0 -->",
            "<!-- Saved from the fire -->",
            "<!-- Mirrored from  -->",
            "<p>url: https://a.example/",
            "<!-- SingleFile \n url: ",
        ] {
            assert_eq!(address(page), None, "{page}");
        }
    }

    #[test]
    fn page_names_its_own_address() {
        let page = b"<LINK href='https://a.example/x&amp;y' rel='alternate Canonical'>";
        assert_eq!(
            canonical(page).map(String::from).as_deref(),
            Some("https://a.example/x&y")
        );
        assert_eq!(canonical(b"<link rel=canonical href=/x>"), None);
        assert_eq!(canonical(b"<link rel=icon href=https://a.example/x>"), None);
    }
}
