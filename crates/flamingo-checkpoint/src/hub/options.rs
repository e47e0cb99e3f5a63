//! Where the hub and its cache are, read from the variables that Python's `huggingface_hub` reads.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The hub itself, where no mirror is named.
const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Where to look and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct HubOptions {
    /// The folder of the `models--org--name` folders.
    pub cache: PathBuf,
    /// The hub's address or a mirror's, without a trailing slash.
    pub endpoint: String,
    /// Sent to the endpoint's own host only.
    pub token: Option<String>,
    /// Look into the cache only.
    pub offline: bool,
    /// The branch, tag or commit of ids that name none; `main` if absent.
    pub revision: Option<String>,
    /// The address of a proxy, `http://user:password@host:port`.
    pub proxy: Option<String>,
    /// The hosts to reach without the proxy, by commas.
    pub no_proxy: Option<String>,
}

impl HubOptions {
    /// The options that these variables describe; `get` is `|name| std::env::var(name).ok()` in a
    /// binary. Empty variables count as absent. Without any home directory, the cache is the
    /// working directory's `.cache/huggingface/hub`.
    ///
    /// Read are `HF_HOME`, `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `XDG_CACHE_HOME`, `HOME`
    /// (`USERPROFILE`), `HF_ENDPOINT`, `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, `HF_TOKEN_PATH`,
    /// `HF_HUB_OFFLINE`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`; and the file of the token.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Self {
        let vars = Vars(get);
        let home = vars.hugging_face_home();
        let cache = vars.path(&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]);
        let endpoint = vars.first(&["HF_ENDPOINT"]);
        let endpoint = endpoint.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        Self {
            cache: cache.unwrap_or_else(|| home.join("hub")),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: vars.token(&home),
            offline: vars
                .first(&["HF_HUB_OFFLINE"])
                .is_some_and(|value| is_true(&value)),
            revision: None,
            proxy: vars.first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            no_proxy: vars.first(&["NO_PROXY", "no_proxy"]),
        }
    }
}

/// Says whether there is a token, not which, and nothing of the proxy's password.
impl fmt::Debug for HubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubOptions")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "hidden"))
            .field("offline", &self.offline)
            .field("revision", &self.revision)
            .field("proxy", &self.proxy.as_ref().map(|_| "hidden"))
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

struct Vars<F>(F);

impl<F: Fn(&str) -> Option<String>> Vars<F> {
    /// The first of the variables that says something.
    fn first(&self, names: &[&str]) -> Option<String> {
        let values = names.iter().filter_map(|name| (self.0)(name));
        values
            .map(|value| value.trim().to_owned())
            .find(|value| !value.is_empty())
    }

    fn path(&self, names: &[&str]) -> Option<PathBuf> {
        let text = self.first(names)?;
        match text
            .strip_prefix('~')
            .map(|rest| rest.trim_start_matches('/'))
        {
            Some(rest) if text == "~" || text.starts_with("~/") => {
                Some(self.user_home().join(rest))
            }
            _ => Some(PathBuf::from(text)),
        }
    }

    fn user_home(&self) -> PathBuf {
        self.first(&["HOME", "USERPROFILE"])
            .map(PathBuf::from)
            .unwrap_or_default()
    }

    fn hugging_face_home(&self) -> PathBuf {
        self.path(&["HF_HOME"]).unwrap_or_else(|| {
            let caches = self.path(&["XDG_CACHE_HOME"]);
            caches
                .unwrap_or_else(|| self.user_home().join(".cache"))
                .join("huggingface")
        })
    }

    fn token(&self, home: &Path) -> Option<String> {
        self.first(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
            .or_else(|| {
                let file = self
                    .path(&["HF_TOKEN_PATH"])
                    .unwrap_or_else(|| home.join("token"));
                let text = fs::read_to_string(file).ok()?;
                let token = text.trim();
                (!token.is_empty()).then(|| token.to_owned())
            })
    }
}

fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on"]
        .iter()
        .any(|yes| value.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn from(vars: &[(&str, &str)]) -> HubOptions {
        HubOptions::from_vars(|name| {
            let found = vars.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn cache_is_below_the_home_directory_by_default() {
        let options = from(&[("HOME", "/home/u")]);
        assert_eq!(options.cache, Path::new("/home/u/.cache/huggingface/hub"));
        assert_eq!(options.endpoint, "https://huggingface.co");
        assert!(!options.offline);
        assert_eq!(options.token, None);
    }

    #[test]
    fn each_variable_of_the_cache_beats_the_more_general_one() {
        let mut vars = vec![("HOME", "/home/u"), ("XDG_CACHE_HOME", "/x")];
        assert_eq!(from(&vars).cache, Path::new("/x/huggingface/hub"));
        vars.push(("HF_HOME", "~/hf"));
        assert_eq!(from(&vars).cache, Path::new("/home/u/hf/hub"));
        vars.push(("HUGGINGFACE_HUB_CACHE", "/old"));
        assert_eq!(from(&vars).cache, Path::new("/old"));
        vars.push(("HF_HUB_CACHE", "/new"));
        assert_eq!(from(&vars).cache, Path::new("/new"));
    }

    #[test]
    fn a_tilde_that_is_part_of_a_name_stays() {
        let options = from(&[("HOME", "/home/u"), ("HF_HUB_CACHE", "~other/hub")]);
        assert_eq!(options.cache, Path::new("~other/hub"));
    }

    #[test]
    fn offline_takes_the_words_that_python_takes() {
        for word in ["1", "true", "YES", "On"] {
            assert!(from(&[("HF_HUB_OFFLINE", word)]).offline, "{word}");
        }
        for word in ["0", "false", "no", ""] {
            assert!(!from(&[("HF_HUB_OFFLINE", word)]).offline, "{word}");
        }
    }

    #[test]
    fn token_comes_from_its_variable_or_else_from_its_file() {
        let home = tempfile::tempdir().unwrap();
        let home_text = home.path().to_str().unwrap();
        fs::write(home.path().join("token"), "hf_file\n").unwrap();
        fs::write(home.path().join("other"), "hf_other\n").unwrap();
        let other = format!("{home_text}/other");
        let mut vars = vec![("HF_HOME", home_text)];
        assert_eq!(from(&vars).token.as_deref(), Some("hf_file"));
        vars.push(("HF_TOKEN_PATH", other.as_str()));
        assert_eq!(from(&vars).token.as_deref(), Some("hf_other"));
        vars.push(("HUGGING_FACE_HUB_TOKEN", "hf_old"));
        assert_eq!(from(&vars).token.as_deref(), Some("hf_old"));
        vars.push(("HF_TOKEN", "hf_new"));
        assert_eq!(from(&vars).token.as_deref(), Some("hf_new"));
    }

    #[test]
    fn endpoint_loses_its_trailing_slash() {
        let options = from(&[("HF_ENDPOINT", "https://mirror.example/")]);
        assert_eq!(options.endpoint, "https://mirror.example");
    }

    #[test]
    fn neither_token_nor_proxy_is_ever_shown() {
        let vars = [
            ("HF_TOKEN", "hf_secret"),
            ("HTTPS_PROXY", "http://u:secret@proxy:1"),
        ];
        let shown = format!("{:?}", from(&vars));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
