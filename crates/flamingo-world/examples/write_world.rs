//! Writes a training world: `cargo run --package flamingo-world --example write_world -- FOLDER`.

#![allow(clippy::print_stderr, reason = "a program for people at a terminal")]

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use flamingo_world::{Manifest, Progress, WorldConfig, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder to write")?;
    let last_tenth = AtomicUsize::new(usize::MAX);
    let Manifest {
        pictures,
        pages,
        films,
        texts,
        ..
    } = generate(Path::new(&folder), &WorldConfig::default(), &|progress| {
        report(&progress, &last_tenth)
    })?;
    eprintln!(
        "world: {pictures} pictures, {pages} pages, {films} films, {texts} texts in {folder}"
    );
    Ok(())
}

/// A line for every tenth of a stage; called from several threads.
fn report(progress: &Progress, last_tenth: &AtomicUsize) {
    let tenth = 10 * progress.done / progress.total.max(1);
    if last_tenth.swap(tenth, Ordering::Relaxed) != tenth {
        eprintln!(
            "world: {} {} of {}",
            progress.stage, progress.done, progress.total
        );
    }
}
