//! URLs of pictures in attributes: `srcset`, lazy loading, stand-ins.

use crate::data_urls::{Worth, is_data_url, worth};

/// A candidate of a `srcset`, with the width or density that it is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate<'v> {
    pub(super) url: &'v str,
    /// Pixels of a `w`, or a thousand for each `x`: only compared within one list.
    pub(super) size: f32,
}

/// The candidates of a `srcset`, as its standard splits them.
pub(super) fn candidates(value: &str) -> impl Iterator<Item = Candidate<'_>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        let end = rest
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        if url.is_empty() {
            return None;
        }
        // A comma at the URL's end means that it has no descriptor.
        let bare = url.trim_end_matches(',');
        if bare.len() < url.len() {
            rest = after;
            return Some(Candidate {
                url: bare,
                size: 1000.0,
            });
        }
        let end = after.find(',').unwrap_or(after.len());
        rest = &after[end..];
        Some(Candidate {
            url,
            size: size(after[..end].trim()),
        })
    })
}

fn size(descriptor: &str) -> f32 {
    let word = descriptor
        .split_ascii_whitespace()
        .next()
        .unwrap_or_default();
    let number = |unit| {
        word.strip_suffix(unit)
            .and_then(|number: &str| number.parse::<f32>().ok())
    };
    number('w')
        .or_else(|| number('x').map(|density| density * 1000.0))
        .unwrap_or(1000.0)
}

/// Whether a value reads as a `srcset` with descriptors.
pub(super) fn is_srcset(value: &str) -> bool {
    let mut words = value.split_ascii_whitespace();
    let (Some(url), Some(descriptor)) = (words.next(), words.next()) else {
        return false;
    };
    let descriptor = descriptor.trim_end_matches(',');
    let digits = descriptor.trim_end_matches(['w', 'x']);
    looks_like_url(url) && digits.len() + 1 == descriptor.len() && digits.parse::<f32>().is_ok()
}

/// Whether a value reads as the URL of a picture, by its ending.
pub(super) fn is_picture_url(value: &str) -> bool {
    let value = value.trim();
    if value.len() > 2000
        || value.contains(|c: char| c.is_ascii_whitespace() || c == '{' || c == '"')
    {
        return false;
    }
    let path = value.split(['?', '#']).next().unwrap_or_default();
    let Some((stem, ending)) = path.rsplit_once('.') else {
        return false;
    };
    !stem.is_empty()
        && [
            "jpg", "jpeg", "png", "webp", "gif", "avif", "bmp", "jpe", "jfif", "tif", "tiff",
        ]
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

fn looks_like_url(value: &str) -> bool {
    value.contains(['/', '.'])
}

/// Whether the URL is that of a stand-in for a picture that a script puts there later.
pub(super) fn is_placeholder(url: &str) -> bool {
    let url = url.trim();
    if url.is_empty() || url == "#" || url.starts_with("about:") || url.starts_with("javascript:") {
        return true;
    }
    if is_data_url(url) {
        return worth(url) != Worth::Picture;
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    STAND_INS.iter().any(|name| {
        stem.len() <= 32
            && stem
                .as_bytes()
                .windows(name.len())
                .any(|window| window.eq_ignore_ascii_case(name.as_bytes()))
    })
}

const STAND_INS: [&str; 14] = [
    "blank",
    "spacer",
    "placeholder",
    "transparent",
    "1x1",
    "pixel",
    "loading",
    "loader",
    "lazyload",
    "lazy-load",
    "grey",
    "clear",
    "dummy",
    "noimage",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(value: &str) -> Vec<(&str, f32)> {
        candidates(value)
            .map(|candidate| (candidate.url, candidate.size))
            .collect()
    }

    #[test]
    fn candidates_are_split_as_the_standard_says() {
        assert_eq!(
            urls("a.jpg 320w, b.jpg 640w"),
            [("a.jpg", 320.0), ("b.jpg", 640.0)]
        );
        assert_eq!(
            urls(" a.jpg, b.jpg 2x ,c.jpg 1.5x"),
            [("a.jpg", 1000.0), ("b.jpg", 2000.0), ("c.jpg", 1500.0)]
        );
        assert_eq!(
            urls("/f_auto,w_80/a.jpg 80w, /f_auto,w_160/a.jpg 160w").len(),
            2
        );
        assert_eq!(urls("a.jpg 640w 480h"), [("a.jpg", 640.0)]);
        assert!(urls(" , ,").is_empty());
    }

    #[test]
    fn values_are_known_by_their_form() {
        assert!(is_srcset("/a 320w, /b 640w"));
        assert!(!is_srcset("a word"));
        assert!(is_picture_url("//a.example/b.JPG?x=1"));
        assert!(!is_picture_url(r#"{"src": "a.jpg"}"#));
        assert!(!is_picture_url("1.5"));
    }

    #[test]
    fn stand_ins_are_known() {
        assert!(is_placeholder("data:image/gif;base64,R0lGODlhAQABAAAAACw="));
        assert!(is_placeholder("/img/blank.gif"));
        assert!(is_placeholder(""));
        assert!(!is_placeholder("/img/cat.jpg"));
    }
}
