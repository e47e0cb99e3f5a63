//! What stands between a page's heading and its text, and pages whose text is where few look.

use crate::extraction::{article, outline, paragraph};

const LEAD: &str = "Nobody had rowed around the island in winter before. Two sisters tried it twice, and the second time \
                    they came home with a seal.";

/// A page whose heading, with what is above and below its lead, is apart from its text.
fn page(title: &str, lead: &str) -> String {
    let text = paragraph("The tide") + &paragraph("The boat") + &paragraph("The seal");
    format!(
        "<title>{title}</title><nav><a href=/>Home</a></nav><main><header><h1>Around the island</h1>{lead}\
         <p>Sport</p><p>Winter at sea</p><p>Boats</p></header>\
         <div class=article-body>{text}</div></main><footer>Imprint</footer>"
    )
}

#[test]
fn paragraphs_between_a_heading_and_its_text_are_content_whatever_they_are_called() {
    for lead in [
        format!("<p>{LEAD}</p>"),
        format!("<p class=lead>{LEAD}</p>"),
        format!("<div class=teaser-text itemprop=description><p>{LEAD}</p></div>"),
        format!("<h2 class=subheadline>{LEAD}</h2>"),
        format!("<div class='entry-excerpt'><blockquote>{LEAD}</blockquote></div>"),
    ] {
        for title in ["Around the island | The Paper", "The Paper"] {
            let outline = outline(&page(title, &lead));
            let (lead, text) = (outline.find("Nobody had"), outline.find("The tide is"));
            assert!(lead.is_some() && lead < text, "{title}: {outline}");
        }
    }
}

#[test]
fn a_teaser_inside_an_article_is_content_where_it_leads_nowhere() {
    let body = |teaser: &str| {
        format!(
            "<title>Around the island</title><article><h1>Around the island</h1>{teaser}{}{}</article>",
            paragraph("The tide"),
            paragraph("The boat")
        )
    };
    let own = body(&format!("<div class=teaser-text><p>{LEAD}</p></div>"));
    assert!(outline(&own).contains("Nobody had"));
    let other = body(&format!(
        "<div class=teaser><p>{LEAD} <a href=/seal>The seal's own story</a></p></div>"
    ));
    assert!(!outline(&other).contains("Nobody had"));
}

#[test]
fn subtitles_bylines_and_what_is_said_again_below_are_no_leads() {
    for line in [
        "Two sisters, one boat and a seal.",
        "By Jo Rower and Kim Sailor, in the harbour | 3 May 2021, 10:15",
        "Follow us on the sea, where we report of boats each day. Subscribe to our newsletter, which has a seal in it each week.",
    ] {
        let plain = outline(&page("Around the island", ""));
        let lead = format!("<p class=lead>{line}</p>");
        assert_eq!(outline(&page("Around the island", &lead)), plain, "{line}");
    }
    let lead = format!("<p>{LEAD}</p>");
    let again =
        page("Around the island", &lead).replace("article-body>", &format!("article-body>{lead}"));
    assert_eq!(outline(&again).matches("Nobody had").count(), 1, "{again}");
}

#[test]
fn an_article_whose_names_tell_its_category_is_content_however_short_its_lines_are() {
    let lines =
        "<p>“You came back.”</p><p>“I never left.”</p><p>“Then who was that?”</p>".repeat(5);
    let html = format!(
        "<title>Who was that</title><div id=post-7 class='post hentry category-short tag-talk'><h2>Who was that</h2>{lines}</div>\
         <div id=side class=sidebar><p>This blog is by one who writes what he hears on trains, and nothing else, ever since.</p></div>"
    );
    assert!(
        outline(&html).contains("I never left"),
        "{}",
        outline(&html)
    );
}

#[test]
fn what_is_hidden_on_small_screens_or_has_a_hidden_label_is_shown() {
    for class in [
        "hidden-xs",
        "field field-label-hidden",
        "row margin-bottom",
        "has-ads",
    ] {
        let part =
            format!("<div class='{class}'><p>The part of these names, which is short.</p></div>");
        assert!(
            outline(&article(&part)).contains("The part of these names"),
            "{class}"
        );
    }
}

#[test]
fn the_text_for_browsers_without_scripts_is_read_where_there_is_no_other() {
    let text: String = ["One", "Two", "Three", "Four"].map(paragraph).concat();
    let alone = format!(
        "<title>T</title><h1>T</h1><div itemprop=articleBody><noscript>{text}</noscript></div>"
    );
    assert!(outline(&alone).contains("Two is what"));
    let beside = article(&format!("<noscript>{text}</noscript>"));
    assert!(!outline(&beside).contains("Two is what"));
    let asks = "<title>T</title><p>Hello.</p><noscript><p>Please turn on scripts to read this page.</p></noscript>";
    assert!(!outline(asks).contains("Please"));
}

#[test]
fn the_hidden_copy_of_an_article_for_machines_is_not_its_text() {
    let text = paragraph("The tide") + &paragraph("The boat");
    let copy = format!(
        "<div style='display:none' itemscope itemtype=http://schema.org/NewsArticle><div itemprop=dateCreated>2021-05-03</div>\
         <div itemprop=articleBody>{text}</div></div>"
    );
    let html =
        format!("<title>The sea</title><div class=content><h1>The sea</h1>{text}{copy}</div>");
    let outline = outline(&html);
    assert_eq!(outline.matches("The tide is what").count(), 1, "{outline}");
    assert!(!outline.contains("2021-05-03"));
}

#[test]
fn an_item_with_a_link_in_its_sentence_ends_a_list() {
    let steps = "<ol><li>Stir the flour into the milk until no lump is left.<li>Eat the cakes with <a href=/jam>jam</a> at once, \
                 or keep them in a box.</ol>";
    let html = format!(
        "<title>Cakes</title><article><h1>Cakes</h1>{}{steps}</article>",
        paragraph("The cake")
    );
    assert!(
        outline(&html).contains("Item: Eat the cakes with jam"),
        "{}",
        outline(&html)
    );
}

#[test]
fn a_lead_is_found_below_the_last_heading_where_none_shows_the_title() {
    let html =
        page("Winter", &format!("<p>{LEAD}</p>")).replace("<nav>", "<h1>The Paper</h1><nav>");
    assert!(outline(&html).contains("Nobody had"), "{}", outline(&html));
}
