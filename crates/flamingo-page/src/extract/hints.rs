//! What the words in an element's `class`, `id` and the like say about it.
//!
//! Names are cut into words at punctuation and at a capital after a small letter, and each word is looked up in one
//! table: no allocation, no pattern matching.

use std::ops::{BitAnd, BitOr, BitOrAssign};

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

    pub(super) fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The hints of all names in an attribute's value.
    pub(super) fn of(value: &str) -> Self {
        value
            .split_ascii_whitespace()
            .take(MOST_NAMES)
            .fold(Self::NONE, |hints, name| {
                hints | Self::of_name(name.as_bytes())
            })
    }

    fn of_name(name: &[u8]) -> Self {
        let mut hints = Self::NONE;
        let mut word = [0; LONGEST];
        let mut length = 0;
        let mut small_before = false;
        for &byte in name.iter().take(LONGEST_NAME) {
            let starts = byte.is_ascii_uppercase() && small_before;
            if (starts || !byte.is_ascii_alphabetic()) && length > 0 {
                hints |= Self::of_word(word.get(..length).unwrap_or_default());
                length = 0;
            }
            if byte.is_ascii_alphabetic() {
                if let Some(slot) = word.get_mut(length) {
                    *slot = byte.to_ascii_lowercase();
                }
                length += 1;
            }
            small_before = byte.is_ascii_lowercase();
        }
        hints |= Self::of_word(word.get(..length).unwrap_or_default());
        hints.with_compounds()
    }

    /// What the words of one name say together.
    fn with_compounds(self) -> Self {
        let body = self.has(Self::SUBJECT) && self.has(Self::CONTENT);
        let hints = if self.has(Self::MEDIA) {
            self.without(Self::SHARE | Self::SIDE)
        } else {
            self
        };
        let other = Self::NAVIGATION
            | Self::FOOTER
            | Self::HEADER
            | Self::SIDE
            | Self::COMMENTS
            | Self::SHARE
            | Self::ADVERTISEMENT
            | Self::RELATED
            | Self::SIGN_UP
            | Self::METADATA
            | Self::TITLE
            | Self::BOX
            | Self::CAPTION
            | Self::ICON;
        if body && !hints.has(other) {
            hints | Self::BODY
        } else {
            hints
        }
    }

    fn of_word(word: &[u8]) -> Self {
        match word {
            b"nav" | b"navigation" | b"navbar" | b"menu" | b"menus" | b"mainnav" | b"subnav"
            | b"topnav" | b"navi" | b"breadcrumb" | b"breadcrumbs" | b"crumb" | b"crumbs"
            | b"pagination" | b"pager" | b"paginator" | b"paging" | b"toolbar" | b"topbar"
            | b"sitemap" | b"skiplink" | b"skip" | b"megamenu" | b"dropdown" | b"hamburger"
            | b"jumpto" | b"search" | b"searchform" | b"searchbox" | b"submenu" | b"navmenu"
            | b"sitenav" | b"backtotop" | b"pagenav" => Self::NAVIGATION,
            b"footer" | b"foot" | b"colophon" | b"copyright" | b"legal" | b"bottom"
            | b"imprint" | b"disclaimer" | b"disclosure" | b"siteinfo" => Self::FOOTER,
            b"header" | b"masthead" | b"banner" | b"head" => Self::HEADER,
            b"sidebar" | b"aside" | b"rail" | b"sidecol" | b"rightcol" | b"leftcol"
            | b"rightrail" | b"sidebars" | b"offcanvas" | b"drawer" => Self::SIDE,
            b"comment" | b"comments" | b"disqus" | b"respond" | b"reply" | b"replies"
            | b"commentlist" | b"commentform" | b"kommentar" | b"kommentare" | b"comentarios"
            | b"comentario" | b"commentaires" | b"commenti" | b"discussion" | b"livefyre"
            | b"guestbook" | b"pingback" | b"trackback" | b"responses" | b"commenting" => {
                Self::COMMENTS
            }
            b"share" | b"sharing" | b"social" | b"shares" | b"addthis" | b"addtoany"
            | b"sharethis" | b"sharedaddy" | b"sociable" | b"follow" | b"shareaholic"
            | b"socials" | b"sharebar" | b"sharebox" | b"sharebuttons" | b"socialmedia"
            | b"compartir" | b"compartilhar" | b"teilen" | b"partager" | b"likes" | b"likebox"
            | b"reactions" | b"voting" | b"vote" | b"tweetbutton" | b"fblike" | b"jetpack"
            | b"sharetools" | b"socialshare" => Self::SHARE,
            b"ad" | b"ads" | b"advert" | b"adverts" | b"advertisement" | b"advertisements"
            | b"advertising" | b"adslot" | b"adsense" | b"adsbygoogle" | b"adunit" | b"adbox"
            | b"adwrapper" | b"adcontainer" | b"dfp" | b"gpt" | b"sponsor" | b"sponsored"
            | b"sponsors" | b"sponsorship" | b"promo" | b"promos" | b"promotion" | b"promoted"
            | b"promobox" | b"taboola" | b"outbrain" | b"commercial" | b"werbung" | b"anzeige"
            | b"publicidad" | b"publicidade" | b"pubblicita" | b"publicite" | b"affiliate"
            | b"adv" | b"advertorial" | b"billboard" | b"leaderboard" | b"skyscraper" | b"mpu" => {
                Self::ADVERTISEMENT
            }
            b"related" | b"recommended" | b"recommendations" | b"recommendation" | b"recommend"
            | b"relateds" | b"teaser" | b"teasers" | b"trending" | b"popular" | b"mostread"
            | b"mostpopular" | b"recirc" | b"recirculation" | b"readnext" | b"upnext"
            | b"similar" | b"seealso" | b"readmore" | b"morefrom" | b"relatedposts"
            | b"relatedarticles" | b"relatedcontent" | b"relatednews" | b"relatedstories"
            | b"relatedlinks" | b"yarpp" | b"crp" | b"next" | b"prev" | b"previous" | b"more"
            | b"latest" | b"relacionadas" | b"relacionados" | b"relacionado" | b"correlati"
            | b"zergnet" | b"nextpost" | b"linkbox" | b"headlines" | b"suggested"
            | b"suggestions" | b"toppicks" | b"explore" | b"discover" | b"youmaylike"
            | b"trends" | b"hashtag" | b"hashtags" => Self::RELATED,
            b"newsletter" | b"newsletters" | b"signup" | b"subscribe" | b"subscription"
            | b"subscriber" | b"login" | b"signin" | b"register" | b"registration" | b"cookie"
            | b"cookies" | b"consent" | b"gdpr" | b"modal" | b"popup" | b"popover" | b"overlay"
            | b"dialog" | b"optin" | b"mailchimp" | b"mailinglist" | b"cta" | b"donate"
            | b"donation" | b"toast" | b"notice" | b"membership" | b"regwall" | b"piano"
            | b"interstitial" | b"survey" | b"subscribebox" | b"emailsignup" | b"contactform"
            | b"feedback" => Self::SIGN_UP,
            b"meta" | b"byline" | b"bylines" | b"author" | b"authors" | b"authorbox" | b"date"
            | b"dateline" | b"time" | b"timestamp" | b"published" | b"pubdate" | b"postmeta"
            | b"metadata" | b"tags" | b"tag" | b"tagcloud" | b"taglist" | b"category"
            | b"categories" | b"label" | b"labels" | b"bio" | b"topics" | b"posted"
            | b"datetime" | b"entrymeta" | b"contributor" | b"contributors" | b"vcard"
            | b"keywords" | b"eyebrow" | b"kicker" | b"writer" | b"etiquetas" | b"infobar"
            | b"biography" | b"publish" | b"updated" | b"reporter" | b"rubric" | b"views"
            | b"readtime" | b"topic" => Self::METADATA,
            b"hidden" | b"hide" | b"invisible" | b"offscreen" | b"screenreader" | b"noprint"
            | b"visuallyhidden" | b"tooltip" | b"rollover" | b"hovercard" | b"noshow" => {
                Self::HIDDEN
            }
            b"article" | b"story" | b"post" | b"entry" | b"news" | b"blog" | b"articles"
            | b"page" | b"artikel" | b"noticia" | b"materia" | b"blogpost" | b"articulo"
            | b"articolo" => Self::SUBJECT,
            b"content" | b"body" | b"text" | b"copy" | b"contents" | b"inhalt" | b"contenido"
            | b"conteudo" | b"texto" | b"contenuto" | b"prose" | b"paragraph" | b"richtext"
            | b"wysiwyg" | b"markdown" | b"paragraphs" => Self::CONTENT,
            b"articlebody" | b"entrycontent" | b"postcontent" | b"articlecontent"
            | b"storybody" | b"storycontent" | b"postbody" | b"articletext" | b"bodytext"
            | b"storytext" | b"articlecopy" | b"bodycopy" | b"newscontent" | b"posttext"
            | b"entrybody" | b"blogcontent" | b"hentry" | b"newstext" | b"newsbody"
            | b"pagecontent" | b"bodycontent" => Self::BODY,
            b"main" | b"primary" | b"maincontent" | b"maincol" | b"maincolumn" => Self::MAIN,
            b"caption" | b"captions" | b"credit" | b"credits" | b"figcaption" | b"copyrights"
            | b"attribution" | b"photocredit" | b"imagecaption" | b"legend" => Self::CAPTION,
            b"list" | b"item" | b"items" | b"card" | b"cards" | b"box" | b"tile" | b"tiles"
            | b"grid" | b"feed" | b"listing" | b"module" | b"links" | b"link" | b"thumb"
            | b"thumbs" | b"thumbnail" | b"block" => Self::BOX,
            b"title" | b"headline" | b"heading" | b"subtitle" | b"subheadline" | b"hed" => {
                Self::TITLE
            }
            b"icon" | b"icons" | b"logo" | b"logos" | b"avatar" | b"avatars" | b"gravatar"
            | b"emoji" | b"smiley" | b"wpsmiley" | b"badge" | b"favicon" | b"sprite" | b"pixel"
            | b"spacer" | b"profile" | b"userpic" | b"tracking" | b"button" | b"btn" | b"flag" => {
                Self::ICON
            }
            b"summary" | b"standfirst" | b"lead" | b"lede" | b"intro" | b"deck" | b"dek"
            | b"excerpt" | b"subhead" | b"teasertext" | b"description" | b"abstract" => Self::LEAD,
            b"player" | b"video" | b"slideshow" | b"lightbox" | b"carousel" | b"slider"
            | b"gallery" | b"audio" | b"podcast" | b"playlist" | b"embed" | b"slick"
            | b"swiper" => Self::MEDIA,
            _ => Self::of_long_word(word),
        }
    }

    /// Words that are written together with others: "relatedtopics", "newsletterform".
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
        if word.len() > 7 && word.ends_with(b"caption") {
            return Self::CAPTION;
        }
        if word.len() < 8 {
            return Self::NONE;
        }
        let start = STARTS.iter().find(|(start, _)| word.starts_with(start));
        start.map_or(Self::NONE, |&(_, hints)| hints)
    }
}

/// Names of one attribute and bytes of one name beyond which nothing is read.
const MOST_NAMES: usize = 24;
const LONGEST_NAME: usize = 120;
/// Longer words are in no table.
const LONGEST: usize = 24;

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
    fn endless_names_are_cut_off() {
        let long = "nav".repeat(1 << 16);
        assert_eq!(Hints::of(&long), Hints::NONE);
        assert_eq!(Hints::of(&"x ".repeat(1 << 16)), Hints::NONE);
    }
}
