//! What tools that save pages write into them, which is not the site's word.

use super::metadata::Robots;

/// Bytes of a page within which a tool writes its name.
const HEAD: usize = 4 << 10;

/// Takes back what the tool that saved a page has it ask of robots: monolith has every page say `none`.
pub(super) fn take_back(robots: &mut Robots, source: &str) {
    if is_by_monolith(source) {
        robots.all.retain(|word| word != "none");
    }
}

/// Whether a page begins with `<!-- Saved from URL at TIME using monolith v1 -->`.
fn is_by_monolith(source: &str) -> bool {
    let Some((_, comment)) = source
        .get(..source.floor_char_boundary(HEAD))
        .and_then(|head| head.split_once("<!-- Saved from "))
    else {
        return false;
    };
    let comment = comment.split("-->").next().unwrap_or_default();
    comment.contains(" using monolith ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(source: &str) -> Vec<String> {
        let mut robots = Robots {
            all: vec!["none".to_owned(), "noai".to_owned()],
            ..Robots::default()
        };
        take_back(&mut robots, source);
        robots.all
    }

    #[test]
    fn word_of_the_tool_is_not_taken_for_the_sites() {
        let by = "<!-- Saved from https://a.example/ at 2026-01-02T03:04:05Z using monolith v2.12.0 -->\n<p>";
        assert_eq!(asked(by), ["noai"]);
        let by =
            "<!-- Saved from local source at 2026-01-02T03:04:05Z using monolith v2.12.0 -->\n<p>";
        assert_eq!(asked(by), ["noai"]);
        assert_eq!(asked("<p>using monolith v2"), ["none", "noai"]);
        assert_eq!(
            asked("<!-- Saved from x --> using monolith "),
            ["none", "noai"]
        );
    }
}
