//! The step `structure`: a crate uses those below it only, and no files of a crate use each other in a circle.

mod circles;
mod layers;
mod modules;
mod package;
mod reading;
mod test_only;
mod uses;

#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::bail;

use package::Package;

/// Looks at all crates of the workspace at `root`.
///
/// # Errors
/// If a crate or a file is out of order, or cannot be read.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let packages = Package::all(root)?;
    let mut faults = layers::faults(layers::LAYERS, &packages);
    for package in &packages {
        for target in package.targets() {
            let tree = reading::read(&target)?;
            faults.extend(circles::faults(root, &tree, &uses::arrows(&tree)));
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n\n"));
    }
    Ok(())
}
