//! Pages of textbooks with their pictures, from clones of the public repositories that have them, as a browser would
//! save them: HTML, and the pictures beside it. `flamingo corpus build` makes a corpus of them.
//!
//! The repositories hold Markdown for Jekyll: front matter, kramdown's `{: attributes}`, formulas in MathML, and
//! pictures whose title is their caption.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use pulldown_cmark_escape::{escape_href, escape_html};
use serde_json::json;

use crate::clone::git;

/// A textbook at one commit.
struct Book {
    name: &'static str,
    commit: &'static str,
}

/// github.com/philschatz/NAME-book, (c) 2014 OpenStax College, CC BY 3.0.
const BOOKS: [Book; 5] = [
    Book {
        name: "anatomy",
        commit: "eadaa6b",
    },
    Book {
        name: "biology",
        commit: "cf3dc8c",
    },
    Book {
        name: "chemistry",
        commit: "a6ac391",
    },
    Book {
        name: "physics",
        commit: "a7efaa7",
    },
    Book {
        name: "us-history",
        commit: "635ed59",
    },
];

const CREDITS: &str = "Text and pictures: OpenStax College, CC BY 3.0 (github.com/philschatz)";
/// Where a book has its pages.
const PAGES: &str = "contents";
/// Every tenth page is held out.
const HELD_OUT: usize = 10;
/// Words of a caption that is asked for.
const CAPTION: RangeInclusive<usize> = 4..=40;
/// Captions of which one is right.
const CANDIDATES: usize = 10;

/// Writes the pages of each book to `out/training/NAME` or `out/held-out/NAME`, and tells how many. Of the figures of
/// held-out pages `out/held-out/figures.jsonl` asks which caption is theirs.
///
/// # Errors
/// If a clone is none of the books, or a file cannot be written.
pub(crate) fn write(clones: &[PathBuf], out: &Path) -> anyhow::Result<()> {
    let mut held_out = Vec::new();
    for clone in clones {
        let book = book_of(clone)?;
        let listed = git(clone, &["ls-tree", "-r", "-z", "--name-only", book.commit])?;
        let listed = String::from_utf8(listed).context("names of files are no UTF-8")?;
        let files: BTreeSet<&str> = listed.split('\0').collect();
        let pages = files
            .iter()
            .filter(|path| path.starts_with(PAGES) && path.ends_with(".md"));
        let mut counts = Counts::default();
        for (number, path) in pages.enumerate() {
            let split = match (number + 1) % HELD_OUT {
                0 => "held-out",
                _ => "training",
            };
            let folder = out.join(split).join(book.name);
            let markdown = git(clone, &["show", &format!("{}:{path}", book.commit)])?;
            let page = Page::read(&String::from_utf8_lossy(&markdown));
            for figure in &page.figures {
                let listed = beside(path, &figure.source).filter(|file| files.contains(&file[..]));
                let Some(file) = listed else {
                    counts.missing += 1;
                    continue;
                };
                let to = folder.join(&file);
                if !to.exists() {
                    // Of a clone in part the largest files may be listed and not there.
                    let Ok(bytes) = git(clone, &["show", &format!("{}:{file}", book.commit)])
                    else {
                        counts.missing += 1;
                        continue;
                    };
                    write_file(&to, &bytes)?;
                }
                counts.pictures += 1;
                if split == "held-out" && CAPTION.contains(&figure.caption.split(' ').count()) {
                    held_out.push((figure.caption.clone(), format!("{}/{file}", book.name)));
                }
            }
            write_file(
                &folder.join(path).with_extension("html"),
                page.html.as_bytes(),
            )?;
            counts.pages += 1;
        }
        eprintln!(
            "{} pages of {} with {} pictures ({} that they show are not there)",
            counts.pages, book.name, counts.pictures, counts.missing
        );
    }
    let queries = out.join("held-out").join("figures.jsonl");
    write_file(&queries, figures_to_caption(&mut held_out).as_bytes())?;
    for split in ["training", "held-out"] {
        write_file(
            &out.join(split).join("CREDITS.txt"),
            format!("{CREDITS}\n").as_bytes(),
        )?;
    }
    Ok(())
}

/// A line for each figure: its caption and those of others that are about as long, for the likelihood of a long one is low.
fn figures_to_caption(figures: &mut Vec<(String, String)>) -> String {
    figures.sort_by_key(|(caption, file)| (caption.len(), caption.clone(), file.clone()));
    figures.dedup_by(|next, last| next.0 == last.0);
    let most = figures.len().saturating_sub(CANDIDATES);
    let line = |(number, (caption, file)): (usize, &(String, String))| {
        let first = number.saturating_sub(CANDIDATES / 2).min(most);
        let candidates = figures[first..]
            .iter()
            .take(CANDIDATES)
            .map(|(caption, _)| caption);
        let line = json!({
            "id": file,
            "parts": [{ "image": file }],
            "candidates": candidates.collect::<Vec<_>>(),
            "answer": caption,
        });
        format!("{line}\n")
    };
    figures.iter().enumerate().map(line).collect()
}

#[derive(Default)]
struct Counts {
    pages: usize,
    pictures: usize,
    missing: usize,
}

fn book_of(clone: &Path) -> anyhow::Result<&'static Book> {
    let has = |book: &&Book| {
        let commit = format!("{}^{{commit}}", book.commit);
        git(clone, &["rev-parse", "--verify", "--quiet", &commit]).is_ok()
    };
    let Some(book) = BOOKS.iter().find(has) else {
        let known: Vec<String> = BOOKS
            .iter()
            .map(|book| format!("{} ({})", book.name, book.commit))
            .collect();
        bail!(
            "{} is no clone of one of the textbooks, or lacks the commit that is used: {}",
            clone.display(),
            known.join(", ")
        );
    };
    Ok(book)
}

/// The file that a page means by a relative reference.
fn beside(page: &str, reference: &str) -> Option<String> {
    let mut path: Vec<&str> = page.split('/').collect();
    path.pop();
    for step in reference.split('/') {
        match step {
            "." | "" => {}
            ".." => {
                path.pop()?;
            }
            step => path.push(step),
        }
    }
    Some(path.join("/"))
}

fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// A page as HTML, and the figures in it.
#[derive(Debug)]
struct Page {
    html: String,
    figures: Vec<Figure>,
}

impl Page {
    fn read(markdown: &str) -> Self {
        let (title, body) = front_matter(markdown);
        let body = without_attributes(&inline_formulas(&without(
            body,
            "<annotation",
            "</annotation>",
        )));
        let mut figures = Vec::new();
        let mut events = Vec::new();
        let mut figure: Option<Figure> = None;
        for event in Parser::new_ext(&body, Options::ENABLE_TABLES) {
            match (event, &mut figure) {
                (
                    Event::Start(Tag::Image {
                        dest_url, title, ..
                    }),
                    None,
                ) => figure = Some(Figure::new(&dest_url, &title)),
                (Event::End(TagEnd::Image), Some(_)) => {
                    let Some(done) = figure.take() else { continue };
                    events.push(Event::InlineHtml(CowStr::from(done.html())));
                    figures.push(done);
                }
                (Event::Text(text) | Event::Code(text), Some(figure)) => figure.alt.push_str(&text),
                (Event::SoftBreak | Event::HardBreak, Some(figure)) => figure.alt.push(' '),
                (_, Some(_)) => {}
                (event, None) => events.push(event),
            }
        }
        let mut text = String::new();
        html::push_html(&mut text, events.into_iter());
        let title = escaped(title);
        Self {
            html: format!(
                "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
                 <body><main><h1>{title}</h1>\n{text}</main></body></html>\n"
            ),
            figures,
        }
    }
}

/// A picture with its caption; `source` as the page refers to it.
#[derive(Debug)]
struct Figure {
    source: String,
    caption: String,
    alt: String,
}

impl Figure {
    fn new(source: &str, title: &str) -> Self {
        Self {
            source: source.to_owned(),
            caption: words(&without(&words(title), "size 12{", "{}")),
            alt: String::new(),
        }
    }

    fn html(&self) -> String {
        let mut source = String::new();
        // A `String` takes whatever is written to it.
        let _ = escape_href(&mut source, &self.source);
        let alt = escaped(&words(&self.alt));
        let caption = match &self.caption[..] {
            "" => String::new(),
            caption => format!("<figcaption>{}</figcaption>", escaped(caption)),
        };
        format!("<figure><img src=\"{source}\" alt=\"{alt}\">{caption}</figure>")
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let _ = escape_html(&mut escaped, text);
    escaped
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The title, and what follows the front matter.
fn front_matter(markdown: &str) -> (&str, &str) {
    let Some((front, body)) = markdown
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
    else {
        return ("", markdown);
    };
    let title = front.lines().find_map(|line| line.strip_prefix("title:"));
    (title.unwrap_or("").trim().trim_matches('"'), body)
}

/// Leaves out all from a beginning to the end that follows it.
fn without(text: &str, beginning: &str, end: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(beginning) {
        let Some(length) = rest[start..].find(end) else {
            break;
        };
        kept.push_str(&rest[..start]);
        rest = &rest[start + length + end.len()..];
    }
    kept + rest
}

/// Kramdown's attributes stand behind what they belong to: `{: data-type="term" #id}`.
fn without_attributes(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{:") {
        let mut quoted = false;
        let end = rest[start..].find(|character| {
            quoted ^= character == '"';
            character == '}' && !quoted
        });
        let Some(length) = end else { break };
        kept.push_str(&rest[..start]);
        rest = &rest[start + length + 1..];
    }
    kept + rest
}

/// The books break a paragraph behind each formula, also behind those within a sentence.
fn inline_formulas(text: &str) -> String {
    const END: &str = "</math>\n\n";
    let mut joined = String::new();
    let mut rest = text;
    while let Some(end) = rest.find(END) {
        let (formula, behind) = rest.split_at(end + "</math>".len());
        joined.push_str(formula);
        let line = joined.rfind("<math").map_or("", |start| {
            joined[..start].rsplit('\n').next().unwrap_or("")
        });
        rest = match line.trim().is_empty() {
            true => behind,
            false => behind.trim_start_matches('\n'),
        };
    }
    joined + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKDOWN: &str = "---\ntitle: \"Rope & ladder\"\nlayout: page\n---\n\n## Ropes\n\nA **rope**{: data-type=\"term\" #a} of \
        length <math><mi>x</mi><annotation encoding=\"StarMath 5.0\"> size 12{x} {}</annotation></math>\n\n holds.\n\n\
        ![Two ropes, \none torn.](<../resources/rope (1).jpg> \"A rope &quot;at rest&quot; of \n size 12{x} {} metres.\"){: #fig title=\"}\"}\n\n\
        ![](../resources/bare.png)\n\n<math><mi>y</mi></math>\n\nThe end.\n";

    #[test]
    fn a_page_becomes_html_with_its_figures_and_their_captions() {
        let page = Page::read(MARKDOWN);
        let sources: Vec<&str> = page
            .figures
            .iter()
            .map(|figure| &figure.source[..])
            .collect();
        assert_eq!(
            sources,
            ["../resources/rope (1).jpg", "../resources/bare.png"]
        );
        for expected in [
            "<h1>Rope &amp; ladder</h1>",
            "<h2>Ropes</h2>",
            "<strong>rope</strong> of length <math><mi>x</mi></math> holds.</p>",
            "<figure><img src=\"../resources/rope%20(1).jpg\" alt=\"Two ropes, one torn.\">\
             <figcaption>A rope &quot;at rest&quot; of metres.</figcaption></figure>",
            "<figure><img src=\"../resources/bare.png\" alt=\"\"></figure>",
            "<p>The end.</p>",
        ] {
            assert!(page.html.contains(expected), "{expected} in {}", page.html);
        }
        assert!(!page.html.contains("{:") && !page.html.contains("StarMath"));
    }

    #[test]
    fn a_figure_is_asked_for_among_captions_that_are_about_as_long() {
        let figure = |number: usize| ("w".repeat(number), format!("{number}.jpg"));
        let mut figures: Vec<_> = (1..=24).map(figure).chain([figure(3)]).collect();
        let lines = figures_to_caption(&mut figures);
        let lines: Vec<serde_json::Value> = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        assert_eq!(lines.len(), 24);
        for (line, own) in lines.iter().zip(1..) {
            let lengths = line["candidates"].as_array().map(|candidates| {
                let length = |text: &serde_json::Value| text.as_str().map_or(0, str::len);
                candidates.iter().map(length).collect::<Vec<_>>()
            });
            let lengths = lengths.unwrap_or_default();
            assert_eq!(lengths.len(), 10);
            assert!(
                lengths.contains(&own) && lengths.iter().all(|length| length.abs_diff(own) < 10)
            );
            assert_eq!(line["parts"][0]["image"], format!("{own}.jpg"));
        }
    }

    #[test]
    fn pictures_are_found_beside_the_page_and_never_above_the_repository() {
        let found = |reference| beside("contents/m1.md", reference);
        assert_eq!(
            found("../resources/a.jpg").as_deref(),
            Some("resources/a.jpg")
        );
        assert_eq!(found("./b.jpg").as_deref(), Some("contents/b.jpg"));
        assert_eq!(found("../../a.jpg"), None);
    }

    #[test]
    fn a_page_without_front_matter_is_all_text_and_open_ends_stay() {
        assert_eq!(front_matter("# a\n"), ("", "# a\n"));
        assert_eq!(without_attributes("a {: b"), "a {: b");
        assert_eq!(without("a<x", "<x", "x>"), "a<x");
    }
}
