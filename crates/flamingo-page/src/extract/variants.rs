//! The same picture in several sizes: what names and addresses say of it.

/// The words of a name: its runs of letters and its runs of digits, cut at capitals behind small letters, too.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    let bytes = name.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && Class::of(bytes[at]) == Class::Other {
            at += 1;
        }
        let start = at;
        while at < bytes.len()
            && (at == start || Class::of(bytes[at]) == Class::of(bytes[start]))
            && !(at > start && bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase())
        {
            at += 1;
        }
        (at > start).then(|| &name[start..at])
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Other,
}

impl Class {
    fn of(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Digit,
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => Self::Letter,
            _ => Self::Other,
        }
    }
}

pub(super) fn is_any(word: &str, of: &[&str]) -> bool {
    of.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// What names call a picture that stands for a larger one, or another one beside it.
const LESSER: [&str; 37] = [
    "thumb",
    "thumbs",
    "thumbnail",
    "thumbnails",
    "tiny",
    "mini",
    "micro",
    "small",
    "low",
    "lowres",
    "lowsrc",
    "lqip",
    "lq",
    "blur",
    "blurred",
    "blurry",
    "blurhash",
    "placeholder",
    "preview",
    "avatar",
    "avatars",
    "icon",
    "icons",
    "favicon",
    "logo",
    "author",
    "user",
    "profile",
    "error",
    "fallback",
    "dummy",
    "loading",
    "spinner",
    "hover",
    "alt",
    "mobile",
    "xs",
];

/// What names call a picture in its full size.
const LARGER: [&str; 13] = [
    "full", "large", "big", "hires", "highres", "hd", "retina", "orig", "original", "zoom", "max",
    "xl", "lightbox",
];

/// Other words that name a size rather than a picture.
const SIZES: [&str; 27] = [
    "x", "w", "h", "q", "c", "px", "medium", "md", "sm", "lg", "scaled", "resized", "crop",
    "cropped", "width", "height", "square", "wide", "normal", "res", "jpg", "jpeg", "png", "webp",
    "gif", "avif", "fit",
];

/// Words at the end of attributes' names that scripts take a picture's address from.
const LOADED: [&str; 15] = [
    "src",
    "lazy",
    "lazyload",
    "original",
    "orig",
    "echo",
    "image",
    "img",
    "actualsrc",
    "lazysrc",
    "datasrc",
    "source",
    "hires",
    "full",
    "srclazy",
];

/// Words of names under which a script finds what an `img` shows in the end.
const LOADING: [&str; 10] = [
    "src",
    "lazy",
    "lazyload",
    "original",
    "orig",
    "echo",
    "actualsrc",
    "lazysrc",
    "datasrc",
    "srclazy",
];

/// What the name of an attribute says of the picture in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// It stands for a larger picture, or is another one.
    pub(super) is_lesser: bool,
    /// It is larger than others.
    pub(super) is_larger: bool,
    /// A script puts it where the `src` is.
    pub(super) is_loaded: bool,
    /// The name ends as those do that hold an address, so that it needs no ending to be one.
    pub(super) is_address: bool,
}

impl Name {
    pub(super) fn of(attribute: &str) -> Self {
        let any = |of: &[&str]| words(attribute).any(|word| is_any(word, of));
        Self {
            is_lesser: any(&LESSER),
            is_larger: any(&LARGER),
            is_loaded: any(&LOADING),
            is_address: words(attribute)
                .last()
                .is_some_and(|word| is_any(word, &LOADED)),
        }
    }

    /// The width that a picture of this name has more or less.
    pub(super) fn width(self) -> f32 {
        match (self.is_lesser, self.is_larger) {
            (true, _) => 100.0,
            (_, true) => 2000.0,
            _ => 1000.0,
        }
    }
}

/// Whether an address names a picture that stands for a larger one.
pub(super) fn is_lesser(url: &str) -> bool {
    words(file(url)).any(|word| is_any(word, &LESSER))
}

fn path(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.split_once("//")
        .map_or(path, |(_, rest)| rest)
        .trim_end_matches('/')
}

fn file(url: &str) -> &str {
    path(url).rsplit('/').next().unwrap_or_default()
}

fn query(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split('#').next().and_then(|url| url.split_once('?'));
    let fields = query.map_or("", |(_, query)| query).split('&');
    fields.filter_map(|field| field.trim_start_matches("amp;").split_once('='))
}

/// Keys of queries that ask for a form of a picture.
const FORM_KEYS: [&str; 19] = [
    "w", "h", "width", "height", "q", "quality", "size", "s", "fit", "auto", "format", "fm", "dpr",
    "resize", "blur", "crop", "wx_fmt", "ssl", "strip",
];

/// Pixels that a width has at least and at most.
const WIDTHS: std::ops::RangeInclusive<f32> = 8.0..=12_000.0;

fn width(number: &str) -> Option<f32> {
    let number: f32 = number.parse().ok()?;
    WIDTHS.contains(&number).then_some(number)
}

/// The width in pixels that an address names: `-1600.jpg`, `640x480`, `w_800`, `?w=320`.
pub(super) fn width_of(url: &str) -> Option<f32> {
    let asked = query(url).find_map(|(key, value)| {
        let is_width = is_any(key, &["w", "width", "size", "s", "resize"]);
        is_width.then(|| width(words(value).next()?)).flatten()
    });
    asked.or_else(|| {
        let mut segments = path(url).rsplit('/');
        let last = segments.next().and_then(|file| {
            let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            named_width(stem)
                .or_else(|| width(words(stem).last()?).filter(|width| *width >= LEAST_BARE))
        });
        // Not the part of a picture that is cut out: `0x0:2500x1671`.
        let is_size = |folder: &&str| !folder.contains(':') && words(folder).all(is_size);
        last.or_else(|| segments.filter(is_size).find_map(named_width))
    })
}

/// Of a number at the end of a name: others number the picture.
const LEAST_BARE: f32 = 100.0;

/// `640x480`, `w_640`, `640w`.
fn named_width(name: &str) -> Option<f32> {
    let words: Vec<&str> = words(name).take(MOST_WORDS).collect();
    let pairs = words.windows(2).enumerate();
    for (at, pair) in pairs {
        let found = match pair {
            [number, "x" | "X"] => words
                .get(at + 2)
                .and_then(|next| width(next))
                .and_then(|_| width(number)),
            ["w" | "width", number] | [number, "w" | "px"] => width(number),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

const MOST_WORDS: usize = 64;

/// Whether two addresses are those of the same picture in two sizes or forms.
pub(super) fn are_same(a: &str, b: &str) -> bool {
    let fields = |url| {
        let fields = query(url).filter(|(key, _)| !is_any(key, &FORM_KEYS));
        fields
            .map(|(_, value)| value)
            .take(MOST_WORDS)
            .collect::<Vec<_>>()
    };
    subject(a).eq_ignore_ascii_case(&subject(b)) && fields(a) == fields(b)
}

/// What is left of an address's last name without what says its size.
fn subject(url: &str) -> String {
    for name in path(url).rsplit('/') {
        let mut subject = String::new();
        for word in words(name).filter(|word| !is_size(word)) {
            subject.push_str(word);
            subject.push('-');
        }
        if !subject.is_empty() {
            return subject;
        }
    }
    String::new()
}

fn is_size(word: &str) -> bool {
    let is_number = word.len() <= 4 && word.as_bytes()[0].is_ascii_digit();
    is_number || is_any(word, &SIZES) || is_any(word, &LARGER) || is_any(word, &LESSER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words_and_numbers() {
        let cut = |name| words(name).collect::<Vec<_>>();
        assert_eq!(cut("data-lazySrc2x"), ["data", "lazy", "Src", "2", "x"]);
        assert_eq!(cut("grün_9--"), ["grün", "9"]);
    }

    #[test]
    fn the_width_is_read_off_an_address() {
        for (url, expected) in [
            ("https://a.example/tides-1600.png", Some(1600.0)),
            ("/wp-content/harbour-300x200.jpg", Some(300.0)),
            ("/upload/w_640,h_480/harbour.jpg", Some(640.0)),
            ("//cdn.example/photo?id=7&w=1200&q=80", Some(1200.0)),
            ("/i/640/harbour.jpg", None),
            ("/harbour.jpg", None),
            ("/harbour-1500000000001", None),
        ] {
            assert_eq!(width_of(url), expected, "{url}");
        }
    }

    #[test]
    fn the_same_picture_is_known_in_another_size() {
        assert!(are_same(
            "/a/tides-1600.png",
            "https://cdn.example/b/tides-60.webp"
        ));
        assert!(are_same("/photo-1?w=20", "/photo-1?w=1200&q=80"));
        assert!(are_same("/i/882134/large", "/i/882134/thumb"));
        assert!(!are_same("/stair-1200.jpg", "/people/jo-48.jpg"));
        assert!(!are_same("/img?id=1&w=20", "/img?id=2&w=20"));
    }

    #[test]
    fn names_of_attributes_say_what_a_picture_is_for() {
        assert!(Name::of("data-lowsrc").is_lesser && Name::of("data-author-image").is_lesser);
        assert!(Name::of("data-original").is_loaded && Name::of("data-src").is_address);
        assert!(!Name::of("data-image-id").is_address && !Name::of("data-zoom").is_loaded);
    }
}
