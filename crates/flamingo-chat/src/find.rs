//! Where a model's directory has its template.

use std::path::Path;

use serde_json::Value;

/// The template's file in a directory of ours, and in published ones.
pub const FILE: &str = "chat_template.jinja";

/// The template of a published directory or of one of ours: where it lies, and its text.
pub fn find(folder: &Path) -> Option<(String, String)> {
    let read = |name: &str| {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).ok()?;
        Some((path.display().to_string(), text))
    };
    if let Some(found) = read(FILE) {
        return Some(found);
    }
    ["chat_template.json", "tokenizer_config.json"]
        .iter()
        .find_map(|name| {
            let (place, text) = read(name)?;
            let json: Value = serde_json::from_str(&text).ok()?;
            let template = &json["chat_template"];
            let named = || {
                let mut all = template.as_array()?.iter();
                all.find(|one| one["name"] == "default")?["template"].as_str()
            };
            let source = template.as_str().or_else(named)?;
            Some((place, source.to_owned()))
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_directorys_template_is_found_where_programs_put_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(find(folder.path()).is_none());
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let found = || find(folder.path()).unwrap().1;
        let named = r#"{"chat_template": [{"name": "tools", "template": "a"}, {"name": "default", "template": "b"}]}"#;
        write("tokenizer_config.json", named);
        assert_eq!(found(), "b");
        write("chat_template.json", r#"{"chat_template": "c"}"#);
        assert_eq!(found(), "c");
        write(FILE, "d");
        assert_eq!(found(), "d");
    }
}
