//! Addresses of files elsewhere, and what they are called in a folder.

use std::path::Path;

use sha2::{Digest, Sha256};

/// Where files of a source may lie, by how an address begins: the web, then object stores.
const SCHEMES: [&str; 9] = [
    "http://", "https://", "s3://", "s3a://", "gs://", "az://", "azure://", "abfs://", "abfss://",
];

/// Whether a path is an address on the web or in an object store.
pub fn is_remote(path: &Path) -> bool {
    begins_with_one_of(&path.to_string_lossy(), &SCHEMES)
}

/// Whether an address is one on the web.
pub(super) fn is_web(address: &str) -> bool {
    begins_with_one_of(address, &SCHEMES[..2])
}

fn begins_with_one_of(address: &str, schemes: &[&str]) -> bool {
    schemes.iter().any(|scheme| {
        let start = address.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// The end of the address, behind what tells it from others.
pub(super) fn name(address: &str) -> String {
    let end = shown(address).trim_end_matches('/').rsplit('/').next();
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => letter,
        _ => '_',
    };
    let end: String = end.unwrap_or_default().chars().map(plain).collect();
    format!("{}-{end}", short_hash(address))
}

pub(super) fn short_hash(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An address without its query, which may hold a signature.
pub(super) fn shown(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or(address)
}
