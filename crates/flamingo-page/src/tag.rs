//! The elements of HTML as one byte, with what the tree's rules ask of each.
//!
//! A name is found by one multiplication: names of up to eight bytes are packed into a word.

/// How the tree treats an element; a set of bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules(u16);

impl Rules {
    const NONE: Self = Self(0);
    /// It has no content and no end tag.
    pub(crate) const VOID: Self = Self(1);
    /// Its start closes an open paragraph.
    pub(crate) const CLOSES_P: Self = Self(1 << 1);
    /// The end tag of an inline element does not reach beyond it.
    pub(crate) const SPECIAL: Self = Self(1 << 2);
    /// No end tag reaches beyond it but those of its own kind: cells, tables, templates.
    pub(crate) const SCOPE: Self = Self(1 << 3);
    /// It may stand in the head.
    pub(crate) const HEAD: Self = Self(1 << 4);
    /// What it holds is text, not markup.
    pub(crate) const RAW: Self = Self(1 << 5);
    /// What it holds is text with character references.
    pub(crate) const RAW_DECODED: Self = Self(1 << 6);
    /// Its end may be left out.
    pub(crate) const IMPLIED_END: Self = Self(1 << 7);
    /// Its start ends a drawing or formula.
    pub(crate) const BREAKS_OUT: Self = Self(1 << 8);
    /// One of `h1` to `h6`.
    pub(crate) const HEADING: Self = Self(1 << 9);
    /// A part of a table above its cells' content.
    pub(crate) const TABLE_PART: Self = Self(1 << 10);
    /// White space right inside it says nothing.
    pub(crate) const BLANK_DROPPED: Self = Self(1 << 11);
    /// Its end tag closes what is open inside it.
    pub(crate) const BLOCK: Self = Self(1 << 12);

    /// An inline element of looks, which may be closed inside a block that it holds.
    pub(crate) const FORMATTING: Self = Self(1 << 13);
    /// Its start has a rule of its own.
    pub(crate) const START_RULE: Self = Self(1 << 14);
    /// Its content has a rule of its own.
    pub(crate) const CONTENT_RULE: Self = Self(1 << 15);

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }
}

macro_rules! tags {
    ($($tag:ident $name:literal $($rule:ident)*;)*) => {
        /// What a node is: an element of HTML, another element, a text or the document.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Tag { $($tag,)* }

        const NAMES: &[&str] = &[$($name,)*];
        const TAGS: &[Tag] = &[$(Tag::$tag,)*];
        const RULES: [Rules; TAGS.len()] = [$(Rules::NONE$(.and(Rules::$rule))*,)*];
    };
}

tags! {
    // Not elements of HTML: no name is found as these.
    Document "#document" SCOPE SPECIAL BLANK_DROPPED;
    Text "#text";
    Other "#other" START_RULE;
    A "a" FORMATTING START_RULE;
    Abbr "abbr";
    Acronym "acronym";
    Address "address" CLOSES_P SPECIAL BLOCK;
    Applet "applet" SPECIAL SCOPE BLOCK;
    Area "area" VOID SPECIAL;
    Article "article" CLOSES_P SPECIAL BLOCK;
    Aside "aside" CLOSES_P SPECIAL BLOCK;
    Audio "audio";
    B "b" BREAKS_OUT FORMATTING;
    Base "base" VOID SPECIAL HEAD;
    Basefont "basefont" VOID SPECIAL HEAD;
    Bdi "bdi";
    Bdo "bdo";
    Bgsound "bgsound" VOID SPECIAL HEAD;
    Big "big" BREAKS_OUT FORMATTING;
    Blockquote "blockquote" CLOSES_P SPECIAL BREAKS_OUT BLOCK;
    Body "body" SPECIAL BREAKS_OUT START_RULE;
    Br "br" VOID SPECIAL BREAKS_OUT;
    Button "button" SPECIAL BLOCK START_RULE;
    Canvas "canvas";
    Caption "caption" SPECIAL SCOPE BLOCK START_RULE;
    Center "center" CLOSES_P SPECIAL BREAKS_OUT BLOCK;
    Cite "cite";
    Code "code" BREAKS_OUT FORMATTING;
    Col "col" VOID SPECIAL TABLE_PART START_RULE;
    Colgroup "colgroup" SPECIAL TABLE_PART BLANK_DROPPED BLOCK START_RULE;
    Data "data";
    Datalist "datalist";
    Dd "dd" CLOSES_P SPECIAL IMPLIED_END BREAKS_OUT BLOCK START_RULE;
    Del "del";
    Details "details" CLOSES_P SPECIAL BLOCK;
    Dfn "dfn";
    Dialog "dialog" CLOSES_P SPECIAL BLOCK;
    Dir "dir" CLOSES_P SPECIAL BLOCK;
    Div "div" CLOSES_P SPECIAL BREAKS_OUT BLOCK;
    Dl "dl" CLOSES_P SPECIAL BREAKS_OUT BLANK_DROPPED BLOCK;
    Dt "dt" CLOSES_P SPECIAL IMPLIED_END BREAKS_OUT BLOCK START_RULE;
    Em "em" BREAKS_OUT FORMATTING;
    Embed "embed" VOID SPECIAL BREAKS_OUT;
    Fieldset "fieldset" CLOSES_P SPECIAL BLOCK;
    Figcaption "figcaption" CLOSES_P SPECIAL BLOCK;
    Figure "figure" CLOSES_P SPECIAL BLOCK;
    Font "font" FORMATTING;
    Footer "footer" CLOSES_P SPECIAL BLOCK;
    Form "form" CLOSES_P SPECIAL START_RULE;
    Frame "frame" VOID SPECIAL START_RULE;
    Frameset "frameset" SPECIAL BLANK_DROPPED BLOCK START_RULE;
    H1 "h1" CLOSES_P SPECIAL HEADING BREAKS_OUT START_RULE;
    H2 "h2" CLOSES_P SPECIAL HEADING BREAKS_OUT START_RULE;
    H3 "h3" CLOSES_P SPECIAL HEADING BREAKS_OUT START_RULE;
    H4 "h4" CLOSES_P SPECIAL HEADING BREAKS_OUT START_RULE;
    H5 "h5" CLOSES_P SPECIAL HEADING BREAKS_OUT START_RULE;
    H6 "h6" CLOSES_P SPECIAL HEADING BREAKS_OUT START_RULE;
    Head "head" SPECIAL BREAKS_OUT BLANK_DROPPED START_RULE;
    Header "header" CLOSES_P SPECIAL BLOCK;
    Hgroup "hgroup" CLOSES_P SPECIAL BLOCK;
    Hr "hr" VOID CLOSES_P SPECIAL BREAKS_OUT;
    Html "html" SPECIAL SCOPE BLANK_DROPPED START_RULE;
    I "i" BREAKS_OUT FORMATTING;
    Iframe "iframe" SPECIAL RAW CONTENT_RULE;
    Img "img" VOID SPECIAL BREAKS_OUT;
    Input "input" VOID SPECIAL;
    Ins "ins";
    Kbd "kbd";
    Keygen "keygen" VOID SPECIAL;
    Label "label";
    Legend "legend";
    Li "li" CLOSES_P SPECIAL IMPLIED_END BREAKS_OUT BLOCK START_RULE;
    Link "link" VOID SPECIAL HEAD;
    Listing "listing" CLOSES_P SPECIAL BREAKS_OUT BLOCK CONTENT_RULE;
    Main "main" CLOSES_P SPECIAL BLOCK;
    Map "map";
    Mark "mark";
    Marquee "marquee" SPECIAL SCOPE BLOCK;
    Math "math" START_RULE;
    Menu "menu" CLOSES_P SPECIAL BREAKS_OUT BLOCK;
    Menuitem "menuitem";
    Meta "meta" VOID SPECIAL HEAD BREAKS_OUT;
    Meter "meter";
    Nav "nav" CLOSES_P SPECIAL BLOCK;
    Nobr "nobr" BREAKS_OUT FORMATTING START_RULE;
    Noembed "noembed" SPECIAL RAW CONTENT_RULE;
    Noframes "noframes" SPECIAL RAW HEAD CONTENT_RULE;
    Noscript "noscript" SPECIAL HEAD;
    Object "object" SPECIAL SCOPE BLOCK;
    Ol "ol" CLOSES_P SPECIAL BREAKS_OUT BLANK_DROPPED BLOCK;
    Optgroup "optgroup" IMPLIED_END BLANK_DROPPED START_RULE;
    Option "option" IMPLIED_END START_RULE;
    Output "output";
    P "p" CLOSES_P SPECIAL IMPLIED_END BREAKS_OUT;
    Param "param" VOID SPECIAL;
    Picture "picture";
    Plaintext "plaintext" CLOSES_P SPECIAL CONTENT_RULE;
    Pre "pre" CLOSES_P SPECIAL BREAKS_OUT BLOCK CONTENT_RULE;
    Progress "progress";
    Q "q";
    Rb "rb" IMPLIED_END START_RULE;
    Rp "rp" IMPLIED_END START_RULE;
    Rt "rt" IMPLIED_END START_RULE;
    Rtc "rtc" IMPLIED_END START_RULE;
    Ruby "ruby" BREAKS_OUT;
    S "s" BREAKS_OUT FORMATTING;
    Samp "samp";
    Script "script" SPECIAL HEAD RAW CONTENT_RULE;
    Search "search" CLOSES_P SPECIAL BLOCK;
    Section "section" CLOSES_P SPECIAL BLOCK;
    Select "select" SPECIAL BLANK_DROPPED BLOCK;
    Slot "slot";
    Small "small" BREAKS_OUT FORMATTING;
    Source "source" VOID SPECIAL;
    Span "span" BREAKS_OUT;
    Strike "strike" BREAKS_OUT FORMATTING;
    Strong "strong" BREAKS_OUT FORMATTING;
    Style "style" SPECIAL HEAD RAW CONTENT_RULE;
    Sub "sub" BREAKS_OUT;
    Summary "summary" CLOSES_P SPECIAL BLOCK;
    Sup "sup" BREAKS_OUT;
    Svg "svg" START_RULE;
    Table "table" CLOSES_P SPECIAL SCOPE BREAKS_OUT TABLE_PART BLANK_DROPPED BLOCK START_RULE;
    Tbody "tbody" SPECIAL TABLE_PART BLANK_DROPPED BLOCK START_RULE;
    Td "td" SPECIAL SCOPE BLOCK START_RULE;
    Template "template" SPECIAL SCOPE HEAD BLOCK;
    Textarea "textarea" SPECIAL RAW_DECODED CONTENT_RULE;
    Tfoot "tfoot" SPECIAL TABLE_PART BLANK_DROPPED BLOCK START_RULE;
    Th "th" SPECIAL SCOPE BLOCK START_RULE;
    Thead "thead" SPECIAL TABLE_PART BLANK_DROPPED BLOCK START_RULE;
    Time "time";
    Title "title" SPECIAL HEAD RAW_DECODED CONTENT_RULE;
    Tr "tr" SPECIAL TABLE_PART BLANK_DROPPED BLOCK START_RULE;
    Track "track" VOID SPECIAL;
    Tt "tt" BREAKS_OUT FORMATTING;
    U "u" BREAKS_OUT FORMATTING;
    Ul "ul" CLOSES_P SPECIAL BREAKS_OUT BLANK_DROPPED BLOCK;
    Var "var" BREAKS_OUT;
    Video "video";
    Wbr "wbr" VOID SPECIAL;
    Xmp "xmp" CLOSES_P SPECIAL RAW CONTENT_RULE;
}

impl Tag {
    /// How many there are.
    pub(crate) const COUNT: usize = TAGS.len();

    /// The element's name in lower case; `#text`, `#document` or `#other` where it is none of HTML's.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    pub(crate) const fn is(self, any: Rules) -> bool {
        RULES[self as usize].any(any)
    }

    /// The element of this name of at most eight bytes, packed by [`pack`].
    #[inline]
    pub(crate) fn of_packed(word: u64) -> Self {
        let tag = SLOTS[slot(word)];
        if PACKED[tag as usize] == word {
            tag
        } else {
            Self::Other
        }
    }

    /// The element of this name in any case.
    pub fn of_name(name: &str) -> Self {
        match name.len() {
            1..=8 => Self::of_packed(pack(name.to_ascii_lowercase().as_bytes())),
            _ => Self::of_long(name.as_bytes()),
        }
    }

    /// The element of a name longer than eight bytes.
    pub(crate) fn of_long(name: &[u8]) -> Self {
        [Self::Blockquote, Self::Figcaption, Self::Plaintext]
            .into_iter()
            .find(|tag| name.eq_ignore_ascii_case(tag.name().as_bytes()))
            .unwrap_or(Self::Other)
    }
}

/// At most eight bytes in a word, the first lowest.
const fn pack(name: &[u8]) -> u64 {
    let mut word = 0;
    let mut at = 0;
    while at < name.len() {
        word |= (name[at] as u64) << (8 * at);
        at += 1;
    }
    word
}

const SLOT_BITS: u32 = 10;
/// Found by trying random numbers until no two names met in a slot.
const MULTIPLIER: u64 = 0xaef0_b055_4679_895b;

const fn slot(word: u64) -> usize {
    (word.wrapping_mul(MULTIPLIER) >> (64 - SLOT_BITS)) as usize
}

/// Of each tag its packed name; zero, which is no name, where that is too long.
const PACKED: [u64; TAGS.len()] = {
    let mut packed = [0; TAGS.len()];
    let mut at = Tag::A as usize;
    while at < TAGS.len() {
        if NAMES[at].len() <= 8 {
            packed[at] = pack(NAMES[at].as_bytes());
        }
        at += 1;
    }
    packed
};

const SLOTS: [Tag; 1 << SLOT_BITS] = {
    let mut slots = [Tag::Other; 1 << SLOT_BITS];
    let mut at = Tag::A as usize;
    while at < TAGS.len() {
        if PACKED[at] != 0 {
            let slot = slot(PACKED[at]);
            assert!(
                slots[slot] as u8 == Tag::Other as u8,
                "two names in one slot"
            );
            slots[slot] = TAGS[at];
        }
        at += 1;
    }
    slots
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_gives_its_tag_in_any_case() {
        for &tag in &TAGS[Tag::A as usize..] {
            assert_eq!(Tag::of_name(tag.name()), tag);
            assert_eq!(Tag::of_name(&tag.name().to_uppercase()), tag);
        }
    }

    #[test]
    fn names_that_are_none_of_html_are_other() {
        for name in [
            "",
            "x",
            "h7",
            "my-element",
            "#text",
            "blockquotes",
            "divv",
            "é",
        ] {
            assert_eq!(Tag::of_name(name), Tag::Other, "{name}");
        }
    }
}
