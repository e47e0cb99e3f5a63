//! What pages say about themselves in the midst of their content, in the languages of most pages.

use super::blocks::Words;
use crate::Kind;

/// Bytes of the longest text in [`ALONE`], and of the longest line that only leads elsewhere.
const LONGEST_ALONE: usize = 32;
const LONGEST_LEAD: usize = 250;
const LONGEST_CALL: usize = 500;
/// Bytes of the longest call that is a line rather than a sentence.
const LONGEST_LINE: usize = 80;

/// Texts that are a block of their own, in small letters; those that mark an advertisement first.
const ALONE: [&str; 40] = [
    "ad",
    "advert",
    "adverts",
    "advertisement",
    "advertisements",
    "advertising",
    "sponsored",
    "iklan",
    "anzeige",
    "werbung",
    "publicidad",
    "publicidade",
    "pubblicità",
    "publicité",
    "реклама",
    "comments",
    "comment",
    "close",
    "share",
    "share this",
    "share this article",
    "share this story",
    "subscribe",
    "sign up",
    "loading",
    "loading...",
    "read more",
    "continue reading",
    "story continues below",
    "article continues below",
    "continue reading below",
    "related",
    "related articles",
    "related stories",
    "related posts",
    "related news",
    "don't miss",
    "click to share",
    "print",
    "caption",
];

const FIRST_OTHER: usize = 15;

/// How lines begin that call to read something else.
const LEADS: [&str; 24] = [
    "read more",
    "read also",
    "also read",
    "read next",
    "see also",
    "see more",
    "related",
    "more on",
    "more:",
    "also:",
    "don't miss",
    "watch:",
    "watch more",
    "tags",
    "filed under",
    "posted in",
    "leia mais",
    "leia também",
    "lee también",
    "leggi anche",
    "lire aussi",
    "lesen sie auch",
    "mehr zum thema",
    "читайте также",
];

/// Words of calls to follow or subscribe.
const CALLS: [&str; 14] = [
    "follow us",
    "follow him",
    "follow her",
    "follow me",
    "on twitter",
    "on facebook",
    "on instagram",
    "newsletter",
    "subscribe",
    "sign up",
    "share this",
    "share it with",
    "copyright",
    "join our",
];

/// What no text of a page says but at its end.
const NOTICES: [&str; 8] = [
    "contributed to this report",
    "all rights reserved",
    "subject to copyright",
    "copyright ©",
    "copyright (c)",
    "copyright @",
    "have a tip",
    "may be reached at",
];

/// What stands above other pages' teasers and readers' comments.
const ENDS: [&str; 65] = [
    "related articles",
    "related stories",
    "related posts",
    "related news",
    "related content",
    "related topics",
    "related",
    "related links",
    "you may also like",
    "you might also like",
    "you may like",
    "recommended",
    "recommended for you",
    "more stories",
    "more news",
    "read next",
    "up next",
    "leave a reply",
    "leave a comment",
    "post a comment",
    "comments",
    "trending",
    "trending now",
    "most popular",
    "most read",
    "popular posts",
    "latest news",
    "latest stories",
    "kommentare",
    "comentários",
    "artículos relacionados",
    "notícias relacionadas",
    "ähnliche artikel",
    "ähnliche beiträge",
    "weitere artikel",
    "weitere beiträge",
    "verwandte artikel",
    "verwandte beiträge",
    "auch interessant",
    "das könnte sie auch interessieren",
    "das könnte dich auch interessieren",
    "schreibe einen kommentar",
    "kommentar schreiben",
    "mehr zum thema",
    "lesen sie auch",
    "commentaires",
    "laisser un commentaire",
    "articles liés",
    "à lire aussi",
    "lire aussi",
    "sur le même sujet",
    "vous aimerez aussi",
    "comentarios",
    "deja un comentario",
    "dejar un comentario",
    "entradas relacionadas",
    "noticias relacionadas",
    "también te puede interesar",
    "lee también",
    "lo más leído",
    "deja una respuesta",
    "te puede interesar",
    "articles similaires",
    "articoli correlati",
    "читайте также",
];

/// Bytes of the longest text that [`ENDS`] holds.
const LONGEST_END: usize = 48;

/// Whether a block may head something beside the content that follows it; a row, an item or code heads nothing.
pub(super) fn is_end(words: &Words) -> bool {
    let is_head = matches!(words.kind, Kind::Heading | Kind::Paragraph);
    if !is_head || words.text.len() > LONGEST_END {
        return false;
    }
    let text = words.text.to_lowercase();
    let bare = text.trim_matches(|c: char| !c.is_alphabetic());
    let more = |end: &str| {
        bare.starts_with("more ") && bare.ends_with(end) && bare.split(' ').count() <= 5
    };
    ENDS.contains(&bare) || more(" stories") || more(" news") || more(" articles")
}

/// Whether a block says nothing but that something else is near.
pub(super) fn is_boilerplate(words: &Words) -> bool {
    let text = words.text.as_str();
    if !matches!(
        words.kind,
        Kind::Paragraph | Kind::Heading | Kind::Quote | Kind::Caption | Kind::Item
    ) {
        return false;
    }
    // Somebody says it.
    let is_said = text.ends_with(['.', '”', '"', '“', '?']) && !text.ends_with("...");
    if text.len() <= LONGEST_ALONE && !is_said {
        let bare = text
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        if ALONE.contains(&bare.as_str()) {
            return true;
        }
    }
    // A sentence with a link in it begins with such words, too.
    let is_sentence = text.ends_with('.') && words.linked * 3 < text.len();
    words.linked > 0 && text.len() <= LONGEST_LEAD && !is_sentence && {
        let start: String = text.chars().take(24).collect::<String>().to_lowercase();
        LEADS.iter().any(|lead| start.starts_with(lead))
    }
}

/// Bytes of the longest line that names an author or a date.
const LONGEST_BYLINE: usize = 120;

/// How such lines begin.
const BYLINES: [&str; 16] = [
    "by ",
    "by:",
    "posted ",
    "published",
    "updated",
    "last updated",
    "last modified",
    "written by",
    "reported by",
    "von ",
    "por ",
    "par ",
    "di ",
    "publicado",
    "veröffentlicht",
    "publié",
];

/// Whether a short line above an article says who wrote it, or when.
pub(super) fn is_byline(words: &Words) -> bool {
    if words.text.len() > LONGEST_BYLINE || words.text.ends_with(['.', '?', '!', ':']) {
        return false;
    }
    let start: String = words
        .text
        .chars()
        .take(16)
        .collect::<String>()
        .to_lowercase();
    BYLINES.iter().any(|byline| start.starts_with(byline)) || has_date(&words.text)
}

/// A year of our time and another number.
fn has_date(text: &str) -> bool {
    let numbers = || {
        text.split(|c: char| !c.is_ascii_digit())
            .filter(|number| !number.is_empty())
    };
    let is_year =
        |number: &str| number.len() == 4 && (number.starts_with("19") || number.starts_with("20"));
    numbers().any(is_year) && numbers().count() > 1
}

/// Whether a text marks an advertisement.
pub(super) fn is_advertisement(words: &Words) -> bool {
    let bare = words.text.trim_matches(|c: char| !c.is_alphanumeric());
    ALONE[..FIRST_OTHER]
        .iter()
        .any(|alone| alone.eq_ignore_ascii_case(bare))
}

/// Whether a text asks to follow, subscribe or the like: with these words it begins a sentence or leads elsewhere, or it
/// is a line of little more. Within a sentence they may say anything.
pub(super) fn is_call(words: &Words) -> bool {
    if words.text.len() > LONGEST_CALL {
        return false;
    }
    let text = words.text.to_lowercase();
    let is_line = words.linked > 0 || text.len() <= LONGEST_LINE;
    let begins = |at: usize| at == 0 || text[..at].trim_end().ends_with(['.', '!', '?', ':']);
    let calls = |call: &&str| {
        text.match_indices(call)
            .any(|(at, _)| is_line || begins(at))
    };
    CALLS.iter().any(calls) || NOTICES.iter().any(|notice| text.contains(notice))
}
