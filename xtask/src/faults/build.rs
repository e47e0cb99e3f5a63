//! Builds that are killed.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use clap::Args;

use super::program::{Killing, files, same};

/// Which builds are killed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    killing: Killing,
    /// Saved pages, made of those of examples/web
    #[arg(long, default_value_t = 600)]
    pages: usize,
}

const EXAMPLES: &str = "examples/web";
const BUILD: [&str; 6] = [
    "corpus",
    "build",
    "--config",
    "corpus.toml",
    "--output",
    "corpus",
];

/// Builds once in one go, then with kills, and compares.
///
/// # Errors
/// If the bytes differ, or a build fails.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let program = options.killing.program("build")?;
    write_pages(&program.folder, options.pages)?;
    let took = program.whole(&BUILD)?;
    let corpus = program.folder.join("corpus");
    let compared = |name: &str| !name.ends_with("times.json");
    let whole = files(&corpus, compared)?;
    eprintln!(
        "in one go: {:.1} s, {} files",
        took.as_secs_f64(),
        whole.len()
    );
    fs::remove_dir_all(&corpus)?;
    let mut moments = options.killing.moments();
    let (mut kills, mut ends) = (0, 0);
    while kills < options.killing.kills {
        let moment = moments.next(took);
        let began = Instant::now();
        let build = program.start(&BUILD)?;
        if program.kill(build, || began.elapsed() >= moment)? {
            kills += 1;
            eprintln!("kill {kills} after {:.2} s", moment.as_secs_f64());
        } else {
            same(&whole, &files(&corpus, compared)?)?;
            ends += 1;
            eprintln!("done after {kills} kills, the same bytes; once more from the start");
            fs::remove_dir_all(&corpus)?;
        }
    }
    program.whole(&BUILD)?;
    same(&whole, &files(&corpus, compared)?)?;
    eprintln!(
        "{kills} kills, {} builds that ended, each with the same bytes",
        ends + 1
    );
    Ok(())
}

/// The pages of the examples again and again, each time with words of their own and in three folders.
fn write_pages(folder: &Path, count: usize) -> anyhow::Result<()> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(EXAMPLES).with_context(|| format!("no {EXAMPLES}"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "html") {
            pages.push(fs::read_to_string(&path)?);
        } else if path.is_file() {
            for part in ["a", "b", "c"] {
                let to = folder.join("web").join(part);
                fs::create_dir_all(&to)?;
                fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
            }
        }
    }
    pages.sort();
    for number in 0..count {
        let page =
            pages[number % pages.len()].replace("<p>", &format!("<p>Number {number} of {count}: "));
        let part = folder.join("web").join(["a", "b", "c"][number % 3]);
        fs::create_dir_all(&part)?;
        fs::write(part.join(format!("{number:05}.html")), page)?;
    }
    let config = "version = 1\n[input]\npaths = [\"web/a\", \"web/b\", \"web/c\"]\n\
                  base_url = \"https://town.example/\"\n[images]\nmin_side = 32\n\
                  [filters]\npreset = \"none\"\n";
    Ok(fs::write(folder.join("corpus.toml"), config)?)
}
