//! Pictures in folders that are named for what they show: `photos/sea_horse/1.jpg`.

use std::path::{Path, PathBuf};

use flamingo_sequence::{Document, Part};

use crate::{Error, MediaBase, Report, Result, Sample};

/// A pair for each of the pictures `files` below `root`.
pub(crate) fn read(
    root: &Path,
    files: &[PathBuf],
    report: &mut Report,
    samples: &mut Vec<Sample>,
) -> Result<()> {
    if !root.is_dir() {
        return Err(Error::Nothing {
            path: root.to_path_buf(),
            problem: "it is a file: give the folder that has a folder for each thing".into(),
        });
    }
    let base = MediaBase::Folder(root.to_path_buf());
    for path in files {
        report.found += 1;
        let place = path.strip_prefix(root).unwrap_or(path);
        let Some(name) = folder_name(place) else {
            let detail = "it lies in no folder that says what it shows";
            report.leave_out(&path.display().to_string(), "in no folder", &detail);
            continue;
        };
        let place = place.display().to_string();
        samples.push(Sample {
            document: Document {
                id: Some(place.clone()),
                parts: vec![Part::Image(place), Part::Text(format!(" {name}"))],
            },
            base: base.clone(),
        });
    }
    Ok(())
}

/// What a picture at `place` below the root shows, in words.
fn folder_name(place: &Path) -> Option<String> {
    let folder = place.parent()?.file_name()?.to_string_lossy();
    let words: Vec<&str> = folder
        .split(['_', ' '])
        .filter(|word| !word.is_empty())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::Image;

    use super::*;
    use crate::{Format, Source};

    #[test]
    fn the_innermost_folder_names_a_picture_and_pictures_in_none_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let png = Image::solid(3, 2, [1, 2, 3]).to_png();
        for name in [
            "sea_horse/b.png",
            "sea_horse/A.PNG",
            "fruit/Red  apple/1.png",
            "top.png",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &png).unwrap();
        }
        std::fs::write(folder.path().join("sea_horse/notes.txt"), "no picture").unwrap();
        let source = Source::read(Format::Folders, folder.path()).unwrap();
        let said: Vec<&Part> = source
            .samples
            .iter()
            .map(|s| &s.document.parts[1])
            .collect();
        let text = |text: &str| Part::Text(text.into());
        assert_eq!(
            said,
            [
                &text(" Red apple"),
                &text(" sea horse"),
                &text(" sea horse")
            ]
        );
        assert_eq!(
            (source.report.found, source.report.left_out["in no folder"]),
            (4, 1)
        );
        let sample = &source.samples[1];
        let Part::Image(place) = &sample.document.parts[0] else {
            panic!("a picture comes first");
        };
        let reader = flamingo_film::Reader::default();
        let wanted = flamingo_image::Wanted::default();
        let kind = flamingo_sequence::MediaKind::Image;
        assert!(sample.base.load(place, kind, &reader, &wanted).is_ok());
    }

    #[test]
    fn a_single_picture_and_a_folder_without_any_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, Image::solid(3, 2, [1, 2, 3]).to_png()).unwrap();
        let told = |path: &Path| Source::read(Format::Folders, path).unwrap_err().to_string();
        assert!(told(&path).contains("a folder for each thing"));
        assert!(told(folder.path()).contains("1 x in no folder"));
        std::fs::remove_file(&path).unwrap();
        assert!(told(folder.path()).contains("no .jpg file"));
    }
}
