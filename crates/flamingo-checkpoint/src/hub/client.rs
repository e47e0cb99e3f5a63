//! HTTP as the hub speaks it: redirects followed by hand, the token sent to the hub alone.

use std::time::Duration;

use ureq::http::{HeaderMap, Method, Response, Uri};
use ureq::{Agent, Body, Proxy};

use super::error::HubError;
use super::failure::Failure;
use super::options::HubOptions;

const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence, before an answer and within it.
const SILENCE: Duration = Duration::from_secs(60);
const MOST_REDIRECTS: usize = 8;
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Talks to one hub.
pub(crate) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(options: &HubOptions) -> Result<Self, HubError> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Set even if there is none: the default looks into the environment.
            .proxy(proxy(options)?)
            // Sizes and ranges are those of the file itself.
            .accept_encoding("identity")
            .user_agent(USER_AGENT)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        Ok(Self {
            agent: config.build().into(),
            endpoint: options.endpoint.clone(),
            token: options.token.clone(),
        })
    }

    /// The address of a path of the hub.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.endpoint)
    }

    /// Fetches an address from a byte on, wherever it is redirected.
    pub(crate) fn get(&self, url: &str, from: u64) -> Result<Response<Body>, Failure> {
        self.follow(Method::GET, url, from, |_| false)
    }

    /// The headers about a file: the hub's own, where it redirects to a file that is elsewhere.
    pub(crate) fn head(&self, url: &str) -> Result<HeaderMap, Failure> {
        let is_about_file = |headers: &HeaderMap| {
            headers.contains_key("x-linked-etag") && headers.contains_key("x-linked-size")
        };
        let answer = self.follow(Method::HEAD, url, 0, is_about_file)?;
        Ok(answer.into_parts().0.headers)
    }

    fn follow(
        &self,
        method: Method,
        url: &str,
        from: u64,
        is_enough: impl Fn(&HeaderMap) -> bool,
    ) -> Result<Response<Body>, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.ask(method.clone(), &url, from)?;
            let status = answer.status();
            if status.is_success() || (status.is_redirection() && is_enough(answer.headers())) {
                return Ok(answer);
            }
            if !status.is_redirection() {
                return Err(refusal(&answer));
            }
            let to = header(answer.headers(), "location");
            url = redirected(&url, to.unwrap_or_default()).map_err(Failure::BadAnswer)?;
        }
        Err(Failure::BadAnswer(format!(
            "it redirects more than {MOST_REDIRECTS} times"
        )))
    }

    fn ask(&self, method: Method, url: &str, from: u64) -> Result<Response<Body>, Failure> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        if let Some(token) = self.token.as_ref().filter(|_| self.is_own(url)) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request
            .body(())
            .map_err(|error| Failure::BadAnswer(error.to_string()))?;
        self.agent.run(request).map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::BadAnswer(format!("{} is not an address: {error}", shown(url)))
            }
            error => Failure::Connection(format!("{} ({})", error, shown(url))),
        })
    }

    fn is_own(&self, url: &str) -> bool {
        let own = origin(&self.endpoint);
        own.is_some() && own == origin(url)
    }
}

fn proxy(options: &HubOptions) -> Result<Option<Proxy>, HubError> {
    let Some(address) = &options.proxy else {
        return Ok(None);
    };
    let parsed = Proxy::new(address).map_err(|_| HubError::BadProxy)?;
    let mut proxy = Proxy::builder(parsed.protocol())
        .host(parsed.host())
        .port(parsed.port());
    if let Some(name) = parsed.username() {
        proxy = proxy.username(name);
    }
    if let Some(password) = parsed.password() {
        proxy = proxy.password(password);
    }
    for host in options.no_proxy.iter().flat_map(|hosts| hosts.split(',')) {
        proxy = proxy.no_proxy(host.trim());
    }
    proxy.build().map(Some).map_err(|_| HubError::BadProxy)
}

/// A header as text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn refusal(answer: &Response<Body>) -> Failure {
    let headers = answer.headers();
    Failure::Status {
        status: answer.status().as_u16(),
        code: header(headers, "x-error-code")
            .unwrap_or_default()
            .to_owned(),
        retry_after: header(headers, "retry-after").and_then(|seconds| seconds.parse().ok()),
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let port = uri
        .port_u16()
        .unwrap_or(if scheme == "https" { 443 } else { 80 });
    Some((scheme, uri.host()?.to_ascii_lowercase(), port))
}

/// Where a redirect from `url` leads, or why it is not followed.
fn redirected(url: &str, to: &str) -> Result<String, String> {
    let base: Uri = url
        .parse()
        .map_err(|_| format!("{} is not an address", shown(url)))?;
    let scheme = base.scheme_str().unwrap_or("https");
    let host = base
        .authority()
        .map(|authority| authority.as_str())
        .unwrap_or_default();
    let target = match to {
        "" => return Err("it redirects to nowhere".to_owned()),
        _ if to.starts_with("http://") || to.starts_with("https://") => to.to_owned(),
        _ if to.starts_with("//") => format!("{scheme}:{to}"),
        _ if to.starts_with('/') => format!("{scheme}://{host}{to}"),
        _ => {
            let folder = base
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            format!("{scheme}://{host}{folder}/{to}")
        }
    };
    if scheme == "https" && target.starts_with("http://") {
        return Err(format!("it redirects from https to {}", shown(&target)));
    }
    Ok(target)
}

/// An address without its query, which may hold a signature.
fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn redirects_are_read_as_a_browser_reads_them() {
        let from = |to| redirected("https://hub.co/a/b?c=d", to);
        assert_eq!(
            from("https://cdn.co/x?y=z").as_deref(),
            Ok("https://cdn.co/x?y=z")
        );
        assert_eq!(from("//cdn.co/x").as_deref(), Ok("https://cdn.co/x"));
        assert_eq!(from("/x?y").as_deref(), Ok("https://hub.co/x?y"));
        assert_eq!(from("x").as_deref(), Ok("https://hub.co/a/x"));
    }

    #[test]
    fn redirects_to_nowhere_or_to_an_open_line_are_refused() {
        assert!(redirected("https://hub.co/a", "").is_err());
        let error = redirected("https://hub.co/a", "http://hub.co/a?secret").unwrap_err();
        assert!(
            error.contains("http://hub.co/a") && !error.contains("secret"),
            "{error}"
        );
    }

    #[test]
    fn origin_is_scheme_host_and_port() {
        assert_eq!(origin("https://Hub.co/a"), origin("https://hub.co:443/b?c"));
        assert_ne!(origin("https://hub.co/a"), origin("http://hub.co/a"));
        assert_ne!(origin("https://hub.co"), origin("https://hub.co.evil.com"));
        assert_ne!(origin("https://hub.co"), origin("https://hub.co@evil.com"));
        assert_ne!(origin("http://127.0.0.1:1"), origin("http://127.0.0.1:2"));
        assert_eq!(origin("not an address"), None);
    }
}
