//! Recipes and sources of which only that is said which must be.

use std::path::Path;

use flamingo_data::Format;
use serde_json::json;

use crate::{DataSpec, ModelSpec, Recipe, Schedule};

impl DataSpec {
    /// A source with the defaults of recipes.
    pub fn new(name: &str, format: Format, path: &Path, batch: usize) -> Self {
        let said = json!({ "name": name, "format": format, "path": "", "batch": batch });
        let spec: Self = serde_json::from_value(said).expect("no other key must be said");
        Self {
            path: path.to_path_buf(),
            ..spec
        }
    }
}

impl Recipe {
    /// A run with the defaults of recipes.
    pub fn new(run: &Path, model: ModelSpec, data: Vec<DataSpec>, schedule: Schedule) -> Self {
        let said = json!({ "run": "", "model": model, "data": [], "schedule": schedule });
        let recipe: Self = serde_json::from_value(said).expect("no other key must be said");
        Self {
            run: run.to_path_buf(),
            data,
            ..recipe
        }
    }
}
