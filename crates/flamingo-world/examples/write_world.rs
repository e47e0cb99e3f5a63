//! Writes a training world: `cargo run --release --example write_world -- FOLDER`.

use std::error::Error;
use std::path::Path;

use flamingo_world::{WorldConfig, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder to write")?;
    generate(Path::new(&folder), &WorldConfig::default(), &|_| {})?;
    Ok(())
}
