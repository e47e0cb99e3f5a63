//! How a token is written: quotes, brackets, dashes and signs as in the Penn Treebank.

use super::rules::Writes;

/// The text of a token; `None` for what is no token.
pub(super) fn written(units: &[u16], writes: Writes) -> Option<String> {
    let text = String::from_utf16_lossy(units);
    let fixed = |text: String| text.replace(' ', "\u{a0}");
    Some(match writes {
        Writes::Nothing | Writes::Line => return None,
        Writes::Same => text,
        Writes::As(written) => written.to_owned(),
        Writes::WithoutSoftHyphens => without_soft_hyphens(text),
        Writes::Ampersand => ampersand(&text),
        Writes::OneWord => fixed(text),
        Writes::Brackets => brackets(&text),
        Writes::Phone => brackets(&fixed(text)),
        Writes::Opening => quotes(&text, "`", "``"),
        Writes::Closing => quotes(&text, "'", "''"),
        Writes::Fraction => fraction(&text),
        Writes::Currency => currency(&text),
        Writes::Hyphens => match units.len() {
            3 | 4 => "--".to_owned(),
            _ => text,
        },
    })
}

fn without_soft_hyphens(text: String) -> String {
    if !text.contains('\u{ad}') {
        return text;
    }
    match text.replace('\u{ad}', "") {
        nothing if nothing.is_empty() => "-".to_owned(),
        rest => rest,
    }
}

/// `&amp;` in either case as `&`.
fn ampersand(text: &str) -> String {
    let mut out = text.to_owned();
    while let Some(at) = out
        .as_bytes()
        .windows(5)
        .position(|five| five.eq_ignore_ascii_case(b"&amp;"))
    {
        out.replace_range(at..at + 5, "&");
    }
    out
}

fn brackets(text: &str) -> String {
    text.replace('(', "-LRB-").replace(')', "-RRB-")
}

/// Quotes as in LaTeX. Straight ones become `single` and `double`; an entity does so only in lower case.
fn quotes(text: &str, single: &str, double: &str) -> String {
    let text = text.replace("&apos;", "'").replace("&quot;", "\"");
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\'' => out.push_str(single),
            '"' => out.push_str(double),
            '\u{91}' | '\u{2018}' | '\u{201b}' | '\u{2039}' => out.push('`'),
            '\u{92}' | '\u{2019}' | '\u{203a}' => out.push('\''),
            '\u{93}' | '\u{201c}' | '\u{ab}' => out.push_str("``"),
            '\u{94}' | '\u{201d}' | '\u{bb}' => out.push_str("''"),
            other => out.push(other),
        }
    }
    out
}

/// The five common ones; others stay.
fn fraction(text: &str) -> String {
    let written = match text {
        "¼" => "1/4",
        "½" => "1/2",
        "¾" => "3/4",
        "⅓" => "1/3",
        "⅔" => "2/3",
        other => other,
    };
    written.to_owned()
}

fn currency(text: &str) -> String {
    let written = match text {
        "\u{a2}" => "cents",
        "\u{a3}" => "#",
        "\u{80}" | "\u{a4}" | "\u{20a0}" | "\u{20ac}" => "$",
        other => other,
    };
    written.to_owned()
}
