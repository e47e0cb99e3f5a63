//! Names that a server gave and that become paths: file names and etags.

use std::path::{Component, Path};

/// What the common file systems hold.
const LONGEST_NAME: usize = 1024;
const LONGEST_PART: usize = 255;
const LONGEST_ETAG: usize = 128;

/// Whether a file name of a repository stays inside the folder it is joined to, on every system.
pub(crate) fn is_safe_name(name: &str) -> bool {
    let path = Path::new(name);
    // `components` hides `a//b` and `a/./b`; counting the parts finds them.
    let all_normal = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let parts = name.split('/');
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && all_normal
        && path.components().count() == parts.clone().count()
        && parts.into_iter().all(|part| part.len() <= LONGEST_PART)
        && !name.contains(['\\', ':'])
        && !name.contains(char::is_control)
}

/// The tag without the marks around it, if it can name a file.
pub(crate) fn blob_name(etag: &str) -> Option<&str> {
    let tag = etag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let fits = !tag.is_empty() && tag.len() <= LONGEST_ETAG && !tag.starts_with('.');
    (fits && tag.bytes().all(allowed)).then_some(tag)
}

/// Whether the text is a commit, which names a folder.
pub(crate) fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Whether a blob's name is the SHA-256 of its content, as those of large files are.
pub(crate) fn is_sha256(blob: &str) -> bool {
    blob.len() == 64 && blob.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

/// The name as part of an address.
pub(crate) fn percent_encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_below_the_folder_are_safe() {
        for name in [
            "config.json",
            "a/b/c.bin",
            ".gitattributes",
            "naïve file.txt",
            "a..b",
        ] {
            assert!(is_safe_name(name), "{name}");
        }
    }

    #[test]
    fn names_that_could_leave_the_folder_are_not() {
        let names = [
            "",
            ".",
            "..",
            "../x",
            "../../evil",
            "a/../../x",
            "a/..",
            "/etc/passwd",
            "a//b",
            "a/",
            "a/./b",
            "./a",
            "..\\x",
            "a\\b",
            "C:\\x",
            "C:x",
            "a\0b",
            "a\nb",
        ];
        for name in names {
            assert!(!is_safe_name(name), "{name:?}");
        }
        assert!(!is_safe_name(&"n".repeat(256)));
    }

    #[test]
    fn etag_names_a_blob_without_its_marks() {
        assert_eq!(blob_name("\"abc\""), Some("abc"));
        assert_eq!(blob_name("W/\"abc-7\""), Some("abc-7"));
        for etag in [
            "",
            "\"\"",
            "\"../../x\"",
            "\"a/b\"",
            "\"..\"",
            "\".hidden\"",
            "\"a b\"",
        ] {
            assert_eq!(blob_name(etag), None, "{etag}");
        }
    }

    #[test]
    fn address_keeps_the_slashes_and_nothing_else_of_note() {
        assert_eq!(percent_encoded("a/b c?#%é"), "a/b%20c%3F%23%25%C3%A9");
    }
}
