//! Saved pages in a folder, and the pictures that lie beside them.
//!
//! A page's URL is the one it was saved from, as browsers write it into the page, else its path below the
//! folder joined to a base URL, else that of the file. A picture gets the URL by which its page asks for it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use memchr::{memchr, memmem};
use url::Url;

use crate::compress::gunzipped;
use crate::input::{image_type, uncompressed};
use crate::source::Source;
use crate::store::{Entry, below, url_of};
use crate::{Answer, Counts, Error, Item, Place, ReadOptions, Reason, Result, Skipped};

/// Browsers write where a page was saved from into its first lines.
const HEAD: usize = 4 << 10;
/// Longer ones are no references.
const MAX_REFERENCE: usize = 2 << 10;

/// The pages of a unit, each followed by its pictures.
pub(crate) struct Pages {
    folder: String,
    folder_url: Url,
    base_url: Option<Url>,
    pages: VecDeque<String>,
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
            pictures: VecDeque::new(),
            seen: HashSet::new(),
            options: options.clone(),
            bytes_read: 0,
        })
    }

    fn page(&mut self, path: &str) -> Item {
        let name = below(&self.folder, path);
        let (body, length) = match self.read(&name) {
            Ok(read) => read,
            Err(reason) => return skipped(reason, name),
        };
        let max = usize::try_from(self.options.max_body).unwrap_or(usize::MAX);
        let body = gunzipped(body, max);
        let file = below_url(&self.folder_url, path);
        let saved_from = saved_from(&body);
        let is_saved = saved_from.is_some();
        let url = saved_from.unwrap_or_else(|| match &self.base_url {
            Some(base) => below_url(base, uncompressed(path)),
            None => file.clone(),
        });
        if self.options.pictures {
            self.find_pictures(&body, &url, &file, is_saved);
        }
        Item::Answer(Answer {
            truncated: body.len() == max,
            place: Some(whole(&name, length)),
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
            Ok((body, length)) => Item::Answer(Answer {
                place: Some(whole(&name, length)),
                ..Answer::new(picture.url, image_type(&name), body)
            }),
            Err(reason) => skipped(reason, name),
        }
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
        for reference in references(page) {
            let Some(file) = self.file_of(reference, url, file, is_saved) else {
                continue;
            };
            let Ok(url) = url.join(reference) else {
                continue;
            };
            if self.seen.contains(&url) || !self.is_file(&file) {
                continue;
            }
            self.seen.insert(url.clone());
            self.pictures.push_back(Picture { url, file });
        }
    }

    /// Where the file of a reference would lie: beside the page, or, if the folder's own URL is known,
    /// wherever the reference leads below it.
    fn file_of(&self, reference: &str, url: &Url, file: &Url, is_saved: bool) -> Option<Url> {
        let is_relative = Url::parse(reference) == Err(url::ParseError::RelativeUrlWithoutBase)
            && !reference.starts_with(['/', '\\']);
        let mut found = match &self.base_url {
            _ if is_relative => file.join(reference).ok()?,
            Some(base) if !is_saved => {
                let target = url.join(reference).ok()?;
                let path = target.as_str().strip_prefix(base.as_str())?;
                self.folder_url.join(path).ok()?
            }
            _ => return None,
        };
        found.set_query(None);
        found.set_fragment(None);
        // A page must not make us read files from elsewhere.
        let is_below = found.as_str().starts_with(self.folder_url.as_str());
        (is_below && image_type(found.path()).is_some()).then_some(found)
    }

    fn is_file(&self, file: &Url) -> bool {
        let entry = self.options.stores.entry(file.as_str());
        matches!(entry, Ok(Some(Entry::File(_))))
    }
}

impl Source for Pages {
    fn next(&mut self, _: &mut Counts) -> Result<Option<Item>> {
        if let Some(picture) = self.pictures.pop_front() {
            return Ok(Some(self.picture(picture)));
        }
        let page = self.pages.pop_front();
        Ok(page.map(|path| self.page(&path)))
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

fn whole(name: &str, length: u64) -> Place {
    Place {
        file: Arc::from(name),
        offset: 0,
        length,
    }
}

fn skipped(reason: Reason, name: String) -> Item {
    Item::Skipped(Skipped {
        reason,
        url: Some(name),
        offset: 0,
    })
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

/// The URL of `<!-- saved from url=(0014)https://a.org/ -->`.
fn saved_from(page: &[u8]) -> Option<Url> {
    let head = &page[..page.len().min(HEAD)];
    let mark = b"saved from url=(";
    let rest = &head[memmem::find(head, mark)? + mark.len()..];
    let rest = &rest[memchr(b')', rest)? + 1..];
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'>';
    let end = rest.iter().position(is_end)?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    let url = Url::parse(text.trim_end_matches('-')).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The values of attributes that name a picture; of a `srcset`, each of its parts.
fn references(page: &[u8]) -> impl Iterator<Item = &str> {
    let values = attribute_values(page).filter_map(|value| std::str::from_utf8(value).ok());
    let parts = values.flat_map(|value| {
        let parts = value.split([' ', ',', '\n', '\t']);
        std::iter::once(value.trim()).chain(parts.filter(move |part| *part != value))
    });
    parts.filter(|value| {
        let path = value.split(['?', '#']).next().unwrap_or_default();
        image_type(path).is_some()
    })
}

/// Whatever stands behind an equals sign as attributes' values do.
fn attribute_values(page: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            from += memchr(b'=', page.get(from..)?)? + 1;
            let rest = page[from..].trim_ascii_start();
            let (start, end) = match rest.first()? {
                quote @ (b'"' | b'\'') => (1, find_near(&rest[1..], |byte| byte == quote)),
                _ => (
                    0,
                    find_near(rest, |byte| byte.is_ascii_whitespace() || *byte == b'>'),
                ),
            };
            if let Some(end) = end {
                from = page.len() - rest.len() + start + end;
                return Some(&rest[start..start + end]);
            }
        }
    })
}

fn find_near(bytes: &[u8], is_end: impl Fn(&u8) -> bool) -> Option<usize> {
    bytes[..bytes.len().min(MAX_REFERENCE)]
        .iter()
        .position(is_end)
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
            matches!(units.as_slice(), [Unit::Pages { .. }]),
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
    fn mark_of_a_saved_page_is_read_only_if_it_names_a_web_page() {
        let from = |mark: &str| saved_from(format!("<!-- saved from url={mark} -->").as_bytes());
        assert_eq!(
            from("(0014)https://a.org/").unwrap().as_str(),
            "https://a.org/"
        );
        assert_eq!(from("(0014)about:internet"), None);
        assert_eq!(from("(0014"), None);
        assert_eq!(saved_from(b"<p>no mark"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_page_has_references(page: Vec<u8>) {
            let _ = references(&page).count();
        }
    }
}
