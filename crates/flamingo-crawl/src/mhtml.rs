//! MHTML (RFC 2557): a page and what it shows as the parts of one message, as browsers and mail programs save it.
//!
//! A part is asked for by its `Content-Location`, or as `cid:` and its `Content-ID`: such references are written anew,
//! since one name may be another picture's in the next file.

use std::collections::HashMap;

use memchr::{memchr, memmem};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::base64;
use crate::headers::{Headers, find_end, media_type};
use crate::{Answer, Item, ReadOptions, Reason};

/// Messages within messages deeper than this are not looked into.
const MAX_DEPTH: usize = 8;
/// Bytes at the start of a file within which its headers say what it is.
const HEAD: usize = 4 << 10;

/// What a part says of itself, and its decoded bytes.
struct Part {
    content_type: String,
    location: Option<String>,
    id: Option<String>,
    date: Option<String>,
    bytes: Vec<u8>,
    /// Whether the file ends in it.
    is_cut: bool,
}

/// Whether a file's first bytes are the headers of such a message.
pub(crate) fn is_mhtml(bytes: &[u8]) -> bool {
    let head = bytes[..bytes.len().min(HEAD)].to_ascii_lowercase();
    let has = |word: &[u8]| memmem::find(&head, word).is_some();
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let is_header = memchr(b':', first).is_some_and(|colon| {
        let name = &first[..colon];
        !name.is_empty()
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    });
    is_header && has(b"mime-version:") && (has(b"multipart/") || has(b"text/html"))
}

/// The page of a message and what it shows. `file` is the page's URL if none is told.
pub(crate) fn read(bytes: &[u8], file: &Url, options: &ReadOptions) -> Vec<Item> {
    let mut found = Parts::default();
    let told = take_apart(bytes, false, 0, &mut found);
    let mut parts = found.parts;
    let root = told.and_then(|told| Some((root(&parts, told.start.as_deref())?, told)));
    let Some((root, told)) = root else {
        return vec![Item::skipped(Reason::MalformedArchive, None)];
    };
    let web = |text: &String| {
        let url = Url::parse(text).ok()?;
        matches!(url.scheme(), "http" | "https" | "file").then_some(url)
    };
    let url = told
        .snapshot
        .iter()
        .chain(&parts[root].location)
        .chain(&told.location)
        .find_map(web)
        .unwrap_or_else(|| file.clone());
    let names = names(&parts, &url);
    let mut items: Vec<Item> = Vec::with_capacity(parts.len());
    let date = told.date;
    let page = parts.remove(root);
    let body = as_browsers_read(&page.bytes, &names);
    items.push(answer(
        Part {
            bytes: body,
            date: page.date.or(date),
            ..page
        },
        url.clone(),
        options,
    ));
    for part in parts {
        let asked = part.id.as_ref().and_then(|id| names.get(id)).cloned();
        let target = part
            .location
            .as_ref()
            .and_then(|location| url.join(location).ok());
        items.push(match asked.or(target) {
            None if is_text(&part) => Item::skipped(Reason::OtherRecord, None),
            None => Item::skipped(Reason::MissingUrl, None),
            Some(target) if is_page(&part) => Item::skipped(Reason::Frame, Some(target.into())),
            Some(target) => answer(part, target, options),
        });
    }
    let headless = (0..found.headless).map(|_| Item::skipped(Reason::MalformedRecord, None));
    items.extend(headless);
    items
}

/// The parts of a message, those within others, too.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    /// How many have no end of their headers.
    headless: usize,
}

/// What the headers of a message say about its parts.
#[derive(Default)]
struct Told {
    snapshot: Option<String>,
    location: Option<String>,
    start: Option<String>,
    date: Option<String>,
}

/// Reads a message or part: one of several parts is taken apart, others are decoded. `None` if it has no headers.
fn take_apart(bytes: &[u8], is_cut: bool, depth: usize, parts: &mut Parts) -> Option<Told> {
    // A part without headers begins with the empty line behind them.
    let bytes = [b"\n", bytes].concat();
    let end = find_end(&bytes)?;
    let headers = Headers::parse(&bytes[..end]);
    let content_type = headers.text("Content-Type").unwrap_or_default();
    let body = &bytes[end..];
    let told = Told {
        snapshot: headers.text("Snapshot-Content-Location"),
        location: headers
            .text("Content-Location")
            .or_else(|| headers.text("Content-Base")),
        start: parameter(&content_type, "start").map(|id| bare_id(&id)),
        date: headers.text("Date"),
    };
    let is_multipart = content_type
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("multipart/");
    let boundary = parameter(&content_type, "boundary").filter(|boundary| !boundary.is_empty());
    match boundary.filter(|_| is_multipart) {
        Some(boundary) if depth < MAX_DEPTH => {
            for (part, is_cut) in split(body, boundary.as_bytes()) {
                if take_apart(part, is_cut, depth + 1, parts).is_none() {
                    parts.headless += usize::from(!part.trim_ascii().is_empty());
                }
            }
        }
        _ => parts.parts.push(Part {
            content_type,
            location: headers
                .text("Content-Location")
                .filter(|text| !text.is_empty()),
            id: headers.text("Content-ID").map(|id| bare_id(&id)),
            date: told.date.clone(),
            bytes: decode(
                body,
                &headers
                    .text("Content-Transfer-Encoding")
                    .unwrap_or_default(),
            ),
            is_cut,
        }),
    }
    Some(told)
}

/// The parts between lines that begin with `--` and the boundary, and whether the file ends in them.
fn split<'b>(body: &'b [u8], boundary: &[u8]) -> Vec<(&'b [u8], bool)> {
    let delimiter = [b"--", boundary].concat();
    let mut parts = Vec::new();
    // Where the part begins that is being read.
    let mut start = None;
    for at in memmem::find_iter(body, &delimiter) {
        let behind = &body[at + delimiter.len()..];
        let is_last = behind.starts_with(b"--");
        let line = &behind[..memchr(b'\n', behind).map_or(behind.len(), |end| end + 1)];
        let is_line =
            (at == 0 || body[at - 1] == b'\n') && (is_last || line.trim_ascii().is_empty());
        if !is_line {
            continue;
        }
        if let Some(start) = start {
            let part: &[u8] = body.get(start..at).unwrap_or_default();
            let part = part.strip_suffix(b"\n").unwrap_or(part);
            parts.push((part.strip_suffix(b"\r").unwrap_or(part), false));
        }
        start = Some(at + delimiter.len() + line.len());
        if is_last {
            return parts;
        }
    }
    if let Some(rest) = start.and_then(|start| body.get(start..)) {
        parts.push((rest, true));
    }
    parts
}

/// The part that is the page: the one that the message names, else the first page.
fn root(parts: &[Part], start: Option<&str>) -> Option<usize> {
    let is_start = |part: &Part| start.is_some() && part.id.as_deref() == start;
    let named = parts
        .iter()
        .position(|part| is_start(part) && is_page(part));
    named.or_else(|| parts.iter().position(is_page))
}

fn is_page(part: &Part) -> bool {
    let media = media_type(&part.content_type).0.unwrap_or_default();
    matches!(media.as_str(), "text/html" | "application/xhtml+xml")
}

/// Whether it is the message's text for programs that show no pages.
fn is_text(part: &Part) -> bool {
    let media = media_type(&part.content_type).0;
    media.is_none_or(|media| media == "text/plain")
}

/// The URLs of parts by their `Content-ID`: where they were, else one that only this page has.
fn names(parts: &[Part], page: &Url) -> HashMap<String, Url> {
    let named = parts.iter().filter_map(|part| {
        let id = part.id.clone()?;
        let location = part
            .location
            .as_ref()
            .and_then(|location| page.join(location).ok());
        let was = location.filter(|url| matches!(url.scheme(), "http" | "https" | "file"));
        let url = was.unwrap_or_else(|| {
            let mut url = page.clone();
            url.set_fragment(None);
            url.query_pairs_mut().append_pair("cid", &id);
            url
        });
        Some((id, url))
    });
    named.collect()
}

/// A page with the URLs of parts in place of `cid:`, and with the shadow trees that Chromium writes as
/// `<template shadowmode>` by the name that they have in pages.
fn as_browsers_read(page: &[u8], names: &HashMap<String, Url>) -> Vec<u8> {
    const WRITTEN: &[u8] = b"<template shadowmode=";
    const READ: &[u8] = b"<template shadowrootmode=";
    let mut out = Vec::with_capacity(page.len());
    let mut from = 0;
    while let Some(at) = memchr::memchr3(b'<', b'c', b'C', &page[from..]).map(|at| from + at) {
        out.extend_from_slice(&page[from..at]);
        let rest = &page[at..];
        from = at + 1;
        if rest.starts_with(WRITTEN) {
            out.extend_from_slice(READ);
            from = at + WRITTEN.len();
        } else if let Some((length, url)) = named(rest, names) {
            out.extend_from_slice(url.as_str().replace('&', "&amp;").as_bytes());
            from = at + length;
        } else {
            out.push(page[at]);
        }
    }
    out.extend_from_slice(&page[from..]);
    out
}

/// The part that `cid:` names here (RFC 2392), and how long the reference is.
fn named<'n>(bytes: &[u8], names: &'n HashMap<String, Url>) -> Option<(usize, &'n Url)> {
    const SCHEME: usize = b"cid:".len();
    let rest = &bytes[SCHEME.min(bytes.len())..];
    if !bytes[..bytes.len() - rest.len()].eq_ignore_ascii_case(b"cid:") {
        return None;
    }
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>),".contains(byte);
    let length = rest.iter().take(1 << 10).position(is_end)?;
    let id = std::str::from_utf8(&rest[..length]).ok()?;
    let id = htmlize::unescape_attribute(id);
    // What a URL may not hold is escaped in it; not all programs do so.
    let url = names
        .get(&*id)
        .or_else(|| names.get(&*percent_decode_str(&id).decode_utf8_lossy()))?;
    Some((SCHEME + length, url))
}

fn answer(part: Part, url: Url, options: &ReadOptions) -> Item {
    let (content_type, charset) = media_type(&part.content_type);
    let max = usize::try_from(options.max_body).unwrap_or(usize::MAX);
    let mut body = part.bytes;
    let is_long = body.len() > max;
    body.truncate(max);
    Item::Answer(Answer {
        charset,
        date: part.date,
        truncated: part.is_cut || is_long,
        ..Answer::new(url, content_type.as_deref(), body)
    })
}

/// `<a@b>` without its brackets.
fn bare_id(id: &str) -> String {
    id.trim()
        .trim_start_matches('<')
        .trim_end_matches('>')
        .to_owned()
}

/// The value of a header's parameter, quoted or not.
fn parameter(value: &str, name: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let mut found = lower.match_indices(name).filter_map(|(at, _)| {
        let begins = value[..at].trim_end().ends_with(';');
        let after = value[at + name.len()..].trim_start().strip_prefix('=')?;
        begins.then(|| after.trim_start())
    });
    let text = found.next()?;
    let text = match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => text.split(|c: char| c == ';' || c.is_whitespace()).next(),
    };
    text.map(str::to_owned)
}

fn decode(body: &[u8], encoding: &str) -> Vec<u8> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => base64::decode(body),
        "quoted-printable" => unquoted(body),
        _ => body.to_vec(),
    }
}

/// Quoted-printable (RFC 2045, 6.7); a `=` that begins no escape stays.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'=', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let digit = |at: usize| rest.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        if let (Some(high), Some(low)) = (digit(0), digit(1)) {
            out.push((high * 16 + low) as u8);
            rest = &rest[2..];
            continue;
        }
        let blank = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        match &rest[blank..] {
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => rest = after,
            [] => rest = &[],
            _ => out.push(b'='),
        }
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn items(message: &str) -> Vec<Item> {
        let file = Url::parse("file:///saved/page.mhtml").unwrap();
        read(message.as_bytes(), &file, &ReadOptions::default())
    }

    fn answers(message: &str) -> Vec<Answer> {
        let answers = items(message).into_iter().filter_map(|item| match item {
            Item::Answer(answer) => Some(answer),
            _ => None,
        });
        answers.collect()
    }

    fn message(head: &str, parts: &[&str]) -> String {
        let mut text = format!(
            "{head}MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\ttype=\"text/html\";\r\n\tboundary=\"--b=1\"\r\n\r\n"
        );
        for part in parts {
            text.push_str(&format!("\r\n----b=1\r\n{part}"));
        }
        text + "\r\n----b=1--\r\n"
    }

    #[test]
    fn page_and_its_pictures_are_the_parts() {
        let text = message(
            "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a.example/b/c\r\nDate: Sat, 3 Jan 2026\r\n",
            &[
                "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Location: https://a.example/b/c\r\n\r\n<p class=3D\"x\">caf=C3=A9 so=\r\nft<img src=3D\"d.gif\">",
                "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\nContent-Location: d.gif\r\n\r\nR0lG\r\nODlh\r\n",
                "Content-Type: text/html\r\nContent-Location: https://a.example/frame\r\n\r\n<p>inner",
            ],
        );
        assert!(is_mhtml(text.as_bytes()));
        let answers = answers(&text);
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0].url, "https://a.example/b/c");
        assert_eq!(answers[0].charset.as_deref(), Some("utf-8"));
        assert_eq!(
            answers[0].body,
            "<p class=\"x\">café soft<img src=\"d.gif\">".as_bytes()
        );
        assert_eq!(
            (answers[1].url.as_str(), answers[1].body.as_slice()),
            ("https://a.example/b/d.gif", &b"GIF89a"[..])
        );
        let frame = items(&text)
            .into_iter()
            .any(|item| matches!(item, Item::Skipped(skipped) if skipped.reason == Reason::Frame));
        assert!(frame);
    }

    #[test]
    fn parts_without_an_address_are_asked_for_by_their_id_within_their_page() {
        let text = message(
            "",
            &[
                "Content-Type: text/html\r\n\r\n<img src=\"cid:pic@x\"><img src='cid:none@x'>",
                "Content-Type: image/gif\r\nContent-ID: <pic@x>\r\n\r\nGIF89a",
            ],
        );
        let answers = answers(&text);
        assert_eq!(answers[0].url, "file:///saved/page.mhtml");
        assert_eq!(answers[1].url, "file:///saved/page.mhtml?cid=pic%40x");
        let page = String::from_utf8(answers[0].body.clone()).unwrap();
        assert_eq!(
            page,
            format!("<img src=\"{}\"><img src='cid:none@x'>", answers[1].url)
        );
    }

    #[test]
    fn parts_are_asked_for_by_their_id_as_urls_escape_it() {
        let text = message(
            "",
            &[
                "Content-Type: text/html\r\n\r\n<img src=CID:a%40x><img src='cid:b&amp;c@x'><img srcset=\"cid:a@x, cid:b%26c@x 2x\">",
                "Content-Type: image/gif\r\nContent-ID: <a@x>\r\nContent-Location: https://a.example/a.gif\r\n\r\nGIF89a",
                "Content-Type: image/gif\r\nContent-ID: b&c@x\r\nContent-Location: https://a.example/b.gif\r\n\r\nGIF89b",
            ],
        );
        assert_eq!(
            String::from_utf8_lossy(&answers(&text)[0].body),
            "<img src=https://a.example/a.gif><img src='https://a.example/b.gif'>\
             <img srcset=\"https://a.example/a.gif, https://a.example/b.gif 2x\">"
        );
    }

    #[test]
    fn message_for_mail_programs_is_its_page_and_the_text_beside_it_is_no_loss() {
        let text = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=r; type=\"multipart/alternative\"\r\n\r\n\
            --r\r\nContent-Type: multipart/alternative; boundary=\"a\"\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nx\r\n\
            --a\r\nContent-Type: text/html; charset=\"Windows-1252\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>x<img src=\"cid:i@1\">\r\n--a--\r\n\r\n\
            --r\r\nContent-Type: image/gif; name=\"i.gif\"\r\nContent-Transfer-Encoding: BASE64\r\nContent-ID: <i@1>\r\n\r\nR0lGODlh\r\n--r--\r\n";
        let items = items(text);
        let reasons: Vec<_> = items
            .iter()
            .filter_map(|item| match item {
                Item::Skipped(skipped) => Some(skipped.reason),
                _ => None,
            })
            .collect();
        assert_eq!(reasons, [Reason::OtherRecord]);
        let answers = answers(text);
        assert_eq!(answers[0].charset.as_deref(), Some("Windows-1252"));
        assert_eq!(answers[1].body, b"GIF89a");
    }

    #[test]
    fn shadow_trees_have_the_name_that_they_have_in_pages() {
        let text = message(
            "",
            &["Content-Type: text/html\r\n\r\n<b><template shadowmode=\"open\"><p>x</template>"],
        );
        assert_eq!(
            answers(&text)[0].body,
            b"<b><template shadowrootmode=\"open\"><p>x</template>"
        );
    }

    #[test]
    fn message_that_breaks_off_keeps_what_came() {
        let text = message(
            "",
            &[
                "Content-Type: text/html\r\n\r\n<p>x",
                "Content-Type: image/gif\r\nContent-Location: https://a.example/a.gif\r\n\r\nGIF89a",
            ],
        );
        let cut = &text[..text.len() - 16];
        let answers = answers(cut);
        assert_eq!(answers.len(), 2);
        assert!(!answers[0].truncated && answers[1].truncated);
        let cut = &text[..text.find("https://a.example").unwrap()];
        let lost = items(cut).into_iter().filter(
            |item| matches!(item, Item::Skipped(skipped) if skipped.reason == Reason::MalformedRecord),
        );
        assert_eq!(lost.count(), 1);
    }

    #[test]
    fn what_is_no_message_is_told() {
        for text in [
            "",
            "no headers",
            "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--c\r\n",
        ] {
            let found = items(text);
            assert!(
                matches!(&found[..], [Item::Skipped(skipped)] if skipped.reason == Reason::MalformedArchive),
                "{text}"
            );
        }
        assert!(!is_mhtml(b"<p>MIME-Version: 1.0 multipart/related"));
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_escape() {
        assert_eq!(unquoted(b"a=3Db=\r\nc=  \nd=zz=e9="), b"a=bcd=zz\xe9");
    }

    proptest::proptest! {
        #[test]
        fn any_mutation_of_a_message_is_read_to_its_end(edits in crate::testing::edits()) {
            let text = message(
                "Snapshot-Content-Location: https://a.example/\r\n",
                &[
                    "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Location: https://a.example/\r\n\r\n<p class=3D\"x\">caf=C3=A9<img src=cid:b@x><template shadowmode=open>",
                    "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <b@x>\r\n\r\nR0lGODlhAQABAAAAACw=",
                    "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nx\r\n--c\r\n\r\ny\r\n--c--",
                ],
            );
            let bytes = crate::testing::edited(text.into_bytes(), &edits);
            let options = ReadOptions { max_body: 9, ..ReadOptions::default() };
            let items = read(&bytes, &Url::parse("file:///a").unwrap(), &options);
            proptest::prop_assert!((1..9).contains(&items.len()));
            for item in items {
                if let Item::Answer(answer) = item {
                    proptest::prop_assert!(answer.body.len() <= 9);
                }
            }
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let file = Url::parse("file:///a").unwrap();
            let text = message("", &[&String::from_utf8_lossy(&bytes)]);
            let _ = read(&bytes, &file, &ReadOptions::default());
            let _ = read(text.as_bytes(), &file, &ReadOptions::default());
        }
    }
}
