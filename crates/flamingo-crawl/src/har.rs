//! HAR 1.2: what a browser asked for and got, as one JSON document.

use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::base64;
use crate::headers::media_type;
use crate::{Answer, Directives, Item, ReadOptions, Reason, Redirect};

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
    response: Response,
    #[serde(rename = "startedDateTime")]
    started: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    url: String,
}

#[derive(Deserialize)]
struct Response {
    status: Status,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default, rename = "redirectURL")]
    redirect: Option<String>,
}

/// A status, which some programs write as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Number(f64),
    Text(String),
}

impl Status {
    fn number(&self) -> Option<u16> {
        match self {
            Self::Number(number) => Some(*number as u16),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    value: Value,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default, rename = "mimeType")]
    media: Option<String>,
    text: Option<String>,
    encoding: Option<String>,
    /// The body's file beside this one, as Playwright writes it.
    #[serde(default, rename = "_file")]
    file: Option<String>,
}

/// Gives the bytes of a file that lies beside a HAR file.
pub(crate) type Beside<'f> = dyn FnMut(&str) -> Option<Vec<u8>> + 'f;

/// Whether a JSON document begins as one of these does.
pub(crate) fn is_har(text: &[u8]) -> bool {
    let log = text.trim_ascii_start().strip_prefix(b"{");
    log.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"log\""))
}

/// The files beside a HAR file that hold its bodies.
pub(crate) fn files(bytes: &[u8]) -> Vec<String> {
    // Far from all of it need be read as JSON.
    if memmem::find(bytes, b"\"_file\"").is_none() {
        return Vec::new();
    }
    let entries =
        serde_json::from_slice::<Har>(bytes).map_or_else(|_| Vec::new(), |har| har.log.entries);
    let name = |entry: Value| {
        let name = entry.get("response")?.get("content")?.get("_file")?;
        name.as_str().map(str::to_owned)
    };
    entries.into_iter().filter_map(name).collect()
}

/// The answers that a browser got, in its order.
pub(crate) fn read(bytes: &[u8], beside: &mut Beside<'_>, options: &ReadOptions) -> Vec<Item> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice::<Har>(text) {
        Ok(har) => har
            .log
            .entries
            .into_iter()
            .map(|entry| item(entry, beside, options))
            .collect(),
        Err(error) => {
            tracing::debug!("a HAR file that cannot be read: {error}");
            vec![Item::skipped(Reason::MalformedArchive, None)]
        }
    }
}

fn item(entry: Value, beside: &mut Beside<'_>, options: &ReadOptions) -> Item {
    match serde_json::from_value::<Entry>(entry) {
        Err(_) => Item::skipped(Reason::MalformedRecord, None),
        Ok(entry) => {
            let asked = entry.request.url.clone();
            made(entry, beside, options).unwrap_or_else(|reason| Item::skipped(reason, Some(asked)))
        }
    }
}

fn made(entry: Entry, beside: &mut Beside<'_>, options: &ReadOptions) -> Result<Item, Reason> {
    let url = Url::parse(&entry.request.url).map_err(|_| Reason::MissingUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Reason::OtherRecord);
    }
    let response = entry.response;
    // An answer that never came has status 0.
    let status = response.status.number().filter(|status| *status >= 100);
    let status = status.ok_or(Reason::NotFetched)?;
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        let to = response.redirect.filter(|to| !to.is_empty());
        let to = to.or_else(|| header(&response.headers, "location").next());
        let to = to
            .and_then(|to| url.join(&to).ok())
            .ok_or(Reason::MissingLocation)?;
        return Ok(Item::Redirect(Redirect {
            from: url.into(),
            to: to.into(),
            status,
            place: None,
        }));
    }
    let Content {
        media,
        text,
        encoding,
        file,
    } = response.content.unwrap_or_default();
    let stored = file
        .filter(|_| text.is_none())
        .and_then(|name| beside(&name));
    if text.is_none() && stored.is_none() {
        return Err(Reason::NoBody);
    }
    let text = text.unwrap_or_default();
    // What a browser has already it shows as it was.
    let status = if status == 304 { 200 } else { status };
    let media = media.filter(|media| !media.is_empty());
    let media = media.or_else(|| header(&response.headers, "content-type").next());
    let (content_type, mut charset) = media_type(&media.unwrap_or_default());
    let encoding = encoding.unwrap_or_default();
    let mut body = match (stored, text) {
        (Some(stored), _) => stored,
        (None, text) if encoding.eq_ignore_ascii_case("base64") => base64::decode(text.as_bytes()),
        (None, text) => {
            // Decoded already, whatever the header says.
            charset = Some("utf-8".to_owned());
            text.into_bytes()
        }
    };
    let max = usize::try_from(options.max_body).unwrap_or(usize::MAX);
    let truncated = body.len() > max;
    body.truncate(max);
    Ok(Item::Answer(Answer {
        status,
        charset,
        directives: Directives {
            robots: header(&response.headers, "x-robots-tag").collect(),
            tdm_reservation: header(&response.headers, "tdm-reservation").next(),
        },
        date: entry.started,
        truncated,
        ..Answer::new(url, content_type.as_deref(), body)
    }))
}

fn header<'h>(headers: &'h [Header], name: &'static str) -> impl Iterator<Item = String> + 'h {
    let named = headers.iter().filter(move |header| {
        header
            .name
            .as_str()
            .is_some_and(|of| of.eq_ignore_ascii_case(name))
    });
    named.filter_map(|header| header.value.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn items(entries: &str) -> Vec<Item> {
        let text = format!("{{\n \"log\": {{\"version\": \"1.2\", \"entries\": [{entries}]}}}}");
        assert!(is_har(text.as_bytes()));
        let mut beside = |name: &str| (name == "7.html").then(|| b"<p>caf\xe9".to_vec());
        read(text.as_bytes(), &mut beside, &ReadOptions::default())
    }

    fn entry(url: &str, response: &str) -> String {
        format!(
            r#"{{"startedDateTime": "2026-01-02T03:04:05Z", "request": {{"method": "GET", "url": "{url}"}}, "response": {response}}}"#
        )
    }

    #[test]
    fn answers_come_with_what_their_headers_say() {
        let page = entry(
            "https://a.example/",
            r#"{"status": 200, "headers": [{"name": "X-Robots-Tag", "value": "noai"}], "content": {"mimeType": "text/html; charset=latin1", "text": "<p>caf\u00e9"}}"#,
        );
        let picture = entry(
            "https://a.example/a.gif",
            r#"{"status": 200, "content": {"mimeType": "image/gif", "text": "R0lGODlh", "encoding": "base64"}}"#,
        );
        let found = items(&format!("{page}, {picture}"));
        let [Item::Answer(page), Item::Answer(picture)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(page.body, "<p>café".as_bytes());
        assert_eq!(
            (page.content_type.as_deref(), page.charset.as_deref()),
            (Some("text/html"), Some("utf-8"))
        );
        assert_eq!(page.directives.robots, ["noai"]);
        assert_eq!(page.date.as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(picture.body, b"GIF89a");
    }

    #[test]
    fn entries_without_a_body_are_counted_by_reason() {
        let entries = [
            entry(
                "https://a.example/r",
                r#"{"status": 302, "redirectURL": "/s", "content": {}}"#,
            ),
            entry(
                "https://a.example/c",
                r#"{"status": 304, "content": {"mimeType": "x"}}"#,
            ),
            entry("https://a.example/f", r#"{"status": 0, "content": {}}"#),
            entry("blob:x", r#"{"status": 200, "content": {"text": ""}}"#),
            entry(
                "https://a.example/n",
                r#"{"status": 204, "headers": [{"name": "A", "value": null}], "content": null}"#,
            ),
            "{}".to_owned(),
        ];
        let found = items(&entries.join(","));
        let Item::Redirect(redirect) = &found[0] else {
            panic!("{found:?}");
        };
        assert_eq!(redirect.to, "https://a.example/s");
        let reasons: Vec<_> = found
            .iter()
            .filter_map(|item| match item {
                Item::Skipped(skipped) => Some(skipped.reason),
                _ => None,
            })
            .collect();
        assert_eq!(
            reasons,
            [
                Reason::NoBody,
                Reason::NotFetched,
                Reason::OtherRecord,
                Reason::NoBody,
                Reason::MalformedRecord
            ]
        );
    }

    #[test]
    fn bodies_are_read_from_files_beside_and_from_what_the_browser_had() {
        let content = |content: &str| {
            format!(
                r#"{{"status": 200, "headers": [], "content": {{"mimeType": "text/html; charset=latin1", {content}}}}}"#
            )
        };
        let entries = [
            entry("https://a.example/7", &content(r#""_file": "7.html""#)),
            entry("https://a.example/8", &content(r#""_file": "8.html""#)),
            entry(
                "https://a.example/9",
                r#"{"status": "304", "content": {"mimeType": "text/html", "text": "<p>had"}}"#,
            ),
        ];
        let found = items(&entries.join(","));
        let [Item::Answer(stored), Item::Skipped(gone), Item::Answer(had)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            (stored.body.as_slice(), stored.charset.as_deref()),
            (&b"<p>caf\xe9"[..], Some("latin1"))
        );
        assert_eq!(gone.reason, Reason::NoBody);
        assert_eq!((had.status, had.body.as_slice()), (200, &b"<p>had"[..]));
    }

    proptest::proptest! {
        #[test]
        fn any_mutation_of_a_har_file_is_read_to_its_end(
            edits in crate::testing::edits(),
        ) {
            let entries = ["https://a.example/7", "https://a.example/8"].map(|url| {
                entry(url, r#"{"status": 200, "headers": [{"name": "A", "value": "b"}], "redirectURL": "", "content": {"mimeType": "image/gif", "text": "R0lGODlh", "encoding": "base64"}}"#)
            });
            let text = format!(r#"{{"log": {{"version": "1.2", "entries": [{}]}}}}"#, entries.join(", "));
            let bytes = crate::testing::edited(text.into_bytes(), &edits);
            let options = ReadOptions { max_body: 4, ..ReadOptions::default() };
            let items = read(&bytes, &mut |_| Some(vec![7; 9]), &options);
            proptest::prop_assert!((0..4).contains(&items.len()));
            for item in items {
                if let Item::Answer(answer) = item {
                    proptest::prop_assert!(answer.body.len() <= 4);
                }
            }
        }
    }

    #[test]
    fn document_that_breaks_off_is_told() {
        let found = read(
            b"{\"log\": {\"entries\": [",
            &mut |_| None,
            &ReadOptions::default(),
        );
        assert!(
            matches!(&found[..], [Item::Skipped(skipped)] if skipped.reason == Reason::MalformedArchive)
        );
    }
}
