//! Pictures with the names of what they show, from a folder of folders or a file of captions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo_data::{MediaBase, Report};
use flamingo_sequence::{Document, MediaKind, Part};

use crate::{Error, Result};

/// Pictures with the names of what they show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shots {
    /// The names, in order of the alphabet.
    pub classes: Vec<String>,
    /// For each shot its class and where its picture lies.
    pub shots: Vec<(usize, String)>,
}

impl Shots {
    /// Of a folder or file of shots ([`flamingo_shots::samples`]), each of which is one picture and its name. What is left
    /// out is counted in the report and named in a warning.
    ///
    /// # Errors
    /// If it cannot be read, or there are fewer than two classes.
    pub fn read(place: &Path) -> Result<(Self, Report)> {
        let mut source = flamingo_shots::samples(place)?;
        source.retain(place, |_, sample| match named_picture(&sample.document) {
            Some(_) => None,
            None => Some((
                "no picture with a name".to_owned(),
                "a shot is one picture and a text, its name".to_owned(),
            )),
        })?;
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for sample in &source.samples {
            let Some((picture, name)) = named_picture(&sample.document) else {
                continue;
            };
            let places = by_name.entry(name).or_default();
            places.push(match &sample.base {
                MediaBase::Folder(folder) if !picture.starts_with("data:") => {
                    folder.join(picture).display().to_string()
                }
                _ => picture.to_owned(),
            });
        }
        if by_name.len() < 2 {
            return Err(Error::FewClasses {
                place: PathBuf::from(place),
                found: by_name.len(),
            });
        }
        let shots = by_name.values().enumerate();
        let shots = shots
            .flat_map(|(class, places)| places.iter().map(move |place| (class, place.clone())));
        let shots = Self {
            shots: shots.collect(),
            classes: by_name.into_keys().collect(),
        };
        Ok((shots, source.report))
    }

    /// How many shots each class has.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for (class, _) in &self.shots {
            counts[*class] += 1;
        }
        counts
    }
}

/// The picture and the name of a document that is just these.
fn named_picture(document: &Document) -> Option<(&str, String)> {
    let mut media = document.media();
    let (_, kind, place) = media.next()?;
    if kind != MediaKind::Image || media.next().is_some() {
        return None;
    }
    let texts = document.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let words: Vec<&str> = texts.flat_map(str::split_whitespace).collect();
    (!words.is_empty()).then(|| (place, words.join(" ")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn a_folder_for_each_class_and_a_file_of_captions_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "sea_horse/2.png",
            "sea_horse/1.png",
            "crab/1.jpg",
            "crab/notes.txt",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        let (shots, report) = Shots::read(folder.path()).unwrap();
        assert_eq!(shots.classes, ["crab", "sea horse"]);
        assert_eq!((shots.counts(), report.kept()), (vec![1, 2], 3));
        let captions = folder.path().join("captions.jsonl");
        let line = |place: &str, name: &str| {
            format!(
                "{{\"parts\": [{{\"image\": \"{place}\"}}, {{\"text\": \"{name}\"}}, {{\"end\": true}}]}}\n"
            )
        };
        let lines = [
            line("crab/1.jpg", " crab"),
            line("sea_horse/1.png", "sea  horse"),
            line("sea_horse/2.png", " sea horse "),
            "{\"parts\": [{\"text\": \"a name alone\"}]}\n".to_owned(),
        ];
        fs::write(&captions, lines.concat()).unwrap();
        for place in [folder.path(), &captions] {
            let (captioned, report) = Shots::read(place).unwrap();
            assert_eq!(captioned, shots);
            assert_eq!((report.found, report.kept()), (4, 3));
        }
    }

    #[test]
    fn one_class_leaves_nothing_to_tell_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("crab")).unwrap();
        fs::write(folder.path().join("crab/1.jpg"), b"").unwrap();
        let told = Shots::read(folder.path()).unwrap_err().to_string();
        assert!(told.contains("has shots of 1 class"), "{told}");
    }
}
