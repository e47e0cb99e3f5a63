//! A plain reader of HTML pages: the text and pictures of the article, in their order.
//!
//! It takes pages that are already about something (one `<article>`); finding the article in any
//! page of the web is another trade.

use flamingo_sequence::{Document, Part};
use scraper::{ElementRef, Html, Node, Selector};

/// What is not the page's own: left out with all that it holds.
const LEFT_OUT: [&str; 12] = [
    "nav", "header", "footer", "aside", "script", "style", "noscript", "template", "form",
    "button", "svg", "iframe",
];

/// Elements within a line of text.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "dfn", "em", "i", "kbd", "mark", "q",
    "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var",
];

/// The document of a page: what its first `<article>` (else `<main>`, else `<body>`) says, the
/// pictures where they stand, a figure's caption after its picture. Whitespace is squeezed;
/// neighbouring blocks of text are one part, a line each. `None` if nothing is left.
pub fn page_document(html: &str) -> Option<Document> {
    let page = Html::parse_document(html);
    let root = ["article", "main", "body"].iter().find_map(|name| {
        let selector = Selector::parse(name).ok()?;
        page.select(&selector).next()
    })?;
    let mut reader = Reader::default();
    reader.children(root);
    reader.end_line();
    reader.end_text();
    (!reader.parts.is_empty()).then(|| Document::new(reader.parts))
}

#[derive(Default)]
struct Reader {
    parts: Vec<Part>,
    /// Lines since the last picture.
    lines: Vec<String>,
    /// The block being read.
    line: String,
}

impl Reader {
    fn children(&mut self, element: ElementRef) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.line.push_str(text),
                _ => {
                    if let Some(child) = ElementRef::wrap(child) {
                        self.element(child);
                    }
                }
            }
        }
    }

    fn element(&mut self, element: ElementRef) {
        let name = element.value().name();
        match name {
            _ if LEFT_OUT.contains(&name) => {}
            "img" => self.picture(element),
            "figure" => self.figure(element),
            _ if INLINE.contains(&name) => self.children(element),
            _ => {
                self.end_line();
                self.children(element);
                self.end_line();
            }
        }
    }

    /// A caption may stand before its picture in the page; it is read after it.
    fn figure(&mut self, figure: ElementRef) {
        self.end_line();
        let captions = |child: &ElementRef| child.value().name() == "figcaption";
        let children = || figure.children().filter_map(ElementRef::wrap);
        children()
            .filter(|child| !captions(child))
            .for_each(|child| self.element(child));
        children()
            .filter(captions)
            .for_each(|child| self.element(child));
        self.end_line();
    }

    fn picture(&mut self, element: ElementRef) {
        let attribute = |name| element.attr(name).map(str::trim).filter(|v| !v.is_empty());
        if let Some(place) = attribute("src").or_else(|| attribute("data-src")) {
            self.end_line();
            self.end_text();
            self.parts.push(Part::Image(place.to_owned()));
        }
    }

    fn end_line(&mut self) {
        let words: Vec<&str> = self.line.split_whitespace().collect();
        if !words.is_empty() {
            self.lines.push(words.join(" "));
        }
        self.line.clear();
    }

    fn end_text(&mut self) {
        if !self.lines.is_empty() {
            self.parts.push(Part::Text(self.lines.join("\n")));
            self.lines.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parts(html: &str) -> String {
        let document = page_document(html).unwrap();
        serde_json::to_string(&document.parts).unwrap()
    }

    #[test]
    fn the_article_is_read_in_order_and_the_page_around_it_left_out() {
        let page = r#"<html><head><title>t</title><style>p {}</style></head><body>
            <header><nav><a href="/">Home</a></nav></header>
            <main><article><h2>A  <b>big</b>
              zoo</h2><p>a &lt; b</p>
              <figure><figcaption>Output: daxo</figcaption><img src="../a.png" alt="x"></figure>
              <aside><p>Subscribe</p></aside><script>x()</script>
              <div class="shot"><img src=" b.png "><p>Output: mife</p></div>
              <ul><li>one<br>two</li></ul><img alt="no source">
            </article></main><footer>All rights</footer></body></html>"#;
        let expected = r#"[{"text":"A big zoo\na < b"},{"image":"../a.png"},{"text":"Output: daxo"},{"image":"b.png"},{"text":"Output: mife\none\ntwo"}]"#;
        assert_eq!(parts(page), expected);
    }

    #[test]
    fn a_page_without_an_article_is_read_whole_and_an_empty_one_not_at_all() {
        assert_eq!(
            parts("<p>a</p>b<img src=c>"),
            r#"[{"text":"a\nb"},{"image":"c"}]"#
        );
        assert_eq!(page_document("<nav>x</nav> <p> </p>"), None);
        assert_eq!(page_document(""), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(html in "(<[a-z/]{1,8}( src=a)?>|[a-z&;<> ]{0,5}){0,40}") {
            if let Some(document) = page_document(&html) {
                proptest::prop_assert!(document.check().is_ok());
            }
        }
    }
}
