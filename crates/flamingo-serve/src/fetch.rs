//! Pictures from the network, if the server is allowed to: never from an address that only its own network may see.

use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use flamingo_crawl::is_public;
use ureq::Agent;
use ureq::http::{StatusCode, Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use url::Url;

/// Redirects that are followed; each is looked up and checked anew.
const MAX_REDIRECTS: usize = 5;
/// What a request takes of a host's addresses.
const MAX_ADDRESSES: usize = 16;

/// How much and how long is fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FetchLimits {
    /// Bytes of a picture.
    pub(crate) bytes: u64,
    /// From the first request to the last byte, redirects included.
    pub(crate) time: Duration,
}

/// Fetches pictures.
#[derive(Clone)]
pub(crate) struct WebFetcher {
    agent: Agent,
    limits: FetchLimits,
}

/// Which addresses may be asked.
type Allowed = fn(IpAddr) -> bool;

impl WebFetcher {
    pub(crate) fn new(limits: FetchLimits) -> Self {
        Self::with(limits, is_public)
    }

    fn with(limits: FetchLimits, allowed: Allowed) -> Self {
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy would look names up itself, past the addresses that are allowed.
            .proxy(None)
            .user_agent(concat!("flamingo/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(limits.time))
            // A connection that is kept was made to an address that was checked, but for another name.
            .max_idle_connections(0)
            .build();
        let resolver = CheckedResolver { allowed };
        Self {
            agent: Agent::with_parts(settings, DefaultConnector::default(), resolver),
            limits,
        }
    }

    /// The bytes at an address. Blocks.
    pub(crate) fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let deadline = Instant::now() + self.limits.time;
        let mut url = Url::parse(url).map_err(|error| error.to_string())?;
        for _ in 0..=MAX_REDIRECTS {
            match self.ask(&url, deadline)? {
                Answered::Bytes(bytes) => return Ok(bytes),
                Answered::Elsewhere(next) => url = next,
            }
        }
        Err(format!("more than {MAX_REDIRECTS} redirects"))
    }

    fn ask(&self, url: &Url, deadline: Instant) -> Result<Answered, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("it leads to a {}: address", url.scheme()));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.too_slow());
        }
        let request = self.agent.get(url.as_str());
        let request = request.header(header::ACCEPT, "image/*, video/*;q=0.5");
        let request = request.config().timeout_global(Some(left)).build();
        let answer = request.call().map_err(|error| self.reason(error))?;
        let (head, body) = answer.into_parts();
        if matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            let place = head.headers.get(header::LOCATION);
            let place = place.and_then(|value| value.to_str().ok());
            let next = place.and_then(|place| url.join(place).ok());
            return match next {
                Some(next) => Ok(Answered::Elsewhere(next)),
                None => Err("it is redirected without an address".to_owned()),
            };
        }
        if head.status != StatusCode::OK {
            return Err(format!("its server answered {}", head.status));
        }
        let (mut bytes, most) = (Vec::new(), self.limits.bytes);
        let mut reader = body.into_reader().take(most + 1);
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| self.broken(error))?;
        match bytes.len() as u64 > most {
            true => Err(format!("it has more than {most} bytes, which is the most")),
            false => Ok(Answered::Bytes(bytes)),
        }
    }

    fn too_slow(&self) -> String {
        format!("it took more than {} s", self.limits.time.as_secs())
    }

    fn reason(&self, error: ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => self.too_slow(),
            ureq::Error::Io(error) => self.broken(error),
            ureq::Error::Other(error) => error.to_string(),
            other => other.to_string(),
        }
    }

    fn broken(&self, error: io::Error) -> String {
        match error.kind() {
            io::ErrorKind::TimedOut => self.too_slow(),
            _ => error.to_string(),
        }
    }
}

enum Answered {
    Bytes(Vec<u8>),
    Elsewhere(Url),
}

/// A host has no address that may be asked.
#[derive(Debug, thiserror::Error)]
#[error("its host has no public address: addresses of private networks are not asked")]
struct NotPublic;

/// Looks names up and leaves out what is not allowed: what is connected to is what was checked.
struct CheckedResolver {
    allowed: Allowed,
}

impl std::fmt::Debug for CheckedResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CheckedResolver")
    }
}

impl Resolver for CheckedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let default = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let port = uri.port_u16().unwrap_or(default);
        let found = addresses(host, *timeout.after)?;
        let mut allowed = self.empty();
        for address in found
            .into_iter()
            .filter(|ip| (self.allowed)(*ip))
            .take(MAX_ADDRESSES)
        {
            allowed.push(SocketAddr::new(address, port));
        }
        match allowed.is_empty() {
            true => Err(ureq::Error::Other(Box::new(NotPublic))),
            false => Ok(allowed),
        }
    }
}

/// The addresses of a host, looked up in a thread of its own: the system's resolver cannot be told when to give up.
fn addresses(host: &str, timeout: Duration) -> Result<Vec<IpAddr>, ureq::Error> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let name: Arc<str> = host.into();
    std::thread::spawn(move || {
        let found = (&*name, 0).to_socket_addrs();
        // Who gave up wants no answer.
        let _ = sender.send(found.map(|all| all.map(|a| a.ip()).collect::<Vec<_>>()));
    });
    match receiver.recv_timeout(timeout) {
        Ok(Ok(found)) if !found.is_empty() => Ok(found),
        _ => Err(ureq::Error::HostNotFound),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    const LIMITS: FetchLimits = FetchLimits {
        bytes: 1000,
        time: Duration::from_secs(20),
    };

    /// A server that answers each request by its path, and the address that it listens at.
    fn server(answer: impl Fn(&str, u16) -> String + Send + 'static) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap().to_owned();
                // A client that has read enough may be gone.
                let _ = stream.write_all(answer(&path, port).as_bytes());
            }
        });
        port
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    fn to(place: &str) -> String {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    }

    #[test]
    fn addresses_of_private_networks_are_not_asked_by_number_or_name() {
        let port = server(|_, _| ok("secret"));
        let web = WebFetcher::new(LIMITS);
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "127.1",
            "2130706433",
        ] {
            let told = web.get(&format!("http://{host}:{port}/a.png")).unwrap_err();
            assert!(told.contains("public address"), "{host}: {told}");
        }
        for address in [
            "http://169.254.169.254/latest/meta-data",
            "http://10.0.0.1/",
            "http://192.168.1.1/",
        ] {
            assert!(
                web.get(address).unwrap_err().contains("public address"),
                "{address}"
            );
        }
    }

    #[test]
    fn redirects_are_checked_anew_and_bounded() {
        /// Only the first of the loopback addresses.
        fn first(address: IpAddr) -> bool {
            address == IpAddr::from([127, 0, 0, 1])
        }
        let port = server(|path, port| match path {
            "/good" => to("/picture"),
            "/picture" => ok("pixels"),
            "/private" => to(&format!("http://127.0.0.2:{port}/picture")),
            "/file" => to("file:///etc/passwd"),
            "/round" => to("/round"),
            "/large" => ok(&"x".repeat(1001)),
            _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        });
        let web = WebFetcher::with(LIMITS, first);
        let get = |path: &str| web.get(&format!("http://127.0.0.1:{port}{path}"));
        assert_eq!(get("/good"), Ok(b"pixels".to_vec()));
        for (path, says) in [
            ("/private", "public address"),
            ("/file", "file: address"),
            ("/round", "more than 5 redirects"),
            ("/large", "more than 1000 bytes"),
            ("/none", "404"),
        ] {
            let told = get(path).unwrap_err();
            assert!(told.contains(says), "{path}: {told}");
        }
    }
}
