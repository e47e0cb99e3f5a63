//! Parts of a page that are content, whatever they are called and whether they are open at first.

use crate::extraction::{article, extraction, middle, outline, paragraph};

/// The headings, rows, items and first words of paragraphs of an article's middle.
fn lines(body: &str) -> Vec<String> {
    let middle = middle(body);
    middle.lines().map(str::to_owned).collect()
}

fn has(html: &str, words: &str) -> bool {
    outline(html).contains(words)
}

#[test]
fn chapters_named_like_the_end_of_a_page_stay_where_they_have_paragraphs() {
    for name in [
        "Comments",
        "Related",
        "Recommended",
        "Latest news",
        "Read next",
        "Share",
        "Trending",
    ] {
        let id = name.to_lowercase().replace(' ', "-");
        for heading in [
            format!("<h2>{name}</h2>"),
            format!("<h2 id={id}>{name}</h2>"),
        ] {
            let chapter = format!("{heading}{}<h2>Errors</h2>", paragraph("A hash"));
            let html = article(&chapter);
            assert!(has(&html, &format!("Heading: {name}")), "{heading}");
            assert!(
                has(&html, "A hash is what") && has(&html, "The end is what"),
                "{heading}"
            );
        }
    }
}

#[test]
fn sections_whose_id_is_the_word_of_a_frame_stay_among_their_like() {
    let section = |id: &str, subject: &str| {
        format!(
            "<section id={id}><h2>{subject}</h2>{}</section>",
            paragraph(subject)
        )
    };
    let html = article(
        &(section("rules", "Rules")
            + &section("comments", "Comments")
            + &section("share", "Shares")),
    );
    assert!(
        has(&html, "Comments is what")
            && has(&html, "Shares is what")
            && has(&html, "Rules is what")
    );
}

#[test]
fn rows_and_items_named_like_the_end_of_a_page_end_nothing() {
    assert_eq!(
        lines("<table><tr><th>Name<th>Value<tr><td>Related<td><tr><td>Range<td>21 miles</table>"),
        ["Row: Name Value", "Row: Related", "Row: Range 21 miles"]
    );
    assert_eq!(
        lines("<ul><li>Values<li>Share<li id=related>Latest news<li>Errors</ul>"),
        [
            "Item: Values",
            "Item: Share",
            "Item: Latest news",
            "Item: Errors"
        ]
    );
}

#[test]
fn what_follows_such_a_heading_goes_where_it_is_links_cards_or_what_readers_say() {
    let cards = "<div><a href=/1><img src=1.jpg></a><h4><a href=/1>A title of another page</a></h4><p>What this other page is \
                 about, told in a sentence that is as long as those of teasers are.</p></div>";
    let readers = format!("<p>Jo, 3 May 2021, 10:15</p>{}", paragraph("My opinion"));
    for rest in [
        "<ul><li><a href=/1>Another page of this site</a></ul>",
        cards,
        &readers,
    ] {
        let html = article("").replace(
            "</div></article>",
            &format!("<h3>Related</h3>{rest}</div></article>"),
        );
        assert_eq!(outline(&html), outline(&article("")), "{rest}");
    }
}

#[test]
fn a_box_of_other_pages_in_the_midst_of_an_article_ends_nothing() {
    let links = "<div class=box><h3>Related</h3><ul><li><a href=/1>Another page of this site, and its title</a></ul></div>";
    let readers = "<p>Jo, 3 May 2021, 10:15</p><p>Kim, 4 May 2021, 9:05</p>".repeat(8);
    let html = article(&(links.to_owned() + &paragraph("What follows"))).replace(
        "</div></article>",
        &format!("<h3>Further notes</h3>{readers}</div></article>"),
    );
    let outline = outline(&html);
    assert!(
        outline.contains("What follows is") && outline.contains("The end is"),
        "{outline}"
    );
    assert!(!outline.contains("Related"), "{outline}");
}

#[test]
fn what_opens_on_a_search_or_a_click_is_content() {
    let question = |n: u32, panel: &str| {
        let text = paragraph(&format!("Answer {n}"));
        format!(
            "<h3><button aria-expanded=false aria-controls=a{n}>Question {n}</button></h3><div {panel}>{text}</div>"
        )
    };
    let body = question(1, "hidden=until-found")
        + &question(2, "id=a2 hidden")
        + &question(3, "id=a3 style='display:none'")
        + &question(4, "role=region aria-labelledby=h4 hidden")
        + "<details><summary>Question 5</summary>"
        + &paragraph("Answer 5")
        + "</details>";
    let html = article(&body);
    for n in 1..=5 {
        assert!(has(&html, &format!("Answer {n} is what")), "{n}");
    }
    assert!(has(&html, "Heading: Question 2"));
    let plain = article(&format!(
        "<div hidden>{}</div>",
        paragraph("What nobody sees")
    ));
    assert!(!has(&plain, "nobody sees"));
}

#[test]
fn a_shadow_root_is_shown_and_its_slots_hold_what_its_host_holds() {
    let (one, two, three) = (paragraph("One"), paragraph("Two"), paragraph("Three"));
    let host = format!(
        "<story-body><template shadowrootmode=open><h2>Told</h2>{one}<slot name=late>nothing</slot><slot></slot>\
         <p>Behind all of it.</p></template>{two}<div slot=late>{three}</div></story-body>"
    );
    let parts = extraction(&article(&host)).page.parts;
    let text = serde_json::to_string(&parts).unwrap();
    let places = [
        "Told",
        "One is what",
        "Three is what",
        "Two is what",
        "Behind all of it",
    ]
    .map(|words| text.find(words));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?}"
    );
    assert_eq!(text.matches("Two is what").count(), 1);
    assert!(!text.contains("nothing"));
    let inert = article(&format!("<template>{one}</template>"));
    assert!(!has(&inert, "One is what"));
}

#[test]
fn shadow_roots_in_each_other_without_end_are_read_in_linear_time() {
    let deep = "<x-a><template shadowrootmode=open><slot></slot><slot></slot>".repeat(300) + "x";
    let wide = format!(
        "<x-a><template shadowrootmode=open>{}</template>{}",
        "<slot></slot>".repeat(9000),
        "<b>y</b>".repeat(9000)
    );
    for html in [deep, wide] {
        extraction(&html);
    }
}

#[test]
fn a_page_whose_names_and_shares_mislead_is_not_empty() {
    let rows: String = (0..12).map(|n| format!("<div class=comment><p>The answer of reader {n}, which is a sentence of some length and no link.</p></div>")).collect();
    let html = format!(
        "<title>T</title><nav><a href=/>Home</a></nav><div id=comments class=comments>{rows}</div><footer>Imprint</footer>"
    );
    let outline = outline(&html);
    assert!(
        outline.contains("reader 0") && outline.contains("reader 11"),
        "{outline}"
    );
    assert!(!outline.contains("Imprint") && !outline.contains("Home"));
}
