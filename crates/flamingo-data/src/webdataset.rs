//! Documents in WebDataset shards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use flamingo_sequence::{Document, Part};

use crate::shard::TEXT_LIMIT;
use crate::{Error, MediaBase, Report, Result, Sample, Shard, mmc4};

/// Extensions of pictures and films, in the order in which a pair's one is looked for: films first.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];
const FILMS: [&str; 9] = [
    "mp4", "webm", "mov", "avi", "mkv", "ts", "mpg", "flv", "wmv",
];

/// What a `KEY.json` is.
enum Json {
    /// The document itself.
    Document,
    /// A page of MMC4.
    Mmc4,
    /// What is known of the picture beside it: a record of its download, and the like.
    Metadata,
}

impl Json {
    fn of(json: &str) -> Self {
        use serde::de::IgnoredAny;
        #[derive(serde::Deserialize)]
        struct Keys {
            parts: Option<IgnoredAny>,
            text_list: Option<IgnoredAny>,
            image_info: Option<IgnoredAny>,
        }
        match serde_json::from_str(json) {
            Ok(Keys {
                parts: None,
                text_list: Some(_),
                image_info: Some(_),
            }) => Json::Mmc4,
            Ok(Keys { parts: None, .. }) => Json::Metadata,
            // One that is no object is told so by the document's own reader.
            Ok(_) | Err(_) => Json::Document,
        }
    }
}

/// The document of a sample, of its members by extension; or the reason and what is wrong.
fn document(shard: &Shard, members: &BTreeMap<String, &str>) -> Result<Document, (String, String)> {
    if let Some(name) = members.get("json") {
        let json = text(shard, name)?;
        match Json::of(&json) {
            Json::Document => {
                return Document::from_json(&json).map_err(|error| bad(error.to_string()));
            }
            Json::Mmc4 => return mmc4::document(&json, name, |name| shard.has(name)).map_err(bad),
            Json::Metadata => {}
        }
    }
    let first = |extensions: &[&str]| {
        let mut extensions = extensions.iter();
        extensions.find_map(|extension| members.get(*extension).map(|name| (*name).to_owned()))
    };
    let medium = first(&FILMS).map(Part::Video);
    let medium = medium.or_else(|| first(&PICTURES).map(Part::Image));
    let (Some(medium), Some(caption)) = (medium, members.get("txt")) else {
        return Err(bad(
            "neither a document (KEY.json with `parts`) nor a picture or film with KEY.txt".into(),
        ));
    };
    match text(shard, caption)?.trim() {
        "" => Err(("no caption".into(), format!("{caption} is empty"))),
        caption => Ok(Document::new([medium, Part::Text(caption.to_owned())])),
    }
}

fn text(shard: &Shard, name: &str) -> Result<String, (String, String)> {
    let bytes = shard.member(name, TEXT_LIMIT).map_err(said)?;
    if bytes.len() as u64 > TEXT_LIMIT {
        return Err(bad(format!("{name} has more than {TEXT_LIMIT} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| bad(format!("{name} is not UTF-8")))
}

fn bad(detail: String) -> (String, String) {
    ("bad document".into(), detail)
}

fn said(error: Error) -> (String, String) {
    (error.reason().into(), error.to_string())
}

/// The samples of a shard, in the order of their keys. Of a shard that was cut off those are read
/// that are whole.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    let shard = Arc::new(Shard::open(path)?);
    let cut = shard.cut_off();
    if let Some(cut) = &cut {
        tracing::warn!("{cut}");
    }
    let last = shard.last_sample();
    for (key, members) in shard.samples() {
        report.found += 1;
        let name = format!("{}:{key}", path.display());
        let is_last = last.is_some_and(|(last, _)| last == key);
        let torn = is_last && last.is_some_and(|(_, torn)| torn);
        match (document(&shard, &members), &cut) {
            (result, Some(cut)) if torn || is_last && result.is_err() => {
                report.leave_out(&name, cut.reason(), cut);
            }
            (Ok(mut document), _) => {
                document.id.get_or_insert_with(|| key.to_owned());
                let base = MediaBase::Shard(shard.clone());
                samples.push(Sample { document, base });
            }
            (Err((reason, detail)), _) => report.leave_out(&name, &reason, &detail),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use flamingo_film::Reader;
    use flamingo_image::{Image, Media, Wanted};
    use flamingo_sequence::MediaKind;

    use super::*;
    use crate::shard::tests::tar;

    fn read_all(path: &Path) -> (Report, Vec<Sample>) {
        let (mut report, mut samples) = (Report::default(), Vec::new());
        read(path, &mut report, &mut samples).unwrap();
        (report, samples)
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
            ("6.PNG", &png),
            ("6.Txt", b"a cat"),
        ]);
        let (report, samples) = read_all(&path);
        assert_eq!((report.found, report.kept(), samples.len()), (6, 4, 4));
        assert_eq!(report.left_out["bad document"], 2);
        let pair = &samples[2].document;
        assert_eq!(pair.id.as_deref(), Some("d/1"));
        assert_eq!(pair.parts[1], Part::Text("a cat".into()));
        let film = [Part::Video("3.mp4".into()), Part::Text("a film".into())];
        assert_eq!(samples[0].document.parts, film);
        for sample in &samples[1..] {
            let (_, kind, place) = sample.document.media().next().unwrap();
            assert_eq!(kind, MediaKind::Image);
            let media = sample
                .base
                .load(place, kind, &Reader::default(), &Wanted::default())
                .unwrap();
            assert_eq!(media, Media::Image(image.clone()));
        }
    }

    #[test]
    fn a_record_of_a_download_beside_a_pair_is_no_document() {
        let record: &[u8] =
            br#"{"caption": "a cat", "url": "http://a.example/", "status": "success", "width": 3}"#;
        let (_folder, path) = tar(&[
            ("1.jpg", b"x"),
            ("1.json", record),
            ("1.txt", b"a cat"),
            ("2.jpg", b"x"),
            ("2.json", record),
            ("2.txt", b" \n"),
            ("3.json", record),
            ("4.json", b"[1, 2]"),
        ]);
        let (report, samples) = read_all(&path);
        assert_eq!(report.found, 4);
        assert_eq!(report.left_out["no caption"], 1);
        assert_eq!(report.left_out["bad document"], 2);
        let expected = [Part::Image("1.jpg".into()), Part::Text("a cat".into())];
        assert_eq!(samples[0].document.parts, expected);
    }

    #[test]
    fn pages_of_mmc4_are_read_with_the_pictures_inside_them() {
        let image = Image::solid(3, 5, [7, 11, 13]);
        let base64 = STANDARD.encode(image.to_png());
        let page = format!(
            r#"{{"url": "u", "text_list": ["a.", "b."], "image_info": [{{"matched_text_index": 1, "image_base64": "{base64}"}}]}}"#
        );
        let (_folder, path) = tar(&[("./7.json", page.as_bytes()), ("8.json", b"{}")]);
        let (report, samples) = read_all(&path);
        assert_eq!((report.found, samples.len()), (2, 1));
        assert_eq!(samples[0].document.id.as_deref(), Some("7"));
        let (at, kind, place) = samples[0].document.media().next().unwrap();
        let media = samples[0]
            .base
            .load(place, kind, &Reader::default(), &Wanted::default());
        assert_eq!((at, media.unwrap()), (1, Media::Image(image)));
        let error = samples[0]
            .base
            .load("7.json#1", kind, &Reader::default(), &Wanted::default());
        let message = error.unwrap_err().to_string();
        assert!(
            message.contains("7.json") && message.contains("picture 1"),
            "{message}"
        );
    }

    #[test]
    fn the_last_sample_of_a_shard_that_was_cut_off_is_counted_as_such() {
        let (_folder, path) = tar(&[
            ("1.jpg", b"x"),
            ("1.txt", b"a cat"),
            ("2.jpg", b"x"),
            ("2.txt", b"a dog"),
        ]);
        let bytes = std::fs::read(&path).unwrap();
        // Within the last text, between picture and text, and behind the text.
        for (length, kept) in [(7 * 512 + 3, 1), (6 * 512, 1), (8 * 512, 2)] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let (report, samples) = read_all(&path);
            assert_eq!((report.found, samples.len()), (2, kept), "{length}");
            let cut = report.left_out.get("shard cut off").copied();
            assert_eq!(cut.unwrap_or(0), 2 - kept, "{length}");
        }
    }
}
