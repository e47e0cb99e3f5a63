//! Parts of a page that are content, whatever they are called.

use crate::extraction::{article, middle, outline, paragraph};

/// The headings, rows, items and first words of paragraphs of an article's middle.
pub(crate) fn lines(body: &str) -> Vec<String> {
    let middle = middle(body);
    middle.lines().map(str::to_owned).collect()
}

pub(crate) fn has(html: &str, words: &str) -> bool {
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

const WORDS: [&str; 4] = ["Comments", "Share", "Related articles", "Subscribe"];

#[test]
fn items_of_a_list_within_an_article_stay_whatever_their_words_are() {
    let items = |list: &str, item: &dyn Fn(&str) -> String| {
        let items: String = WORDS
            .iter()
            .map(|word| format!("<li>{}", item(word)))
            .collect();
        format!("<{list}>{items}</{list}>")
    };
    let expected = WORDS.map(|word| format!("Item: {word}"));
    for list in ["ul", "ol"] {
        assert_eq!(lines(&items(list, &str::to_owned)), expected);
        assert_eq!(
            lines(&items(list, &|word| format!("<p>{word}</p>"))),
            expected
        );
        assert_eq!(
            lines(&items(list, &|word| format!("<b>{word}</b>"))),
            expected
        );
    }
    assert_eq!(lines("<ul><li>Share</ul>"), ["Item: Share"]);
    assert_eq!(
        lines("<ul><li>Parts<ul><li>Comments<li>Share</ul></ul>"),
        ["Item: Parts", "Item: Comments", "Item: Share"]
    );
}

#[test]
fn such_items_go_where_they_lead_elsewhere_or_stand_outside_of_the_text() {
    assert_eq!(
        lines("<ul><li><a href=/s>Share</a><li><a href=/c>Comments</a></ul>"),
        [""; 0]
    );
    let tail = |tail: &str| {
        outline(&article("").replace("</div></article>", &format!("{tail}</div></article>")))
    };
    let list = "<ul><li>Share<li>Print</ul>";
    let headed = tail(&format!("<h2>Its parts</h2>{list}"));
    assert!(headed.ends_with("Item: Share\nItem: Print"), "{headed}");
    assert_eq!(tail(list), outline(&article("")));
    let announced = tail(&format!("<p>It has two parts:</p>{list}"));
    assert!(
        announced.ends_with("Item: Share\nItem: Print"),
        "{announced}"
    );
    let above = article("").replace("<div class=body>", &format!("<div class=body>{list}"));
    assert_eq!(outline(&above), outline(&article("")));
}

#[test]
fn cells_named_like_the_end_of_a_page_stay() {
    for cells in [
        "<tr><th>Share<th>Comments<tr><td>12 percent<td>Twelve",
        "<tr><th class=share>Share<th class=comments>Comments<tr><td class=share>12 percent<td class=comments>Twelve",
        "<tr><th>Share<th>Comments<tr><td><h3>12 percent</h3><td>Twelve",
    ] {
        let found = lines(&format!("<table>{cells}</table>")).join(" ");
        let words: Vec<&str> = found
            .split([' ', ':'])
            .filter(|word| !["", "Row", "Paragraph", "Heading"].contains(word))
            .collect();
        assert_eq!(
            words,
            ["Share", "Comments", "12", "percent", "Twelve"],
            "{cells}"
        );
    }
    assert_eq!(
        lines("<table><tr><th>Comments<tr><td>Twelve</table>"),
        ["Row: Comments", "Row: Twelve"]
    );
    assert_eq!(
        lines(
            "<dl><dt class=comments>Comments<dd class=comments>Begin with a hash.<dt>Name<dd>What one is called.</dl>"
        ),
        [
            "Term: Comments",
            "Definition: Begin with a hash.",
            "Term: Name",
            "Definition: What one is called."
        ]
    );
    assert_eq!(
        lines(
            "<ul><li>Values<li class=comments>Comments begin with a hash<li class=share>Share</ul>"
        ),
        [
            "Item: Values",
            "Item: Comments begin with a hash",
            "Item: Share"
        ]
    );
}

#[test]
fn headings_of_any_class_stay_where_prose_stands_behind_them() {
    for class in [
        "share",
        "comments",
        "related",
        "recommended",
        "more",
        "latest",
    ] {
        let heading = format!("<h2 class={class}>The matter</h2>");
        for heading in [
            heading.clone(),
            format!("<div>{heading}</div>"),
            format!("{heading}<h3>In short</h3>"),
        ] {
            let html = article(&format!("{heading}{}<h2>Errors</h2>", paragraph("A hash")));
            assert!(has(&html, "Heading: The matter"), "{heading}");
        }
        for behind in [
            "<ul><li><a href=/1>Another page of this site</a><li><a href=/2>And another page of it</a></ul>",
            "<div class=related-links><p>A page of this site that is as good as this one, and of which this says a lot.</p></div>",
            "<h2>Errors</h2><p>One.</p>",
        ] {
            let html = article(&format!("<h2 class={class}>The matter</h2>{behind}"));
            assert!(!has(&html, "The matter"), "{class}: {behind}");
        }
    }
}

#[test]
fn a_section_of_prose_stays_whatever_its_id_is() {
    let (one, two) = (paragraph("A hash"), paragraph("Another hash"));
    for id in ["comments", "share", "related", "comment-syntax"] {
        for section in [
            format!("<section id={id}><h2>The name</h2>{one}{two}</section>"),
            format!("<div id={id}><h3>Comments</h3>{one}<pre># one</pre>{two}</div>"),
        ] {
            let within = article(&section);
            let behind =
                article("").replace("</div></article>", &format!("{section}</div></article>"));
            for html in [within, behind] {
                assert!(
                    has(&html, "A hash is")
                        && has(&html, "Another hash is")
                        && has(&html, "Heading"),
                    "{section}"
                );
            }
        }
    }
}

#[test]
fn what_readers_say_and_forms_and_links_go_where_an_id_names_them() {
    let opinion = paragraph("My opinion");
    for inside in [
        format!("<h3>3 comments</h3>{opinion}{opinion}"),
        format!("<h3>Comments (3)</h3>{opinion}{opinion}"),
        format!("<h3><a href=/all>Comments</a></h3>{opinion}{opinion}"),
        format!(
            "<h3>Comments</h3><p>Jo Doe, 3 May 2021</p>{opinion}<p>Kim Roe, 4 May 2021</p>{opinion}"
        ),
        format!("<h3>Comments</h3><div><time>3 May</time>{opinion}</div>"),
        format!("<h3>Comments</h3><div class=comment>{opinion}</div>"),
        format!("<h3>Comments</h3>{opinion}<form><textarea></textarea></form>"),
        format!("<h3>Comments</h3><p><a href=/1>{}</a></p>", &opinion[3..]),
        opinion.clone(),
    ] {
        let tail = format!("<section id=comments>{inside}</section></div></article>");
        let html = article("").replace("</div></article>", &tail);
        assert_eq!(outline(&html), outline(&article("")), "{inside}");
    }
}

#[test]
fn a_part_without_a_heading_stays_behind_one_or_between_paragraphs() {
    let (one, two) = (paragraph("A hash"), paragraph("Another hash"));
    let html = article(&format!(
        "<h2>Comments</h2><div id=comments>{one}{two}</div>"
    ));
    assert!(has(&html, "A hash is") && has(&html, "Heading: Comments"));
    let words = "A hash begins what the machine does not read, which goes on to the end of its line, and no further.";
    for part in [
        format!("<p class=comment>{words}</p>"),
        format!("<ul class=comments><li>{words}<li>{words}</ul>"),
        format!("<table class=comments><tr><th>Comments<tr><td>{words}</table>"),
    ] {
        assert!(has(&article(&part), words), "{part}");
    }
    let readers = format!("<p class=comment>{words}</p>").repeat(4);
    let html = article(&readers);
    assert!(!has(&html, words));
    let html = article("").replace("</div></article>", &format!("{readers}</div></article>"));
    assert!(!has(&html, words));
}

#[test]
fn words_within_a_sentence_stay_whatever_their_class_is() {
    for class in [
        "tag", "menu", "comment", "share", "label", "next", "author", "promo",
    ] {
        for word in [
            format!("<span class={class}>Word</span>"),
            format!("<a class={class} href=/word>Word</a>"),
            format!("<span class={class}><a href=/word>Word</a></span>"),
        ] {
            let sentence = format!(
                "<p>To begin, open the {word} that is shown there, and go on from it as you did before.</p>"
            );
            assert_eq!(
                lines(&sentence),
                [
                    "Paragraph: To begin, open the Word that is shown there, and go on from it as you did before."
                ]
            );
        }
    }
    for (sentence, said) in [
        (
            "<span class=author>Jo Doe</span>’s boat is",
            "Jo Doe’s boat is",
        ),
        (
            "<span class=label>Note:</span> the boat is",
            "Note: the boat is",
        ),
        (
            "What there is of it is a <span class=tag>boat</span>.",
            "What there is of it is a boat.",
        ),
    ] {
        let rest = "what this sentence is about, and it is long enough to be one of an article.";
        assert_eq!(
            lines(&format!("<p>{sentence} {rest}</p>")),
            [format!("Paragraph: {said} {rest}")]
        );
    }
    let icon = "<p>To begin, open the <span class=material-icons>home</span> that is shown there, and go on from it as before.</p>";
    assert!(!has(&article(icon), "home"));
}

#[test]
fn a_word_alone_is_said_or_heads_a_text_or_goes() {
    assert_eq!(
        lines("<p>“Close.”</p><p>Close.</p><p>Close</p>"),
        ["Paragraph: “Close.”", "Paragraph: Close."]
    );
    let chapter = format!("<p><strong>Comments</strong></p>{}", paragraph("A hash"));
    assert_eq!(lines(&chapter), ["Paragraph: Comments"]);
    let links = "<ul><li><a href=/1>Another page of this site</a><li><a href=/2>And another page of it</a></ul>";
    for heading in [
        "<h3>Related articles</h3>",
        "<p><strong>Related articles</strong></p>",
        "<p><strong>Advertisement</strong></p>",
    ] {
        assert_eq!(
            lines(&format!("{heading}{links}{}", paragraph("What follows"))),
            [""; 0]
        );
    }
}

#[test]
fn a_paragraph_that_speaks_of_newsletters_or_rights_ends_an_article_and_a_call_does_not() {
    let end = |last: &str| {
        article("").replace(
            "</div></article>",
            &format!("<p>{last}</p></div></article>"),
        )
    };
    for said in [
        "The harbour has had a newsletter of its own since the year in which the pier was built and the boats came.",
        "What she wrote is under copyright for seventy years more, and so the book of the island is not to be had.",
        "Two of the widgets are subscribed to this source, and only those are drawn again when it has another number.",
    ] {
        assert!(has(&end(said), said), "{said}");
    }
    for call in [
        "Subscribe to our letter, in which there is a seal each week, and a boat as well, for all of those who read it.",
        "There is more of this. Sign up for the letter, in which there is a seal each week, and a boat, too.",
        "Whoever wants more of this reads our <a href=/n>newsletter</a>, in which there is a seal each week, and a boat.",
        "Follow us on Twitter.",
        "Jo Doe in the harbour and Kim Roe, who was on the boat all week, contributed to this report from the island.",
        "© 2021 The Paper of the island and of the harbour and of all the boats. All rights reserved by those who own it.",
    ] {
        assert_eq!(outline(&end(call)), outline(&article("")), "{call}");
    }
}

#[test]
fn a_sentence_with_a_link_that_begins_like_a_lead_to_another_page_stays() {
    let said = "Related to this is the <a href=/law>law of the tides</a>, which says when the water of a bay goes.";
    assert_eq!(
        lines(&format!("<p>{said}</p>")),
        [
            "Paragraph: Related to this is the law of the tides, which says when the water of a bay goes."
        ]
    );
    let lead = "Related: <a href=/law>The law of the tides says when the water goes.</a>";
    assert_eq!(lines(&format!("<p>{lead}</p>")), [""; 0]);
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
