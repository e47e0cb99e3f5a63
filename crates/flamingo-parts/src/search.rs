//! A part in files that are here: by itself, in an archive, or in a folder of such.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::read::{DeflateDecoder, MultiGzDecoder};
use zip::{CompressionMethod, ZipArchive};

use crate::{Part, Progress, Result, Store};

/// Looks for one part.
pub(crate) struct Search<'a> {
    pub(crate) store: &'a Store,
    pub(crate) part: &'a Part,
    pub(crate) progress: &'a mut dyn Progress,
    /// Why places that were looked at did not have it.
    pub(crate) reasons: Vec<String>,
}

/// What a file's first bytes say that it is.
enum Kind {
    /// Wheels, other packages, and what torch saves.
    Zip,
    /// Source distributions.
    Gzip,
    Plain,
}

impl Search<'_> {
    /// Takes the part from a file, an archive or a folder of such, and tells where it was.
    ///
    /// # Errors
    /// If the cache cannot be written. That a place does not have the part is a reason, not an error.
    pub(crate) fn look(&mut self, place: &Path) -> Result<Option<String>> {
        let known = self.reasons.len();
        let found = match files(place) {
            Ok(files) => {
                let mut found = None;
                for file in files {
                    found = self.file(&file, file == place)?;
                    if found.is_some() {
                        break;
                    }
                }
                found
            }
            Err(error) => {
                self.reasons.push(format!("{}: {error}", place.display()));
                None
            }
        };
        if found.is_none() && self.reasons.len() == known {
            let (place, file) = (place.display(), &self.part.file);
            self.reasons.push(format!("{place} holds no {file}"));
        }
        Ok(found)
    }

    /// One file; one that was `named` is taken for the part unless it is an archive.
    fn file(&mut self, path: &Path, named: bool) -> Result<Option<String>> {
        let place = path.display().to_string();
        let opened = File::open(path).and_then(|mut file| {
            let kind = kind(&mut file)?;
            Ok((file.metadata()?.len(), kind, file))
        });
        let (bytes, kind, mut file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.reasons.push(format!("{place}: {error}"));
                return Ok(None);
            }
        };
        let may_be = self.part.may_be(&place, bytes) || named && matches!(kind, Kind::Plain);
        if may_be && self.take(&place, &mut file)? {
            return Ok(Some(place));
        }
        if may_be && file.rewind().is_err() {
            return Ok(None);
        }
        let found = match kind {
            Kind::Plain => return Ok(None),
            Kind::Zip => self.zip(&place, file),
            Kind::Gzip => self.tar(&place, file),
        };
        found.or_else(|broken| match broken {
            Broken::Archive(error) => {
                self.reasons
                    .push(format!("{place} cannot be read: {error}"));
                Ok(None)
            }
            Broken::Own(error) => Err(error),
        })
    }

    fn zip(&mut self, place: &str, file: File) -> Result<Option<String>, Broken> {
        let mut archive = ZipArchive::new(BufReader::new(file))?;
        for index in 0..archive.len() {
            let member = archive.by_index_raw(index)?;
            let name = member.name()?.into_owned();
            if !self.part.may_be(&name, member.size()) {
                continue;
            }
            let place = format!("{name} in {place}");
            let taken = match member.compression() {
                _ if member.encrypted() => Err("encrypted"),
                CompressionMethod::STORE => Ok(self.take(&place, &mut { member })?),
                CompressionMethod::DEFLATE => {
                    Ok(self.take(&place, &mut DeflateDecoder::new(member))?)
                }
                _ => Err("packed by an unusual method"),
            };
            match taken {
                Ok(true) => return Ok(Some(place)),
                Ok(false) => {}
                Err(what) => self
                    .reasons
                    .push(format!("{place} is {what}: unpack it, and give the file")),
            }
        }
        Ok(None)
    }

    fn tar(&mut self, place: &str, file: File) -> Result<Option<String>, Broken> {
        let mut archive = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
        for member in archive.entries()? {
            let mut member = member?;
            let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
            if member.header().entry_type().is_file() && self.part.may_be(&name, member.size()) {
                let place = format!("{name} in {place}");
                if self.take(&place, &mut member)? {
                    return Ok(Some(place));
                }
            }
        }
        Ok(None)
    }

    /// Whether it was the part.
    fn take(&mut self, place: &str, reader: &mut dyn Read) -> Result<bool> {
        match self.store.take(self.part, place, reader, self.progress) {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(found)) => {
                let wanted = &self.part.sha256;
                let reason = format!("{place} has the sha256 {found} instead of {wanted}");
                self.reasons.push(reason);
            }
            Err(error @ crate::Error::Unreadable { .. }) => self.reasons.push(error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(false)
    }
}

/// Why an archive was not read to its end.
enum Broken {
    Archive(String),
    Own(crate::Error),
}

impl From<zip::result::ZipError> for Broken {
    fn from(error: zip::result::ZipError) -> Self {
        Self::Archive(error.to_string())
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Archive(error.to_string())
    }
}

impl From<crate::Error> for Broken {
    fn from(error: crate::Error) -> Self {
        Self::Own(error)
    }
}

/// A file, or those of a folder in order of name.
fn files(place: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(place)?.is_dir() {
        return Ok(vec![place.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn kind(file: &mut File) -> io::Result<Kind> {
    let mut first = Vec::new();
    file.by_ref().take(4).read_to_end(&mut first)?;
    file.rewind()?;
    Ok(match &first[..] {
        b"PK\x03\x04" => Kind::Zip,
        [0x1f, 0x8b, ..] => Kind::Gzip,
        _ => Kind::Plain,
    })
}
