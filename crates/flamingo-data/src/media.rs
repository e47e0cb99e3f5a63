//! From the string in a document's part to a picture or film.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_film::Reader;
use flamingo_image::{Film, Media, Wanted};
use flamingo_page::{decode_data_url, is_data_url};
use flamingo_sequence::MediaKind;

use crate::{Error, Result, Shard, Table, mmc4};

/// Where the relative names in a document start.
#[derive(Clone, Debug)]
pub enum MediaBase {
    /// A folder: that of the document's file, or of the page.
    Folder(PathBuf),
    /// A shard: names are its members.
    Shard(Arc<Shard>),
    /// A Parquet file: names are the rows and positions of its pictures, or those of files beside it.
    Table(Arc<Table>),
}

impl MediaBase {
    /// The folder that a file lies in.
    pub fn beside(file: &Path) -> Self {
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        Self::Folder(folder.unwrap_or(Path::new(".")).to_path_buf())
    }

    /// The picture, or what is wanted of the film, at `place`: a `data:` URL, an absolute path, or a
    /// name under this base (a film may also be a folder of frames). A still picture that is asked
    /// for as a film is a film of one frame.
    ///
    /// # Errors
    /// [`Error::Remote`] for a URL on the network, [`Error::DataUrl`], [`Error::Member`],
    /// [`Error::NotAnImage`], and those of [`Reader::load`]; all name the place.
    pub fn load(
        &self,
        place: &str,
        kind: MediaKind,
        reader: &Reader,
        wanted: &Wanted,
    ) -> Result<Media> {
        let media = self.load_any(place, reader, wanted)?;
        match (kind, media) {
            (MediaKind::Image, Media::Film(_)) => Err(Error::NotAnImage {
                place: shown(place),
            }),
            (MediaKind::Video, Media::Image(image)) => {
                let film = Film::new(vec![image], None, place);
                Ok(Media::Film(film.map_err(flamingo_film::Error::from)?))
            }
            (_, media) => Ok(media),
        }
    }

    fn load_any(&self, place: &str, reader: &Reader, wanted: &Wanted) -> Result<Media> {
        if is_data_url(place) {
            return Ok(reader.decode(&data_url(place)?, &shown(place), wanted)?);
        }
        if strip_scheme(place, "http://").is_some() || strip_scheme(place, "https://").is_some() {
            return Err(Error::Remote {
                place: place.to_owned(),
            });
        }
        match self {
            MediaBase::Folder(folder) => Ok(reader.load(folder.join(place), wanted)?),
            _ if Path::new(place).is_absolute() => Ok(reader.load(place, wanted)?),
            MediaBase::Shard(shard) => {
                let bytes = mmc4::picture(shard, place, reader.limits.max_bytes)?;
                let name = format!("{} in {}", place, shard.path().display());
                Ok(reader.decode(&bytes, &name, wanted)?)
            }
            MediaBase::Table(table) => {
                let beside = table.path().with_file_name(place);
                if !table.has_picture(place) && beside.is_file() {
                    return Ok(reader.load(beside, wanted)?);
                }
                let name = format!("{} in {}", place, table.path().display());
                Ok(reader.decode(&table.picture(place)?, &name, wanted)?)
            }
        }
    }

    /// A name that is the same for the same file, to load it once.
    pub fn key(&self, place: &str) -> String {
        match self {
            _ if is_data_url(place) => place.to_owned(),
            MediaBase::Folder(folder) => normal(&folder.join(place)),
            _ if Path::new(place).is_absolute() => normal(Path::new(place)),
            MediaBase::Shard(shard) => format!("{}\0{place}", shard.path().display()),
            MediaBase::Table(table) => format!("{}\0{place}", table.path().display()),
        }
    }
}

/// The path with `a/..` taken out, without asking the disk.
fn normal(path: &Path) -> String {
    use std::path::Component;
    let mut parts: Vec<Component> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::ParentDir, Some(Component::Normal(_))) => drop(parts.pop()),
            (Component::CurDir, _) => {}
            _ => parts.push(part),
        }
    }
    let path: PathBuf = parts.into_iter().collect();
    path.display().to_string()
}

/// What follows the scheme, which may be spelt in any case.
fn strip_scheme<'a>(place: &'a str, scheme: &str) -> Option<&'a str> {
    let head = place.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme)
        .then(|| &place[scheme.len()..])
}

/// A place as messages show it: a `data:` URL by its beginning.
fn shown(place: &str) -> String {
    match place.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &place[..end]),
        None => place.to_owned(),
    }
}

fn data_url(place: &str) -> Result<Vec<u8>> {
    let problem = match place.contains(',') {
        true => "its data does not decode",
        false => "there is no comma before its data",
    };
    decode_data_url(place).ok_or_else(|| Error::DataUrl {
        place: shown(place),
        problem: problem.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use flamingo_image::Image;

    use super::*;

    fn load_at(base: &MediaBase, place: &str, kind: MediaKind) -> Result<Media> {
        base.load(place, kind, &Reader::default(), &Wanted::default())
    }

    #[test]
    fn a_picture_is_found_by_relative_and_absolute_path_and_in_a_data_url() {
        let folder = tempfile::tempdir().unwrap();
        let image = Image::solid(3, 5, [7, 11, 13]);
        let path = folder.path().join("a.png");
        std::fs::write(&path, image.to_png()).unwrap();
        let base = MediaBase::Folder(folder.path().to_path_buf());
        let url = format!("DATA:image/png;base64,{}", STANDARD.encode(image.to_png()));
        let escaped: String = image.to_png().iter().map(|b| format!("%{b:02x}")).collect();
        let escaped = format!("data:image/png;charset=utf-8,{escaped}");
        for place in ["a.png", "./a.png", path.to_str().unwrap(), &url, &escaped] {
            let media = load_at(&base, place, MediaKind::Image).unwrap();
            assert_eq!(media, Media::Image(image.clone()), "{place}");
        }
        assert_eq!(base.key("b/../a.png"), base.key("a.png"));
    }

    #[test]
    fn a_still_picture_is_a_film_of_one_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, Image::solid(3, 5, [7; 3]).to_png()).unwrap();
        match load_at(&MediaBase::beside(&path), "a.png", MediaKind::Video).unwrap() {
            Media::Film(film) => assert_eq!(film.frames.len(), 1),
            Media::Image(_) => panic!("a film was asked for"),
        }
    }

    #[test]
    fn what_cannot_be_had_says_why_and_what_to_do() {
        let base = MediaBase::Folder(PathBuf::from("/nowhere"));
        let said = |place: &str| {
            load_at(&base, place, MediaKind::Image)
                .unwrap_err()
                .to_string()
        };
        let message = said("https://a.b/c.png");
        assert!(message.contains("not fetched in this version"), "{message}");
        assert!(message.contains("https://a.b/c.png"), "{message}");
        assert!(said("data:image/png,abc").contains("data:image/png,abc"));
        assert!(said("data:image/png;base64,!!").contains("does not decode"));
        assert!(said("data:").contains("comma"));
        assert!(said("a.png").contains("/nowhere/a.png"));
    }
}
