//! The recipes of this repository.

use std::path::Path;

use flamingo_train::Recipe;

#[test]
fn every_recipe_of_the_repository_is_read_whole_and_for_a_smoke_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let entries = ["", "demo", "photos"].map(|name| std::fs::read_dir(folder.join(name)).unwrap());
    let mut found = 0;
    for entry in entries.into_iter().flatten() {
        let path = entry.unwrap().path();
        // A table of trainings is no recipe.
        let is_table = path.ends_with("ablation.toml");
        if path.extension().is_some_and(|ending| ending == "toml") && !is_table {
            let recipe = Recipe::read(&path).unwrap();
            Recipe::from_toml(&recipe.smoke().to_toml(), "smoke").unwrap();
            found += 1;
        }
    }
    assert_eq!(found, 11);
}
