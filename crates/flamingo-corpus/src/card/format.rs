//! Texts and numbers as the page shows them.

/// Text that has no meaning in HTML, neither in elements nor in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A number in groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

pub(super) fn plural(noun: &str, number: u64) -> String {
    if number == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}

/// A share of a whole.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    if share >= 99.95 || share == 0.0 {
        format!("{share:.0}\u{202f}%")
    } else {
        format!("{share:.1}\u{202f}%")
    }
}

/// A number of bytes in the unit that fits it.
pub(super) fn bytes(number: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let unit = units.iter().find(|(_, size)| number as f64 >= *size);
    match unit {
        Some((unit, size)) => format!("{:.1}\u{202f}{unit}", number as f64 / size),
        None => format!("{number}\u{202f}B"),
    }
}
