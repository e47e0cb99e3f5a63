//! Lists of those who do not want to be part of a data set: domains with all that is below them,
//! and beginnings of URLs. A list of ten million lines is held as one sorted text, which takes the
//! bytes of the lines and eight more for each; while it is loaded, some more than twice that.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::{fs::File, io};

use url::{Host, Url};

use crate::{Error, Result};

/// Who opted out.
///
/// A line is a domain (`example.org`, also written `*.example.org`), which covers its
/// subdomains, or the beginning of a URL (`https://example.org/gallery/`), for which `http` and
/// `https` are the same. Empty lines and those that begin with `#` say nothing.
#[derive(Debug, Clone, Default)]
pub struct OptOutList {
    /// Labels from the last to the first, a dot behind each: `org.example.`
    domains: PrefixSet,
    /// Host, port and path: `example.org/gallery/`
    urls: PrefixSet,
    unusable: u64,
}

impl OptOutList {
    /// Reads the lists in `paths` as one.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read.
    pub fn read<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut lines = Lines::default();
        for path in paths {
            let path = path.as_ref();
            let read = File::open(path).and_then(|file| lines.read(BufReader::new(file)));
            read.map_err(Error::io(path.display()))?;
        }
        Ok(lines.into())
    }

    /// The list of these lines.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Lines::default();
        for line in lines {
            list.add(line);
        }
        list.into()
    }

    /// Whether `url` may not be used.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let in_domain = !self.domains.is_empty() && self.domains.has_prefix_of(&reversed(host));
        in_domain || (!self.urls.is_empty() && self.urls.has_prefix_of(&without_scheme(url)))
    }

    /// How many domains and beginnings of URLs there are, those left out that another covers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.domains.len() + self.urls.len()
    }

    /// Whether nobody opted out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many lines were neither a domain nor a URL.
    #[must_use]
    pub fn unusable(&self) -> u64 {
        self.unusable
    }
}

/// A list while it is read.
#[derive(Default)]
struct Lines {
    domains: Texts,
    urls: Texts,
    unusable: u64,
}

impl Lines {
    fn read(&mut self, mut file: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        while file.read_until(b'\n', &mut line)? > 0 {
            match std::str::from_utf8(&line) {
                Ok(text) => self.add(text.trim_start_matches('\u{feff}')),
                Err(_) => self.unusable += 1,
            }
            line.clear();
        }
        Ok(())
    }

    fn add(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let added = if line.contains('/') {
            self.add_url(line)
        } else {
            self.add_domain(line)
        };
        if added.is_none() {
            self.unusable += 1;
        }
    }

    fn add_url(&mut self, line: &str) -> Option<()> {
        let url = if line.contains("://") {
            Url::parse(line)
        } else {
            Url::parse(&format!("https://{line}"))
        };
        let url = url
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))?;
        self.urls.push(&without_scheme(&url));
        Some(())
    }

    fn add_domain(&mut self, line: &str) -> Option<()> {
        let name = line.trim_start_matches("*.").trim_start_matches('.');
        let host = Host::parse(name).ok()?;
        self.domains.push(&reversed(&host.to_string()));
        Some(())
    }
}

impl From<Lines> for OptOutList {
    fn from(lines: Lines) -> Self {
        Self {
            domains: PrefixSet::new(&lines.domains),
            urls: PrefixSet::new(&lines.urls),
            unusable: lines.unusable,
        }
    }
}

fn reversed(host: &str) -> String {
    let mut name = String::with_capacity(host.len() + 1);
    for label in host.trim_end_matches('.').rsplit('.') {
        name.push_str(label);
        name.push('.');
    }
    name
}

fn without_scheme(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    format!("{host}{port}{}{query}", url.path())
}

/// Many texts in one, which is one piece of memory instead of millions.
#[derive(Debug, Clone, Default)]
struct Texts {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
        self.ends.push(self.text.len());
    }

    fn get(&self, i: usize) -> &[u8] {
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[i]]
    }

    fn len(&self) -> usize {
        self.ends.len()
    }
}

/// Texts in order, none of which begins with another, so that the one before a text is the only
/// one that it can begin with.
#[derive(Debug, Clone, Default)]
struct PrefixSet(Texts);

impl PrefixSet {
    fn new(texts: &Texts) -> Self {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_unstable_by_key(|i| texts.get(*i));
        order.dedup_by(|next, kept| texts.get(*next).starts_with(texts.get(*kept)));
        let bytes = order.iter().map(|i| texts.get(*i).len()).sum();
        let (text, ends) = (Vec::with_capacity(bytes), Vec::with_capacity(order.len()));
        let mut sorted = Texts { text, ends };
        for i in order {
            sorted.text.extend_from_slice(texts.get(i));
            sorted.ends.push(sorted.text.len());
        }
        Self(sorted)
    }

    fn has_prefix_of(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let after = partition_point(self.len(), |i| self.0.get(i) <= text);
        after
            .checked_sub(1)
            .is_some_and(|before| text.starts_with(self.0.get(before)))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The first of `0..len` for which `before` is no longer true.
fn partition_point(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle + 1
        } else {
            high = middle
        }
    }
    low
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;

    use super::*;

    fn covers(list: &OptOutList, url: &str) -> bool {
        list.covers(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_domain_covers_what_is_below_it_and_nothing_beside_it() {
        let list =
            OptOutList::from_lines(["Example.org", "*.art.test", "b\u{fc}cher.test", "10.0.0.1"]);
        for url in [
            "https://example.org/",
            "http://www.example.org/x",
            "https://EXAMPLE.org.:8080/",
            "http://a.b.art.test/",
            "http://art.test",
            "http://xn--bcher-kva.test/",
            "http://10.0.0.1/",
        ] {
            assert!(covers(&list, url), "{url}");
        }
        for url in [
            "https://notexample.org/",
            "https://example.org.test/",
            "http://org/",
            "http://art.test2/",
            "http://10.0.0.11/",
        ] {
            assert!(!covers(&list, url), "{url}");
        }
    }

    #[test]
    fn the_beginning_of_a_url_covers_what_goes_on_from_it_in_either_scheme() {
        let list = OptOutList::from_lines([
            "https://a.test/gallery/",
            "a.test:81/",
            "http://b.test/p?id=1",
        ]);
        for url in [
            "http://a.test/gallery/1.jpg",
            "https://a.test:81/x",
            "https://b.test/p?id=12",
        ] {
            assert!(covers(&list, url), "{url}");
        }
        for url in [
            "http://a.test/gallery",
            "http://www.a.test/gallery/1.jpg",
            "http://b.test/p",
        ] {
            assert!(!covers(&list, url), "{url}");
        }
    }

    #[test]
    fn lines_that_another_covers_take_no_room() {
        let list =
            OptOutList::from_lines(["a.test", "www.a.test", "a.test", "b.test/x/y", "b.test/x/"]);
        assert_eq!(list.len(), 2);
        assert!(covers(&list, "http://www.a.test/") && covers(&list, "http://b.test/x/z"));
    }

    #[test]
    fn files_are_read_as_one_list_and_bad_lines_are_counted() {
        let mut first = tempfile::NamedTempFile::new().unwrap();
        first
            .write_all(b"\xef\xbb\xbfa.test\r\n\n# who asked us\nnot a domain\n\xff\nftp://x/y\n")
            .unwrap();
        let mut second = tempfile::NamedTempFile::new().unwrap();
        second.write_all(b"https://b.test/x").unwrap();
        let list = OptOutList::read([first.path(), second.path()]).unwrap();
        assert_eq!((list.len(), list.unusable()), (2, 3));
        assert!(covers(&list, "http://a.test/") && covers(&list, "http://b.test/xy"));
        let missing = OptOutList::read(["/nowhere/list"]).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/list"));
    }

    proptest::proptest! {
        #[test]
        fn a_set_of_beginnings_answers_as_a_search_through_all_does(
            texts in proptest::collection::vec("[ab./]{1,4}", 0..20), text in "[ab./]{0,8}",
        ) {
            let mut lines = Texts::default();
            for line in &texts {
                lines.push(line);
            }
            let set = PrefixSet::new(&lines);
            let expected = texts.iter().any(|begin| text.starts_with(begin.as_str()));
            proptest::prop_assert_eq!(set.has_prefix_of(&text), expected);
        }
    }
}
