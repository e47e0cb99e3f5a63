//! Pages as HTML, and the document that a plain reader finds in them.

use std::fmt::Write;

use flamingo_sequence::{Document, Part};
use rand::Rng;
use rand::seq::IndexedRandom;

/// A piece of a page's article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Heading(String),
    Paragraph(String),
    /// A picture and what is said of it.
    Picture {
        src: String,
        caption: String,
    },
}

/// What the reader must find: each picture before its caption, neighbouring texts joined by a line
/// end, an end of chunk before each picture but a leading one, and at the end (paper, section 3.2).
pub(crate) fn document(blocks: &[Block]) -> Document {
    let mut parts = Vec::new();
    for block in blocks {
        match block {
            Block::Heading(text) | Block::Paragraph(text) => add_text(&mut parts, text),
            Block::Picture { src, caption } => {
                if !parts.is_empty() {
                    parts.push(Part::End);
                }
                parts.push(Part::Image(src.clone()));
                add_text(&mut parts, caption);
            }
        }
    }
    parts.push(Part::End);
    Document::new(parts)
}

fn add_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(before)) => {
            before.push('\n');
            before.push_str(text);
        }
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// The page around the article: what a reader has to leave out, in one of a few layouts.
pub(crate) fn html(title: &str, blocks: &[Block], rng: &mut impl Rng) -> String {
    let nav = NAVIGATION.choose(rng).expect("there are layouts");
    let footer = FOOTERS.choose(rng).expect("there are layouts");
    let figures = rng.random_bool(0.7);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n<style>img {{ width: 96px }}</style>\n</head>\n<body>\n{nav}\n\
         <main>\n<article>\n",
        title = escape(title)
    );
    for block in blocks {
        let line = match block {
            Block::Heading(text) => format!("<h2>{}</h2>", escape(text)),
            Block::Paragraph(text) => format!("<p>{}</p>", escape(text)),
            Block::Picture { src, caption } => picture(src, caption, figures),
        };
        writeln!(page, "{line}").expect("a string takes all that is written");
    }
    page + "</article>\n</main>\n" + footer + "\n</body>\n</html>\n"
}

fn picture(src: &str, caption: &str, figure: bool) -> String {
    let (src, caption) = (escape(src), escape(caption));
    if figure {
        format!(
            "<figure>\n  <img src=\"{src}\" alt=\"\">\n  <figcaption>{caption}</figcaption>\n</figure>"
        )
    } else {
        format!("<div class=\"shot\"><img src=\"{src}\" alt=\"\">\n<p>{caption}</p></div>")
    }
}

const NAVIGATION: [&str; 3] = [
    "<header><nav><a href=\"/\">Home</a> <a href=\"/all\">All pages</a></nav></header>",
    "<nav>\n<ul>\n<li><a href=\"/\">Start</a></li>\n<li><a href=\"/news\">News</a></li>\n</ul>\n</nav>",
    "<header>\n<p>A small web of things</p>\n</header>\n<aside><p>Subscribe to our letter.</p></aside>",
];

const FOOTERS: [&str; 3] = [
    "<footer><p>All rights reserved. <a href=\"/terms\">Terms</a></p></footer>",
    "<aside><h2>More pages</h2><ul><li><a href=\"/1\">Another page</a></li></ul></aside>",
    "<footer>Made by nobody in particular.</footer>",
];

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rng::stream;

    /// A tiny reader of what [`html`] writes: the article's pictures and texts in order.
    pub(crate) fn read(page: &str) -> Document {
        let article = page.split("<article>").nth(1).unwrap_or_default();
        let article = article.split("</article>").next().unwrap_or_default();
        let mut blocks = Vec::new();
        for (at, _) in article.match_indices('<') {
            let rest = &article[at..];
            let text = |end: &str| {
                let inside = rest.split_once('>').map_or("", |(_, inside)| inside);
                unescape(inside.split(end).next().unwrap_or_default())
            };
            if rest.starts_with("<img src=\"") {
                let src = unescape(rest.split('"').nth(1).unwrap_or_default());
                blocks.push(Part::Image(src));
            } else if ["<h2>", "<p>", "<figcaption>"]
                .iter()
                .any(|tag| rest.starts_with(tag))
            {
                blocks.push(Part::Text(text("</")));
            }
        }
        joined(blocks)
    }

    fn joined(found: Vec<Part>) -> Document {
        let mut parts: Vec<Part> = Vec::new();
        for part in found {
            match (part, parts.last_mut()) {
                (Part::Text(text), Some(Part::Text(before))) => {
                    *before = format!("{before}\n{text}")
                }
                (Part::Image(src), Some(_)) => parts.extend([Part::End, Part::Image(src)]),
                (part, _) => parts.push(part),
            }
        }
        parts.push(Part::End);
        Document::new(parts)
    }

    fn unescape(text: &str) -> String {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    }

    #[test]
    fn a_reader_finds_the_article_and_nothing_else() {
        let blocks = [
            Block::Heading("a < b & \"c\"".to_owned()),
            Block::Paragraph("two".to_owned()),
            Block::Picture {
                src: "../a.png".to_owned(),
                caption: "Output: daxo".to_owned(),
            },
            Block::Picture {
                src: "../b.png".to_owned(),
                caption: "Output: mife".to_owned(),
            },
        ];
        for index in 0..20 {
            let page = html("<title>", &blocks, &mut stream(1, "test", index));
            assert_eq!(read(&page), document(&blocks), "{page}");
        }
        let wanted = r#"{"parts":[{"text":"a < b & \"c\"\ntwo"},{"end":true},{"image":"../a.png"},{"text":"Output: daxo"},{"end":true},{"image":"../b.png"},{"text":"Output: mife"},{"end":true}]}"#;
        let wanted = Document::from_json(wanted).ok();
        assert_eq!(Some(document(&blocks)), wanted);
    }
}
