//! WebDataset shards: tar files in which the members of a sample share the name before the first
//! dot.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_sequence::{Document, Part};

use crate::{Error, MediaBase, Report, Result, Sample};

/// Extensions of pictures, in the order in which a pair's one is looked for.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];
const FILMS: [&str; 5] = ["mp4", "webm", "mov", "avi", "mkv"];

/// An open shard: the places of its members in the file, whose bytes are read when asked for.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    members: BTreeMap<String, (u64, u64)>,
}

impl Shard {
    /// Reads the shard's list of members.
    ///
    /// # Errors
    /// [`Error::Read`] if it cannot be read or is no tar file.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = || Error::read(path);
        let file = File::open(path).map_err(failed())?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        let mut members = BTreeMap::new();
        for entry in archive.entries_with_seek().map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = entry
                .path()
                .map_err(failed())?
                .to_string_lossy()
                .into_owned();
            members.insert(name, (entry.raw_file_position(), entry.size()));
        }
        Ok(Self {
            path: path.to_path_buf(),
            members,
        })
    }

    /// The tar file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a member, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Member`] if there is none of that name, [`Error::Read`].
    pub fn member(&self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let &(offset, size) = self.members.get(name).ok_or_else(|| Error::Member {
            shard: self.path.clone(),
            member: name.to_owned(),
        })?;
        let failed = || Error::read(&self.path);
        let mut file = File::open(&self.path).map_err(failed())?;
        file.seek(SeekFrom::Start(offset)).map_err(failed())?;
        // One byte more than the limit, so that the decoder sees that it was passed.
        let mut bytes = Vec::new();
        file.take(size.min(limit.saturating_add(1)))
            .read_to_end(&mut bytes)
            .map_err(failed())?;
        Ok(bytes)
    }

    /// The members by sample: the extension (all after the first dot of the file name) and the
    /// whole name of each.
    fn samples(&self) -> BTreeMap<&str, BTreeMap<String, &str>> {
        let mut samples: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        for name in self.members.keys() {
            let file = name.rfind('/').map_or(0, |slash| slash + 1);
            if let Some(dot) = name[file..].find('.') {
                let (key, extension) = (&name[..file + dot], &name[file + dot + 1..]);
                let of_key = samples.entry(key).or_default();
                of_key.insert(extension.to_ascii_lowercase(), name);
            }
        }
        samples
    }

    fn document(&self, members: &BTreeMap<String, &str>) -> Result<Document, (String, String)> {
        const TEXT_LIMIT: u64 = 64 << 20;
        let text = |name: &str| {
            let bytes = self.member(name, TEXT_LIMIT).map_err(said)?;
            String::from_utf8(bytes).map_err(|_| bad(format!("{name} is not UTF-8")))
        };
        if let Some(name) = members.get("json") {
            return Document::from_json(&text(name)?).map_err(|error| bad(error.to_string()));
        }
        if let Some(name) = FILMS.iter().find_map(|extension| members.get(*extension)) {
            let detail = format!(
                "{name}: video files are not decoded in this version; store its frames as a GIF or \
                 as a folder of pictures"
            );
            return Err(("video file".into(), detail));
        }
        let picture = PICTURES
            .iter()
            .find_map(|extension| members.get(*extension));
        match (picture, members.get("txt")) {
            (Some(picture), Some(caption)) => {
                let caption = text(caption)?.trim().to_owned();
                let parts = [Part::Image((*picture).to_owned()), Part::Text(caption)];
                let document = Document::new(parts);
                document.check().map_err(|error| bad(error.to_string()))?;
                Ok(document)
            }
            _ => Err(bad("neither KEY.json nor a picture with KEY.txt".into())),
        }
    }
}

fn bad(detail: String) -> (String, String) {
    ("bad document".into(), detail)
}

fn said(error: Error) -> (String, String) {
    (error.reason().into(), error.to_string())
}

/// The samples of a shard, in the order of their keys.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    let shard = Arc::new(Shard::open(path)?);
    for (key, members) in shard.samples() {
        report.found += 1;
        let name = format!("{}:{key}", path.display());
        match shard.document(&members) {
            Ok(mut document) => {
                document.id.get_or_insert_with(|| key.to_owned());
                let base = MediaBase::Shard(shard.clone());
                samples.push(Sample { document, base });
            }
            Err((reason, detail)) => report.leave_out(&name, &reason, &detail),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::{Image, Limits, Media};
    use flamingo_sequence::MediaKind;

    use super::*;

    fn tar(members: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.finish().unwrap();
        (folder, path)
    }

    #[test]
    fn pairs_and_documents_are_read_and_others_are_counted() {
        let image = Image::solid(3, 5, [7, 11, 13]);
        let png = image.to_png();
        let (_folder, path) = tar(&[
            ("d/1.png", &png),
            ("d/1.txt", b" a cat\n"),
            ("d/2.0.png", &png),
            (
                "d/2.json",
                br#"{"parts": [{"text": "x"}, {"image": "d/2.0.png"}]}"#,
            ),
            ("3.mp4", b"film"),
            ("3.txt", b"a film"),
            ("4.png", &png),
            ("5.json", br#"{"parts": [{"txt": "x"}]}"#),
        ]);
        let (mut report, mut samples) = (Report::default(), Vec::new());
        read(&path, &mut report, &mut samples).unwrap();
        assert_eq!((report.found, report.kept(), samples.len()), (5, 2, 2));
        assert_eq!(report.left_out["video file"], 1);
        assert_eq!(report.left_out["bad document"], 2);
        let pair = &samples[0].document;
        assert_eq!(pair.id.as_deref(), Some("d/1"));
        assert_eq!(pair.parts[1], Part::Text("a cat".into()));
        for sample in &samples {
            let (_, kind, place) = sample.document.media().next().unwrap();
            assert_eq!(kind, MediaKind::Image);
            let media = sample.base.load(place, kind, &Limits::default()).unwrap();
            assert_eq!(media, Media::Image(image.clone()));
        }
    }

    #[test]
    fn a_missing_member_and_a_broken_shard_are_named() {
        let (_folder, path) = tar(&[("1.png", b"x")]);
        let shard = Shard::open(&path).unwrap();
        let message = shard.member("2.png", 100).unwrap_err().to_string();
        assert!(
            message.contains("a.tar") && message.contains("2.png"),
            "{message}"
        );
        std::fs::write(&path, vec![7; 1000]).unwrap();
        assert!(Shard::open(&path).is_err());
    }
}
