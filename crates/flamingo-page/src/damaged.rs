//! Whether bytes that are not all UTF-8 are UTF-8 nevertheless: cut off, or with stray bytes.
//!
//! What is valid in it speaks for it, what is not against it. In other encodings a valid sequence is a letter with
//! signs behind it, as in `Ã©`, which is rare but for the ends of words.

use encoding_rs::{
    Encoding, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_10, ISO_8859_13, ISO_8859_14,
    ISO_8859_15, ISO_8859_16, MACINTOSH, WINDOWS_1250, WINDOWS_1252, WINDOWS_1254, WINDOWS_1257,
    WINDOWS_1258,
};

/// What a valid sequence says for UTF-8: as much as a place that is none says against it, and less where it is one of
/// a run and may be of a character in two bytes.
const SURE: usize = 4;
const MAYBE: usize = 1;

/// How many times a wrong place counts against a declared encoding that no server declares unasked.
const DECLARED: usize = 2;

/// Those that servers declare for pages of any encoding, and their like: letters are rare in them beside those of ASCII.
const LATIN: [&Encoding; 14] = [
    WINDOWS_1252,
    ISO_8859_2,
    ISO_8859_3,
    ISO_8859_4,
    ISO_8859_10,
    ISO_8859_13,
    ISO_8859_14,
    ISO_8859_15,
    ISO_8859_16,
    MACINTOSH,
    WINDOWS_1250,
    WINDOWS_1254,
    WINDOWS_1257,
    WINDOWS_1258,
];

/// Bytes that are UTF-8 in more places than not, up to where their last character is cut off.
///
/// To be called for bytes that are not valid. One valid sequence outweighs one stray byte: read as UTF-8, the stray
/// byte is lost; read as anything else, the valid ones would be.
pub(crate) fn damaged_utf_8<'b>(
    bytes: &'b [u8],
    declared: Option<&'static Encoding>,
) -> Option<&'b [u8]> {
    let whole = without_cut(bytes);
    let (mut right, mut wrong, mut at) = (0, 0, 0);
    for chunk in whole.utf8_chunks() {
        for (offset, c) in chunk.valid().char_indices().filter(|(_, c)| !c.is_ascii()) {
            right += evidence(bytes, at + offset, c.len_utf8());
        }
        at += chunk.valid().len() + chunk.invalid().len();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    if declared.is_none() && right == 0 && wrong == 0 {
        right = evidence(bytes, at, bytes.len() - at);
    }
    let weight = match declared {
        Some(encoding) if !LATIN.contains(&encoding) => SURE * DECLARED,
        _ => SURE,
    };
    (right > 0 && right >= wrong * weight).then_some(whole)
}

/// The bytes without a character of UTF-8 at their end that is cut off.
pub(crate) fn without_cut(bytes: &[u8]) -> &[u8] {
    let end = &bytes[bytes.len().saturating_sub(3)..];
    let first = end.iter().rposition(|&byte| byte >= 0xc0);
    let Some(cut) = first.map(|at| &end[at..]) else {
        return bytes;
    };
    let is_cut = std::str::from_utf8(cut).is_err_and(|error| error.error_len().is_none());
    &bytes[..bytes.len() - if is_cut { cut.len() } else { 0 }]
}

/// What a sequence of UTF-8 says for it.
fn evidence(bytes: &[u8], start: usize, length: usize) -> usize {
    let (before, rest) = bytes.split_at(start);
    let (sequence, after) = rest.split_at(length);
    let (before, after) = (before.last().copied(), after.first().copied());
    let Some((&lead, trail)) = sequence.split_first() else {
        return 0;
    };
    if ends_latin_word(before, lead, trail, after) {
        return 0;
    }
    let is_in_run = [before, after]
        .into_iter()
        .flatten()
        .any(|byte| !byte.is_ascii());
    // So are characters of Chinese, Japanese and Korean encodings.
    let may_be_other = matches!(lead, 0xc6..=0xdf) && trail.iter().all(|&byte| byte > 0xa0);
    if is_in_run && may_be_other {
        MAYBE
    } else {
        SURE
    }
}

/// Whether the bytes are the last letter of a word and signs in windows-1252: `LIBERTÉ »`, `Spaß“`, `voilà…`.
fn ends_latin_word(before: Option<u8>, lead: u8, trail: &[u8], after: Option<u8>) -> bool {
    const SPACE: u8 = 0xa0;
    const SOFT_HYPHEN: u8 = 0xad;
    let is_sign = |byte: &u8| {
        matches!(
            byte,
            0x85 | 0x86 | 0x8b | 0x91
                ..=0x94
                    | 0x96
                    | 0x97
                    | 0x99
                    | 0x9b
                    | 0xab
                    | 0xae
                    | 0xb2
                    | 0xb3
                    | 0xb7
                    | 0xb9
                    | 0xbb
        ) || matches!(*byte, SPACE | SOFT_HYPHEN)
    };
    let follows = |is_letter: fn(&u8) -> bool| {
        before.is_some_and(|before| is_letter(&before) || !before.is_ascii())
    };
    let is_last = match lead {
        // In UTF-8 they begin letters that hardly anybody writes: `ß`.
        0xdf => return true,
        // `×`
        0xd7 => trail == [SPACE],
        // In UTF-8 they begin letters of Latin and signs of every text: `Â`, `Ã`, `Ä`, `Å`, `â`.
        0xc2..=0xc5 | 0xe2 => return false,
        0xc6..=0xde => follows(u8::is_ascii_uppercase),
        0xe0..=0xef => follows(u8::is_ascii_alphabetic),
        _ => return false,
    };
    let goes_on = after.is_some_and(|after| after.is_ascii_alphanumeric());
    let may_go_on = matches!(trail.last(), Some(&SPACE | &SOFT_HYPHEN));
    is_last && trail.iter().all(is_sign) && (may_go_on || !goes_on)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, GBK, ISO_8859_7, KOI8_R, SHIFT_JIS, WINDOWS_874, WINDOWS_1251,
        WINDOWS_1253, WINDOWS_1255, WINDOWS_1256,
    };

    use super::*;

    const LATIN_1: Option<&Encoding> = Some(WINDOWS_1252);

    fn page(body: &[u8]) -> Vec<u8> {
        [
            b"<title>A page</title><p>So it says: ",
            body,
            b" at its end.</p>",
        ]
        .concat()
    }

    fn is_utf_8(body: &[u8], declared: Option<&'static Encoding>) -> bool {
        damaged_utf_8(&page(body), declared).is_some()
    }

    #[test]
    fn one_character_of_utf_8_outweighs_one_stray_byte() {
        for text in [
            "café",
            "é",
            "À",
            "cœur",
            "Œuvre",
            "ż",
            "Škoda",
            "π",
            "Ω",
            "don’t",
            "“no”",
            "5 €",
            "→",
            "✓",
            "😀",
            "日",
            "灯台",
            "д",
            "Москва",
            "λόγος",
            "שלום",
            "سلام",
            "ไทย",
            "한국",
            "a\u{a0}b",
            "x ± y",
            "½",
        ] {
            for stray in [b'\xa9', b'\xe9', b'\x92', b'\xff'] {
                let bytes = [text.as_bytes(), b" and ", &[stray], b" 2020"].concat();
                for declared in [None, LATIN_1, Some(ISO_8859_2)] {
                    assert!(is_utf_8(&bytes, declared), "{text} {stray:x} {declared:?}");
                }
            }
        }
    }

    #[test]
    fn more_stray_bytes_than_characters_are_those_of_another_encoding() {
        for declared in [None, LATIN_1] {
            assert!(!is_utf_8(b"\xe9t\xe9 \xc3\xa9 caf\xe9", declared));
            assert!(is_utf_8(
                b"\xc3\xa9t\xc3\xa9 \xe9 caf\xc3\xa9 \xe8",
                declared
            ));
        }
        assert!(!is_utf_8(b"\xc3\xa9 \xe9", Some(GBK)));
        assert!(is_utf_8(b"\xc3\xa9 \xe9 \xc3\xa8", Some(GBK)));
    }

    #[test]
    fn a_cut_character_that_is_the_only_one_beyond_ascii_tells_utf_8() {
        for (cut, is_told) in [
            (&b"caf\xc3"[..], true),
            (b"5 \xe2\x82", true),
            (b"Don\xe2", true),
            (b"so \xf0\x9f\x98", true),
            (b"the \xe6\x97", true),
            (b"caf\xe9", false),
            (b"Spa\xdf", false),
            (b"CAF\xc9", false),
            (b"caf\xe9 \xc9", false),
            (b"\xabvoil\xe0\xbb", false),
        ] {
            assert_eq!(damaged_utf_8(cut, None).is_some(), is_told, "{cut:x?}");
            assert_eq!(damaged_utf_8(cut, LATIN_1), None, "{cut:x?}");
        }
    }

    #[test]
    fn words_of_other_encodings_are_not_taken_for_damaged_utf_8() {
        let texts: [(&'static Encoding, &str); 20] = [
            (
                WINDOWS_1252,
                "« La liberté », c’était « voilà »… LIBERTÉ\u{a0}: CAFÉ® l’œuvre d’été\u{a0}; « À côté\u{a0}» Évian",
            ),
            (
                WINDOWS_1252,
                "Der »Spaß« am „Fußball“ – Maß³ Straße GRÖSSE Übung Fuß\u{ad}ball “ß” Öl süß… 3\u{a0}×\u{a0}4",
            ),
            (
                WINDOWS_1252,
                "señor ¿qué? ¡está! “mañana” AÑO año 1º São Paulo não é manhã coração naïve 5° ½ ©2020 Smørrebrød på Å",
            ),
            (ISO_8859_15, "Ça coûte 5€ l'œil déjà vu Noël"),
            (
                ISO_8859_2,
                "Zażółć gęślą jaźń Łódź świat życie Žluťoučký kůň příšerně",
            ),
            (
                WINDOWS_1250,
                "Zażółć gęślą jaźń Łódź „świat” Ştefan ţară CASĂ Žluťoučký kůň",
            ),
            (
                WINDOWS_1254,
                "İstanbul’da güneş doğuyor çok şık ığdır Şişli",
            ),
            (WINDOWS_1257, "Šiauliai žąsis ėjo Rīga ļoti šķūnis"),
            (
                WINDOWS_1251,
                "Маяк на северном мысу её ещё “МИР” Україна її історії Вінниця мрії Њујорк",
            ),
            (
                KOI8_R,
                "Маяк на северном мысу был построен заново после шторма Ещё",
            ),
            (
                ISO_8859_7,
                "Ο φάρος στο ακρωτήρι ξαναχτίστηκε μετά την καταιγίδα",
            ),
            (WINDOWS_1253, "Ο φάρος στο ακρωτήρι ξαναχτίστηκε Όμηρος"),
            (WINDOWS_1255, "המגדלור בכף הצפוני נבנה מחדש אחרי הסערה"),
            (
                WINDOWS_1256,
                "المنارة على الرأس الشمالي أعيد بناؤها گربه پنجره",
            ),
            (WINDOWS_874, "ประภาคารบนแหลมเหนือถูกสร้างขึ้นใหม่หลังพายุ ภาษาไทย"),
            (
                GBK,
                "联通的公司 在北京的 办公室里面 有很多人 在工作 第3章 共5页 没有 名字 绿色的门",
            ),
            (BIG5, "燈塔 位於北方 海角 暴風雨後 重建 沒有 名字 的門"),
            (
                EUC_KR,
                "등대는 북쪽 곶에 있으며 폭풍 뒤에 다시 지어졌다 제2장",
            ),
            (
                SHIFT_JIS,
                "灯台は 岬の先に あり、 嵐の後に 再建された ｶﾀｶﾅ いのち",
            ),
            (
                EUC_JP,
                "灯台は 岬の先に あり、 嵐の後に 再建された カタカナ いのち",
            ),
        ];
        for (encoding, text) in texts {
            for text in text.split(' ').chain([text]) {
                let (bytes, _, is_lossy) = encoding.encode(text);
                assert!(!is_lossy, "{text}");
                if std::str::from_utf8(&bytes).is_ok() {
                    continue;
                }
                for declared in [None, Some(encoding)] {
                    assert!(
                        !is_utf_8(&bytes, declared),
                        "{} {text} {declared:?}",
                        encoding.name()
                    );
                }
            }
        }
    }
}
