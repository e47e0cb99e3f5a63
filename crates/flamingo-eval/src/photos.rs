//! A user's photos, in folders that are named for what they show.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_data::{Format, MediaBase, Source};
use flamingo_engine::MediaSource;
use flamingo_film::Reader;
use flamingo_image::{Image, Media, Wanted};
use flamingo_sequence::{MediaKind, Part};

use crate::Result;

/// The reference of a picture that shows nothing.
pub(crate) const BLANK: &str = "\0blank";

/// Things and their photos.
#[derive(Debug)]
pub struct Photos {
    /// For each thing its name and the references of its photos.
    pub(crate) things: Vec<(String, Vec<String>)>,
    base: MediaBase,
}

impl Photos {
    /// The photos of a folder that has a folder for each thing.
    ///
    /// # Errors
    /// If it cannot be read or holds none.
    pub fn read(folder: &Path) -> Result<Self> {
        let source = Source::read(Format::Folders, folder)?;
        let mut things: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for sample in &source.samples {
            let name = sample.document.parts.iter().find_map(|part| match part {
                Part::Text(text) => Some(text.trim().to_owned()),
                _ => None,
            });
            let photos = sample
                .document
                .media()
                .map(|(_, _, place)| place.to_owned());
            things
                .entry(name.unwrap_or_default())
                .or_default()
                .extend(photos);
        }
        Ok(Self {
            things: things.into_iter().collect(),
            base: MediaBase::Folder(folder.to_path_buf()),
        })
    }

    pub(crate) fn image(&self, reference: &str) -> flamingo_engine::Result<Image> {
        if reference == BLANK {
            return Ok(Image::solid(64, 64, [127; 3]));
        }
        let (reader, wanted) = (Reader::default(), Wanted::default());
        let loaded = self
            .base
            .load(reference, MediaKind::Image, &reader, &wanted);
        match loaded.map_err(|error| flamingo_engine::Error::Media(error.to_string()))? {
            Media::Image(image) => Ok(image),
            Media::Film(_) => unreachable!("a picture was asked for"),
        }
    }
}

impl MediaSource for Photos {
    fn media(&self, reference: &str, _: &Wanted) -> flamingo_engine::Result<Media> {
        self.image(reference).map(Media::Image)
    }

    /// Photos do not change while they are asked about.
    fn version(&self, reference: &str) -> Option<String> {
        Some(reference.to_owned())
    }
}
