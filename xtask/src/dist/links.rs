//! What a program needs of the machine that it runs on: read from its file, not asked of another tool.

use std::fmt;

use anyhow::Context;
use object::read::elf::FileHeader;
use object::{Endianness, FileKind, elf};

/// What is linked at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Links {
    /// Nothing: it runs on any kernel.
    Static,
    /// Shared libraries.
    Shared {
        /// The oldest glibc that has all that is used of it.
        glibc: Option<Version>,
        /// Names of the libraries, the loader left out.
        libraries: Vec<String>,
    },
    /// It is not of a system whose files we read.
    Foreign,
}

/// The version of a glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u16,
    minor: u16,
}

impl Version {
    /// From text such as `2.17`; a third number does not count.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        Some(Self {
            major: numbers.next()??,
            minor: numbers.next()??,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Links::Static => f.write_str("static"),
            Links::Shared { glibc, libraries } => {
                match glibc {
                    Some(version) => write!(f, "glibc {version}")?,
                    None => f.write_str("shared")?,
                }
                write!(f, " ({})", libraries.join(" "))
            }
            Links::Foreign => f.write_str("its system's libraries"),
        }
    }
}

impl Links {
    /// Reads what the program in `bytes` needs.
    ///
    /// # Errors
    /// If its tables are broken.
    pub(crate) fn of(bytes: &[u8]) -> anyhow::Result<Self> {
        let links = match FileKind::parse(bytes) {
            Ok(FileKind::Elf32) => of_elf::<elf::FileHeader32<Endianness>>(bytes),
            Ok(FileKind::Elf64) => of_elf::<elf::FileHeader64<Endianness>>(bytes),
            _ => return Ok(Links::Foreign),
        };
        links.context("cannot read what the program links to")
    }

    /// The glibc that is needed, if one is.
    pub(crate) fn glibc(&self) -> Option<Version> {
        match self {
            Links::Shared { glibc, .. } => *glibc,
            _ => None,
        }
    }
}

fn of_elf<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::Result<Links> {
    let header = Elf::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let dynamic = sections.dynamic_table(endian, bytes)?;
    let mut libraries = Vec::new();
    for entry in dynamic.iter() {
        if entry.tag == elf::DT_NEEDED {
            libraries.push(String::from_utf8_lossy(dynamic.string(entry)?).into_owned());
        }
    }
    libraries.retain(|name| !name.starts_with("ld-"));
    if libraries.is_empty() {
        return Ok(Links::Static);
    }
    let mut glibc = None;
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((_, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                let name = String::from_utf8_lossy(version.name(endian, strings)?);
                let version = name.strip_prefix("GLIBC_").and_then(Version::parse);
                glibc = glibc.max(version);
            }
        }
    }
    Ok(Links::Shared { glibc, libraries })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn this_very_program_needs_a_glibc_and_its_library() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let links = Links::of(&bytes).unwrap();
        let Links::Shared { glibc, libraries } = &links else {
            panic!("{links:?}");
        };
        // The oldest that Rust's standard library runs with.
        assert!(*glibc >= Version::parse("2.17"), "{links}");
        assert!(libraries.contains(&"libc.so.6".to_owned()), "{links}");
        assert!(links.to_string().starts_with("glibc 2."), "{links}");
    }

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("2.4") < version("2.17"));
        assert_eq!(version("2.3.4"), version("2.3"));
        assert_eq!(version("2.17").to_string(), "2.17");
        assert_eq!(Version::parse("PRIVATE"), None);
        assert_eq!(Version::parse("2"), None);
    }

    #[test]
    fn a_file_that_is_no_program_of_linux_needs_what_its_system_has() {
        assert_eq!(Links::of(b"MZ\x90\0").unwrap(), Links::Foreign);
    }
}
