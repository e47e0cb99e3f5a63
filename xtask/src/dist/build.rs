//! One target's build: by cargo, or by cargo-zigbuild, whose C library is as old as one likes.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, bail};
use serde_json::Value;

use super::links::{Links, Version};
use crate::command::{cargo, read, run as execute, target_folder};

/// The cargo profile of programs that are given away.
const PROFILE: &str = "dist";
/// What Rust's standard library itself asks for.
const OLDEST_GLIBC: &str = "2.17";
const GET_ZIG: &str = "install both, for example by `pip install cargo-zigbuild ziglang`";

/// The oldest glibc that a program is to run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GlibcFloor {
    /// That of the machine that builds.
    Host,
    /// This one.
    At(Version),
}

impl FromStr for GlibcFloor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "host" => Ok(GlibcFloor::Host),
            text => Version::parse(text)
                .map(GlibcFloor::At)
                .ok_or_else(|| format!("give a version such as {OLDEST_GLIBC}, or `host`")),
        }
    }
}

/// How a target is compiled and linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// By cargo and this machine's linker.
    Plain,
    /// By cargo-zigbuild, against a glibc of this version if the target has one.
    Zig(Option<Version>),
}

/// The method for a target. `zig`: whether cargo-zigbuild and zig are here.
///
/// # Errors
/// If a version of glibc is asked for and zig is not here.
pub(crate) fn method(target: &str, glibc: Option<GlibcFloor>, zig: bool) -> anyhow::Result<Method> {
    if !target.contains("-linux-gnu") {
        return Ok(match zig && target.contains("-linux-musl") {
            true => Method::Zig(None),
            false => Method::Plain,
        });
    }
    match glibc {
        Some(GlibcFloor::At(version)) if !zig => bail!(
            "a program for glibc {version} needs cargo-zigbuild and zig: {GET_ZIG}, or pass --glibc host"
        ),
        Some(GlibcFloor::At(version)) => Ok(Method::Zig(Some(version))),
        None if zig => Ok(Method::Zig(Version::parse(OLDEST_GLIBC))),
        Some(GlibcFloor::Host) | None => Ok(Method::Plain),
    }
}

/// Whether cargo-zigbuild is here and the zig that it would take.
pub(crate) fn has_zig() -> bool {
    let answers = |program: &str, words: &[&str]| read(Command::new(program).args(words)).is_ok();
    read(cargo("zigbuild").arg("--help")).is_ok()
        && (env::var_os("CARGO_ZIGBUILD_ZIG_PATH").is_some()
            || answers("zig", &["version"])
            || answers("python3", &["-m", "ziglang", "version"]))
}

/// The target of this machine's compiler.
///
/// # Errors
/// If there is no compiler.
pub(crate) fn host() -> anyhow::Result<String> {
    let told = read(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell its host")?.to_owned())
}

/// A build that is asked for.
pub(crate) struct Build<'a> {
    pub(crate) target: &'a str,
    pub(crate) features: &'a [String],
    pub(crate) method: Method,
    /// What `cargo metadata` tells of the workspace.
    pub(crate) metadata: &'a Value,
}

impl Build<'_> {
    /// Whether the compiler can build for the target.
    ///
    /// # Errors
    /// If it does not know it or lacks its standard library.
    pub(crate) fn check_target(&self) -> anyhow::Result<()> {
        let target = self.target;
        let mut rustc = Command::new("rustc");
        let folder = read(rustc.args(["--print", "target-libdir", "--target", target]))
            .with_context(|| {
                format!("rustc knows no target {target}: `rustc --print target-list` lists them")
            })?;
        if !Path::new(folder.trim()).is_dir() {
            bail!("the standard library of {target} is not installed: rustup target add {target}");
        }
        Ok(())
    }

    /// Cargo's arguments for the features.
    pub(crate) fn feature_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--no-default-features".to_owned()];
        if !self.features.is_empty() {
            arguments.extend(["--features".to_owned(), self.features.join(",")]);
        }
        arguments
    }

    /// Builds, and gives the path of the program.
    ///
    /// # Errors
    /// If it does not compile.
    pub(crate) fn run(&self) -> anyhow::Result<PathBuf> {
        let mut command = self.command();
        execute(&mut command)?;
        let name = match self.target.contains("windows") {
            true => "flamingo.exe",
            false => "flamingo",
        };
        Ok(target_folder().join(self.target).join(PROFILE).join(name))
    }

    fn command(&self) -> Command {
        let (verb, target) = match self.method {
            Method::Plain => ("build", self.target.to_owned()),
            Method::Zig(None) => ("zigbuild", self.target.to_owned()),
            Method::Zig(Some(glibc)) => ("zigbuild", format!("{}.{glibc}", self.target)),
        };
        let mut command = cargo(verb);
        command
            .args(["--locked", "--package", "flamingo", "--profile", PROFILE])
            .args(["--target", &target])
            .args(self.feature_arguments());
        command
    }

    /// Whether the program links to what it should, and tells what it needs where that was left open.
    ///
    /// # Errors
    /// If it needs a newer glibc than was asked for, or a library though it should be static.
    pub(crate) fn check_links(&self, links: &Links) -> anyhow::Result<()> {
        let target = self.target;
        if target.contains("-musl") && *links != Links::Static {
            bail!("the program for {target} is not static, it needs {links}");
        }
        match (self.method, links.glibc()) {
            (Method::Zig(Some(floor)), Some(needed)) if needed > floor => bail!(
                "the program for {target} needs glibc {needed}, {floor} was asked for: a dependency takes \
                 something newer, so ask for --glibc {needed}"
            ),
            (Method::Plain, Some(needed)) if Some(needed) > Version::parse(OLDEST_GLIBC) => {
                eprintln!(
                    "\nnote: the program for {target} needs glibc {needed} or newer, as this machine's linker made it; \
                 with cargo-zigbuild and zig it would be {OLDEST_GLIBC}: {GET_ZIG}"
                )
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn words(method: Method, features: &[&str]) -> String {
        let features: Vec<String> = features.iter().map(|name| (*name).to_owned()).collect();
        let build = Build {
            target: "x86_64-unknown-linux-gnu",
            features: &features,
            method,
            metadata: &Value::Null,
        };
        let command = build.command();
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        words.join(" ")
    }

    #[test]
    fn programs_for_glibc_are_built_for_the_oldest_one_where_zig_is_there() {
        let gnu = "aarch64-unknown-linux-gnu";
        let oldest = Method::Zig(Some(version("2.17")));
        assert_eq!(method(gnu, None, true).unwrap(), oldest);
        assert_eq!(method(gnu, None, false).unwrap(), Method::Plain);
        let host = Some(GlibcFloor::Host);
        assert_eq!(method(gnu, host, true).unwrap(), Method::Plain);
        let newer = Some("2.28".parse().unwrap());
        let expected = Method::Zig(Some(version("2.28")));
        assert_eq!(method(gnu, newer, true).unwrap(), expected);
        let message = method(gnu, newer, false).unwrap_err().to_string();
        assert!(
            message.contains("glibc 2.28 needs cargo-zigbuild"),
            "{message}"
        );
    }

    #[test]
    fn other_targets_take_zig_for_musl_alone() {
        let musl = "x86_64-unknown-linux-musl";
        assert_eq!(method(musl, None, true).unwrap(), Method::Zig(None));
        assert_eq!(method(musl, None, false).unwrap(), Method::Plain);
        let apple = "aarch64-apple-darwin";
        assert_eq!(method(apple, None, true).unwrap(), Method::Plain);
    }

    #[test]
    fn a_floor_that_is_no_version_is_told_what_to_be() {
        let message = "new".parse::<GlibcFloor>().unwrap_err();
        assert!(
            message.contains("2.17") && message.contains("host"),
            "{message}"
        );
    }

    #[test]
    fn cargo_is_given_the_profile_the_target_with_its_glibc_and_the_features() {
        assert_eq!(
            words(Method::Zig(Some(version("2.17"))), &["corpus", "cluster"]),
            "zigbuild --locked --package flamingo --profile dist --target x86_64-unknown-linux-gnu.2.17 \
             --no-default-features --features corpus,cluster"
        );
        assert_eq!(
            words(Method::Plain, &[]),
            "build --locked --package flamingo --profile dist --target x86_64-unknown-linux-gnu \
             --no-default-features"
        );
    }

    #[test]
    fn a_program_that_needs_more_than_was_asked_for_is_refused() {
        let build = |target, method| Build {
            target,
            features: &[],
            method,
            metadata: &Value::Null,
        };
        let links = Links::Shared {
            glibc: Some(version("2.34")),
            libraries: vec!["libc.so.6".to_owned()],
        };
        let gnu = "x86_64-unknown-linux-gnu";
        let floor = |text| Method::Zig(Some(version(text)));
        build(gnu, floor("2.34")).check_links(&links).unwrap();
        let error = build(gnu, floor("2.17")).check_links(&links).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("needs glibc 2.34, 2.17 was asked for"),
            "{error}"
        );
        let musl = build("x86_64-unknown-linux-musl", Method::Plain);
        musl.check_links(&Links::Static).unwrap();
        let error = musl.check_links(&links).unwrap_err();
        assert!(error.to_string().contains("is not static"), "{error}");
    }

    #[test]
    fn a_target_that_is_not_installed_is_told_how_to_be() {
        let build = |target| Build {
            target,
            features: &[],
            method: Method::Plain,
            metadata: &Value::Null,
        };
        let here = host().unwrap();
        build(&here).check_target().unwrap();
        // Tier 3: there is no standard library to install, so no machine has it.
        let message = build("mips-unknown-linux-gnu").check_target().unwrap_err();
        assert!(
            message
                .to_string()
                .contains("rustup target add mips-unknown-linux-gnu"),
            "{message}"
        );
        let message = build("x86_64-unknown-nowhere").check_target().unwrap_err();
        assert!(
            message
                .to_string()
                .contains("rustc knows no target x86_64-unknown-nowhere"),
            "{message}"
        );
    }
}
