//! The SHA-256 that a file is known by.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const BUFFER: usize = 1 << 17;

/// A SHA-256, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ContentHash(String);

impl ContentHash {
    /// The hash of all that a reader gives, each piece of which `each` is shown first.
    pub(crate) fn of<E: From<io::Error>>(
        reader: &mut dyn Read,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    each(&buffer[..count])?;
                    hasher.update(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let digits = hasher
            .finalize()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        Ok(Self(digits))
    }

    /// The hash of a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Self::of(&mut File::open(path)?, |_| Ok(()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContentHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(format!(
                "{text:?} is no SHA-256: give its 64 hexadecimal digits, as sha256sum prints them"
            )),
        }
    }
}

impl TryFrom<String> for ContentHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_hash_of_abc_is_that_of_the_standard() {
        let hash = ContentHash::of::<io::Error>(&mut &b"abc"[..], |_| Ok(())).unwrap();
        let text = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        assert_eq!(hash, text.parse().unwrap());
    }

    #[test]
    fn what_could_lead_out_of_a_folder_is_no_hash() {
        for text in ["", "../../etc/passwd", &"g".repeat(64), &"a".repeat(63)] {
            let told = text.parse::<ContentHash>().unwrap_err();
            assert!(told.contains("64 hexadecimal digits"), "{told}");
        }
    }
}
