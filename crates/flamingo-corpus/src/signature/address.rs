//! Keys by which URLs of the same thing are one, and the domain that someone registered.

use std::borrow::Cow;

use url::Url;
use xxhash_rust::xxh3::xxh3_128;

/// Parameters by which visits are counted, and which never choose what is served: campaigns, clicks on
/// advertisements, mailings.
const TRACKING: &[&str] = &[
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "dclid",
    "ef_id",
    "fbclid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "igsh",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "ml_subscriber",
    "ml_subscriber_hash",
    "msclkid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "s_kwcid",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_conv",
    "vero_id",
    "wbraid",
    "wickedid",
    "yclid",
];

/// Beginnings of such parameters.
const TRACKING_FAMILIES: &[&str] = &["hsa_", "itm_", "matomo_", "mtm_", "piwik_", "pk_", "utm_"];

/// Parameters that name a visit.
const SESSIONS: &[&str] = &[
    "aspsessionid",
    "cfid",
    "cftoken",
    "jsessionid",
    "oscsid",
    "phpsessid",
    "session_id",
    "sessionid",
    "zenid",
];

/// The key by which URLs of the same resource are one. It is a URL itself, but for comparing, not for fetching:
///
/// - `http` and `https` are one, host in lower case without a final dot, default ports, credentials and fragment
///   away, dots in paths resolved; `www.` stays, for it may be another site;
/// - percent-escapes in upper case, those of letters, digits and `-._~` resolved, a stray `%` escaped;
/// - the final `/` of a path away, but for the path `/` itself;
/// - parameters that count visits (`utm_*`, `gclid`, `fbclid`, `msclkid`, `mc_cid`, ...) or name a session away, also
///   as `;jsessionid=`; the others sorted by name, those of one name in their order;
/// - of a `data:` URL its hash, behind `data:`. What is no URL, and what is such a key already, stays as it is.
///
/// ```
/// # use flamingo_corpus::signature::url_key;
/// assert_eq!(url_key("HTTP://WWW.Example.com:80/a/../b/?utm_source=x&z=1&a=2#top"), "https://www.example.com/b?a=2&z=1");
/// assert_eq!(url_key("https://example.com"), "https://example.com/");
/// assert_eq!(url_key("http://example.com/%7Eme/;jsessionid=0A?"), "https://example.com/~me");
/// assert_eq!(url_key("https://example.com/p?id=2&id=1"), "https://example.com/p?id=2&id=1");
/// ```
pub fn url_key(url: &str) -> String {
    let url = url.trim();
    let Ok(mut parsed) = Url::parse(url) else {
        return url.to_owned();
    };
    match parsed.scheme() {
        "http" | "https" => web_key(&parsed),
        // One that holds something has a comma.
        "data" if !url.contains(',') => url.to_owned(),
        "data" => format!("data:{:032x}", xxh3_128(url.as_bytes())),
        _ => {
            parsed.set_fragment(None);
            parsed.into()
        }
    }
}

/// The domain that someone registered, by the public suffix list: `www.news.example.co.uk` is `example.co.uk`.
/// A host without one (an address, `localhost`) stands for itself; a URL without a host has the empty domain.
pub fn registrable_domain(url: &str) -> String {
    let Some(host) = Url::parse(url.trim())
        .ok()
        .and_then(|url| url.host().map(|host| host.to_owned()))
    else {
        return String::new();
    };
    match host {
        url::Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            psl::domain_str(&name).map(str::to_owned).unwrap_or(name)
        }
        address => address.to_string(),
    }
}

fn web_key(url: &Url) -> String {
    let mut key = String::with_capacity(url.as_str().len() + 1);
    key.push_str("https://");
    key.push_str(url.host_str().unwrap_or_default().trim_end_matches('.'));
    // `http` on 443 and `https` on 80 are no default ports, and stay.
    if let Some(port) = url.port() {
        key.push(':');
        key.push_str(&port.to_string());
    }
    key.push_str(&path_key(url.path()));
    if let Some(query) = url.query().and_then(query_key) {
        key.push('?');
        key.push_str(&query);
    }
    key
}

fn path_key(path: &str) -> String {
    let path = unescape(path);
    let resource = match path.split_once(';') {
        Some((before, after)) if is_session(name_of(after)) => before,
        _ => &path,
    };
    match resource.trim_end_matches('/') {
        "" => "/".to_owned(),
        resource => resource.to_owned(),
    }
}

/// The parameters that count, sorted; `None` where none is left.
fn query_key(query: &str) -> Option<String> {
    let mut parameters: Vec<Cow<'_, str>> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(unescape)
        .filter(|parameter| !is_idle(name_of(parameter)))
        .collect();
    parameters.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    (!parameters.is_empty()).then(|| parameters.join("&"))
}

fn name_of(parameter: &str) -> &str {
    parameter
        .split_once('=')
        .map_or(parameter, |(name, _)| name)
}

/// Whether a parameter has no say in what is served.
fn is_idle(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TRACKING.binary_search(&name.as_str()).is_ok()
        || TRACKING_FAMILIES
            .iter()
            .any(|family| name.starts_with(family))
        || is_session(&name)
}

fn is_session(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // Some servers put letters of their own behind this name.
    SESSIONS.contains(&name.as_str()) || name.starts_with("aspsessionid")
}

/// Percent-escapes in upper case, none for characters that need none, and one for a `%` that begins none.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let escape = after
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(byte) = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            // Written out, for it could make an escape with what comes of the next one.
            out.push_str("%25");
            rest = after;
            continue;
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        rest = &after[2..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_of_the_same_thing_have_one_key() {
        let key = "https://a.example/b/c.html?x=1&y=2";
        for url in [
            "https://a.example/b/c.html?x=1&y=2",
            "http://a.example:80/b/c.html?y=2&x=1",
            "https://A.EXAMPLE:443/b/./d/../c.html?x=1&y=2#part",
            "https://me:secret@a.example./b/c.html?x=1&&y=2&",
            " https://a.example/b/%63.html?x=1&utm_campaign=z&y=2&fbclid=q&PHPSESSID=1 ",
            "https://a.example/b/c.html/?gclid=1&x=1&y=2&ASPSESSIONIDQQ=1",
        ] {
            assert_eq!(url_key(url), key, "{url}");
        }
    }

    #[test]
    fn urls_of_different_things_have_different_keys() {
        let urls = [
            "https://a.example/",
            "https://www.a.example/",
            "https://a.example:8080/",
            "https://a.example/A",
            "https://a.example/a",
            "https://a.example/a?v=1",
            "https://a.example/a?v=2",
            "https://a.example/a?v",
            "https://a.example/a%2Fb",
            "https://a.example/a/b",
            "https://a.example/a?id=1&id=2",
            "https://a.example/a?id=2&id=1",
            "https://a.example/a?q=%26",
        ];
        let keys: std::collections::BTreeSet<String> =
            urls.iter().map(|url| url_key(url)).collect();
        assert_eq!(keys.len(), urls.len());
    }

    #[test]
    fn what_is_no_web_url_keeps_what_it_says() {
        assert_eq!(url_key("not a url"), "not a url");
        assert_eq!(url_key("file:///a/B/?q#x"), "file:///a/B/?q");
        assert_eq!(url_key("data:,a"), url_key(" data:,a"));
        assert_ne!(url_key("data:,a"), url_key("data:,b"));
        assert_eq!(url_key(&format!("data:,{}", "a".repeat(100_000))).len(), 37);
    }

    #[test]
    fn the_list_of_tracking_parameters_is_sorted() {
        assert!(TRACKING.is_sorted());
    }

    #[test]
    fn domains_are_those_that_someone_registered() {
        for (url, domain) in [
            ("https://www.news.example.co.uk/a", "example.co.uk"),
            ("http://EXAMPLE.com./", "example.com"),
            ("https://me.github.io/", "me.github.io"),
            ("http://127.0.0.1:8000/", "127.0.0.1"),
            ("http://[::1]/", "[::1]"),
            ("http://localhost/", "localhost"),
            ("file:///a/b.html", ""),
            ("no url", ""),
        ] {
            assert_eq!(registrable_domain(url), domain, "{url}");
        }
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(path in "[a-zA-Z0-9/%.;=_-]{0,20}", query in "[a-z0-9=&%+;_]{0,20}") {
            let key = url_key(&format!("http://a.example/{path}?{query}"));
            prop_assert_eq!(url_key(&key), key);
        }

        #[test]
        fn any_text_has_a_key_and_a_domain(text in ".{0,60}") {
            url_key(&text);
            registrable_domain(&text);
        }
    }
}
