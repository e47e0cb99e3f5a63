//! Where a scheduler is.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use url::Url;

/// The port where none is said.
const PORT: u16 = 50_050;

/// Host and port of a scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// As it stands in a URL: an address of IPv6 in brackets.
    host: String,
    port: u16,
}

impl Address {
    /// The host, as it stands in a URL.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Address {
    type Err = String;

    /// `HOST:PORT`, `HOST`, or either behind `df://`, `http://` or `grpc://`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("{text:?} is no scheduler's address ({what}): give HOST:PORT");
        let (scheme, place) = text.split_once("://").unwrap_or(("df", text));
        if !["df", "http", "grpc"].contains(&scheme) {
            return Err(wrong(&format!("{scheme}:// is not understood")));
        }
        // Read as a URL without a port of its own, which would leave out the one that it knows.
        let url =
            Url::parse(&format!("df://{place}")).map_err(|error| wrong(&error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("it has no host"))?;
        let bare = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
        if !bare || !["", "/"].contains(&url.path()) {
            return Err(wrong("there is more than host and port"));
        }
        match url.port() {
            Some(0) => Err(wrong("port 0 is none")),
            port => Ok(Address {
                host: host.to_owned(),
                port: port.unwrap_or(PORT),
            }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// A host as it stands in front of a port: an address of IPv6 in brackets.
pub(crate) fn before_port(host: &str) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_scheduler_is_named_with_or_without_scheme_and_port() {
        let read = |text: &str| text.parse::<Address>().unwrap().to_string();
        assert_eq!(read("df://node:7"), "node:7");
        assert_eq!(read("http://node:80"), "node:80");
        assert_eq!(read("grpc://10.0.0.3:7/"), "10.0.0.3:7");
        assert_eq!(read("node:7"), "node:7");
        assert_eq!(read("10.0.0.3:7"), "10.0.0.3:7");
        assert_eq!(read("node"), "node:50050");
        assert_eq!(read("[::1]:7"), "[::1]:7");
    }

    #[test]
    fn what_is_no_address_is_named_with_what_to_give() {
        for text in [
            "",
            ":7",
            "node:",
            "node:x",
            "node:70000",
            "node:0",
            "ftp://node:7",
            "node:7/path",
            "a b:7",
        ] {
            match text.parse::<Address>() {
                Ok(address) => assert_eq!((text, address.port()), ("node:", PORT)),
                Err(message) => assert!(
                    message.contains(&format!("{text:?}")) && message.contains("HOST:PORT"),
                    "{message}"
                ),
            }
        }
    }
}
