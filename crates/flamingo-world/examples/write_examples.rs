//! Writes prompts of the demo world: `cargo run --package flamingo-world --example write_examples -- FOLDER`.

#![allow(clippy::print_stderr, reason = "a program for people at a terminal")]

use std::error::Error;
use std::fs;
use std::path::Path;

use flamingo_world::example_files;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder to write")?;
    for (name, bytes) in example_files() {
        let path = Path::new(&folder).join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(&folder)))?;
        fs::write(&path, bytes)?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}
