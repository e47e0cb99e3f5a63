//! The digests that records tell: `sha1:` or `sha256:` and the hash in base32 or hex.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// Whether bytes have a digest; `None` if it is of a kind that is not known here.
pub(super) fn matches(digest: &str, bytes: &[u8]) -> Option<bool> {
    let (algorithm, told) = digest.split_once(':')?;
    let hash = match algorithm.trim().to_ascii_lowercase().as_str() {
        "sha1" | "sha-1" => Sha1::digest(bytes).to_vec(),
        "sha256" | "sha-256" => Sha256::digest(bytes).to_vec(),
        _ => return None,
    };
    let told = told.trim().trim_end_matches('=');
    let is_hex = told.eq_ignore_ascii_case(&HEXLOWER.encode(&hash));
    Some(is_hex || told.eq_ignore_ascii_case(&BASE32_NOPAD.encode(&hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_compared_in_either_spelling() {
        // Of the empty string.
        for digest in [
            "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ",
            "SHA-1: da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            "sha256:4OYMIQUY7QOBJGX36TEJS35ZEQT24QPEMSNZGTFESWMRW6CSXBKQ====",
        ] {
            assert_eq!(matches(digest, b""), Some(true), "{digest}");
            assert_eq!(matches(digest, b"x"), Some(false), "{digest}");
        }
    }

    #[test]
    fn unknown_algorithm_is_neither_right_nor_wrong() {
        assert_eq!(matches("blake3:abc", b""), None);
        assert_eq!(matches("abc", b""), None);
    }
}
