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

/// What names call a picture that is shown until another is there, or in its place in lists; those that are blurred
/// first.
const PREVIEWS: [&str; 20] = [
    "blur",
    "blurred",
    "blurry",
    "blurhash",
    "lqip",
    "lq",
    "placeholder",
    "lowsrc",
    "lowres",
    "low",
    "thumb",
    "thumbs",
    "thumbnail",
    "thumbnails",
    "tiny",
    "mini",
    "micro",
    "preview",
    "previews",
    "xs",
];
const BLURRED: usize = 9;

/// What names call a picture that is smaller than another, or another one beside it.
const LESSER: [&str; 18] = [
    "small", "avatar", "avatars", "icon", "icons", "favicon", "logo", "author", "user", "profile",
    "error", "fallback", "dummy", "loading", "spinner", "hover", "alt", "mobile",
];

fn names_lesser(word: &str) -> bool {
    is_any(word, &PREVIEWS) || is_any(word, &LESSER)
}

/// What names call a picture in its full size.
const LARGER: [&str; 13] = [
    "full", "large", "big", "hires", "highres", "hd", "retina", "orig", "original", "zoom", "max",
    "xl", "lightbox",
];

/// Other words that name a size rather than a picture.
const SIZES: [&str; 29] = [
    "desktop", "tablet", "x", "w", "h", "q", "c", "px", "medium", "md", "sm", "lg", "scaled",
    "resized", "crop", "cropped", "width", "height", "square", "wide", "normal", "res", "jpg",
    "jpeg", "png", "webp", "gif", "avif", "fit",
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
    /// It is shown until another is there.
    pub(super) is_preview: bool,
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
            is_lesser: any(&PREVIEWS) || any(&LESSER),
            is_preview: any(&PREVIEWS),
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
    words(file(url)).any(names_lesser)
}

/// What an address says of the form of its picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Form {
    /// Its width in pixels.
    pub(super) width: Option<f32>,
    /// A bit for each of [`PREVIEWS`] that it is called.
    marks: u32,
}

/// The marks of blurred pictures, which no width makes good.
const BLURS: u32 = (1 << BLURRED) - 1;
/// The width up to which a picture is the preview of one that is twice as wide or more, and from which on it is none
/// but where it is blurred.
const PREVIEW: f32 = 100.0;
const PICTURE: f32 = 200.0;

impl Form {
    pub(super) fn of(url: &str) -> Self {
        let folders = path(url).rsplit('/').skip(1);
        let asked = query(url).filter(|(key, value)| *key != "blur" || *value != "0");
        let names = tokens(file(url))
            .chain(
                folders
                    .clone()
                    .filter(|folder| is_setting(folder))
                    .flat_map(tokens),
            )
            .chain(asked.flat_map(|(key, value)| [if key == "blur" { key } else { "" }, value]))
            .chain(folders.filter(|folder| !is_setting(folder)));
        Self {
            width: width_of(url),
            marks: names.map(mark).fold(0, |marks, mark| marks | mark),
        }
    }

    /// Of a picture in an attribute of this name: no width makes good what it calls a preview.
    pub(super) fn named(mut self, name: Name) -> Self {
        self.marks |= u32::from(name.is_preview);
        self
    }

    /// Whether it is a preview of the same picture in the other form: so called where the other is not, or tiny.
    pub(super) fn is_preview_of(self, other: Self) -> bool {
        let marks = self.marks & !other.marks;
        let is_wide = self.width.is_some_and(|width| width >= PICTURE);
        let is_tiny = self.width.is_some_and(|width| {
            width <= PREVIEW && other.width.is_none_or(|other| other >= 2.0 * width)
        });
        other.marks & !self.marks == 0 && (marks & BLURS != 0 || marks != 0 && !is_wide || is_tiny)
    }
}

/// Whether a folder of an address asks for a form: `w_200,e_blur:900`, `fit=contain`; not a signature, `a9Xlq=`.
fn is_setting(folder: &str) -> bool {
    folder.contains([',', '=']) && !folder.ends_with('=')
}

/// The words of a name between signs, and the longer ones within them: short ones stand there by chance, too.
fn tokens(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric())
        .flat_map(|token| std::iter::once(token).chain(words(token).filter(|word| word.len() > 3)))
}

fn mark(word: &str) -> u32 {
    // With these letters they begin; most words do not.
    if !word.starts_with(['b', 'l', 'm', 'p', 't', 'x', 'B', 'L', 'M', 'P', 'T', 'X']) {
        return 0;
    }
    let at = PREVIEWS
        .iter()
        .position(|known| known.eq_ignore_ascii_case(word));
    at.map_or(0, |at| 1 << at)
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
const FORM_KEYS: [&str; 20] = [
    "px", "w", "h", "width", "height", "q", "quality", "size", "s", "fit", "auto", "format", "fm",
    "dpr", "resize", "blur", "crop", "wx_fmt", "ssl", "strip",
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
        is_width.then(|| asked_width(value)).flatten()
    });
    asked.or_else(|| {
        let mut folders = path(url).rsplit('/').peekable();
        let last = folders.next().and_then(|file| {
            let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            named_width(stem)
                .or_else(|| width(words(stem).last()?).filter(|width| *width >= LEAST_BARE))
        });
        last.or_else(|| {
            std::iter::from_fn(|| {
                Some((folders.next()?, folders.peek().copied().unwrap_or_default()))
            })
            .find_map(|(folder, outer)| folder_width(folder, outer))
        })
    })
}

/// The width that a folder of an address asks for: `640x480`, `w_640,h_480`, `resize:fit:640`, `max/640`.
fn folder_width(folder: &str, outer: &str) -> Option<f32> {
    const KEYS: [&str; 5] = ["max", "w", "width", "size", "resize"];
    if let Some((key, sizes)) = folder.split_once(':') {
        // Not the part of a picture that is cut out: `0x0:2500x1671`.
        let number = || sizes.split(':').find_map(width);
        return is_any(key, &KEYS).then(number).flatten();
    }
    let is_size = is_setting(folder) || words(folder).all(is_size);
    let named = || is_size.then(|| named_width(folder)).flatten();
    let bare = || is_any(outer, &KEYS).then(|| width(folder)).flatten();
    named().or_else(bare)
}

/// The number that a value is or begins with: `640`, `640px`, `640,480`, `640%2C480`; a hash is none.
fn asked_width(value: &str) -> Option<f32> {
    let (number, rest) =
        value.split_at(value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len());
    let ends =
        !rest.starts_with(|c: char| c.is_alphanumeric()) || rest.starts_with(['x', 'p', 'w']);
    ends.then(|| width(number)).flatten()
}

/// Of a number at the end of a name: others number the picture.
const LEAST_BARE: f32 = 100.0;

/// `640x480`, `w_640`, `640w`, `640px`: between other signs than letters and digits, as names made by chance have such, too.
fn named_width(name: &str) -> Option<f32> {
    let mut before = "";
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .take(MOST_WORDS)
        .find_map(|token| {
            let key = std::mem::replace(&mut before, token);
            let mut words = words(token);
            match (words.next()?, words.next(), words.next(), words.next()) {
                // Some say how it was cut: `1280x658c`.
                (number, Some("x" | "X"), Some(height), cut)
                    if cut.is_none_or(|cut| cut.len() == 1) =>
                {
                    width(height).and_then(|_| width(number))
                }
                (number, Some("w" | "px" | "x"), None, None) | ("w", Some(number), None, None) => {
                    width(number)
                }
                (number, None, None, None) if matches!(key, "w" | "width") => width(number),
                _ => None,
            }
        })
}

const MOST_WORDS: usize = 64;

/// Whether two addresses are those of the same picture in two sizes or forms.
pub(super) fn are_same(a: &str, b: &str) -> bool {
    let fields = |url| {
        let names_form = |value| is_any(value, &LARGER) || names_lesser(value);
        let fields =
            query(url).filter(|(key, value)| !is_any(key, &FORM_KEYS) && !names_form(value));
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
    is_number || is_any(word, &SIZES) || is_any(word, &LARGER) || names_lesser(word)
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
            ("/harbour?resize=50%2C29&ssl=1", Some(50.0)),
            ("/harbour?s=57ad41b6", None),
            ("/9w3KUMoJj2ajCG3hFSWcW.png", None),
            ("/v1/w_49,h_32,al_c/harbour.jpg", Some(49.0)),
            ("/wiki/220px-Harbour.jpg", Some(220.0)),
            ("/24-1280x658c-harbour.jpg", Some(1280.0)),
            ("/files/harbour_20x.jpg?v=1", Some(20.0)),
            ("/harbour@2x.jpg", None),
            ("/max/60/1*harbour.jpg?q=20", Some(60.0)),
            ("/resize:fit:1400/format:webp/1*harbour.jpg", Some(1400.0)),
            ("/0x0:2500x1671/1200x800/harbour.jpg", Some(1200.0)),
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
    fn a_preview_is_called_one_or_tiny_beside_the_same_picture() {
        let is_preview = |a: &str, b: &str| Form::of(a).is_preview_of(Form::of(b));
        for (preview, picture) in [
            ("/sea-20x12.jpg", "/sea.jpg"),
            ("/seaThumbnail.jpg", "/sea.jpg"),
            ("/thumbs/sea.jpg", "/photos/sea.jpg"),
            ("/fill/w_900,blur_2/sea.jpg", "/fill/w_900/sea.jpg"),
            ("/sea?blur=80&w=900", "/sea?w=900"),
            ("/blur-concert-thumb.jpg", "/blur-concert.jpg"),
        ] {
            assert!(
                is_preview(preview, picture) && !is_preview(picture, preview),
                "{preview}"
            );
        }
        for (one, other) in [
            ("/low-tide-320.jpg", "/low-tide-1280.jpg"),
            ("/thumbelina.jpg", "/a.jpg"),
            ("/sea-300x200.jpg", "/sea.jpg"),
            ("/thumb/sea/330px-sea.jpg", "/sea.jpg"),
            (
                "/7LqXckxLq_atMXsD01E=/720x0/sea.jpg",
                "/Ab8=/1920x0/sea.jpg",
            ),
            ("/preview/sea.jpg", "/thumb/sea.jpg"),
            ("/sea?blur=0", "/sea"),
        ] {
            assert!(!is_preview(one, other) && !is_preview(other, one), "{one}");
        }
    }

    #[test]
    fn names_of_attributes_say_what_a_picture_is_for() {
        assert!(Name::of("data-lowsrc").is_lesser && Name::of("data-author-image").is_lesser);
        assert!(Name::of("data-original").is_loaded && Name::of("data-src").is_address);
        assert!(!Name::of("data-image-id").is_address && !Name::of("data-zoom").is_loaded);
    }
}
