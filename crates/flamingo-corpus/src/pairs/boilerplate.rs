//! Texts that are no description: file names, URLs, codes, and words that stand for any picture.

use std::sync::LazyLock;

use serde::Deserialize;

/// The lists of `boilerplate.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    whole: Vec<String>,
    within: Vec<String>,
    cameras: Vec<String>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    toml::from_str(include_str!("boilerplate.toml")).expect("the built-in lists are valid")
});

/// A text that says no more than that there is a picture.
pub(super) fn is_boilerplate(text: &str) -> bool {
    let bare = bare(text);
    LISTS.whole.contains(&bare) || { LISTS.within.iter().any(|phrase| holds(&bare, phrase)) }
}

/// A text that is a file name: one word that ends as picture and film files do, or the name of one
/// of these URLs' files with or without its ending.
pub(super) fn is_file_name(text: &str, urls: &[&str]) -> bool {
    let lower = text.to_lowercase();
    let ends = |ending: &&str| {
        lower
            .strip_suffix(ending)
            .is_some_and(|stem| stem.ends_with('.'))
    };
    if !lower.contains(' ') && ENDINGS.iter().any(ends) {
        return true;
    }
    urls.iter().any(|url| {
        let name = file_name(url).to_lowercase();
        let stem = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(stem, _)| stem);
        // A description of several words may well have given the file its name.
        !lower.is_empty() && (lower == name || (lower == stem && !lower.contains(' ')))
    })
}

const ENDINGS: &[&str] = &[
    "jpg", "jpeg", "png", "gif", "webp", "bmp", "svg", "tif", "tiff", "avif", "heic", "mp4",
    "webm", "mov",
];

/// The last step of a URL's path, `%20` and the like resolved.
fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = (*first == b'%').then(|| behind.get(..2)).flatten();
        let hex = escaped.and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text with a URL in it.
pub(super) fn has_url(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let lower = word.to_lowercase();
        lower.contains("://") || lower.starts_with("www.")
    })
}

/// A text without a word beside numbers, sizes and what cameras write: `IMG_1234`, `640x480`,
/// `9f86d081884c`.
pub(super) fn is_code(text: &str) -> bool {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    let mut parts = parts.filter(|part| !part.is_empty()).peekable();
    parts.peek().is_some() && text.chars().any(|c| c.is_ascii_digit()) && {
        parts.all(|part| part.contains(|c: char| c.is_ascii_digit()) || is_camera(part))
    }
}

fn is_camera(part: &str) -> bool {
    let lower = part.to_lowercase();
    lower == "x" || LISTS.cameras.contains(&lower)
}

/// Words in lower case with a space between, marks left out.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    for part in text.split(|c: char| !c.is_alphanumeric()) {
        if !part.is_empty() {
            bare.push_str(if bare.is_empty() { "" } else { " " });
            bare.extend(part.chars().flat_map(char::to_lowercase));
        }
    }
    bare
}

/// Whether a phrase stands in a text, whole words only.
fn holds(bare: &str, phrase: &str) -> bool {
    let at_border = |(at, _): (usize, &str)| {
        let before = bare[..at].ends_with(' ') || at == 0;
        let end = at + phrase.len();
        before && (end == bare.len() || bare[end..].starts_with(' '))
    };
    bare.match_indices(phrase).any(at_border)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_stand_for_any_picture_are_boilerplate() {
        for text in [
            "Image",
            "photo of:",
            "STOCK PHOTO of a cat",
            "Click to enlarge!",
            "Titelbild",
        ] {
            assert!(is_boilerplate(text), "{text}");
        }
        for text in [
            "an image of a cat",
            "stock photographer at work",
            "Logo of the club",
        ] {
            assert!(!is_boilerplate(text), "{text}");
        }
    }

    #[test]
    fn a_file_name_is_known_by_its_ending_or_by_the_url() {
        let url = "https://a.example/x/red%20fox.jpg?w=3";
        assert!(is_file_name("fox.PNG", &[]));
        assert!(is_file_name("Red Fox.jpg", &[url]));
        assert!(is_file_name("red-fox", &["https://a.example/red-fox.jpg"]));
        assert!(
            !is_file_name("red fox", &[url]),
            "words that named the file"
        );
        assert!(!is_file_name("A fox as .jpg file", &[url]));
        assert!(!is_file_name("", &["https://a.example/"]));
    }

    #[test]
    fn codes_have_no_word_in_them() {
        for text in [
            "IMG_1234",
            "DSC01234",
            "640x480",
            "640 x 480",
            "2021-03-04 10.11.12",
            "9f86d0818",
            "P1010023",
        ] {
            assert!(is_code(text), "{text}");
        }
        for text in ["Boeing 747", "fox", "image", "", "---"] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn urls_are_found_in_texts() {
        assert!(has_url("see https://a.example/b") && has_url("www.example.org"));
        assert!(!has_url("the http protocol"));
    }

    #[test]
    fn broken_escapes_in_urls_are_kept_as_they_are() {
        assert_eq!(file_name("https://a.example/50%.png"), "50%.png");
        assert_eq!(file_name("https://a.example/%zz%C3%A9%"), "%zzé%");
        assert_eq!(file_name("%é"), "%é");
    }
}
