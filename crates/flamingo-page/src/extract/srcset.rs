//! URLs of pictures in attributes: `srcset`, lazy loading, stand-ins.

use super::variants::{is_any, words};
use crate::data_urls::{Worth, is_data_url, worth};

/// A candidate of a `srcset`, with the width or density that it is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate<'v> {
    pub(super) url: &'v str,
    /// Pixels of a `w`, or a thousand for each `x`: only compared within one list.
    pub(super) size: f32,
    /// Whether that is a width.
    pub(super) is_width: bool,
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
                is_width: false,
            });
        }
        let end = after.find(',').unwrap_or(after.len());
        rest = &after[end..];
        let descriptor = after[..end].trim();
        Some(Candidate {
            url,
            size: size(descriptor),
            is_width: descriptor.contains('w'),
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

/// Whether a value reads as an address, of whatever ending but those of pages, scripts and films.
pub(super) fn is_address(value: &str) -> bool {
    let value = value.trim();
    let starts = ["http://", "https://", "/", "./", "../"];
    let path = value.split(['?', '#']).next().unwrap_or_default();
    let ending = path
        .rsplit('/')
        .next()
        .and_then(|file| file.rsplit_once('.'))
        .map_or("", |(_, ending)| ending);
    let others = [
        "html", "htm", "js", "json", "css", "mp4", "webm", "mp3", "pdf", "xml",
    ];
    value.len() <= 2000
        && starts.iter().any(|start| value.starts_with(start))
        && !value.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '{' | '"' | '<'))
        && !is_any(ending, &others)
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
    names_stand_in(stem)
}

/// Whether a file is named as a stand-in and as nothing else: no photo of a grey heron, a loading dock or a Pixel 8.
fn names_stand_in(stem: &str) -> bool {
    let is_number = |word: &str| word.as_bytes()[0].is_ascii_digit();
    let any = |of: &[&str]| words(stem).any(|word| is_any(word, of));
    let is_one = words(stem).eq(["1", "x", "1"]) || stem.ends_with("-1x1") && any(&FILLERS[..3]);
    if stem.len() > LONGEST_NAME || !(is_one || any(&STAND_INS) || any(&MAYBE_STAND_INS)) {
        return false;
    }
    if any(&SURE_STAND_INS) {
        return true;
    }
    let is_filler = |word: &str| {
        is_any(word, &FILLERS) || is_any(word, &STAND_INS) || is_any(word, &MAYBE_STAND_INS)
    };
    let has_sizes = any(&STAND_INS) || is_one;
    words(stem).all(|word| is_filler(word) || is_number(word) && (has_sizes || word == "1"))
}

/// Bytes of the longest name of a stand-in.
const LONGEST_NAME: usize = 48;

/// Words that stand in names of stand-ins only.
const SURE_STAND_INS: [&str; 5] = ["placeholder", "lazyload", "noimage", "spaceball", "noimg"];

/// Names of stand-ins, with a size or without, that other names may hold, too.
const STAND_INS: [&str; 11] = [
    "placeholder",
    "lazyload",
    "noimage",
    "spaceball",
    "noimg",
    "blank",
    "spacer",
    "transparent",
    "loader",
    "dummy",
    "empty",
];

/// The same, but a thing may be called so and have a number.
const MAYBE_STAND_INS: [&str; 7] = [
    "pixel", "loading", "grey", "gray", "clear", "spinner", "trans",
];

/// What stands beside them in names.
const FILLERS: [&str; 27] = [
    "image",
    "img",
    "images",
    "pic",
    "picture",
    "gif",
    "png",
    "svg",
    "bg",
    "background",
    "px",
    "default",
    "lazy",
    "load",
    "ajax",
    "white",
    "black",
    "light",
    "dark",
    "x",
    "w",
    "h",
    "no",
    "icon",
    "thumb",
    "post",
    "1x1",
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

    #[test]
    fn a_stand_in_is_known_by_its_whole_name() {
        let stand_ins = [
            "pixel.gif",
            "1x1.png",
            "img-1x1.gif",
            "loading.svg",
            "ajax-loader.gif",
            "placeholder-800x600.png",
            "grey.gif",
            "site-placeholder.jpg",
            "blank_image.png",
            "trans.gif",
            "no-image-placeholder.png",
        ];
        for name in stand_ins {
            assert!(
                is_placeholder(&format!("https://a.example/i/{name}?v=2")),
                "{name}"
            );
        }
        let pictures = [
            "greyhound.jpg",
            "grey-heron.jpg",
            "pixel-8-1600.jpg",
            "google-pixel-8.jpg",
            "nuclear-plant.jpg",
            "wool-blanket.jpg",
            "loading-dock.jpg",
            "clear-lake.png",
            "crash-test-dummy.jpg",
            "photo-1x1.5m.jpg",
            "blank-page-of-a-notebook.png",
            "transparent-frog.jpg",
        ];
        for name in pictures {
            assert!(
                !is_placeholder(&format!("https://a.example/i/{name}")),
                "{name}"
            );
        }
    }
}
