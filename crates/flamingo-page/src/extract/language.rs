//! The language of a text: that of its letter triples, or that which the page declares.

use whatlang::Lang;

use crate::Part;

/// Bytes of text below which the declared language is believed, and beyond which none is read.
const SHORTEST: usize = 60;
const LONGEST: usize = 600;

/// The ISO 639-1 code of the parts' language.
pub(super) fn detect(parts: &[Part], declared: Option<&str>) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        if text.len() >= LONGEST {
            break;
        }
        if let Part::Text(part) = part {
            text.extend(part.text.chars().take(LONGEST));
            text.push('\n');
        }
    }
    let declared = declared.and_then(code_of_tag);
    if text.len() < SHORTEST {
        return declared;
    }
    if let Some(language) = sure_language(&text, declared.as_deref()) {
        return Some(language.to_owned());
    }
    match whatlang::detect(&text) {
        Some(info) if info.is_reliable() || declared.is_none() => {
            code(info.lang()).map(str::to_owned).or(declared)
        }
        _ => declared,
    }
}

/// How many of the words that make up much of any text are known of a language.
const COMMON_WORDS: usize = 16;

/// Those words, of eight letters at most.
const COMMON: [(&str, &str); 9] = [
    (
        "en",
        "the of and to is that for was with this it are have from their they",
    ),
    (
        "de",
        "der die und das ist nicht ein den von mit zu auf sich dem für im",
    ),
    (
        "fr",
        "le les des et est une dans du qui pour au sur il ce pas par",
    ),
    (
        "es",
        "el los las que por una con para del y se más su al como pero",
    ),
    (
        "pt",
        "os uma não em do da com para mais ao um é são foi seu ou",
    ),
    (
        "it",
        "il che di una della per non sono gli con nel del alla come più anche",
    ),
    (
        "nl",
        "het een van niet dat zijn voor met aan ook op te maar naar bij wordt",
    ),
    (
        "id",
        "yang dan di dengan untuk dari ini pada dalam itu tidak adalah akan oleh juga telah",
    ),
    ("ru", "и в не на что с по как это к но он из за то от"),
];

/// One word in so many is a common one in texts of a language, and far fewer are in those of others.
const COMMON_EVERY: usize = 8;

/// The first character of scripts in which none of these languages is written, many of them without spaces.
const OTHER_SCRIPTS: char = '\u{530}';

/// The language that a text is surely in (ISO 639-1), by the share of its common words: much faster than to ask which of all
/// it is. Only that which it is `thought` to be and English are asked for: others have languages beside them that share their
/// words.
pub fn sure_language<'l>(text: &str, thought: Option<&'l str>) -> Option<&'l str> {
    let mut asked = thought.into_iter().chain(["en"]);
    asked.find(|language| reads_as(text, language))
}

/// Whether a text is surely in the language of this code. Of languages whose common words are not known here, nothing is
/// sure.
fn reads_as(text: &str, language: &str) -> bool {
    let Some((_, common)) = COMMON.iter().find(|(code, _)| *code == language) else {
        return false;
    };
    let mut known = [Word::default(); COMMON_WORDS];
    for (known, word) in known.iter_mut().zip(common.split(' ')) {
        word.chars().for_each(|letter| known.add(letter));
    }
    let (mut letters, mut others, mut words, mut found) = (0, 0, 0, 0);
    let mut word = Word::default();
    for c in text.chars().chain([' ']) {
        if is_letter(c) {
            word.add(c);
            others += usize::from(c >= OTHER_SCRIPTS);
        } else if word.length > 0 {
            letters += word.length;
            words += 1;
            found += usize::from(known.contains(&word));
            word = Word::default();
        }
    }
    // A text in another script may quote much in this one.
    found > 0 && found * COMMON_EVERY >= words && others * 4 <= letters
}

/// A word in small letters, told from others by its length and a number of its letters.
#[derive(Clone, Copy, Default, PartialEq)]
struct Word {
    letters: u64,
    length: usize,
}

impl Word {
    #[inline]
    fn add(&mut self, letter: char) {
        self.letters = self.letters.rotate_left(8) ^ u64::from(letter.to_ascii_lowercase());
        self.length += 1;
    }
}

/// Whether a character is a letter, as far as words of the languages known here are cut where they should.
#[inline]
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c >= 'À' && !('\u{2000}'..='\u{303f}').contains(&c)
}

/// `en` of `en-US`.
fn code_of_tag(tag: &str) -> Option<String> {
    let code = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(code)
}

/// ISO 639-3 to 639-1, where there is one.
fn code(lang: Lang) -> Option<&'static str> {
    Some(match lang {
        Lang::Epo => "eo",
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "no",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Text};

    fn language(text: &str, declared: Option<&str>) -> Option<String> {
        let text = Text {
            text: text.into(),
            kind: Kind::Paragraph,
        };
        detect(&[Part::Text(text)], declared)
    }

    const ENGLISH: &str = "The ship was seen from the shore, and this is the reason for which the men of the town went to it.";
    const FRENCH: &str = "Le bateau a été vu depuis la rive, et les hommes du village sont allés à sa rencontre dans la nuit.";

    #[test]
    fn a_declaration_that_the_text_contradicts_is_not_believed() {
        assert_eq!(language(ENGLISH, Some("en-US")).as_deref(), Some("en"));
        assert_eq!(language(FRENCH, Some("en")).as_deref(), Some("fr"));
        assert_eq!(language(FRENCH, None).as_deref(), Some("fr"));
    }

    #[test]
    fn short_texts_are_in_the_declared_language() {
        assert_eq!(language("Bonjour", Some("de_DE")).as_deref(), Some("de"));
        assert_eq!(language("Bonjour", None), None);
    }

    #[test]
    fn common_words_of_one_language_are_not_those_of_another() {
        assert!(reads_as(ENGLISH, "en") && reads_as(FRENCH, "fr"));
        assert!(!reads_as(FRENCH, "en") && !reads_as(ENGLISH, "fr") && !reads_as(ENGLISH, "xx"));
        assert_eq!(sure_language(ENGLISH, Some("fr")), Some("en"));
        assert_eq!(sure_language(FRENCH, Some("fr")), Some("fr"));
        assert_eq!(sure_language(FRENCH, None), None);
        let japanese = "これは日本語の文章です。The Guide to Japanese という本がここにあります。";
        assert_eq!(sure_language(japanese, Some("en")), None);
    }
}
