//! What the words in an element's `class`, `id` and the like say about it.
//!
//! Names are cut into words at punctuation and at a capital after a small letter, and each word is looked up in one
//! table: no allocation, no pattern matching.

use std::ops::{BitAnd, BitOr, BitOrAssign};
use std::sync::LazyLock;

/// A set of hints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints(u32);

impl Hints {
    pub(super) const NONE: Self = Self(0);
    /// Menus, breadcrumbs, page numbers.
    pub(super) const NAVIGATION: Self = Self(1);
    /// The foot of a page.
    pub(super) const FOOTER: Self = Self(1 << 1);
    /// The head of a page or an article.
    pub(super) const HEADER: Self = Self(1 << 2);
    /// Columns and boxes beside the content.
    pub(super) const SIDE: Self = Self(1 << 3);
    /// What readers say.
    pub(super) const COMMENTS: Self = Self(1 << 4);
    /// Buttons to share and follow.
    pub(super) const SHARE: Self = Self(1 << 5);
    /// Advertisements.
    pub(super) const ADVERTISEMENT: Self = Self(1 << 6);
    /// Other pages that may interest.
    pub(super) const RELATED: Self = Self(1 << 7);
    /// Newsletters, logins, cookie notices, dialogues.
    pub(super) const SIGN_UP: Self = Self(1 << 8);
    /// Author, date, tags.
    pub(super) const METADATA: Self = Self(1 << 9);
    /// What is not shown.
    pub(super) const HIDDEN: Self = Self(1 << 10);
    /// "article", "post", "story".
    pub(super) const SUBJECT: Self = Self(1 << 11);
    /// "body", "content", "text".
    pub(super) const CONTENT: Self = Self(1 << 12);
    /// "main", "primary".
    pub(super) const MAIN: Self = Self(1 << 13);
    /// Captions and credits of pictures.
    pub(super) const CAPTION: Self = Self(1 << 14);
    /// A list, an item, a box: says little of itself.
    pub(super) const BOX: Self = Self(1 << 15);
    /// Titles and headlines.
    pub(super) const TITLE: Self = Self(1 << 16);
    /// Logos, icons, avatars.
    pub(super) const ICON: Self = Self(1 << 17);
    /// The words of one name that make it the body of an article, as in "article-body".
    pub(super) const BODY: Self = Self(1 << 18);
    /// A summary or lead before the body.
    pub(super) const LEAD: Self = Self(1 << 19);
    /// Players, galleries, carousels.
    pub(super) const MEDIA: Self = Self(1 << 20);
    /// Screens on which few read, as in "hidden-xs".
    pub(super) const NARROW: Self = Self(1 << 21);
    /// Distances, as in "margin-bottom".
    pub(super) const SPACE: Self = Self(1 << 22);
    /// What an element has or has not, as in "has-sidebar".
    pub(super) const HAVING: Self = Self(1 << 23);
    /// What is beside the content.
    pub(super) const BESIDE: Self = Self::COMMENTS
        .or(Self::ADVERTISEMENT)
        .or(Self::SHARE)
        .or(Self::SIGN_UP)
        .or(Self::NAVIGATION)
        .or(Self::FOOTER)
        .or(Self::RELATED)
        .or(Self::SIDE)
        .or(Self::METADATA);

    pub(super) fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    pub(super) const fn or(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(super) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The hints of all names in an attribute's value.
    pub(super) fn of(value: &str) -> Self {
        let names = value.split_ascii_whitespace().take(MOST_NAMES);
        // A formula has a menu of its own: "MathJax CtxtMenu_Attached_0".
        if value.starts_with("MathJax") {
            return Self::NONE;
        }
        names.fold(Self::NONE, |hints, name| {
            hints | Self::of_name(name.as_bytes())
        })
    }

    fn of_name(name: &[u8]) -> Self {
        let table = &*TABLE;
        let mut hints = Self::NONE;
        let mut key = Key::default();
        let mut small_before = false;
        let name = &name[..name.len().min(LONGEST_NAME)];
        for (at, &byte) in name.iter().enumerate() {
            let letter = LETTER[usize::from(byte)];
            let is_small = letter == byte;
            if letter == 0 || small_before && !is_small {
                hints |= table.hints(key, &name[..at]);
                key = Key::default();
            }
            if letter != 0 {
                key.add(letter);
            }
            small_before = is_small;
        }
        hints |= table.hints(key, name);
        hints.with_compounds()
    }

    /// What the words of one name say together.
    fn with_compounds(self) -> Self {
        let body = self.has(Self::SUBJECT) && self.has(Self::CONTENT);
        let mut hints = self;
        for (with, without) in COMPOUNDS {
            if self.has(with) {
                hints = hints.without(without);
            }
        }
        let other =
            Self::BESIDE | Self::HEADER | Self::TITLE | Self::BOX | Self::CAPTION | Self::ICON;
        if body && !hints.has(other) {
            hints | Self::BODY
        } else {
            hints
        }
    }

    /// Those of a word that is in no table but written together with one: "relatedtopics", "newsletterform". In any case.
    fn of_long_word(word: &[u8]) -> Self {
        const STARTS: [(&[u8], Hints); 8] = [
            (b"sidebar", Hints::SIDE),
            (b"related", Hints::RELATED),
            (b"newsletter", Hints::SIGN_UP),
            (b"comments", Hints::COMMENTS),
            (b"breadcrumb", Hints::NAVIGATION),
            (b"sponsor", Hints::ADVERTISEMENT),
            (b"advert", Hints::ADVERTISEMENT),
            (b"recommend", Hints::RELATED),
        ];
        let starts = |with: &[u8]| {
            let start = word.get(..with.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        let end = word.len().checked_sub(b"caption".len());
        match end.filter(|&end| end > 0).and_then(|end| word.get(end..)) {
            None => return Self::NONE,
            Some(end) if end.eq_ignore_ascii_case(b"caption") => return Self::CAPTION,
            Some(_) => {}
        }
        let start = STARTS.iter().find(|(start, _)| starts(start));
        start.map_or(Self::NONE, |&(_, hints)| hints)
    }
}

/// What a word takes from the others of its name: "label-hidden" hides a label, "padding-bottom" is no foot of a page.
const COMPOUNDS: [(Hints, Hints); 6] = [
    (Hints::MEDIA, Hints::SHARE.or(Hints::SIDE)),
    (
        Hints::HAVING,
        Hints(!(Hints::HAVING.0 | Hints::CAPTION.0 | Hints::MEDIA.0)),
    ),
    (Hints::METADATA, Hints::HIDDEN),
    (Hints::HIDDEN, Hints::METADATA),
    (Hints::NARROW, Hints::HIDDEN),
    (Hints::SPACE, Hints::FOOTER),
];

/// What words say. No word is in two lines.
const WORDS: [(Hints, &str); 24] = [
    (
        Hints::NAVIGATION,
        "nav navigation navbar menu menus mainnav subnav topnav navi breadcrumb breadcrumbs crumb crumbs \
         pagination pager paginator paging toolbar topbar sitemap skiplink skip megamenu dropdown hamburger \
         jumpto search searchform searchbox submenu navmenu sitenav backtotop pagenav",
    ),
    (
        Hints::FOOTER,
        "footer foot colophon copyright legal bottom imprint disclaimer disclosure siteinfo",
    ),
    (Hints::HEADER, "header masthead banner head"),
    (
        Hints::SIDE,
        "sidebar aside rail sidecol rightcol leftcol rightrail sidebars offcanvas drawer",
    ),
    (
        Hints::COMMENTS,
        "comment comments disqus respond reply replies commentlist commentform kommentar kommentare \
         comentarios comentario commentaires commenti discussion livefyre guestbook pingback trackback \
         responses commenting",
    ),
    (
        Hints::SHARE,
        "share sharing social shares addthis addtoany sharethis sharedaddy sociable follow shareaholic \
         socials sharebar sharebox sharebuttons socialmedia compartir compartilhar teilen partager likes \
         likebox reactions voting vote tweetbutton fblike jetpack sharetools socialshare",
    ),
    (
        Hints::ADVERTISEMENT,
        "ad ads advert adverts advertisement advertisements advertising adslot adsense adsbygoogle adunit \
         adbox adwrapper adcontainer dfp gpt sponsor sponsored sponsors sponsorship promo promos promotion \
         promoted promobox taboola outbrain commercial werbung anzeige publicidad publicidade pubblicita \
         publicite affiliate adv advertorial billboard leaderboard skyscraper mpu",
    ),
    (
        Hints::RELATED,
        "related recommended recommendations recommendation recommend relateds teaser teasers trending \
         popular mostread mostpopular recirc recirculation readnext upnext similar seealso readmore morefrom \
         relatedposts relatedarticles relatedcontent relatednews relatedstories relatedlinks yarpp crp next \
         prev previous more latest relacionadas relacionados relacionado correlati zergnet nextpost linkbox \
         headlines suggested suggestions toppicks explore discover youmaylike trends hashtag hashtags",
    ),
    (
        Hints::SIGN_UP,
        "newsletter newsletters signup subscribe subscription subscriber login signin register registration \
         cookie cookies consent gdpr modal popup popover overlay dialog optin mailchimp mailinglist cta \
         donate donation toast notice membership regwall piano interstitial survey subscribebox emailsignup \
         contactform feedback",
    ),
    (
        Hints::METADATA,
        "meta byline bylines author authors authorbox date dateline time timestamp published pubdate postmeta \
         metadata tags tag tagcloud taglist category categories label labels bio topics posted datetime \
         entrymeta contributor contributors vcard keywords eyebrow kicker writer etiquetas infobar biography \
         publish updated reporter rubric views readtime topic",
    ),
    (
        Hints::HIDDEN,
        "hidden hide invisible offscreen screenreader noprint visuallyhidden tooltip rollover hovercard \
         noshow",
    ),
    (
        Hints::SUBJECT,
        "article story post entry news blog articles page artikel noticia materia blogpost articulo articolo",
    ),
    (
        Hints::CONTENT,
        "content body text copy contents inhalt contenido conteudo texto contenuto prose paragraph richtext \
         wysiwyg markdown paragraphs",
    ),
    (
        Hints::BODY,
        "articlebody entrycontent postcontent articlecontent storybody storycontent postbody articletext \
         bodytext storytext articlecopy bodycopy newscontent posttext entrybody blogcontent hentry newstext \
         newsbody pagecontent bodycontent",
    ),
    (Hints::MAIN, "main primary maincontent maincol maincolumn"),
    (
        Hints::CAPTION,
        "caption captions credit credits figcaption copyrights attribution photocredit imagecaption legend",
    ),
    (
        Hints::BOX,
        "list item items card cards box tile tiles grid feed listing module links link thumb thumbs thumbnail \
         block",
    ),
    (
        Hints::TITLE,
        "title headline heading subtitle subheadline hed",
    ),
    (
        Hints::ICON,
        "icon icons logo logos avatar avatars gravatar emoji smiley wpsmiley badge favicon sprite pixel \
         spacer profile userpic tracking button btn flag",
    ),
    (
        Hints::LEAD,
        "summary standfirst lead lede intro deck dek excerpt subhead teasertext description abstract",
    ),
    (
        Hints::MEDIA,
        "player video slideshow lightbox carousel slider gallery audio podcast playlist embed slick swiper",
    ),
    (Hints::NARROW, "xs sm mobile phone small print"),
    (
        Hints::SPACE,
        "margin margins mg padding padded pad space spacing spaced gap border",
    ),
    (Hints::HAVING, "has with without no"),
];

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// The letters of a word as a number.
#[derive(Clone, Copy, Default)]
struct Key {
    /// The last letters, and those before.
    low: u64,
    high: u64,
    length: usize,
}

impl Key {
    #[inline]
    fn add(&mut self, letter: u8) {
        if self.length.is_multiple_of(8) {
            self.high = self.high.rotate_left(29) ^ self.low.wrapping_mul(MIX);
            self.low = 0;
        }
        self.low = self.low << 8 | u64::from(letter);
        self.length += 1;
    }

    #[inline]
    fn hash(self) -> u64 {
        (self.high ^ self.low).wrapping_mul(MIX)
    }
}

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The words of [`WORDS`] by the hash of their [`Key`], which is another for each of them.
struct Table {
    slots: [(u64, Hints); SLOTS],
}

const SLOTS: usize = 1 << 11;

impl Table {
    fn new() -> Self {
        let mut slots = [(0, Hints::NONE); SLOTS];
        let words = WORDS
            .iter()
            .flat_map(|(hints, words)| words.split(' ').map(move |word| (word, *hints)));
        for (word, hints) in words {
            let mut key = Key::default();
            word.bytes().for_each(|letter| key.add(letter));
            let hash = key.hash();
            let mut at = Self::first_slot(hash);
            while slots[at].0 != 0 {
                at = (at + 1) % SLOTS;
            }
            slots[at] = (hash, hints);
        }
        Self { slots }
    }

    fn first_slot(hash: u64) -> usize {
        (hash >> 53) as usize % SLOTS
    }

    /// What a word says that stands at the end of `name`; its length is the key's.
    #[inline]
    fn hints(&self, key: Key, name: &[u8]) -> Hints {
        if key.length == 0 {
            return Hints::NONE;
        }
        let hash = key.hash();
        let mut at = Self::first_slot(hash);
        loop {
            match self.slots[at] {
                (0, _) => break,
                (known, hints) if known == hash => return hints,
                _ => at = (at + 1) % SLOTS,
            }
        }
        Hints::of_long_word(&name[name.len() - key.length..])
    }
}

/// The hints of values that were asked for lately: a page's elements are named alike.
pub(super) struct Names<'v> {
    known: [(&'v str, Hints); KNOWN],
}

impl<'v> Names<'v> {
    pub(super) const fn new() -> Self {
        Self {
            known: [("", Hints::NONE); KNOWN],
        }
    }

    /// [`Hints::of`] a value.
    pub(super) fn hints(&mut self, value: &'v str) -> Hints {
        let bytes = value.as_bytes();
        let at = |place: usize| usize::from(bytes.get(place).copied().unwrap_or(0));
        let middle = at(bytes.len() / 2) * 7 + at(bytes.len().wrapping_sub(2)) * 11;
        let slot = bytes.len() * 3 + at(0) * 5 + middle + at(bytes.len().wrapping_sub(1)) * 13;
        let known = &mut self.known[slot % KNOWN];
        if known.0 != value {
            *known = (value, Hints::of(value));
        }
        known.1
    }
}

/// How many values are known at once.
const KNOWN: usize = 256;

/// Names of one attribute and bytes of one name beyond which nothing is read.
const MOST_NAMES: usize = 24;
const LONGEST_NAME: usize = 120;
/// Of a letter its small one, of other bytes zero, which is no byte of a name.
const LETTER: [u8; 256] = {
    let mut letters = [0; 256];
    let mut at = 0;
    while at < 256 {
        if (at as u8).is_ascii_alphabetic() {
            letters[at] = (at as u8).to_ascii_lowercase();
        }
        at += 1;
    }
    letters
};

impl BitOr for Hints {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Hints {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Hints {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_punctuation_and_capitals() {
        assert!(Hints::of("RelatedPosts").has(Hints::RELATED));
        assert!(Hints::of("c-nav_item").has(Hints::NAVIGATION));
        assert!(Hints::of("x y2 post__comments").has(Hints::COMMENTS));
        assert!(!Hints::of("commentary").has(Hints::COMMENTS));
        assert!(
            !Hints::of("shareholders adjust download").has(Hints::SHARE | Hints::ADVERTISEMENT)
        );
    }

    #[test]
    fn two_words_of_one_name_make_a_body_but_not_those_of_two() {
        assert!(Hints::of("td-post-content").has(Hints::BODY));
        assert!(Hints::of("articleBody").has(Hints::BODY));
        assert!(!Hints::of("article text").has(Hints::BODY));
        assert!(!Hints::of("article-content-footer").has(Hints::BODY));
    }

    #[test]
    fn names_of_distances_of_small_screens_and_of_what_an_element_has_do_not_say_what_it_is() {
        for name in [
            "margin-bottom-l",
            "mg-bottom-38px",
            "field-label-hidden",
            "hidden-xs",
            "l-hidden-sm",
            "has-ads",
            "with-sidebar",
            "no-comments",
        ] {
            let beside = Hints::FOOTER
                | Hints::HIDDEN
                | Hints::ADVERTISEMENT
                | Hints::METADATA
                | Hints::SIDE
                | Hints::COMMENTS;
            assert!(!Hints::of(name).has(beside), "{name}");
        }
        assert!(!Hints::of("MathJax CtxtMenu_Attached_0").has(Hints::NAVIGATION));
        assert!(Hints::of("page-bottom").has(Hints::FOOTER));
        assert!(Hints::of("is-hidden").has(Hints::HIDDEN));
        assert!(Hints::of("has-sidebar comments").has(Hints::COMMENTS));
        assert!(Hints::of("media-with-caption").has(Hints::CAPTION));
    }

    #[test]
    fn values_that_are_known_have_the_hints_that_they_had() {
        let mut names = Names::new();
        for _ in 0..2 {
            for value in ["", "nav", "van", "footer", "share-box", "nav"] {
                assert_eq!(names.hints(value), Hints::of(value), "{value}");
            }
        }
    }

    #[test]
    fn each_word_has_its_hints() {
        let mut words = 0;
        for (hints, line) in WORDS {
            for word in line.split(' ') {
                words += 1;
                assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
                assert_eq!(Hints::of(word).0 & hints.0, hints.0, "{word}");
                assert_eq!(Hints::of(&word.to_ascii_uppercase()), Hints::of(word));
            }
        }
        let filled = TABLE.slots.iter().filter(|slot| slot.0 != 0).count();
        assert_eq!(filled, words);
    }

    #[test]
    fn endless_names_are_cut_off() {
        let long = "nav".repeat(1 << 16);
        assert_eq!(Hints::of(&long), Hints::NONE);
        assert_eq!(Hints::of(&"x ".repeat(1 << 16)), Hints::NONE);
    }
}
