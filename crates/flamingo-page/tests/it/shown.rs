//! What browsers show on a click or a search, or in the place of something else.

use crate::extraction::{article, extraction, paragraph};
use crate::sections::{has, lines};

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
    for class in ["", "class='nav accordion-panel'", "class=popup-content"] {
        let plain = article(&format!(
            "<div {class} hidden>{}</div>",
            paragraph("What nobody sees")
        ));
        assert!(!has(&plain, "nobody sees"), "{class}");
    }
    let menu = "<button>Menu</button><div class='navbar-collapse collapse'>Home</div>";
    assert_eq!(lines(menu), [""; 0]);
    for class in [
        "accordion-panel",
        "accordion__content",
        "panel-collapse collapse",
        "faq-answer",
        "tab-pane",
    ] {
        let panel = format!("<div class='{class}' aria-hidden=true style='display: none'>");
        let html = article(&format!(
            "<h3>How is it built?</h3>{panel}{}</div>",
            paragraph("The answer")
        ));
        assert!(
            has(&html, "The answer is") && has(&html, "Heading: How is it built?"),
            "{class}"
        );
        let links =
            "<ul><li><a href=/1>A page of this site</a><li><a href=/2>Another page of it</a></ul>";
        assert!(
            !has(&article(&format!("{panel}{links}</div>")), "page of"),
            "{class}"
        );
    }
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
