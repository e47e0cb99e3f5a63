//! Documents of MMC4 in shards: sentences, and pictures that stand before the sentence they match, as
//! base64 in the same JSON (OpenFlamingo's shards) or as members beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_sequence::{Document, Part};
use serde::Deserialize;

use crate::shard::TEXT_LIMIT;
use crate::{Error, Shard};

#[derive(Deserialize)]
struct Page {
    text_list: Vec<String>,
    image_info: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    /// None if no sentence was found for it.
    matched_text_index: Option<i64>,
    #[serde(default)]
    image_base64: Option<String>,
    #[serde(default)]
    image_name: Option<String>,
}

impl Picture {
    /// Its base64, if it is in the shard.
    fn embedded(&self) -> Option<&str> {
        self.image_base64.as_deref().filter(|text| !text.is_empty())
    }

    /// What the document of the member `page` calls it, if its bytes are in the shard.
    fn place(&self, page: &str, index: usize, has: impl Fn(&str) -> bool) -> Option<String> {
        if self.embedded().is_some() {
            return Some(format!("{page}#{index}"));
        }
        let name = self.image_name.as_deref().filter(|name| !name.is_empty())?;
        let folder = page.rfind('/').map_or("", |slash| &page[..=slash]);
        let beside = format!("{folder}{name}");
        [beside, name.to_owned()].into_iter().find(|name| has(name))
    }
}

/// The document of the shard's member `name`. Pictures without bytes, or that match no sentence, are not
/// in it; the others are named as [`picture`] finds them: `NAME#INDEX`, or as the member that has them.
/// `has` tells whether there is a member of a name.
///
/// # Errors
/// If it is no such JSON, a picture matches a sentence that is not there, or no picture has bytes.
pub(crate) fn document(
    json: &str,
    name: &str,
    has: impl Fn(&str) -> bool,
) -> Result<Document, String> {
    let page: Page = serde_json::from_str(json).map_err(|error| format!("{name}: {error}"))?;
    let sentences = page.text_list.len();
    let mut before: Vec<Vec<String>> = vec![Vec::new(); sentences];
    for (index, picture) in page.image_info.iter().enumerate() {
        let Some(matched) = picture.matched_text_index.filter(|matched| *matched >= 0) else {
            continue;
        };
        let of_sentence = usize::try_from(matched)
            .ok()
            .and_then(|at| before.get_mut(at));
        let of_sentence = of_sentence.ok_or_else(|| {
            format!("{name}: picture {index} matches sentence {matched} of {sentences} (from 0)")
        })?;
        of_sentence.extend(picture.place(name, index, &has));
    }
    if before.iter().all(Vec::is_empty) {
        return Err(format!(
            "{name}: none of its {} pictures is in the shard, as `image_base64` or as the member `image_name`: \
             download them and put them there",
            page.image_info.len()
        ));
    }
    let mut parts = Vec::new();
    for (pictures, sentence) in before.into_iter().zip(&page.text_list) {
        parts.extend(pictures.into_iter().map(Part::Image));
        match (parts.last_mut(), sentence.trim()) {
            (_, "") => {}
            (Some(Part::Text(text)), sentence) => {
                text.push(' ');
                text.push_str(sentence);
            }
            (_, sentence) => parts.push(Part::Text(sentence.to_owned())),
        }
    }
    Ok(Document::new(parts))
}

/// The bytes of the picture that a document of a shard calls `place`: a member, or a picture in a
/// page of MMC4.
///
/// # Errors
/// [`Error::Member`] if there is none, [`Error::Picture`] if it is broken, and those of
/// [`Shard::member`].
pub(crate) fn picture(shard: &Shard, place: &str, limit: u64) -> Result<Vec<u8>, Error> {
    let inside = member_and_index(place).filter(|_| !shard.has(place));
    let Some((member, index)) = inside else {
        return shard.member(place, limit);
    };
    let json = shard.member(member, TEXT_LIMIT)?;
    embedded(&json, index).map_err(|problem| Error::Picture {
        shard: shard.path().to_path_buf(),
        member: member.to_owned(),
        problem,
    })
}

fn member_and_index(place: &str) -> Option<(&str, usize)> {
    let (member, index) = place.rsplit_once('#')?;
    Some((member, index.parse().ok()?))
}

fn embedded(json: &[u8], index: usize) -> Result<Vec<u8>, String> {
    let page: Page = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let picture = page.image_info.get(index).and_then(Picture::embedded);
    let text = picture.ok_or_else(|| format!("it has no picture {index}"))?;
    let text: String = text.split_whitespace().collect();
    STANDARD
        .decode(text)
        .map_err(|error| format!("the base64 of picture {index} is broken ({error})"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pictures_stand_before_the_sentences_that_they_match() {
        let json = r#"{"url": "u", "text_list": ["a.", "b.", " ", "c."], "similarity_matrix": [[0.1]], "image_info": [
            {"image_name": "0.png", "matched_text_index": 3, "matched_sim": 0.3, "image_base64": "AAEC"},
            {"image_name": "1.png", "matched_text_index": 0, "image_base64": "AwQF"},
            {"image_name": "2.png", "matched_text_index": 1, "raw_url": "gone"},
            {"image_name": "3.png", "matched_text_index": 3, "image_base64": "BgcI"},
            {"image_name": "4.png", "matched_text_index": 0, "image_base64": ""},
            {"image_name": "5.png", "matched_text_index": -1, "image_base64": "BgcI"},
            {"image_name": "6.png", "matched_text_index": null, "image_base64": "BgcI"}]}"#;
        let has = |name: &str| name == "d/4.png";
        let document = document(json, "d/7.json", has).unwrap();
        let expected = [
            Part::Image("d/7.json#1".into()),
            Part::Image("d/4.png".into()),
            Part::Text("a. b.".into()),
            Part::Image("d/7.json#0".into()),
            Part::Image("d/7.json#3".into()),
            Part::Text("c.".into()),
        ];
        assert_eq!(document.parts, expected);
        assert_eq!(member_and_index("d/7.json#3"), Some(("d/7.json", 3)));
        assert_eq!(embedded(json.as_bytes(), 3).unwrap(), [6, 7, 8]);
        let message = embedded(json.as_bytes(), 2).unwrap_err();
        assert_eq!(message, "it has no picture 2");
    }

    #[test]
    fn a_page_whose_pictures_are_elsewhere_or_match_nothing_is_refused() {
        let page = |picture: &str| {
            let json = format!(r#"{{"text_list": ["a."], "image_info": [{picture}]}}"#);
            document(&json, "7.json", |_| false).unwrap_err()
        };
        let message = page(r#"{"matched_text_index": 0, "raw_url": "u"}"#);
        assert!(message.contains("none of its 1 pictures"), "{message}");
        let message = page(r#"{"matched_text_index": 1, "image_base64": "AAEC"}"#);
        assert!(message.contains("sentence 1 of 1"), "{message}");
        assert!(page("{}").contains("none of its 1 pictures"));
        assert!(page(r#"{"matched_text_index": "x"}"#).contains("invalid type"));
    }
}
