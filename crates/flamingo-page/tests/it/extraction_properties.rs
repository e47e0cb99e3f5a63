//! What holds for pages of any bytes.

use flamingo_page::{Context, Part, extract};
use proptest::prelude::*;

const ADDRESS: &str = "https://a.example/news/page.html";

/// Bits of pages that rules look at, whole and broken.
const BITS: [&str; 40] = [
    "<p>",
    "</p>",
    "<div class=ad>",
    "<div class='post-content'>",
    "</div>",
    "<article>",
    "</article>",
    "<h1>T</h1>",
    "<h2><a href=/x>A title of a page</a></h2>",
    "<ul><li>",
    "<li><a href=y>Another page, somewhere</a>",
    "</ul>",
    "<table><tr><td>",
    "<td>",
    "</table>",
    "<figure>",
    "<figcaption>c",
    "</figure>",
    "<img src=a.jpg>",
    "<img src='data:x' data-src=b.jpg srcset='c 1x, d 2w'>",
    "<noscript><img src=n.png>",
    "</noscript>",
    "<picture>",
    "<source srcset='e.webp 9w'>",
    "</picture>",
    "<video src=v><source src=w>",
    "</video>",
    "<a href=/full.png>",
    "</a>",
    "<pre> x\n  y",
    "</pre>",
    "<br><br>",
    "<title>T | S</title>",
    "<base href='//b'>",
    "<meta name=robots content=noai>",
    "Related stories",
    "<div itemprop=articleBody>",
    "&amp;&#0;&nbsp;",
    "\u{3000}é\u{0}<",
    "<svg><style><p></svg>",
];

fn page() -> impl Strategy<Value = Vec<u8>> {
    let text =
        "A sentence that is long enough to be content, with commas, clauses and an end. ".repeat(4);
    let bit = prop_oneof![
        6 => prop::sample::select(&BITS[..]).prop_map(|bit| bit.as_bytes().to_vec()),
        2 => Just(text.into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(bit, 0..60).prop_map(|bits| bits.concat())
}

fn place(source: &str, part: &Part) -> Option<usize> {
    match part {
        Part::Text(text) if text.text.starts_with("mark") => {
            source.find(text.text.split(' ').next()?)
        }
        Part::Image(image) => source.find(image.url.rsplit('/').next()?),
        _ => None,
    }
}

proptest! {
    #[test]
    fn any_bytes_give_absolute_urls_and_filled_texts(html in page()) {
        let page = extract(&html, &Context { url: ADDRESS, content_type: None }).page;
        for part in &page.parts {
            match part {
                Part::Text(text) => prop_assert!(!text.text.trim().is_empty()),
                Part::Image(image) => {
                    for url in image.also.iter().chain([&image.url]) {
                        prop_assert!(url.starts_with("http") || url.starts_with("data:"), "{url}");
                    }
                }
                Part::Video(video) => prop_assert!(video.url.starts_with("http"), "{}", video.url),
            }
        }
    }

    #[test]
    fn the_same_page_gives_the_same_content(html in page()) {
        let context = Context { url: ADDRESS, content_type: None };
        prop_assert_eq!(extract(&html, &context), extract(&html, &context));
    }

    #[test]
    fn parts_come_in_the_order_of_the_page(kinds in prop::collection::vec(any::<bool>(), 1..40)) {
        let part = |(index, is_image): (usize, &bool)| match is_image {
            true => format!("<figure><img src=/picture-{index:03}.jpg></figure>"),
            false => format!("<p>mark-{index:03} {}</p>", "is a text that goes on for a while, with commas. ".repeat(5)),
        };
        let body: String = kinds.iter().enumerate().map(part).collect();
        let html = format!("<body><article><p>{}</p>{body}</article>", "Words of an article, and more words. ".repeat(9));
        let page = extract(html.as_bytes(), &Context { url: ADDRESS, content_type: None }).page;
        let places: Vec<usize> = page.parts.iter().filter_map(|part| place(&html, part)).collect();
        prop_assert!(places.is_sorted(), "{places:?}");
        prop_assert_eq!(places.len(), kinds.len());
    }
}

#[test]
fn nesting_bombs_are_read_in_bounded_time() {
    for bit in [
        "<div>",
        "<a href=x>",
        "<table><tr><td>",
        "<ul><li>",
        "<figure><img src=x.jpg>",
        "<noscript><img>",
        "<b><p>x",
    ] {
        let html = bit.repeat(100_000);
        let extraction = extract(
            html.as_bytes(),
            &Context {
                url: ADDRESS,
                content_type: None,
            },
        );
        assert!(extraction.page.parts.len() <= 100_000);
    }
}
