//! The order of crates.

use super::package::Package;

/// The crates from the top down, as in the table of `ARCHITECTURE.md`: a crate uses those of lower lines only. What tests
/// use is free of it (`dev-dependencies`), since no user of a crate builds that.
pub(super) const LAYERS: &[&[&str]] = &[
    &["flamingo", "flamingo-fuzz", "xtask"],
    &["flamingo-parity", "flamingo-eval", "flamingo-serve"],
    &["flamingo-shots"],
    &[
        "flamingo-train",
        "flamingo-engine",
        "flamingo-dedup",
        "flamingo-tasks",
    ],
    &["flamingo-weights", "flamingo-corpus"],
    &[
        "flamingo-chat",
        "flamingo-model",
        "flamingo-parts",
        "flamingo-metrics",
        "flamingo-data",
        "flamingo-world",
    ],
    &["flamingo-film", "flamingo-page"],
    &[
        "flamingo-kernels",
        "flamingo-crawl",
        "flamingo-checkpoint",
        "flamingo-image",
        "flamingo-sequence",
    ],
    &["flamingo-files"],
];

/// What is wrong with the crates' dependencies, a message each.
pub(super) fn faults(layers: &[&[&str]], packages: &[Package]) -> Vec<String> {
    let layer = |name: &str| layers.iter().position(|layer| layer.contains(&name));
    let mut faults = Vec::new();
    for package in packages {
        let Package { name, uses, .. } = package;
        let Some(own) = layer(name) else {
            faults.push(format!(
                "the crate {name} has no place in the order of crates\n  \
                 next: give it one in xtask/src/structure/layers.rs and in the table of ARCHITECTURE.md"
            ));
            continue;
        };
        let used = uses.iter().filter_map(|used| Some((used, layer(used)?)));
        for (used, _) in used.filter(|(_, below)| *below <= own) {
            faults.push(format!(
                "the crate {name} uses {used}, which is not below it\n  \
                 next: move what it needs to a crate below both, or the crate itself in \
                 xtask/src/structure/layers.rs and in the table of ARCHITECTURE.md"
            ));
        }
    }
    faults
}
