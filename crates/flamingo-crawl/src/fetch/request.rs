//! One request: sent under the crawler's name, answered within limits of time and size, its
//! redirects left to the caller.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ureq::http::header::{self, HeaderMap, HeaderName};
use ureq::http::{StatusCode, Version};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};
use url::Url;

use super::config::{FetchConfig, seconds};
use super::names::{CachedResolver, Names, PrivateAddress};
use super::outcome::Outcome;

/// What is read of an answer that is not stored, so that its connection can be used again.
const MAX_DRAINED: u64 = 64 << 10;

/// Longer times are those of servers that count in something else than seconds.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// Sends requests; connections to a host are used again.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    names: Arc<Names>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The header `Accept`.
    pub(super) accept: &'static str,
    /// The header `Accept-Encoding`; what is compressed is handed on as it is.
    pub(super) encoding: &'static str,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Payload,
}

/// The bytes of an answer, without the chunks they came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// All of them.
    Whole(Vec<u8>),
    /// Those before the limit.
    Cut(Vec<u8>),
    /// They were not asked for.
    Left,
}

impl Payload {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) | Self::Cut(bytes) => bytes.len() as u64,
            Self::Left => 0,
        }
    }
}

/// How much of a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// At most so many bytes.
    UpTo(u64),
    /// Nothing that is kept.
    Nothing,
}

impl Client {
    pub(super) fn new(config: &FetchConfig, names: Arc<Names>) -> Self {
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Its proxy would look names up itself, past the addresses that are allowed.
            .proxy(None)
            .user_agent(config.user_agent.as_str())
            .timeout_global(Some(seconds(config.timeout)))
            .timeout_resolve(Some(seconds(config.connect_timeout)))
            .timeout_connect(Some(seconds(config.connect_timeout)))
            .max_idle_connections(config.threads)
            .max_idle_connections_per_host(config.connections_per_host)
            .build();
        let resolver = CachedResolver(names.clone());
        let agent = Agent::with_parts(settings, DefaultConnector::default(), resolver);
        Self { agent, names }
    }

    /// How many names were looked up so far.
    pub(super) fn lookups(&self) -> u64 {
        self.names.lookups()
    }

    /// Asks for `url`; `take` sees the status and the headers, and says how much is read.
    pub(super) fn get(
        &self,
        url: &Url,
        wanted: Wanted,
        take: impl FnOnce(StatusCode, &HeaderMap) -> Take,
    ) -> Result<Answered, Outcome> {
        let request = self.agent.get(url.as_str());
        let request = request.header(header::ACCEPT, wanted.accept);
        let request = request.header(header::ACCEPT_ENCODING, wanted.encoding);
        let answer = request.call().map_err(|error| failure(url, error))?;
        let (head, body) = answer.into_parts();
        let body = match take(head.status, &head.headers) {
            Take::UpTo(limit) => read(body, limit).map_err(|error| failure(url, error.into()))?,
            Take::Nothing => {
                drain(body);
                Payload::Left
            }
        };
        Ok(Answered {
            status: head.status,
            version: head.version,
            headers: head.headers,
            body,
        })
    }
}

fn read(body: Body, limit: u64) -> io::Result<Payload> {
    let mut bytes = Vec::new();
    body.into_reader().take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        bytes.truncate(limit as usize);
        return Ok(Payload::Cut(bytes));
    }
    Ok(Payload::Whole(bytes))
}

/// Reads a short body to its end. Nothing is lost where that fails but a connection.
fn drain(mut body: Body) {
    let short = body
        .content_length()
        .is_none_or(|length| length <= MAX_DRAINED);
    if short {
        io::copy(&mut body.as_reader().take(MAX_DRAINED), &mut io::sink()).ok();
    }
}

fn failure(url: &Url, error: ureq::Error) -> Outcome {
    tracing::debug!(%url, %error, "no answer");
    match error {
        ureq::Error::HostNotFound => Outcome::HostNotFound,
        ureq::Error::Timeout(_) => Outcome::TimedOut,
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Outcome::TimedOut,
        ureq::Error::Io(_) | ureq::Error::ConnectionFailed => Outcome::ConnectionFailed,
        ureq::Error::Other(error) if error.is::<PrivateAddress>() => Outcome::PrivateAddress,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Outcome::ConnectionFailed,
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => Outcome::UnusableUrl,
        _ => Outcome::MalformedAnswer,
    }
}

/// The media type of an answer in lower case, without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = text(headers, header::CONTENT_TYPE)?;
    let name = value.split(';').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// How long the server asks to be left alone, a day at the most.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?.trim();
    let asked = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

/// Where a redirect leads from `url`.
pub(super) fn location(headers: &HeaderMap, url: &Url) -> Option<Url> {
    // Servers write them unescaped, in any charset.
    let value = headers.get(header::LOCATION)?.as_bytes();
    url.join(&String::from_utf8_lossy(value)).ok()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::UNIX_EPOCH;

    use ureq::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &[u8]) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).unwrap())])
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_more_than_a_day() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Tue, 14 Nov 2023 22:13:30 GMT", Some(10)),
            ("Tue, 14 Nov 2000 22:13:30 GMT", Some(0)),
            ("18446744073709551615", Some(86_400)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("99999999999999999999", None),
            ("-1", None),
            ("soon", None),
        ] {
            let asked = retry_after(&headers(header::RETRY_AFTER, value.as_bytes()), now);
            assert_eq!(asked.map(|time| time.as_secs()), seconds, "{value}");
        }
    }

    #[test]
    fn a_location_is_read_in_any_charset_and_relative_to_its_page() {
        let url = Url::parse("https://a.test/x/y?q").unwrap();
        for (value, to) in [
            ("../z".as_bytes(), "https://a.test/z"),
            ("//b.test".as_bytes(), "https://b.test/"),
            ("/\u{e4} b".as_bytes(), "https://a.test/%C3%A4%20b"),
            (b"/\xe4", "https://a.test/%EF%BF%BD"),
        ] {
            let headers = headers(header::LOCATION, value);
            assert_eq!(location(&headers, &url).unwrap().as_str(), to);
        }
        assert!(location(&HeaderMap::new(), &url).is_none());
    }

    #[test]
    fn a_media_type_has_neither_case_nor_parameters() {
        let name = |value: &[u8]| media_type(&headers(header::CONTENT_TYPE, value));
        assert_eq!(name(b"Text/HTML ; charset=x").as_deref(), Some("text/html"));
        assert_eq!(name(b";charset=x"), None);
        assert_eq!(name(b"\xff"), None);
    }
}
