//! Files of a source that lie on the web or in an object store: fetched once into a folder, each whole under its name or
//! not there.
//!
//! An address counts and lists as a path does (`https://a.org/{00000..00127}.tar`, `s3://bucket/{00000..00127}.tar`). What
//! broke off goes on where it ended if the server says that it still has the same file.

mod address;
mod answer;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod objects;
#[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
#[path = "remote/objects_absent.rs"]
mod objects;
mod settings;
mod web;

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use address::{is_web, name, short_hash, shown};
use answer::{Answer, Failure, Start};

use crate::{Error, Result, paths};

pub use address::is_remote;
pub use settings::StoreSettings;

/// Tries in a row that bring nothing new.
const TRIES: u32 = 4;
/// The first pause between tries; each later one is three times as long.
const PAUSE: Duration = Duration::from_millis(200);
const BUFFER: usize = 1 << 17;

/// Has the files of an address in `folder` and gives a list of them, which is a path as sources take it. Those that are there
/// already are not asked for again. `progress` hears how many of all files are there.
///
/// # Errors
/// [`Error::Fetch`] with the address, [`Error::Nothing`] for a pattern that cannot be read, [`Error::Write`] if the folder
/// cannot be written. The same call goes on.
pub fn fetch(
    address: &Path,
    folder: &Path,
    settings: &StoreSettings,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PathBuf> {
    let text = address.to_string_lossy();
    let nothing = |problem| Error::Nothing {
        path: address.to_path_buf(),
        problem,
    };
    let addresses = paths::braces(&text).map_err(nothing)?;
    fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let origin = Origin::new(&text, settings)?;
    let mut list = String::new();
    for (number, address) in addresses.iter().enumerate() {
        progress(number, addresses.len());
        list += &one(&origin, address, folder)?;
        list.push('\n');
    }
    progress(addresses.len(), addresses.len());
    let path = folder.join(format!("{}.txt", short_hash(&text)));
    flamingo_files::write(&path, list.as_bytes())
        .map_err(|error| Error::write(&path)(std::io::Error::other(error)))?;
    Ok(path)
}

/// Whom the files are asked from.
enum Origin {
    Web(ureq::Agent),
    Objects(objects::Objects),
}

impl Origin {
    fn new(address: &str, settings: &StoreSettings) -> Result<Self> {
        Ok(match is_web(address) {
            true => Origin::Web(web::agent()),
            false => Origin::Objects(objects::Objects::new(address, settings)?),
        })
    }

    /// Asks for a file from `from` on, if it still is that of `mark`.
    fn ask(&self, address: &str, from: u64, mark: Option<&str>) -> Result<Answer, Failure> {
        match self {
            Origin::Web(agent) => web::ask(agent, address, from, mark),
            Origin::Objects(objects) => objects.ask(address, from, mark),
        }
    }
}

/// The name in the folder of the file at an address, which is there then.
fn one(origin: &Origin, address: &str, folder: &Path) -> Result<String> {
    let name = name(address);
    let path = folder.join(&name);
    if path.is_file() {
        return Ok(name);
    }
    let draft = folder.join(format!("{name}.part"));
    let mut part = Part {
        file: locked(&draft)?,
        path: draft.clone(),
        of: folder.join(format!("{name}.of")),
    };
    let of_draft = || Error::write(&draft);
    // Another process was at it.
    if path.is_file() {
        if part.len()? == 0 {
            fs::remove_file(&part.path).map_err(of_draft())?;
        }
        return Ok(name);
    }
    let (mut failed, mut most) = (0, part.len()?);
    while let Err(failure) = part.fill(origin, address)? {
        let len = part.len()?;
        failed = if len > most { 1 } else { failed + 1 };
        most = most.max(len);
        if failure.is_lasting || failed == TRIES {
            if len == 0 {
                fs::remove_file(&part.path).map_err(of_draft())?;
            }
            return Err(Error::Fetch {
                address: shown(address).to_owned(),
                problem: failure.problem,
            });
        }
        thread::sleep(PAUSE * 3_u32.pow(failed - 1));
    }
    part.file.sync_all().map_err(of_draft())?;
    fs::rename(&part.path, &path).map_err(of_draft())?;
    // What the file was of is of no use any more.
    let _ = fs::remove_file(&part.of);
    Ok(name)
}

/// The file at a path, which no other process is at.
fn locked(path: &Path) -> Result<File> {
    loop {
        let file = File::options().append(true).create(true).open(path);
        let file = file.map_err(Error::write(path))?;
        file.lock().map_err(Error::write(path))?;
        // The process that was at it may have finished or removed it while this one waited.
        let here = same_file::Handle::from_file(file.try_clone().map_err(Error::write(path))?);
        match same_file::Handle::from_path(path) {
            Ok(there) if there == here.map_err(Error::write(path))? => return Ok(file),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::write(path)(error));
            }
            _ => {}
        }
    }
}

/// A file on its way.
struct Part {
    file: File,
    path: PathBuf,
    /// Says by which mark of the server's its bytes are known.
    of: PathBuf,
}

impl Part {
    fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(Error::read(&self.path))?.len())
    }

    fn restart(&self, mark: Option<&str>) -> Result<()> {
        self.file.set_len(0).map_err(Error::write(&self.path))?;
        match mark {
            Some(mark) => fs::write(&self.of, mark).map_err(Error::write(&self.of)),
            None => match fs::remove_file(&self.of) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(Error::write(&self.of)(error))
                }
                _ => Ok(()),
            },
        }
    }

    /// Asks for what is missing; whether all is there then.
    fn fill(&mut self, origin: &Origin, address: &str) -> Result<Result<(), Failure>> {
        let mut from = self.len()?;
        let mark = fs::read_to_string(&self.of).ok().filter(|_| from > 0);
        if mark.is_none() {
            from = 0;
        }
        let answer = match origin.ask(address, from, mark.as_deref()) {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        match &answer.start {
            Start::There => {}
            Start::Anew(mark) => self.restart(mark.as_deref())?,
            Start::Nowhere => {
                self.restart(None)?;
                return Ok(Err(Failure::passing("the server has no rest of the file")));
            }
        }
        self.take(answer)
    }

    fn take(&mut self, mut answer: Answer) -> Result<Result<(), Failure>> {
        let mut buffer = vec![0; BUFFER];
        loop {
            match answer.body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let written = self.file.write_all(&buffer[..count]);
                    written.map_err(Error::write(&self.path))?;
                }
                Err(error) => return Ok(Err(Failure::passing(error))),
            }
        }
        let len = self.len()?;
        Ok(match answer.total {
            Some(total) if total != len => Err(Failure::passing(format!(
                "it ended after {len} of {total} bytes"
            ))),
            _ => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests;
