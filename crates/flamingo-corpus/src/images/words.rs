//! Words in URLs.

use std::collections::BTreeSet;

use url::Url;

/// Words looked for in the path and query of a URL, whole: `icon` is in `/img/icons/a.png` and
/// `/siteIcon.png`, not in `/iconic-towers.jpg`.
#[derive(Clone, Debug, Default)]
pub struct UrlWords {
    words: BTreeSet<String>,
}

impl UrlWords {
    /// Looks for these words.
    pub fn new(words: &[String]) -> Self {
        let words = words.iter().map(|word| word.to_lowercase()).collect();
        Self { words }
    }

    /// The first word of the URL that is one of these, or the plural of one.
    pub fn find(&self, url: &str) -> Option<&str> {
        if self.words.is_empty() {
            return None;
        }
        let parsed = Url::parse(url).ok();
        let place = match &parsed {
            Some(url) if url.scheme() == "data" => return None,
            Some(url) => &url[url::Position::BeforePath..],
            None => url,
        };
        tokens(place).find_map(|token| self.known(&token))
    }

    fn known(&self, token: &str) -> Option<&str> {
        let singular = token.strip_suffix('s').unwrap_or(token);
        let word = self.words.get(token).or_else(|| self.words.get(singular))?;
        Some(word)
    }
}

/// The runs of letters, split where `camelCase` begins a new one, in lower case.
fn tokens(place: &str) -> impl Iterator<Item = String> {
    let runs = place.split(|c: char| !c.is_alphabetic());
    runs.flat_map(|run| {
        let mut tokens = vec![String::new()];
        let mut last_is_lower = false;
        for c in run.chars() {
            if c.is_uppercase() && last_is_lower {
                tokens.push(String::new());
            }
            last_is_lower = c.is_lowercase();
            if let Some(token) = tokens.last_mut() {
                token.extend(c.to_lowercase());
            }
        }
        tokens
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_in_the_path_or_query_only() {
        let words = ["Logo", "icon", "sex"].map(String::from);
        let words = UrlWords::new(&words);
        for (url, word) in [
            ("https://a.example/img/logo.png", Some("logo")),
            ("https://a.example/LOGO_2x.png", Some("logo")),
            ("https://a.example/siteLogo2.png", Some("logo")),
            ("https://a.example/icons/a.png", Some("icon")),
            ("https://a.example/a.png?type=icon", Some("icon")),
            ("https://a.example/an%20icon.png", Some("icon")),
            ("https://logo.example/a.png", None),
            ("https://a.example/iconic-towers.jpg", None),
            ("https://a.example/essex-logos.jpg", Some("logo")),
            ("https://a.example/essex.jpg", None),
            ("data:image/png;base64,/logo/", None),
            ("img/logo.png", Some("logo")),
        ] {
            assert_eq!(words.find(url), word, "{url}");
        }
        assert_eq!(UrlWords::default().find("https://a.example/logo.png"), None);
    }
}
