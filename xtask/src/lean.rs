//! The program without features compiles no query engine: a dependency of a dependency brings one back unnoticed.

use anyhow::bail;

use crate::command::{cargo, read};

/// Packages, by how their names begin, that only features may bring.
const HEAVY: [&str; 8] = [
    "arrow",
    "axum",
    "ballista",
    "datafusion",
    "hyper",
    "minijinja",
    "parquet",
    "tonic",
];

/// Looks through what the program depends on without features.
///
/// # Errors
/// If something heavy is among it, or cargo does not say.
pub(crate) fn check() -> anyhow::Result<()> {
    let tree = read(&mut cargo(
        "tree --locked --package flamingo --edges normal,build --prefix none",
    ))?;
    let heavy = heavy(&tree);
    if let Some(first) = heavy.first() {
        bail!(
            "the program without features compiles {}: make it optional (`cargo tree --package flamingo --invert {first}` \
             shows who asks for it)",
            heavy.join(", ")
        );
    }
    Ok(())
}

/// The names in the tree that begin like something heavy.
fn heavy(tree: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<String> = names
        .filter(|name| {
            let family = name.split('-').next().unwrap_or(name);
            HEAVY.contains(&family)
        })
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_query_engine_is_found_by_its_family() {
        let tree = "flamingo v0.1.0 (/a)\nclap v4.5.0\narrow-cast v59.3.2\nparquet v59.3.2\narrow-cast v59.3.2 (*)\n";
        assert_eq!(heavy(tree), ["arrow-cast", "parquet"]);
        assert!(heavy("arrayvec v0.7.6\nclap v4.5.0\n").is_empty());
    }
}
