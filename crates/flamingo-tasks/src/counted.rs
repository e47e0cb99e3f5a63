//! Counts as messages have them.

/// A number of things: `1 query`, `2 queries`; `noun` is one of them.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ if noun.ends_with(['s', 'x']) => format!("{count} {noun}es"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_called_by_its_noun_and_others_by_its_plural() {
        let told = |count| ["item", "query", "class", "day"].map(|noun| counted(count, noun));
        assert_eq!(told(1), ["1 item", "1 query", "1 class", "1 day"]);
        assert_eq!(told(2), ["2 items", "2 queries", "2 classes", "2 days"]);
        assert_eq!(told(0)[0], "0 items");
    }
}
