//! What stores want to know before they give anything.

use std::fmt;

/// Settings of object stores, by the names that `object_store` gives them, such as `aws_region`.
#[derive(Clone, Default)]
pub struct StoreSettings(pub Vec<(String, String)>);

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // They hold secrets.
        f.debug_struct("StoreSettings").finish_non_exhaustive()
    }
}
