//! The built program, driven as a user drives it.
#![allow(clippy::unwrap_used, missing_docs)]

mod ablate;
mod answers;
mod bad_input;
mod bench;
mod corpus;
#[cfg(feature = "corpus")]
mod corpus_build;
#[cfg(feature = "cluster")]
mod corpus_cluster;
mod data;
mod dispatch;
mod eval;
mod eval_benchmarks;
mod eval_run;
mod files;
mod films;
mod fine_tune;
mod help;
mod label;
mod launchers;
#[cfg(unix)]
mod parts;
mod presets;
mod reports;
mod saved_pages;
#[cfg(all(unix, feature = "serve"))]
mod serve;
mod shots;
#[cfg(unix)]
#[path = "../../../flamingo-weights/tests/it/tiny_parts.rs"]
mod tiny_parts;
#[cfg(feature = "mpi")]
mod together;
mod weights;
mod zero_shot;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flamingo::image::Image;

/// A folder with two small pictures, in which the program runs.
struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        place.write("red.png", &Image::solid(7, 5, [200, 30, 30]).to_png());
        place.write(
            "pictures/blue.png",
            &Image::solid(5, 11, [30, 30, 200]).to_png(),
        );
        place
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_flamingo"))
            .args(args)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The stdout of a run that succeeds.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {told}");
        assert_eq!(told, "", "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The stderr of a run that is refused: exit code 1, one `error:` line, nothing on stdout.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(told.starts_with("error: "), "{told}");
        assert_eq!(told.matches("error: ").count(), 1, "{told}");
        told
    }

    /// The JSON lines of a run that succeeds.
    fn json_lines(&self, args: &[&str]) -> Vec<serde_json::Value> {
        self.ok(args)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
