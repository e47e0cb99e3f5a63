//! Who may ask: those who know the key.

use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::refusal::Refusal;

/// The key that requests must bear, known by its hash.
#[derive(Clone)]
pub struct ApiKey([u8; 32]);

impl ApiKey {
    /// The key in a file: what stands in it but for white space around it. None if that is nothing.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let key = text.trim();
        (!key.is_empty()).then(|| Self(hash(key.as_bytes())))
    }

    /// # Errors
    /// If the headers bear another key, or none. How long that takes tells nothing of the key.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = headers
            .get(header::AUTHORIZATION)
            .map(|value| value.as_bytes())
            .and_then(bearer);
        let (given, message) = match given {
            Some(given) => (
                given,
                "the API key is not the server's: give that of its key file",
            ),
            None => (
                &b""[..],
                "the server wants a key: send the header `Authorization: Bearer KEY`",
            ),
        };
        match bool::from(hash(given).ct_eq(&self.0)) {
            true => Ok(()),
            false => Err(Refusal::new(StatusCode::UNAUTHORIZED, message).called("invalid_api_key")),
        }
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey")
    }
}

/// Hashes are as long as one another, whatever was given.
fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| key.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_itself_is_taken() {
        let key = ApiKey::new(" sk-a\n").expect("a key");
        let check = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::AUTHORIZATION, value.parse().expect("a value"));
            }
            key.check(&headers)
                .map_err(|refusal| refusal.status.as_u16())
        };
        assert_eq!(check(Some("Bearer sk-a")), Ok(()));
        assert_eq!(check(Some("bearer  sk-a ")), Ok(()));
        for wrong in [
            "Bearer sk-b",
            "Bearer sk-",
            "Bearer ",
            "Basic sk-a",
            "sk-a",
            "",
        ] {
            assert_eq!(check(Some(wrong)), Err(401), "{wrong}");
        }
        assert_eq!(check(None), Err(401));
        assert!(ApiKey::new(" \n").is_none());
    }
}
