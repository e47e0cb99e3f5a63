//! One saved page in a ZIP archive, as SingleFile, MAFF and WebScrapBook write it, also behind an HTML page that unpacks
//! itself; and a HAR file with the bodies that Playwright puts beside it.
//!
//! Names of pictures are those of the archive, alike in the next: the page asks for each by the URL that it had, if the
//! archive tells, else by one that only this page has.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use flate2::read::DeflateDecoder;
use memchr::memmem;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::Url;
use zip::{CompressionMethod, ZipArchive};

use crate::input::{Kind, image_type, picture_type};
use crate::references::{tags, value_of};
use crate::{Answer, Item, ReadOptions, Reason, har, saved_from};

/// Bytes at the start of a page within which it says that it unpacks itself.
const HEAD: usize = 4 << 10;
/// Longer words of a page are no names.
const MAX_NAME: usize = 2 << 10;

/// Whether an HTML page is one of SingleFile's that has its content in a ZIP archive at its end.
pub(crate) fn unpacks_itself(page: &[u8]) -> bool {
    let head = &page[..page.len().min(HEAD)];
    tags(head, b"<html").any(|tag| memmem::find(tag, b"data-sfz").is_some())
}

/// The member that is the page, or the HAR file; `None` if there is not just one.
pub(crate) fn root<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let is_frame = |name: &str| {
        let mut folders = name.split('/').rev().skip(1);
        folders.any(|folder| folder == "frames" || folder.ends_with("_files"))
    };
    let (mut pages, mut hars) = (Vec::new(), Vec::new());
    for name in names {
        match Kind::by_name(name) {
            Some(Kind::Har) => hars.push(name),
            Some(Kind::Page) if !is_frame(name) => pages.push(name),
            _ => {}
        }
    }
    match (hars.as_slice(), pages.as_slice()) {
        ([har], _) => Some(har),
        ([], [page]) => Some(page),
        _ => None,
    }
}

/// What an archive of one page, or of one HAR file, holds. `file` is the page's URL if none is told.
pub(crate) fn read(bytes: &[u8], file: &Url, options: &ReadOptions) -> Vec<Item> {
    let items = || {
        let mut archive = Archive {
            zip: ZipArchive::new(Cursor::new(bytes)).ok()?,
            max: options.max_body,
            left: options.max_record,
        };
        let names = archive.names();
        let root = root(names.iter().map(String::as_str))?;
        let folder = root.rfind('/').map_or("", |slash| &root[..=slash]);
        let body = archive.member(root).ok()?;
        if Kind::by_name(root) == Some(Kind::Har) {
            let mut beside = |name: &str| archive.member(&format!("{folder}{name}")).ok();
            return Some(har::read(&body, &mut beside, options));
        }
        Some(page(&mut archive, &names, folder, &body, file, options))
    };
    items().unwrap_or_else(|| vec![Item::skipped(Reason::MalformedArchive, None)])
}

fn page(
    archive: &mut Archive<'_>,
    names: &[String],
    folder: &str,
    body: &[u8],
    file: &Url,
    options: &ReadOptions,
) -> Vec<Item> {
    let manifest = archive.manifest(folder);
    let url = saved_from::tool(body)
        .or_else(|| web(manifest.url.as_deref()?))
        .or_else(|| original_url(&archive.member(&format!("{folder}index.rdf")).ok()?))
        .or_else(|| saved_from::canonical(body))
        .unwrap_or_else(|| file.clone());
    let inside = names.iter().filter_map(|name| name.strip_prefix(folder));
    let pictures = inside.filter(|name| image_type(name).is_some());
    let asked: HashMap<&str, Url> = pictures
        .map(|name| {
            let was = manifest.resources.get(name).and_then(|was| web(was));
            (name, was.unwrap_or_else(|| url_within(&url, name)))
        })
        .collect();
    let mut body = with_urls(body, &asked);
    let max = usize::try_from(options.max_body).unwrap_or(usize::MAX);
    let truncated = body.len() > max;
    body.truncate(max);
    let mut items = vec![Item::Answer(Answer {
        truncated,
        ..Answer::new(url, Some("text/html"), body)
    })];
    let mut asked: Vec<_> = asked.into_iter().collect();
    asked.sort();
    for (name, url) in asked.into_iter().filter(|_| options.pictures) {
        items.push(match archive.member(&format!("{folder}{name}")) {
            Ok(bytes) => {
                let media = picture_type(&bytes).or_else(|| image_type(name));
                Item::Answer(Answer::new(url, media, bytes))
            }
            Err(reason) => Item::skipped(reason, Some(url.into())),
        });
    }
    items
}

/// What SingleFile writes of the page and of what it shows: where each was.
#[derive(Default, Deserialize)]
struct Manifest {
    #[serde(rename = "originalUrl")]
    url: Option<String>,
    #[serde(default)]
    resources: HashMap<String, String>,
}

struct Archive<'b> {
    zip: ZipArchive<Cursor<&'b [u8]>>,
    /// The most bytes of a member.
    max: u64,
    /// How many bytes more all members may have.
    left: u64,
}

impl Archive<'_> {
    fn names(&self) -> Vec<String> {
        let names = self.zip.file_names().flatten();
        names.map(|name| name.to_string()).collect()
    }

    fn member(&mut self, name: &str) -> Result<Vec<u8>, Reason> {
        let index = self.zip.index_for_name(name).ok_or(Reason::Unreadable)?;
        let member = self.zip.by_index_raw(index);
        let member = member.map_err(|_| Reason::Unreadable)?;
        let method = member.compression();
        if member.encrypted() {
            return Err(Reason::Unreadable);
        }
        let limit = self.max.min(self.left);
        let mut bytes = Vec::new();
        let read = match method {
            CompressionMethod::STORE => member.take(limit + 1).read_to_end(&mut bytes),
            CompressionMethod::DEFLATE => DeflateDecoder::new(member)
                .take(limit + 1)
                .read_to_end(&mut bytes),
            _ => return Err(Reason::Unreadable),
        };
        read.map_err(|_| Reason::DamagedCompression)?;
        if bytes.len() as u64 > limit {
            return Err(Reason::TooLarge);
        }
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    fn manifest(&mut self, folder: &str) -> Manifest {
        let json = self.member(&format!("{folder}manifest.json"));
        let manifest = json
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        manifest.unwrap_or_default()
    }
}

/// The address in the description of a MAFF file.
fn original_url(rdf: &[u8]) -> Option<Url> {
    let tag = tags(rdf, b"<maf:originalurl").next()?;
    web(&value_of(tag, b"rdf:resource")?)
}

fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The URL of what only this page has under a name.
fn url_within(page: &Url, name: &str) -> Url {
    let mut url = page.clone();
    url.set_fragment(None);
    url.query_pairs_mut().append_pair("saved", name);
    url
}

/// A page with URLs in place of the names of what lies in its archive, wherever such a name stands alone.
fn with_urls(page: &[u8], urls: &HashMap<&str, Url>) -> Vec<u8> {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'=<>(),".contains(byte);
    let mut out = Vec::with_capacity(page.len());
    for piece in page.split_inclusive(is_end) {
        let word = match piece.split_last() {
            Some((last, word)) if is_end(last) => word,
            _ => piece,
        };
        match url_of(word, urls) {
            Some(url) => {
                out.extend_from_slice(url.as_str().replace('&', "&amp;").as_bytes());
                out.extend_from_slice(&piece[word.len()..]);
            }
            None => out.extend_from_slice(piece),
        }
    }
    out
}

fn url_of<'u>(word: &[u8], urls: &'u HashMap<&str, Url>) -> Option<&'u Url> {
    let text = std::str::from_utf8(word)
        .ok()
        .filter(|text| (1..MAX_NAME).contains(&text.len()) && text.contains('.'))?;
    let text = text.strip_prefix("./").unwrap_or(text);
    if let Some(url) = urls.get(text) {
        return Some(url);
    }
    if !text.contains(['%', '&']) {
        return None;
    }
    let text = htmlize::unescape_attribute(text);
    urls.get(&*percent_decode_str(&text).decode_utf8_lossy())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::STORE);
        for (name, bytes) in members {
            archive.start_file(*name, stored).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn items(bytes: &[u8]) -> Vec<Item> {
        let file = Url::parse("file:///saved/a.zip").unwrap();
        read(bytes, &file, &ReadOptions::default())
    }

    /// URLs and bodies.
    fn found(bytes: &[u8]) -> Vec<(String, String)> {
        let answers = items(bytes).into_iter().filter_map(|item| match item {
            Item::Answer(answer) => Some(answer),
            _ => None,
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        answers
            .map(|answer| (answer.url, text(&answer.body)))
            .collect()
    }

    fn pair(url: &str, body: &str) -> (String, String) {
        (url.to_owned(), body.to_owned())
    }

    #[test]
    fn page_that_singlefile_packed_has_the_addresses_that_it_had() {
        let zip = archive(&[
            (
                "index.html",
                b"<!--\n Page saved with SingleFile \n url: https://a.example/b?c=1\n--><img src=images/1.gif><img srcset=\"images/1.gif 1x, images/2.gif 2x\">images/1.gif.",
            ),
            (
                "manifest.json",
                br#"{"originalUrl": "https://a.example/b?c=1", "resources": {"images/1.gif": "https://i.example/x?y&z"}}"#,
            ),
            ("images/1.gif", b"GIF89a1"),
            ("images/2.gif", b"GIF89a2"),
            ("style.css", b"p{}"),
            ("frames/0/index.html", b"<p>inner"),
        ]);
        let expected = [
            pair(
                "https://a.example/b?c=1",
                "<!--\n Page saved with SingleFile \n url: https://a.example/b?c=1\n-->\
                 <img src=https://i.example/x?y&amp;z><img srcset=\"https://i.example/x?y&amp;z 1x, \
                 https://a.example/b?c=1&amp;saved=images%2F2.gif 2x\">images/1.gif.",
            ),
            pair("https://i.example/x?y&z", "GIF89a1"),
            pair("https://a.example/b?c=1&saved=images%2F2.gif", "GIF89a2"),
        ];
        assert_eq!(found(&zip), expected);
        let page = b"<!DOCTYPE html> <html data-sfz><!--\n Page saved with SingleFile \n--><script>unpack()</script><!--";
        assert!(unpacks_itself(page));
        assert_eq!(found(&[&page[..], &zip].concat()), expected);
        assert!(!unpacks_itself(b"<html data-x><p>data-sfz"));
    }

    #[test]
    fn address_in_a_maff_file_is_that_of_its_page() {
        let zip = archive(&[
            (
                "17/index.html",
                b"<img src=\"index_files/a%20b&amp;c.gif\">",
            ),
            (
                "17/index.rdf",
                b"<RDF:RDF><MAF:originalurl RDF:resource=\"https://a.example/m\"/></RDF:RDF>",
            ),
            ("17/index_files/a b&c.gif", b"GIF89a"),
            ("17/index_files/frame.html", b"<p>"),
        ]);
        let url = "https://a.example/m?saved=index_files%2Fa+b%26c.gif";
        let expected = [
            pair("https://a.example/m", &format!("<img src=\"{url}\">")),
            pair(url, "GIF89a"),
        ];
        assert_eq!(found(&zip), expected);
    }

    #[test]
    fn har_file_in_an_archive_has_its_bodies_beside_it() {
        let har = br#"{"log": {"entries": [{"request": {"url": "https://a.example/"}, "response": {"status": 200, "content": {"mimeType": "text/html", "_file": "7.html"}}}]}}"#;
        let zip = archive(&[("har.har", har), ("7.html", b"<p>x")]);
        assert_eq!(found(&zip), [pair("https://a.example/", "<p>x")]);
    }

    #[test]
    fn archive_of_several_pages_or_none_has_no_root() {
        assert_eq!(root(["a.html", "b.html"]), None);
        assert_eq!(root(["a.txt"]), None);
        assert_eq!(root(["index.html", "x_files/b.html"]), Some("index.html"));
        let broken = items(b"PK\x03\x04 no archive");
        assert!(
            matches!(&broken[..], [Item::Skipped(skipped)] if skipped.reason == Reason::MalformedArchive)
        );
    }

    #[test]
    fn member_beyond_the_limit_is_counted_and_not_held() {
        let zip = archive(&[("index.html", b"<p>"), ("a.gif", &[7; 9]), ("b.gif", b"b")]);
        let options = ReadOptions {
            max_body: 5,
            ..ReadOptions::default()
        };
        let items = read(&zip, &Url::parse("https://a.example/").unwrap(), &options);
        let reasons: Vec<_> = items
            .iter()
            .filter_map(|item| match item {
                Item::Skipped(skipped) => Some(skipped.reason),
                _ => None,
            })
            .collect();
        assert_eq!((items.len(), reasons), (3, vec![Reason::TooLarge]));
    }

    proptest::proptest! {
        #[test]
        fn any_mutation_of_an_archive_is_read_to_its_end(edits in crate::testing::edits()) {
            let zip = archive(&[
                ("index.html", b"<img src=images/1.gif>"),
                ("manifest.json", br#"{"originalUrl": "https://a.example/", "resources": {"images/1.gif": "https://i.example/x"}}"#),
                ("images/1.gif", b"GIF89a1"),
            ]);
            let bytes = crate::testing::edited(zip, &edits);
            let options = ReadOptions { max_body: 30, ..ReadOptions::default() };
            let items = read(&bytes, &Url::parse("file:///saved/a.zip").unwrap(), &options);
            proptest::prop_assert!((1..=2).contains(&items.len()));
            for item in items {
                if let Item::Answer(answer) = item {
                    proptest::prop_assert!(answer.body.len() <= 30);
                }
            }
        }
    }
}
