//! Saved pages in a folder: HTML with the pictures that lie beside it, MHTML, HAR and ZIP archives with what they hold.
//!
//! A page's URL is the one it was saved from, as the tool that saved it writes it into the page, else its path below
//! the folder joined to a base URL, else the one that the page names as its own, else that of the file. A picture gets
//! the URL by which its page asks for it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;
use url::Url;

use crate::compress::gunzipped;
use crate::input::{Kind, image_type, picture_type, uncompressed};
use crate::references::{self, Reference, references};
use crate::source::Source;
use crate::store::{Entry, below, url_of};
use crate::{
    Answer, Counts, Error, Item, Place, ReadOptions, Reason, Result, har, mhtml, saved_from, zipped,
};

/// Bytes at the start of a file that tell whether it is a picture.
const MAGIC: u64 = 16;

/// The pages of a unit, each followed by its pictures.
pub(crate) struct Pages {
    folder: String,
    folder_url: Url,
    base_url: Option<Url>,
    pages: VecDeque<String>,
    /// What a page holds in its file and has not come yet.
    held: VecDeque<Item>,
    pictures: VecDeque<Picture>,
    /// URLs of pictures that have come.
    seen: HashSet<Url>,
    options: ReadOptions,
    bytes_read: u64,
}

struct Picture {
    url: Url,
    file: Url,
}

impl Pages {
    pub(crate) fn new(
        folder: &str,
        base_url: Option<&str>,
        pages: &[String],
        options: &ReadOptions,
    ) -> Result<Self> {
        let bad = |name: &str, what: &str| Error::Input {
            name: name.to_owned(),
            what: what.to_owned(),
            expected: "an absolute URL",
        };
        let base_url = match base_url {
            None => None,
            Some(text) => Some(folder_url(text).ok_or_else(|| bad(text, "no base URL"))?),
        };
        Ok(Self {
            folder: folder.to_owned(),
            folder_url: url_of(folder, true).ok_or_else(|| bad(folder, "no folder"))?,
            base_url,
            pages: pages.iter().cloned().collect(),
            held: VecDeque::new(),
            pictures: VecDeque::new(),
            seen: HashSet::new(),
            options: options.clone(),
            bytes_read: 0,
        })
    }

    /// What a file holds, the page first.
    fn file(&mut self, path: &str) {
        let name = below(&self.folder, path);
        let (bytes, length) = match self.read(&name) {
            Ok(read) => read,
            Err(reason) => return self.held.push_back(Item::skipped(reason, Some(name))),
        };
        let file = below_url(&self.folder_url, path);
        match kind(path, &bytes) {
            Kind::Page => {
                let item = self.page(path, &name, file, bytes, length);
                self.held.push_back(item);
            }
            kind => {
                let options = self.options.clone();
                let mut beside = |name: &str| self.beside(path, name);
                let items = items(&bytes, Some(kind), &file, &mut beside, &options);
                self.held.extend(items);
            }
        }
    }

    fn page(&mut self, path: &str, name: &str, file: Url, bytes: Vec<u8>, length: u64) -> Item {
        let max = usize::try_from(self.options.max_body).unwrap_or(usize::MAX);
        let body = gunzipped(bytes, max);
        let in_folder = || {
            let base = self.base_url.as_ref()?;
            Some((below_url(base, uncompressed(path)), false))
        };
        let (url, is_saved) = saved_from::tool(&body)
            .map(|url| (url, true))
            .or_else(in_folder)
            .or_else(|| saved_from::canonical(&body).map(|url| (url, true)))
            .unwrap_or_else(|| (file.clone(), false));
        if self.options.pictures {
            self.find_pictures(&body, &url, &file, is_saved);
        }
        Item::Answer(Answer {
            truncated: body.len() == max,
            place: Some(whole(name, length)),
            ..Answer::new(url, Some("text/html"), body)
        })
    }

    fn picture(&mut self, picture: Picture) -> Item {
        let name = match picture.file.scheme() {
            "file" => picture.file.to_file_path().ok(),
            _ => None,
        };
        let name = name.and_then(|path| path.to_str().map(str::to_owned));
        let name = name.unwrap_or_else(|| picture.file.to_string());
        match self.read(&name) {
            Ok((body, length)) => {
                let media = picture_type(&body).or_else(|| image_type(&name));
                Item::Answer(Answer {
                    place: Some(whole(&name, length)),
                    ..Answer::new(picture.url, media, body)
                })
            }
            Err(reason) => Item::skipped(reason, Some(name)),
        }
    }

    /// A file that lies in the same folder as another; a name that leads elsewhere is not followed.
    fn beside(&mut self, path: &str, name: &str) -> Option<Vec<u8>> {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return None;
        }
        let beside = match path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        };
        let name = below(&self.folder, &beside);
        self.read(&name).ok().map(|(bytes, _)| bytes)
    }

    fn read(&mut self, name: &str) -> Result<(Vec<u8>, u64), Reason> {
        let stores = &self.options.stores;
        let length = match stores.entry(name) {
            Ok(Some(Entry::File(length))) => length,
            _ => return Err(Reason::Unreadable),
        };
        if length > self.options.max_record {
            return Err(Reason::TooLarge);
        }
        let bytes = stores.read_range(name, 0, length).map_err(|error| {
            tracing::debug!("{error}");
            Reason::Unreadable
        })?;
        self.bytes_read += bytes.len() as u64;
        Ok((bytes, length))
    }

    /// Finds the pictures that a page names by paths which lead to files of the folder.
    fn find_pictures(&mut self, page: &[u8], url: &Url, file: &Url, is_saved: bool) {
        let base = references::base(page).and_then(|base| url.join(&base).ok());
        let base = base.as_ref().unwrap_or(url);
        for reference in references(page) {
            let Ok(url) = base.join(&reference.text) else {
                continue;
            };
            if self.seen.contains(&url) {
                continue;
            }
            let mut files = self.files_of(&reference, base, file, is_saved).into_iter();
            let Some(file) = files.find(|file| self.is_picture(file, reference.is_named)) else {
                continue;
            };
            self.seen.insert(url.clone());
            self.pictures.push_back(Picture { url, file });
        }
    }

    /// Where the file of a reference may lie: beside the page, or, if the folder's own URL is known, wherever the
    /// reference leads below it. Tools that save pages put a query into the name, as it is or behind an `@`.
    fn files_of(&self, reference: &Reference, url: &Url, file: &Url, is_saved: bool) -> Vec<Url> {
        let text = reference.text.as_str();
        let is_relative = Url::parse(text) == Err(url::ParseError::RelativeUrlWithoutBase)
            && !text.starts_with(['/', '\\']);
        let (from, text) = match &self.base_url {
            _ if is_relative => (file, text.to_owned()),
            Some(base) if !is_saved => {
                let target = url.join(text).ok();
                let path = target
                    .as_ref()
                    .and_then(|url| url.as_str().strip_prefix(base.as_str()));
                match path {
                    Some(path) => (&self.folder_url, path.to_owned()),
                    None => return Vec::new(),
                }
            }
            _ => return Vec::new(),
        };
        let text = text.split('#').next().unwrap_or_default();
        let mut names = Vec::new();
        if let Some((path, query)) = text.split_once('?') {
            names.push(format!("{path}%3F{query}"));
            names.push(format!("{path}@{query}"));
            names.push(path.to_owned());
        } else {
            names.push(text.to_owned());
        }
        let found = names.iter().filter_map(|name| from.join(name).ok());
        // A page must not make us read files from elsewhere.
        let is_below = |file: &Url| file.as_str().starts_with(self.folder_url.as_str());
        found.flat_map(spellings).filter(is_below).collect()
    }

    /// Whether there is a picture; one whose name does not say so is looked at.
    fn is_picture(&self, file: &Url, is_named: bool) -> bool {
        let stores = &self.options.stores;
        let name = file.as_str();
        if !matches!(stores.entry(name), Ok(Some(Entry::File(_)))) {
            return false;
        }
        is_named
            || stores
                .read_range(name, 0, MAGIC)
                .is_ok_and(|start| picture_type(&start).is_some())
    }
}

impl Source for Pages {
    fn next(&mut self, _: &mut Counts) -> Result<Option<Item>> {
        loop {
            if let Some(item) = self.held.pop_front() {
                return Ok(Some(item));
            }
            if let Some(picture) = self.pictures.pop_front() {
                return Ok(Some(self.picture(picture)));
            }
            match self.pages.pop_front() {
                Some(path) => self.file(&path),
                None => return Ok(None),
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

/// How a file of pages is read.
fn kind(path: &str, bytes: &[u8]) -> Kind {
    match Kind::by_name(path).or_else(|| Kind::by_content(bytes)) {
        Some(kind @ (Kind::Mhtml | Kind::Har | Kind::Zip)) => kind,
        _ if zipped::unpacks_itself(bytes) => Kind::Zip,
        _ => Kind::Page,
    }
}

/// What a page's file holds that is read without what lies beside it; by its bytes if its name says nothing.
pub(crate) fn items(
    bytes: &[u8],
    kind: Option<Kind>,
    file: &Url,
    beside: &mut har::Beside<'_>,
    options: &ReadOptions,
) -> Vec<Item> {
    let max = usize::try_from(options.max_record).unwrap_or(usize::MAX);
    let bytes = gunzipped(bytes.to_vec(), max);
    match kind.or_else(|| Kind::by_content(&bytes)) {
        Some(Kind::Mhtml) => mhtml::read(&bytes, file, options),
        Some(Kind::Har) => har::read(&bytes, beside, options),
        Some(Kind::Zip) => zipped::read(&bytes, file, options),
        _ if zipped::unpacks_itself(&bytes) => zipped::read(&bytes, file, options),
        _ => {
            let url = saved_from::tool(&bytes).or_else(|| saved_from::canonical(&bytes));
            let url = url.unwrap_or_else(|| file.clone());
            vec![Item::Answer(Answer::new(url, Some("text/html"), bytes))]
        }
    }
}

fn whole(name: &str, length: u64) -> Place {
    Place {
        file: Arc::from(name),
        offset: 0,
        length,
    }
}

/// A file, and, if its name has letters that can be spelt in two ways (`ö` as one sign or two), the other ways.
fn spellings(file: Url) -> Vec<Url> {
    let decoded = percent_decode_str(file.path()).decode_utf8_lossy();
    let spelt = |path: String| {
        let mut other = file.clone();
        other.set_path(&path.replace('%', "%25"));
        (other != file).then_some(other)
    };
    let others = match decoded.is_ascii() {
        true => [None, None],
        false => [
            spelt(decoded.nfc().collect()),
            spelt(decoded.nfd().collect()),
        ],
    };
    std::iter::once(file.clone())
        .chain(others.into_iter().flatten())
        .collect()
}

fn folder_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    if !url.path().ends_with('/') {
        url.path_segments_mut().ok()?.push("");
    }
    Some(url)
}

/// A folder's URL with a path behind it, whose names may hold any sign.
fn below_url(folder: &Url, path: &str) -> Url {
    let mut url = folder.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::{Items, Unit, list_units, read_at};

    fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn read(folder: &Path, base_url: Option<&str>) -> (Vec<Answer>, Items) {
        let inputs = [folder.to_str().unwrap().to_owned()];
        let units = list_units(&inputs, base_url, &ReadOptions::default()).unwrap();
        assert!(
            matches!(
                units.as_slice(),
                [Unit::Pages { .. }] | [Unit::Pages { .. }, Unit::PassedOver { .. }]
            ),
            "{units:?}"
        );
        let mut items = units[0].open(&ReadOptions::default()).unwrap();
        let answers = items.by_ref().filter_map(|item| match item.unwrap() {
            Item::Answer(answer) => Some(answer),
            _ => None,
        });
        let answers = answers.collect();
        (answers, items)
    }

    fn urls(answers: &[Answer]) -> Vec<&str> {
        answers.iter().map(|answer| answer.url.as_str()).collect()
    }

    #[test]
    fn pages_come_in_order_of_path_and_are_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let zstd = zstd::bulk::compress(b"<p>two", 3).unwrap();
        write(folder.path(), "b/2.html.zst", zstd);
        write(folder.path(), "b/10.HTM", "<p>ten");
        write(folder.path(), "a b.xhtml", "<p>one");
        write(folder.path(), "notes.txt", "no page");
        let (answers, _) = read(folder.path(), Some("https://a.org/x"));
        let expected = [
            "https://a.org/x/a%20b.xhtml",
            "https://a.org/x/b/10.HTM",
            "https://a.org/x/b/2.html",
        ];
        assert_eq!(urls(&answers), expected);
        assert_eq!(answers[2].body, b"<p>two");
    }

    #[test]
    fn page_without_base_url_has_that_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "p.html", "<p>x");
        let (answers, _) = read(folder.path(), None);
        assert!(answers[0].url.starts_with("file:///") && answers[0].url.ends_with("/p.html"));
    }

    #[test]
    fn saved_page_and_its_pictures_have_the_urls_that_they_had() {
        let folder = tempfile::tempdir().unwrap();
        let page = "<!DOCTYPE html>\n<!-- saved from url=(0021)https://a.org/b/c?d=e -->\n\
            <p>don't</p><img src=\"./Page_files/one%20x.png\"><img src='Page_files/none.png'>\n\
            <img src=Page_files/two.JPG?v=2><img src=\"/root.png\"><a href=\"Page_files/style.css\">\
            <img srcset='Page_files/s.webp 1x, Page_files/l.webp 2x' src=\"../outside.png\">";
        let files = ["one x.png", "two.JPG", "s.webp", "l.webp", "style.css"];
        for file in files {
            write(folder.path(), &format!("saved/Page_files/{file}"), file);
        }
        write(folder.path(), "outside.png", "secret");
        write(folder.path(), "saved/Page.html", page);
        let (answers, _) = read(&folder.path().join("saved"), Some("https://b.org/"));
        let expected = [
            "https://a.org/b/c?d=e",
            "https://a.org/b/Page_files/one%20x.png",
            "https://a.org/b/Page_files/two.JPG?v=2",
            "https://a.org/b/Page_files/s.webp",
            "https://a.org/b/Page_files/l.webp",
        ];
        assert_eq!(urls(&answers), expected);
        assert_eq!(answers[1].body, b"one x.png");
        assert_eq!(answers[2].content_type.as_deref(), Some("image/jpeg"));
        let again = read_at(answers[2].place.as_ref().unwrap(), &ReadOptions::default());
        assert_eq!(again.unwrap().unwrap().body, b"two.JPG");
    }

    #[test]
    fn pictures_are_found_from_the_folders_root_if_its_url_is_known() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "img/a.png", "a");
        write(
            folder.path(),
            "sub/p.html",
            "<img src=/img/a.png><img src='https://a.org/img/a.png'>",
        );
        write(folder.path(), "sub/q.html", "<img src=../img/a.png>");
        let (answers, items) = read(folder.path(), Some("https://a.org"));
        let expected = [
            "https://a.org/sub/p.html",
            "https://a.org/img/a.png",
            "https://a.org/sub/q.html",
        ];
        assert_eq!(urls(&answers), expected);
        assert_eq!(items.bytes_read(), 78);
    }

    #[test]
    fn unreadable_and_too_large_pages_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "p.html", "<p>x");
        let options = ReadOptions {
            max_record: 3,
            ..ReadOptions::default()
        };
        let pages = ["p.html".to_owned(), "gone.html".to_owned()];
        let pages = Pages::new(folder.path().to_str().unwrap(), None, &pages, &options).unwrap();
        let mut items = Items::new(pages);
        assert!(
            items
                .by_ref()
                .all(|item| matches!(item, Ok(Item::Skipped(_))))
        );
        let counts: Vec<_> = items.counts().iter().collect();
        assert_eq!(counts, [("too_large", 1), ("unreadable", 1)]);
    }

    #[test]
    fn pictures_are_found_by_their_decoded_names_and_told_by_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let page = "<img src='a&amp;b.png'><img src='two&#32;words.jpg'><img src='c.png%3Fw=3&amp;v=2'>\
            <img src='photo%3Fid=7'><img src='thumb?f=x'><img src=bare><img src=text><img src=win?a=1>\
            <p style=\"background-image:url('wall.webp')\">";
        let gif = b"GIF89a......";
        for name in [
            "a&b.png",
            "two words.jpg",
            "c.png?w=3&v=2",
            "photo?id=7",
            "thumb?f=x",
            "bare",
            "win@a=1",
            "wall.webp",
        ] {
            write(folder.path(), name, gif);
        }
        write(folder.path(), "text", "no picture");
        write(folder.path(), "p.html", page);
        let (answers, _) = read(folder.path(), Some("https://a.org/"));
        let expected = [
            "https://a.org/p.html",
            "https://a.org/a&b.png",
            "https://a.org/two%20words.jpg",
            "https://a.org/c.png%3Fw=3&v=2",
            "https://a.org/photo%3Fid=7",
            "https://a.org/thumb?f=x",
            "https://a.org/bare",
            "https://a.org/win?a=1",
            "https://a.org/wall.webp",
        ];
        assert_eq!(urls(&answers), expected);
        assert!(
            answers[1..]
                .iter()
                .all(|answer| answer.content_type.as_deref() == Some("image/gif"))
        );
    }

    #[test]
    fn names_are_found_however_their_letters_are_composed() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "gro\u{308}ße.gif", "GIF89a1");
        write(folder.path(), "caf\u{e9} 100%.gif", "GIF89a2");
        write(
            folder.path(),
            "p.html",
            "<img src=gr%C3%B6%C3%9Fe.gif><img src='cafe\u{301} 100%25.gif'>",
        );
        let (answers, _) = read(folder.path(), None);
        let bodies: Vec<_> = answers[1..].iter().map(|answer| &answer.body[..]).collect();
        assert_eq!(bodies, [b"GIF89a1", b"GIF89a2"]);
    }

    #[test]
    fn address_is_the_tools_then_that_of_the_folder_then_the_pages_own() {
        let folder = tempfile::tempdir().unwrap();
        let own = "<link rel=canonical href=https://c.org/own>";
        write(folder.path(), "own.html", own);
        write(
            folder.path(),
            "tool.html",
            format!("<!-- saved from url=(0014)https://t.org/ -->{own}"),
        );
        let (answers, _) = read(folder.path(), None);
        assert_eq!(urls(&answers), ["https://c.org/own", "https://t.org/"]);
        let (answers, _) = read(folder.path(), Some("https://b.org"));
        assert_eq!(urls(&answers), ["https://b.org/own.html", "https://t.org/"]);
    }

    #[test]
    fn pictures_of_a_page_with_a_base_have_the_urls_that_it_asks_for() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.png", "a");
        write(
            folder.path(),
            "p.html",
            "<!-- saved from url=(0016)https://a.org/b/ --><base href=/c/><img src=a.png>",
        );
        let (answers, _) = read(folder.path(), None);
        assert_eq!(
            urls(&answers),
            ["https://a.org/b/", "https://a.org/c/a.png"]
        );
    }

    #[test]
    fn archives_of_one_page_are_read_among_pages() {
        let folder = tempfile::tempdir().unwrap();
        let message = "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\
            Content-Location: https://m.org/\n\n<p>m\n--b\nContent-Type: image/gif\nContent-Location: https://m.org/a.gif\n\nGIF89a\n--b--\n";
        let har = r#"{"log": {"entries": [{"request": {"url": "https://h.org/"}, "response": {"status": 200, "content": {"mimeType": "text/html", "text": "<p>h"}}}]}}"#;
        write(folder.path(), "a.mht", message);
        write(folder.path(), "b.har", har);
        write(
            folder.path(),
            "c.html",
            "<!-- saved from url=(0014)https://c.org/ -->",
        );
        let (answers, _) = read(folder.path(), None);
        assert_eq!(
            urls(&answers),
            [
                "https://m.org/",
                "https://m.org/a.gif",
                "https://h.org/",
                "https://c.org/"
            ]
        );
        assert!(answers[1].place.is_none());
    }
}
