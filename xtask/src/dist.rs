//! `cargo xtask dist`: the program as it is given away. For each target an optimised, stripped build, packed with
//! completions, manual and licences into an archive that is the same bytes for the same commit, and the archives'
//! checksums.

mod archive;
mod build;
mod licences;
mod links;
mod papers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, iter};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use crate::command::{cargo, read, target_folder};
use archive::{Entry, checksums, pack, write_whole};
use build::{Build, GlibcFloor};
use links::Links;
use papers::{papers, runs_here};

/// What is given away.
const FEATURES: [&str; 3] = ["corpus", "cluster", "serve"];
/// Bytes of a program that has grown: it had 94.3 million before 16 million of the photos model came into it, and the one
/// without features has grown by 14 million since.
const MOST_BYTES: u64 = 130_000_000;
/// The same without any feature: it has 59.6 million, 21.8 of them the models' weights.
const MOST_BYTES_LEAN: u64 = 60_000_000;
/// Files of the repository that go with the program.
const BESIDE: [&str; 5] = [
    "README.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "NOTICE",
];
const SUMS: &str = "SHA256SUMS";

/// What is built, for which machines.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The target, such as x86_64-unknown-linux-gnu; can be given several times [default: this machine]
    #[arg(long, value_name = "TRIPLE")]
    target: Vec<String>,
    /// Cargo features of the program [default: corpus,cluster,serve]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        conflicts_with = "lean"
    )]
    features: Option<Vec<String>>,
    /// Build without any feature; the archive's name says so
    #[arg(long)]
    lean: bool,
    /// The oldest glibc that programs for *-linux-gnu are to run with, or `host` for this machine's, which needs no
    /// cargo-zigbuild [default: 2.17 with cargo-zigbuild and zig, else host]
    #[arg(long, value_name = "VERSION")]
    glibc: Option<GlibcFloor>,
    /// A build of this version that runs here: it writes completions and manual for targets that do not
    #[arg(long, value_name = "PROGRAM")]
    with: Option<PathBuf>,
    /// Take a program of any size
    #[arg(long)]
    no_limit: bool,
    /// The folder for the archives [default: target/dist]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// An archive, as the table at the end tells of it.
struct Packed {
    name: String,
    program_bytes: usize,
    bytes: usize,
    links: Links,
    /// What `--version` takes of the processor, if it runs here.
    start: Option<Duration>,
}

/// Builds and packs.
///
/// # Errors
/// If a target cannot be built, or its program is not as it should be.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let metadata = read(&mut cargo("metadata --locked --format-version 1"))?;
    let metadata = serde_json::from_str(&metadata).context("cannot read cargo's metadata")?;
    let dist = Dist::new(options, &metadata)?;
    fs::create_dir_all(&dist.out)
        .with_context(|| format!("cannot create {}", dist.out.display()))?;
    let builds = dist.builds()?;
    let mut packed = Vec::new();
    let mut author = options.with.clone();
    for build in &builds {
        let program = build.run()?;
        if author.is_none() && runs_here(build.target, &dist.host) {
            author = Some(program.clone());
        }
        packed.push(dist.pack(build, &program, author.as_deref())?);
    }
    write_whole(&dist.out.join(SUMS), dist.sums()?.as_bytes())?;
    eprintln!("\n{}\nwrote {}", table(&packed), dist.out.display());
    Ok(())
}

/// What is the same for all targets.
struct Dist<'a> {
    options: &'a Options,
    metadata: &'a Value,
    version: String,
    features: Vec<String>,
    host: String,
    /// Seconds since 1970 that all files are said to be from.
    time: u64,
    out: PathBuf,
}

impl<'a> Dist<'a> {
    fn new(options: &'a Options, metadata: &'a Value) -> anyhow::Result<Self> {
        let mut packages = metadata["packages"].as_array().into_iter().flatten();
        let ours = packages
            .find(|package| package["name"] == "flamingo" && package["source"].is_null())
            .context("the workspace has no package `flamingo`")?;
        let features = match &options.features {
            _ if options.lean => Vec::new(),
            Some(features) => features.clone(),
            None => FEATURES.map(str::to_owned).to_vec(),
        };
        Ok(Self {
            options,
            metadata,
            version: ours["version"].as_str().unwrap_or_default().to_owned(),
            features,
            host: build::host()?,
            time: time()?,
            out: match &options.out {
                Some(folder) => folder.clone(),
                None => target_folder().join("dist"),
            },
        })
    }

    /// The builds, those that run here first: they write the papers of the others.
    fn builds(&'a self) -> anyhow::Result<Vec<Build<'a>>> {
        let mut targets: Vec<&str> = self.options.target.iter().map(String::as_str).collect();
        if targets.is_empty() {
            targets.push(&self.host);
        }
        targets.sort_by_key(|target| !runs_here(target, &self.host));
        targets.dedup();
        if self.options.with.is_none() && !runs_here(targets[0], &self.host) {
            bail!(
                "a program for {} does not run here, so it cannot write its completions and manual: give a build \
                 for this machine by --with PROGRAM, or build for {} in the same call",
                targets[0],
                self.host
            );
        }
        let zig = build::has_zig();
        targets
            .into_iter()
            .map(|target| {
                let build = Build {
                    target,
                    features: &self.features,
                    method: build::method(target, self.options.glibc, zig)?,
                    metadata: self.metadata,
                };
                build.check_target()?;
                Ok(build)
            })
            .collect()
    }

    /// Makes the archive of a program that was built.
    fn pack(
        &self,
        build: &Build<'_>,
        program: &Path,
        author: Option<&Path>,
    ) -> anyhow::Result<Packed> {
        let bytes =
            fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
        self.check_size(build.target, bytes.len() as u64)?;
        let links = Links::of(&bytes)?;
        build.check_links(&links)?;
        let author = author.context("no build for this machine that could write the manual")?;
        let mut files = papers(author, &self.version)?;
        for name in BESIDE {
            let text = fs::read(name).with_context(|| format!("cannot read {name}"))?;
            files.insert(name.to_owned(), Entry::text(text));
        }
        let licences = self.licences(build)?;
        files.insert("THIRD-PARTY-LICENSES".to_owned(), Entry::text(licences));
        let program_bytes = bytes.len();
        let name = program.file_name().unwrap_or_default();
        let entry = Entry { bytes, runs: true };
        files.insert(name.to_string_lossy().into_owned(), entry);
        let folder = self.name(build.target);
        let archive = pack(&folder, &files, self.time)?;
        let name = format!("{folder}.tar.gz");
        write_whole(&self.out.join(&name), &archive)?;
        Ok(Packed {
            name,
            program_bytes,
            bytes: archive.len(),
            links,
            start: match runs_here(build.target, &self.host) {
                true => papers::time_of_start(program)?,
                false => None,
            },
        })
    }

    fn name(&self, target: &str) -> String {
        let lean = if self.options.lean { "-lean" } else { "" };
        format!("flamingo{lean}-{}-{target}", self.version)
    }

    fn check_size(&self, target: &str, bytes: u64) -> anyhow::Result<()> {
        let most = match self.options.lean {
            true => MOST_BYTES_LEAN,
            false => MOST_BYTES,
        };
        if bytes > most && !self.options.no_limit {
            bail!(
                "the program for {target} has {bytes} bytes, {most} are allowed: find what has grown, for example by \
                 `CARGO_PROFILE_DIST_STRIP=false cargo bloat --package flamingo --profile dist --crates` with its features, or \
                 pass --no-limit"
            );
        }
        Ok(())
    }

    fn licences(&self, build: &Build<'_>) -> anyhow::Result<String> {
        let features = match &self.features[..] {
            [] => "no features".to_owned(),
            features => format!("features {}", features.join(", ")),
        };
        let title = format!(
            "Licences of what flamingo {} for {} with {features} is made of",
            self.version, build.target
        );
        let standard = [("Apache-2.0", "LICENSE-APACHE"), ("MIT", "LICENSE-MIT")];
        let mut texts = Vec::new();
        for (licence, file) in standard {
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
            texts.push((licence, text));
        }
        licences::text(&title, &licences::packages(build)?, &texts)
    }

    /// Checksums of all archives of this version that are there, also of earlier calls for other targets.
    fn sums(&self) -> anyhow::Result<String> {
        let folder = self.out.display();
        let entries = fs::read_dir(&self.out).with_context(|| format!("cannot read {folder}"))?;
        let mut archives = BTreeMap::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {folder}"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours =
                name.starts_with("flamingo") && name.contains(&format!("-{}-", self.version));
            if ours && name.ends_with(".tar.gz") {
                let bytes = fs::read(entry.path())
                    .with_context(|| format!("cannot read {}", entry.path().display()))?;
                archives.insert(name, bytes);
            }
        }
        Ok(checksums(&archives))
    }
}

/// `SOURCE_DATE_EPOCH`, or when the last commit was made, or 1970 where there is no repository.
fn time() -> anyhow::Result<u64> {
    if let Ok(time) = env::var("SOURCE_DATE_EPOCH") {
        return time
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH is {time:?}: give seconds since 1970"));
    }
    let time = read(Command::new("git").args(["log", "-1", "--format=%ct"]));
    Ok(time
        .ok()
        .and_then(|time| time.trim().parse().ok())
        .unwrap_or(0))
}

fn table(packed: &[Packed]) -> String {
    let head = ["file", "program", "archive", "--version", "needs"].map(str::to_owned);
    let rows = packed.iter().map(|packed| {
        let start = packed.start.map_or_else(
            || "not run".to_owned(),
            |time| format!("{:.1} ms", time.as_secs_f64() * 1e3),
        );
        [
            packed.name.clone(),
            format!("{} bytes", packed.program_bytes),
            format!("{} bytes", packed.bytes),
            start,
            packed.links.to_string(),
        ]
    });
    let rows: Vec<[String; 5]> = iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let lines = rows.iter().map(|row| {
        format!(
            "{:<a$}  {:>b$}  {:>c$}  {:>d$}  {}\n",
            row[0],
            row[1],
            row[2],
            row[3],
            row[4],
            a = width(0),
            b = width(1),
            c = width(2),
            d = width(3),
        )
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn options(lean: bool) -> Options {
        Options {
            target: Vec::new(),
            features: None,
            lean,
            glibc: None,
            with: None,
            no_limit: false,
            out: None,
        }
    }

    fn metadata() -> Value {
        serde_json::json!({"packages": [
            {"name": "flamingo", "source": null, "version": "2.3.5", "features": {"cluster": [], "cuda": []}},
        ]})
    }

    #[test]
    fn all_features_are_given_away_or_none() {
        let (metadata, full, lean) = (metadata(), options(false), options(true));
        assert_eq!(Dist::new(&full, &metadata).unwrap().features, FEATURES);
        assert!(Dist::new(&lean, &metadata).unwrap().features.is_empty());
    }

    #[test]
    fn the_archive_names_version_and_target_and_a_lean_one_says_so() {
        let (metadata, full, lean) = (metadata(), options(false), options(true));
        let name = |options| {
            Dist::new(options, &metadata)
                .unwrap()
                .name("x86_64-unknown-linux-musl")
        };
        assert_eq!(name(&full), "flamingo-2.3.5-x86_64-unknown-linux-musl");
        assert_eq!(name(&lean), "flamingo-lean-2.3.5-x86_64-unknown-linux-musl");
    }

    #[test]
    fn a_program_that_has_grown_too_large_is_refused_with_both_sizes() {
        let (metadata, full, lean) = (metadata(), options(false), options(true));
        let check = |options, bytes| {
            Dist::new(options, &metadata)
                .unwrap()
                .check_size("here", bytes)
        };
        check(&full, MOST_BYTES).unwrap();
        let message = check(&lean, MOST_BYTES_LEAN + 1).unwrap_err().to_string();
        assert!(
            message.contains("60000001 bytes, 60000000 are allowed")
                && message.contains("--no-limit"),
            "{message}"
        );
        let any = Options {
            no_limit: true,
            ..options(true)
        };
        check(&any, MOST_BYTES).unwrap();
    }

    #[test]
    fn a_target_that_does_not_run_here_needs_a_program_that_does() {
        let foreign = Options {
            target: vec!["wasm32-wasip1".to_owned()],
            ..options(false)
        };
        let metadata = metadata();
        let dist = Dist::new(&foreign, &metadata).unwrap();
        let message = dist.builds().err().unwrap().to_string();
        assert!(
            message.contains("wasm32-wasip1") && message.contains("--with PROGRAM"),
            "{message}"
        );
    }

    #[test]
    fn the_table_has_a_row_for_each_archive() {
        let packed = Packed {
            name: "flamingo-1-x.tar.gz".to_owned(),
            program_bytes: 7_000,
            bytes: 2_000,
            links: Links::Static,
            start: Some(Duration::from_micros(1_500)),
        };
        let table = table(&[packed]);
        let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        let expected = "flamingo-1-x.tar.gz 7000 bytes 2000 bytes 1.5 ms static";
        assert_eq!(row.join(" "), expected);
    }

    #[test]
    fn releases_are_looked_for_where_they_are_put() {
        let manifest = include_str!("../../crates/flamingo/Cargo.toml");
        let manifest: toml::Table = manifest.parse().unwrap();
        let binstall = &manifest["package"]["metadata"]["binstall"];
        let text = |key: &str| binstall[key].as_str().unwrap();
        let fill = |text: &str| {
            text.replace("{ version }", "2.3.5")
                .replace("{ target }", "x")
                .replace("{ bin }", "flamingo")
                .replace("{ binary-ext }", "")
        };
        let (metadata, options) = (metadata(), options(false));
        let folder = Dist::new(&options, &metadata).unwrap().name("x");
        assert!(fill(text("pkg-url")).ends_with(&format!("/v2.3.5/{folder}.tar.gz")));
        assert_eq!(fill(text("bin-dir")), format!("{folder}/flamingo"));
        assert_eq!(text("pkg-fmt"), "tgz");
    }
}
