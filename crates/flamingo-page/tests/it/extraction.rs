//! Small pages, a rule each; what is extracted of them is kept beside and read.

use flamingo_page::{Context, Extraction, Part, extract};

const ADDRESS: &str = "https://a.example/news/page.html";

pub(crate) fn extraction(html: &str) -> Extraction {
    extract(
        html.as_bytes(),
        &Context {
            url: ADDRESS,
            content_type: None,
        },
    )
}

/// A line a part, for reading.
pub(crate) fn outline(html: &str) -> String {
    let page = extraction(html).page;
    let mut lines = vec![format!("title: {}", page.title.unwrap_or_default())];
    lines.extend(page.parts.iter().map(line));
    lines.join("\n")
}

fn line(part: &Part) -> String {
    match part {
        Part::Text(text) => format!("{:?}: {}", text.kind, text.text),
        Part::Image(image) => {
            let mut line = format!("Image: {}", image.url);
            for (name, value) in [
                ("alt", &image.alt),
                ("caption", &image.caption),
                ("also", &image.also.join(" ")),
            ] {
                if !value.is_empty() {
                    line += &format!(" | {name}: {value}");
                }
            }
            if let (Some(width), Some(height)) = (image.width, image.height) {
                line += &format!(" | {width} x {height}");
            }
            line
        }
        Part::Video(video) => format!(
            "Video: {} | also: {} | poster: {:?}",
            video.url,
            video.also.join(" "),
            video.poster
        ),
    }
}

/// A paragraph long enough to be content.
pub(crate) fn paragraph(subject: &str) -> String {
    format!(
        "<p>{subject} is what this paragraph is about, and it says so in a sentence that has commas, clauses, and \
         an end; it then goes on for a while, because the articles of this world do so, too, and because a text \
         that is short says little about where the content of its page is.</p>"
    )
}

pub(crate) fn article(body: &str) -> String {
    let (first, last) = (paragraph("The beginning"), paragraph("The end"));
    format!(
        "<html lang=en><head><title>A day at sea | The Paper</title></head><body>\
         <nav><a href=/>Home</a> <a href=/sea>Sea</a></nav>\
         <article><h1>A day at sea</h1><div class=body>{first}{body}{last}</div></article>\
         <footer>All rights reserved by The Paper</footer></body></html>"
    )
}

/// What an article's middle becomes.
pub(crate) fn middle(body: &str) -> String {
    let outline = outline(&article(body));
    let lines: Vec<&str> = outline
        .lines()
        .filter(|line| !line.contains("is what this paragraph is about"))
        .collect();
    lines.get(1..).unwrap_or_default().join("\n")
}

#[test]
fn navigation_footer_and_heading_are_no_content() {
    insta::assert_snapshot!(outline(&article("")));
}

#[test]
fn blocks_keep_their_kind() {
    insta::assert_snapshot!(middle(
        "<h2>A heading</h2><ul><li>An <b>item</b><li><p>Another</p></ul><dl><dt>Term<dd>Definition</dl>\
         <blockquote><p>A quote</p></blockquote><pre>fn main() {\n    code();\n}\n</pre>\
         <table><caption>A table</caption><tr><th>Name<th>Size<tr><td>Cat<td>4 <i>kg</i></table>\
         One line<br>goes on.<br><br>Another paragraph."
    ));
}

#[test]
fn images_are_where_the_page_has_them() {
    insta::assert_snapshot!(middle(
        "Before <img src=/a.jpg alt='a  cat' width=640 height=480> behind.<p>Text<img src=b.png>"
    ));
}

#[test]
fn the_largest_candidate_comes_first_and_the_others_are_kept() {
    insta::assert_snapshot!(middle(
        "<img src=s.jpg srcset='m.jpg 640w, l.jpg 1280w'>\
         <picture><source srcset='w.webp 800w, x.webp 1600w' type=image/webp><img src=w.jpg alt=w></picture>\
         <a href=//cdn.example/full.jpg><img src=thumb.jpg></a>"
    ));
}

#[test]
fn lazy_images_are_found_by_any_attribute_that_holds_a_picture() {
    insta::assert_snapshot!(middle(
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' data-src=/1.jpg>\
         <img data-lazy-srcset='/2.jpg 1x, /2b.jpg 2x'><img src=blank.gif data-whatever=/img/3.png>\
         <img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><noscript><img src=/4.jpg alt=four></noscript>\
         <img data-src=/5.jpg><noscript><img src=/5.jpg></noscript><amp-img src=/6.jpg width=9999></amp-img>"
    ));
}

#[test]
fn captions_are_told_and_kept_with_their_image() {
    insta::assert_snapshot!(middle(
        "<figure><img src=1.jpg><figcaption>The <b>sea</b></figcaption></figure>\
         <div class=wp-caption><img src=2.jpg><p class=wp-caption-text>The ship</p></div>\
         <img src=3.jpg title='The crew'><p>A text</p><p class=caption>Of nothing</p>"
    ));
}

#[test]
fn pictures_with_one_caption_have_it_each() {
    insta::assert_snapshot!(middle(
        "<figure><img src=1.jpg><figcaption>A cat</figcaption></figure>\
         <figure><img src=2.jpg><figcaption>A cat</figcaption></figure>\
         <figure><img src=1.jpg><figcaption>A cat</figcaption><p class=caption>A cat</p></figure>"
    ));
}

#[test]
fn icons_avatars_counters_and_decorations_are_no_images() {
    insta::assert_snapshot!(middle(
        "<img src=p.gif width=1 height=1><img src=i.png width=24 height=24><span class=avatar><img src=a.jpg></span>\
         <img class=emoji src=e.png><p>Text</p><img src=dots.png><p>Text</p><img src=dots.png><p>Text</p>\
         <img src=dots.png><p>Text</p><img src=dots.png>"
    ));
}

#[test]
fn boxes_inside_an_article_go() {
    insta::assert_snapshot!(middle(
        "<div class=ad-slot><span>Advertisement</span><img src=ad.jpg></div>\
         <div class=newsletter-box><p>Get our letter every week, it is free.</p><input></div>\
         <aside><p>Aside</p></aside><div class='share-buttons'><a href=//s.example>Share</a></div>\
         <ul><li><a href=1>Another page of this site</a><li><a href=2>Yet another one of them</a></ul>\
         <p>Read more: <a href=3>A third page of this site</a></p><div style='display: none'>Hidden</div>\
         <div role=complementary>Beside</div><p>What stays.</p>"
    ));
}

#[test]
fn cards_of_other_pages_and_comments_go() {
    let card = |n: u32| {
        format!(
            "<div class=x{n}><h3><a href={n}>The title of page {n}</a></h3><p>What page {n} is about, in short, as teasers do it everywhere.</p></div>"
        )
    };
    let cards: String = (0..4).map(card).collect();
    let comments = paragraph("A comment").repeat(9);
    let html = article("").replace(
        "</article>",
        &format!("</article><div class=z>{cards}</div><div id=comments>{comments}</div>"),
    );
    assert_eq!(outline(&html), outline(&article("")));
}

#[test]
fn what_follows_a_heading_of_related_pages_goes() {
    let html = article("").replace(
        "</div></article>",
        "<h3>Related stories</h3><p>Of another page.</p></div></article>",
    );
    assert_eq!(outline(&html), outline(&article("")));
}

#[test]
fn articles_cut_in_boxes_are_whole() {
    let boxes = format!(
        "<div class=a>{}</div><div class=b><img src=1.jpg></div><div class=c>{}{}</div>",
        paragraph("One"),
        paragraph("Two"),
        paragraph("Three")
    );
    let html =
        format!("<title>T</title><div class=menu><a href=/>Home</a></div><div>{boxes}</div>");
    assert_eq!(extraction(&html).page.parts.len(), 4);
}

#[test]
fn the_picture_above_the_text_leads() {
    let html = format!(
        "<title>A day at sea</title><header><img src=logo.png></header><main><div><h1>A day at sea</h1></div>\
         <figure><img src=lead.jpg><figcaption>Sea</figcaption></figure><div>{}{}</div></main>",
        paragraph("One"),
        paragraph("Two")
    );
    let first = extraction(&html).page.parts.into_iter().next();
    assert!(
        matches!(first, Some(Part::Image(image)) if image.url.ends_with("lead.jpg") && image.caption == "Sea")
    );
}

#[test]
fn films_keep_their_formats_and_poster() {
    insta::assert_snapshot!(middle(
        "<video poster=/p.jpg title=Waves><source src=a.webm><source src=/a.mp4>No films here</video>\
         <iframe src=//player.example/1></iframe>"
    ));
}

#[test]
fn urls_are_resolved_against_the_base_as_browsers_do() {
    let html = article(
        "<img src=x.jpg><img src='//b.example/y z.jpg'><img src='?q'><img src='javascript:x'>",
    );
    let html = html.replace("<head>", "<head><base href='/sub/'>");
    let urls: Vec<String> = extraction(&html)
        .page
        .parts
        .into_iter()
        .filter_map(|part| match part {
            Part::Image(image) => Some(image.url),
            _ => None,
        })
        .collect();
    assert_eq!(
        urls,
        [
            "https://a.example/sub/x.jpg",
            "https://b.example/y%20z.jpg",
            "https://a.example/sub/?q"
        ]
    );
}

#[test]
fn the_head_is_read() {
    let head = "<meta name=robots content='NoAI, noimageai'><meta name=GPTBot content=noindex>\
                <link rel=canonical href=/a-day><meta name=description content='noai'>";
    let extraction = extraction(&article("").replace("<head>", &format!("<head>{head}")));
    assert_eq!(
        extraction.canonical.as_deref(),
        Some("https://a.example/a-day")
    );
    assert_eq!(extraction.declared_language.as_deref(), Some("en"));
    assert!(extraction.robots.asks("any", "noai") && extraction.robots.asks("any", "noimageai"));
    assert!(
        extraction.robots.asks("gptbot", "noindex") && !extraction.robots.asks("any", "noindex")
    );
    assert_eq!(extraction.page.title.as_deref(), Some("A day at sea"));
    assert_eq!(extraction.page.language.as_deref(), Some("en"));
}

#[test]
fn words_for_robots_count_however_they_are_set_apart() {
    let asks = |content: &str, word: &str| {
        let head = format!("<head><meta name=robots content='{content}'>");
        extraction(&article("").replace("<head>", &head))
            .robots
            .asks("any", word)
    };
    for content in [
        "index; noai",
        "noai noimageai",
        "max-snippet:-1;noai",
        "unavailable_after: 25 Jun 2030 15:00:00 PST, noai",
        "follow,NOAI",
    ] {
        assert!(asks(content, "noai"), "{content}");
    }
    assert!(!asks("noairport, unavailable_after: noai", "noai"));
}

#[test]
fn a_title_loses_the_name_of_its_site() {
    let title = |head: &str| extraction(&format!("<head>{head}</head><p>x")).page.title;
    assert_eq!(
        title("<title>A long day at sea - The Paper</title>").as_deref(),
        Some("A long day at sea")
    );
    assert_eq!(
        title("<title>Sea | Paper</title><meta property=og:site_name content=Paper>").as_deref(),
        Some("Sea")
    );
    assert_eq!(
        title("<title>Up - and down</title>").as_deref(),
        Some("Up - and down")
    );
    assert_eq!(title(""), None);
}
