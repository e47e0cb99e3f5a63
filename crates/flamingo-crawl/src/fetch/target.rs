//! Which lines of a list, and which places that redirects name, can be asked for.

use serde::Deserialize;
use url::Url;

/// A line of JSON; what else it says is left alone.
#[derive(Deserialize)]
struct Line {
    url: String,
}

/// The URL of a line: the line itself, or the `url` of its JSON.
pub(super) fn listed(line: &str) -> Option<Url> {
    let line = line.trim();
    if line.starts_with('{') {
        let line: Line = serde_json::from_str(line).ok()?;
        return fetchable(Url::parse(&line.url).ok()?);
    }
    fetchable(Url::parse(line).ok()?)
}

/// `url` without what is not sent to anyone; none if it has no host that HTTP reaches.
pub(super) fn fetchable(mut url: Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return None;
    }
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<String> {
        listed(line).map(String::from)
    }

    #[test]
    fn a_line_is_a_url_or_json_that_has_one_without_fragment_and_password() {
        for (line, url) in [
            ("http://a.test\r\n", "http://a.test/"),
            ("  https://me:pw@B.test/x?y#z ", "https://b.test/x?y"),
            (r#"{"id": 3, "url": "http://a.test/#x"}"#, "http://a.test/"),
        ] {
            assert_eq!(read(line).as_deref(), Some(url), "{line}");
        }
    }

    #[test]
    fn what_http_does_not_reach_is_not_asked_for() {
        for line in [
            "",
            "ftp://a.test/",
            "example.org",
            "http://",
            "data:,x",
            "mailto:a@b.test",
            "file:///etc/passwd",
            r#"{"uri": "http://a.test/"}"#,
            r#"{"url": 3}"#,
            "{",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
