//! Documents in WebDataset shards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use flamingo_sequence::{Document, Part};

use crate::{Error, MediaBase, Report, Result, Sample, Shard};

/// Extensions of pictures, in the order in which a pair's one is looked for.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];
const FILMS: [&str; 5] = ["mp4", "webm", "mov", "avi", "mkv"];

/// The document of a sample, of its members by extension; or the reason and what is wrong.
fn document(shard: &Shard, members: &BTreeMap<String, &str>) -> Result<Document, (String, String)> {
    const TEXT_LIMIT: u64 = 64 << 20;
    let text = |name: &str| {
        let bytes = shard.member(name, TEXT_LIMIT).map_err(said)?;
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
        match document(&shard, &members) {
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
    use crate::shard::tests::tar;

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
}
