//! Units of work: a WARC file, or so many pages of a folder or list, in an order that does not depend on the
//! disk.

use std::collections::HashSet;
use std::io::{BufReader, Read};

use flate2::read::DeflateDecoder;
use serde::{Deserialize, Serialize};

use crate::input::{Kind, image_type, is_html, is_support, picture_type};
use crate::lines::{self, Lines, Urls};
use crate::pages::Pages;
use crate::passed_over::PassedOver;
use crate::store::{Entry, below};
use crate::unread::Unread;
use crate::wacz::{self, Archive, Member};
use crate::warc::{self, Warc};
use crate::{Counts, Error, Items, ReadOptions, Result, har};

/// The most pages or URLs of a unit.
const PAGES: usize = 1000;
/// Endings of films.
const FILMS: [&str; 10] = [
    "avi", "flv", "gif", "m4v", "mkv", "mov", "mp4", "mpg", "webm", "wmv",
];
/// How many bytes of lines make a unit.
const LINES: u64 = 64 << 20;
/// So many bytes tell what a file is.
const SNIFFED: u64 = 4 << 10;

/// A part of the inputs that is read by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A WARC file.
    Warc {
        /// Its path or URL.
        file: String,
    },
    /// A WARC file in an archive (WACZ).
    Member {
        /// The archive's path or URL.
        file: String,
        /// The WARC's name in the archive.
        member: String,
        /// Where its bytes begin in the archive.
        start: u64,
        /// How many bytes of the archive it has.
        length: u64,
        /// Whether the archive compresses it once more.
        is_deflated: bool,
    },
    /// Saved pages of a folder: HTML, MHTML, HAR, and ZIP archives of one page.
    Pages {
        /// The folder's path or URL.
        folder: String,
        /// Where the folder lies on the web, for pages that do not say themselves.
        base_url: Option<String>,
        /// The pages' paths below the folder, with `/` between names.
        pages: Vec<String>,
    },
    /// Lines of JSON with `url` and `html`: those that begin in a range of the file's bytes.
    Lines {
        /// Its path or URL.
        file: String,
        /// Where the range begins.
        start: u64,
        /// Where it ends; `None` for the end of the file.
        end: Option<u64>,
    },
    /// Films of a folder, each with a text of its name beside it.
    Films {
        /// The folder's path.
        folder: String,
        /// The films' paths below the folder, with `/` between names.
        films: Vec<String>,
    },
    /// URLs that are to be fetched.
    Urls {
        /// The URLs.
        urls: Vec<String>,
    },
    /// Files of a folder that are not read.
    PassedOver {
        /// The folder's path or URL.
        folder: String,
        /// How many of each kind there are.
        files: Counts,
    },
}

impl Unit {
    /// The files that it reads: paths, or URLs of object stores.
    pub fn files(&self) -> Vec<String> {
        let (folder, names) = match self {
            Self::Warc { file } | Self::Member { file, .. } | Self::Lines { file, .. } => {
                return vec![file.clone()];
            }
            Self::Pages { folder, pages, .. } => (folder, pages),
            Self::Films { folder, films } => (folder, films),
            Self::Urls { .. } | Self::PassedOver { .. } => return Vec::new(),
        };
        let files = names.iter().map(|name| below(folder, name));
        files.collect()
    }

    /// Reads the unit.
    ///
    /// # Errors
    /// If its file cannot be opened, or it is [`Unit::Urls`], which must be fetched instead, or [`Unit::Films`],
    /// which are no answers of servers.
    pub fn open(&self, options: &ReadOptions) -> Result<Items> {
        match self {
            Self::Warc { file } => {
                let opened = options.stores.open(file)?;
                let input = warc::Input {
                    reader: opened.reader,
                    name: file.as_str().into(),
                    start: Some(0),
                    size: Some(opened.size),
                    dictionary: None,
                };
                Ok(Items::new(Warc::new(input, options)?))
            }
            Self::Member {
                file,
                member,
                start,
                length,
                is_deflated,
            } => {
                let reader = options.stores.open_at(file, *start)?.reader.take(*length);
                // The frame with the dictionary of a zstd file would be looked for at the archive's start.
                let is_alone = !is_deflated && !member.ends_with(".zst");
                let input = warc::Input {
                    reader: match is_deflated {
                        true => Box::new(DeflateDecoder::new(reader)),
                        false => Box::new(reader),
                    },
                    name: file.as_str().into(),
                    start: is_alone.then_some(*start),
                    size: (!is_deflated).then_some(*length),
                    dictionary: None,
                };
                Ok(Items::new(Warc::new(input, options)?))
            }
            Self::PassedOver { files, .. } => Ok(Items::new(PassedOver::new(files))),
            Self::Pages {
                folder,
                base_url,
                pages,
            } => Ok(Items::new(Pages::new(
                folder,
                base_url.as_deref(),
                pages,
                options,
            )?)),
            Self::Lines { file, start, end } => {
                Ok(Items::new(Lines::open(file, *start, *end, options)?))
            }
            Self::Urls { urls } => Err(Error::Input {
                name: urls.first().cloned().unwrap_or_default(),
                what: "to be fetched, not read".to_owned(),
                expected: "its unit to a fetcher",
            }),
            Self::Films { folder, .. } => Err(Error::Input {
                name: folder.clone(),
                what: "a folder of films".to_owned(),
                expected: "it to the build of a corpus of pairs",
            }),
        }
    }
}

/// Splits inputs into units: in the inputs' order, and in order of name within each. An input is a path
/// or URL, also with `*`, `**` and `?`, of a WARC, an archive of them (WACZ), a saved page (HTML, MHTML, HAR, or a ZIP archive of one), a file of
/// JSON lines, a list of URLs (`.urls`), or of a folder of WARCs, archives and pages. What else lies in a folder is
/// counted in a unit of its own, behind the others: all but pictures, which are read where a page shows them. A folder
/// that has none of them and films is one of films.
///
/// # Errors
/// If an input cannot be found or is of no known kind, or of one that is known and not read.
pub fn list_units(
    inputs: &[String],
    base_url: Option<&str>,
    options: &ReadOptions,
) -> Result<Vec<Unit>> {
    let mut units = Vec::new();
    for input in inputs {
        Listing {
            base_url,
            options,
            units: &mut units,
        }
        .add(input)?;
    }
    Ok(units)
}

struct Listing<'a> {
    base_url: Option<&'a str>,
    options: &'a ReadOptions,
    units: &'a mut Vec<Unit>,
}

impl Listing<'_> {
    fn add(&mut self, input: &str) -> Result<()> {
        if input.contains(['*', '?', '[']) && !self.is_literal(input)? {
            return self.add_matches(input);
        }
        match self.options.stores.entry(input)? {
            Some(Entry::Folder) => {
                let files = self.options.stores.list(input)?;
                if is_of_films(&files) {
                    self.add_films(input, files);
                    return Ok(());
                }
                self.add_folder(input, files)
            }
            Some(Entry::File(_)) => {
                let (folder, file) = input.rsplit_once('/').unwrap_or((".", input));
                let folder = if input.starts_with('/') && folder.is_empty() {
                    "/"
                } else {
                    folder
                };
                self.add_files(folder, vec![file.to_owned()], "nothing known")
            }
            None => Err(not_readable(input, "not there")),
        }
    }

    /// Whether a name with the signs of a pattern is that of a file.
    fn is_literal(&self, input: &str) -> Result<bool> {
        // A `?` begins the query of a web address.
        let is_web = input.starts_with("http://") || input.starts_with("https://");
        Ok(!input.contains('*') && (is_web || self.options.stores.entry(input)?.is_some()))
    }

    fn add_matches(&mut self, input: &str) -> Result<()> {
        let first = input.find(['*', '?', '[']).unwrap_or(input.len());
        let slash = input[..first].rfind('/');
        let folder = match slash {
            Some(0) => "/",
            Some(slash) => &input[..slash],
            None => ".",
        };
        let pattern = &input[slash.map_or(0, |slash| slash + 1)..];
        let pattern = glob::Pattern::new(pattern)
            .map_err(|error| not_readable(input, &format!("no pattern ({error})")))?;
        let rules = glob::MatchOptions {
            require_literal_separator: true,
            ..glob::MatchOptions::default()
        };
        let mut files = self.options.stores.list(folder)?;
        files.retain(|file| pattern.matches_with(file, rules));
        self.add_files(folder, files, "a pattern that nothing matches")
    }

    /// Adds what is read of a folder, and counts what is not.
    fn add_folder(&mut self, folder: &str, files: Vec<String>) -> Result<()> {
        let (mut read, mut pictures) = (Vec::new(), 0);
        let mut passed_over = Counts::default();
        let named: HashSet<String> = files.iter().cloned().collect();
        let of_hars = self.files_of_hars(folder, &files)?;
        for file in files.into_iter().filter(|file| !of_hars.contains(file)) {
            if file
                .strip_suffix(".orig")
                .is_some_and(|changed| named.contains(changed))
            {
                passed_over.add(Unread::Original.name(), 1);
                continue;
            }
            match self.look_at(&below(folder, &file))? {
                Found::Read => read.push(file),
                Found::Picture => pictures += 1,
                Found::PassedOver(name) => passed_over.add(name, 1),
            }
        }
        if read.is_empty() {
            let what = "a folder without WARC files and pages";
            return Err(not_readable(folder, what));
        }
        if !read.iter().any(|file| is_page(file)) {
            passed_over.add("picture_file", pictures);
        }
        self.add_files(folder, read, "empty")?;
        if passed_over.iter().next().is_some() {
            self.units.push(Unit::PassedOver {
                folder: folder.to_owned(),
                files: passed_over,
            });
        }
        Ok(())
    }

    /// Files that hold the bodies of HAR files beside them, with which they are read.
    fn files_of_hars(&self, folder: &str, files: &[String]) -> Result<HashSet<String>> {
        let is_har = |file: &&String| Kind::by_name(file) == Some(Kind::Har);
        let mut found = HashSet::new();
        for har in files.iter().filter(is_har) {
            let name = below(folder, har);
            let bytes = self
                .options
                .stores
                .read_range(&name, 0, self.options.max_record)?;
            let beside = har.rfind('/').map_or("", |slash| &har[..=slash]);
            found.extend(
                har::files(&bytes)
                    .into_iter()
                    .map(|file| format!("{beside}{file}")),
            );
        }
        Ok(found)
    }

    /// What a file of a folder is: by its name, or, if that says nothing, by its first bytes.
    fn look_at(&self, name: &str) -> Result<Found> {
        match Kind::by_name(name) {
            Some(Kind::Zip) => return self.look_into(name),
            Some(Kind::Lines) => return Ok(Found::PassedOver("json_lines_file")),
            Some(Kind::Urls) => return Ok(Found::PassedOver("url_list_file")),
            Some(Kind::Warc | Kind::Page | Kind::Mhtml | Kind::Har) => return Ok(Found::Read),
            None => {}
        }
        if image_type(name).is_some() {
            return Ok(Found::Picture);
        }
        if let Some(unread) = Unread::by_name(name) {
            return Ok(Found::PassedOver(unread.name()));
        }
        if is_support(name) {
            return Ok(Found::PassedOver("support_file"));
        }
        if is_film(name) {
            return Ok(Found::PassedOver("film_file"));
        }
        let head = self.options.stores.read_range(name, 0, SNIFFED)?;
        Ok(match Kind::by_content(&head) {
            Some(Kind::Zip) => return self.look_into(name),
            Some(Kind::Warc | Kind::Mhtml | Kind::Har) => Found::Read,
            Some(Kind::Page) if is_html(&head) => Found::Read,
            _ if picture_type(&head).is_some() => Found::Picture,
            _ => Found::PassedOver(Unread::by_content(&head).map_or("unknown_file", Unread::name)),
        })
    }

    fn look_into(&self, name: &str) -> Result<Found> {
        Ok(match wacz::look(name, &self.options.stores)? {
            Archive::Warcs(_) | Archive::Page => Found::Read,
            Archive::Unread(unread) => Found::PassedOver(unread.name()),
            Archive::Damaged(reason) => {
                tracing::warn!("{name} is an archive that cannot be read ({reason}): left out");
                Found::PassedOver("damaged_archive")
            }
        })
    }

    /// Adds files of a folder, each by its kind; pages next to each other share units.
    fn add_files(&mut self, folder: &str, files: Vec<String>, else_what: &str) -> Result<()> {
        if files.is_empty() {
            return Err(not_readable(folder, else_what));
        }
        let mut pages = Vec::new();
        for file in files {
            let name = below(folder, &file);
            match self.kind(&name)? {
                Kind::Page | Kind::Mhtml | Kind::Har => pages.push(file),
                Kind::Warc => self.units.push(Unit::Warc { file: name }),
                Kind::Zip if self.is_page_or_added(&name)? => pages.push(file),
                Kind::Zip => {}
                Kind::Lines => self.add_lines(name)?,
                Kind::Urls => self.add_urls(&name)?,
            }
        }
        for pages in pages.chunks(PAGES) {
            self.units.push(Unit::Pages {
                folder: folder.to_owned(),
                base_url: self.base_url.map(str::to_owned),
                pages: pages.to_vec(),
            });
        }
        Ok(())
    }

    fn kind(&self, name: &str) -> Result<Kind> {
        let named = Kind::by_name(name);
        if let Some(kind) = named.filter(|kind| *kind != Kind::Lines) {
            return Ok(kind);
        }
        let head = self.options.stores.read_range(name, 0, SNIFFED)?;
        if let Some(kind) = Kind::by_content(&head) {
            return Ok(kind);
        }
        let unread = Unread::by_name(name).or_else(|| Unread::by_content(&head));
        match (unread, named) {
            (Some(Unread::Empty), Some(kind)) => Ok(kind),
            (Some(unread), _) => Err(not_readable(name, unread.what())),
            (None, Some(kind)) => Ok(kind),
            (None, None) => Err(not_readable(name, "of no known kind")),
        }
    }

    /// Adds the WARC files of an archive, unless it is one of a page.
    fn is_page_or_added(&mut self, file: &str) -> Result<bool> {
        let members = match wacz::look(file, &self.options.stores)? {
            Archive::Page => return Ok(true),
            Archive::Warcs(members) => members,
            Archive::Unread(unread) => return Err(not_readable(file, unread.what())),
            Archive::Damaged(reason) => {
                let what = format!("an archive that cannot be read ({reason})");
                return Err(not_readable(file, &what));
            }
        };
        let unit = |member: Member| Unit::Member {
            file: file.to_owned(),
            member: member.name,
            start: member.start,
            length: member.length,
            is_deflated: member.is_deflated,
        };
        self.units.extend(members.into_iter().map(unit));
        Ok(false)
    }

    /// A compressed file can only be read from its start.
    fn add_lines(&mut self, file: String) -> Result<()> {
        let head = self.options.stores.read_range(&file, 0, 4)?;
        let size = match self.options.stores.entry(&file)? {
            Some(Entry::File(size)) if !lines::is_compressed(&head) => size,
            _ => 0,
        };
        let starts = (0..size.max(1)).step_by(LINES as usize);
        self.units.extend(starts.map(|start| Unit::Lines {
            file: file.clone(),
            start,
            end: Some(start + LINES).filter(|end| *end < size),
        }));
        Ok(())
    }

    fn add_films(&mut self, folder: &str, mut files: Vec<String>) {
        files.retain(|file| is_film(file));
        let units = files.chunks(PAGES).map(|films| Unit::Films {
            folder: folder.to_owned(),
            films: films.to_vec(),
        });
        self.units.extend(units);
    }

    fn add_urls(&mut self, name: &str) -> Result<()> {
        let reader = BufReader::new(self.options.stores.open(name)?.reader);
        let mut list = Urls::new(reader).map_err(Error::io(name))?.peekable();
        while list.peek().is_some() {
            let urls: Result<Vec<_>, _> = list.by_ref().take(PAGES).collect();
            let urls = urls.map_err(Error::io(name))?;
            self.units.push(Unit::Urls { urls });
        }
        Ok(())
    }
}

/// What a file of a folder is for its reader.
enum Found {
    Read,
    /// It is read if a page shows it.
    Picture,
    /// It is not read, and counted by this name.
    PassedOver(&'static str),
}

/// Whether a file may be one of pages, beside which pictures are looked for.
fn is_page(file: &str) -> bool {
    matches!(Kind::by_name(file), Some(Kind::Page) | None)
}

/// Whether films are what a folder is about, and not what its pages show.
fn is_of_films(files: &[String]) -> bool {
    let is_other = |file: &String| {
        let kind = Kind::by_name(file);
        kind.is_some_and(|kind| !matches!(kind, Kind::Lines | Kind::Urls))
    };
    files.iter().any(|file| is_film(file)) && !files.iter().any(is_other)
}

/// Whether a name is that of a film; hidden files are none.
fn is_film(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    !name.starts_with('.') && FILMS.contains(&extension.as_str())
}

fn not_readable(name: &str, what: &str) -> Error {
    Error::Input {
        name: name.to_owned(),
        what: what.to_owned(),
        expected: "a WARC file or WACZ archive, saved pages (.html, .mhtml, .har), JSON lines (.jsonl), a list of URLs \
                   (.urls), or a folder",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;
    use std::sync::Arc;

    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;
    use crate::{Item, Stores};

    fn write(folder: &Path, name: &str, bytes: &str) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The units of inputs in a folder, without the folder's name.
    fn units(folder: &Path, inputs: &[&str]) -> Vec<String> {
        let root = folder.to_str().unwrap();
        let inputs: Vec<_> = inputs.iter().map(|input| below(root, input)).collect();
        let units = list_units(&inputs, None, &ReadOptions::default()).unwrap();
        let json = units
            .iter()
            .map(|unit| serde_json::to_string(unit).unwrap());
        json.map(|unit| unit.replace(root, "R")).collect()
    }

    #[test]
    fn inputs_of_every_kind_become_units_in_a_stable_order() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("crawl/b.warc.gz", ""),
            ("crawl/a/z.warc", ""),
            ("crawl/a.html", "<p>"),
            ("crawl/notes.txt", "notes"),
            ("list.urls", "https://a.org/1\nhttps://a.org/2\n"),
            ("pages.jsonl", "{}\n"),
            ("nameless", "WARC/1.0\r\n"),
        ] {
            write(folder.path(), name, text);
        }
        let warc = |file: &str| format!(r#"{{"warc":{{"file":"R/{file}"}}}}"#);
        let expected = [
            r#"{"lines":{"file":"R/pages.jsonl","start":0,"end":null}}"#.to_owned(),
            warc("crawl/a/z.warc"),
            warc("crawl/b.warc.gz"),
            r#"{"pages":{"folder":"R/crawl","base_url":null,"pages":["a.html"]}}"#.to_owned(),
            r#"{"passed_over":{"folder":"R/crawl","files":{"unknown_file":1}}}"#.to_owned(),
            r#"{"urls":{"urls":["https://a.org/1","https://a.org/2"]}}"#.to_owned(),
            warc("nameless"),
        ];
        let inputs = ["pages.jsonl", "crawl", "list.urls", "nameless"];
        assert_eq!(units(folder.path(), &inputs), expected);
    }

    #[test]
    fn patterns_match_within_a_folder_or_below_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "c/1.warc",
            "c/2.warc",
            "c/10.warc",
            "c/d/3.warc",
            "c/x.html",
        ] {
            write(folder.path(), name, "");
        }
        let numbers = |pattern: &str| {
            let units = units(folder.path(), &[pattern]);
            let file = |unit: &String| {
                unit.split('/')
                    .next_back()
                    .unwrap()
                    .replace(".warc\"}}", "")
            };
            units.iter().map(file).collect::<Vec<_>>()
        };
        assert_eq!(numbers("c/*.warc"), ["1", "10", "2"]);
        assert_eq!(numbers("c/?.warc"), ["1", "2"]);
        assert_eq!(numbers("c/**/*.warc"), ["1", "10", "2", "3"]);
    }

    #[test]
    fn many_pages_and_long_files_of_lines_are_split() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..PAGES + 1 {
            write(folder.path(), &format!("p/{n:05}.html"), "<p>");
        }
        let units = units(folder.path(), &["p"]);
        assert_eq!(units.len(), 2);
        assert!(units[1].contains(r#"["01000.html"]"#), "{}", units[1]);
        let long = std::fs::File::create(folder.path().join("x.jsonl")).unwrap();
        long.set_len(2 * LINES + 1).unwrap();
        let inputs = [folder.path().join("x.jsonl").to_str().unwrap().to_owned()];
        let units = list_units(&inputs, None, &ReadOptions::default()).unwrap();
        let ends: Vec<_> = units
            .iter()
            .map(|unit| match unit {
                Unit::Lines { start, end, .. } => (*start, *end),
                _ => unreachable!("lines only"),
            })
            .collect();
        assert_eq!(
            ends,
            [
                (0, Some(LINES)),
                (LINES, Some(2 * LINES)),
                (2 * LINES, None)
            ]
        );
    }

    #[test]
    fn folder_of_films_is_one_unit_unless_there_are_pages() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "f/b.MP4",
            "f/a/c.gif",
            "f/b.txt",
            "f/.d.webm",
            "p/x.html",
            "p/y.mp4",
        ] {
            write(folder.path(), name, "");
        }
        assert_eq!(
            units(folder.path(), &["f"]),
            [r#"{"films":{"folder":"R/f","films":["a/c.gif","b.MP4"]}}"#]
        );
        assert!(units(folder.path(), &["p"])[0].starts_with(r#"{"pages":"#));
    }

    #[test]
    fn what_is_passed_over_in_a_folder_is_counted_by_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("f/page", "<!DOCTYPE html><p>x"),
            ("f/b.html", "<p>"),
            ("f/b_files/a.png", ""),
            ("f/b_files/s.css", ""),
            ("f/b_files/s.js", ""),
            ("f/film.mp4", ""),
            ("f/wiki.zim", ""),
            ("f/book.epub", ""),
            ("f/broken.wacz", "PK\u{3}\u{4}"),
            ("f/pages.jsonl", "{}"),
            ("f/list.json", "[1]"),
            ("f/feed", "<?xml version='1.0'?><rss>"),
            ("f/notes.txt", "notes"),
            ("f/nothing", ""),
            ("f/b.html.orig", "<!DOCTYPE html><p>as it was"),
            ("f/lone.html.orig", "<!DOCTYPE html><p>x"),
            ("f/pages.7z", "7z"),
            ("w/a.warc", ""),
            ("w/a.png", ""),
        ] {
            write(folder.path(), name, text);
        }
        let passed_over = r#"{"passed_over":{"folder":"R/f","files":{"7z_file":1,"damaged_archive":1,"empty_file":1,"epub_file":1,"film_file":1,"json_file":1,"json_lines_file":1,"original_file":1,"support_file":2,"unknown_file":2,"zim_file":1}}}"#;
        assert_eq!(
            units(folder.path(), &["f"]),
            [
                r#"{"pages":{"folder":"R/f","base_url":null,"pages":["b.html","lone.html.orig","page"]}}"#,
                passed_over
            ]
        );
        assert_eq!(
            units(folder.path(), &["w"])[1],
            r#"{"passed_over":{"folder":"R/w","files":{"picture_file":1}}}"#
        );
        let unit: Unit = serde_json::from_str(passed_over).unwrap();
        let mut items = unit.open(&ReadOptions::default()).unwrap();
        assert!(items.next().is_none());
        assert_eq!(items.counts().get("unknown_file"), 2);
    }

    #[test]
    fn bodies_of_a_har_file_are_no_pages_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let har = r#"{"log": {"entries": [{"request": {"url": "https://a.example/"}, "response": {"status": 200, "content": {"mimeType": "text/html", "_file": "7.html"}}}]}}"#;
        for (name, text) in [
            ("f/h/a.har", har),
            ("f/h/7.html", "<p>seven"),
            ("f/7.html", "<p>other"),
        ] {
            write(folder.path(), name, text);
        }
        assert_eq!(
            units(folder.path(), &["f"]),
            [r#"{"pages":{"folder":"R/f","base_url":null,"pages":["7.html","h/a.har"]}}"#]
        );
        let inputs = [below(folder.path().to_str().unwrap(), "f")];
        let units = list_units(&inputs, None, &ReadOptions::default()).unwrap();
        let items = units[0].open(&ReadOptions::default()).unwrap();
        let bodies: Vec<_> = items
            .filter_map(|item| match item.unwrap() {
                Item::Answer(answer) => Some(answer.body),
                _ => None,
            })
            .collect();
        assert_eq!(bodies, [b"<p>other", b"<p>seven"]);
    }

    #[test]
    fn format_that_is_known_and_not_read_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = |name: &str, text: &str| {
            write(folder.path(), name, text);
            let inputs = [below(folder.path().to_str().unwrap(), name)];
            list_units(&inputs, None, &ReadOptions::default())
                .unwrap_err()
                .to_string()
        };
        assert!(error("a.zim", "ZIM\u{4}").contains("a ZIM file"));
        assert!(error("b.epub", "").contains("an EPUB book"));
        assert!(error("c", "ZIM\u{4}").contains("a ZIM file"));
        assert!(error("f", "").contains("is empty"));
        assert!(error("g.warc.xz", "").contains("bzip2 or xz"));
        for name in ["d.json", "e.jsonl"] {
            assert!(error(name, "{\n  \"url\": \"x\"\n}").contains("one JSON document"));
            assert!(error(name, "[{\"url\": \"x\"}]").contains("one JSON document"));
        }
    }

    #[test]
    fn input_that_is_not_there_or_of_no_known_kind_says_so() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "x.bin", "\u{1}");
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let error = |name: &str| {
            let inputs = [below(folder.path().to_str().unwrap(), name)];
            let error = list_units(&inputs, None, &ReadOptions::default()).unwrap_err();
            error
                .to_string()
                .replace(folder.path().to_str().unwrap(), "R")
        };
        assert!(error("gone").starts_with("R/gone is not there: give a WARC file"));
        assert!(error("x.bin").starts_with("R/x.bin is of no known kind: give"));
        assert!(error("empty").starts_with("R/empty is a folder without WARC files and pages"));
        assert!(error("*.warc").contains("a pattern that nothing matches"));
    }

    #[test]
    fn store_is_listed_and_read_like_a_folder() {
        let store = Arc::new(InMemory::new());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for (name, text) in [
            ("c/p 1.html", "<img src='i/x.png'>"),
            ("c/i/x.png", "png"),
            (
                "c/y.warc",
                "WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
            ),
        ] {
            let key = object_store::path::Path::from(name);
            runtime.block_on(store.put(&key, text.into())).unwrap();
        }
        let options = ReadOptions {
            stores: Stores::default(),
            ..ReadOptions::default()
        };
        options.stores.register("memory://here", store);
        let units = list_units(&["memory://here/c".to_owned()], None, &options).unwrap();
        // Also from a thread of a runtime, where waiting for another would panic.
        let names: Vec<_> = runtime.block_on(async {
            let items = units.iter().flat_map(|unit| unit.open(&options).unwrap());
            let name = |item| match item {
                Item::Answer(answer) => answer.url,
                Item::Skipped(skipped) => skipped.reason.name().to_owned(),
                _ => String::new(),
            };
            items.map(|item| name(item.unwrap())).collect()
        });
        assert_eq!(
            names,
            [
                "warcinfo",
                "memory://here/c/p%201.html",
                "memory://here/c/i/x.png"
            ]
        );
    }
}
