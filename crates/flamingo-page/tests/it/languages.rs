//! What ends an article's text in German, French and Spanish: other pages and readers' words, told by what they are.

use crate::extraction::{article, middle, outline, paragraph};

/// What stands above other pages or readers' words.
const ENDS: [&str; 33] = [
    "Kommentare",
    "Kommentar schreiben",
    "Schreibe einen Kommentar",
    "Ähnliche Artikel",
    "Ähnliche Beiträge",
    "Weitere Artikel",
    "Weitere Beiträge",
    "Verwandte Artikel",
    "Verwandte Beiträge",
    "Auch interessant",
    "Mehr zum Thema",
    "Lesen Sie auch",
    "Das könnte Sie auch interessieren",
    "Das könnte dich auch interessieren",
    "Commentaires",
    "Laisser un commentaire",
    "Articles similaires",
    "Articles liés",
    "À lire aussi",
    "Lire aussi",
    "Sur le même sujet",
    "Vous aimerez aussi",
    "Comentarios",
    "Deja un comentario",
    "Deja una respuesta",
    "Dejar un comentario",
    "Artículos relacionados",
    "Entradas relacionadas",
    "Noticias relacionadas",
    "Te puede interesar",
    "También te puede interesar",
    "Lee también",
    "Lo más leído",
];

fn with_tail(tail: &str) -> String {
    article("").replace("</div></article>", &format!("{tail}</div></article>"))
}

#[test]
fn a_heading_in_another_language_ends_the_content_where_links_cards_or_readers_words_follow() {
    let links = "<ul><li><a href=/1>Une autre page de ce site, avec son titre</a></ul>";
    let card = "<div><h4><a href=/1>Der Titel einer anderen Seite</a></h4><p>Wovon diese andere Seite handelt, in einem Satz, \
                der so lang ist wie die eines Teasers.</p></div>";
    let readers = format!("<p>Jo, 3.5.2021, 10:15</p>{}", paragraph("Mi opinión"));
    for end in ENDS {
        for heading in [
            format!("<h3>{end}</h3>"),
            format!("<p><strong>{end}:</strong></p>"),
        ] {
            for rest in [links, card, &readers] {
                let html = with_tail(&format!("{heading}{rest}"));
                assert_eq!(outline(&html), outline(&article("")), "{heading}{rest}");
            }
        }
    }
}

#[test]
fn the_same_heading_ends_nothing_above_prose_or_in_a_list_or_a_table() {
    let prose = paragraph("La loi");
    for end in ENDS {
        for chapter in [
            article(&format!("<h2>{end}</h2>{prose}<h2>Fin</h2>")),
            with_tail(&format!("<h2>{end}</h2>{prose}")),
            with_tail(&format!("<h2 class=comments>{end}</h2>{prose}")),
        ] {
            let outline = outline(&chapter);
            assert!(outline.contains(&format!("Heading: {end}")), "{outline}");
            assert!(
                outline.contains("La loi is") && outline.contains("The end is"),
                "{outline}"
            );
        }
        let parts =
            format!("<ul><li>{end}<li>Eins</ul><table><tr><th>{end}<th>Zwei<tr><td>3<td>4</table>");
        assert_eq!(
            middle(&parts),
            format!("Item: {end}\nItem: Eins\nRow: {end} Zwei\nRow: 3 4")
        );
    }
}

#[test]
fn a_line_that_leads_elsewhere_goes_and_the_same_words_in_a_sentence_stay() {
    for lead in [
        "Lesen Sie auch",
        "Mehr zum Thema",
        "Lire aussi",
        "Lee también",
    ] {
        let link = "<a href=/1>Der Leuchtturm am Kap</a>";
        assert_eq!(middle(&format!("<p>{lead}: {link}</p>")), "", "{lead}");
        let said = format!("{lead}: der Leuchtturm am Kap, die Karte und das Buch.");
        assert_eq!(
            middle(&format!("<p>{said}</p>")),
            format!("Paragraph: {said}")
        );
    }
}

#[test]
fn advertisements_are_marked_in_all_languages() {
    for mark in ["Anzeige", "Werbung", "Publicité", "Publicidad"] {
        assert_eq!(middle(&format!("<p>{mark}</p>")), "", "{mark}");
        assert_eq!(
            middle(&format!("<p>{mark} auf Booten ist neu.</p>")),
            format!("Paragraph: {mark} auf Booten ist neu.")
        );
    }
}
