//! Keys and addresses of object stores, from the variables that their own programs read.

use flamingo::data::StoreSettings;

/// How the names of those variables begin.
const PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// The settings that the environment has, such as `AWS_REGION`.
pub(crate) fn read() -> StoreSettings {
    let text = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let is_ours = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        is_ours.then_some((name.to_ascii_lowercase(), value.into_string().ok()?))
    });
    StoreSettings(text.collect())
}
