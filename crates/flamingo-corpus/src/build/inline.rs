//! Pictures that stand in their page (`data:` URLs): taken out of it, to be looked at and kept as answers are.

use std::collections::HashSet;

use flamingo_page::{Page, Part, decode_data_url, is_data_url};

use crate::signature::url_key;

/// A picture by the key of its URL, which stands for the URL from here on.
pub(super) struct Inline {
    pub(super) key: String,
    pub(super) bytes: Vec<u8>,
}

/// Puts the keys of `data:` URLs in their place, and gives the pictures, each once.
pub(super) fn take_out(page: &mut Page) -> Vec<Inline> {
    let mut pictures = Vec::new();
    let mut seen = HashSet::new();
    let images = page.parts.iter_mut().filter_map(|part| match part {
        Part::Image(image) => Some(image),
        Part::Text(_) | Part::Video(_) => None,
    });
    for image in images {
        let urls = std::iter::once(&mut image.url).chain(&mut image.also);
        for url in urls.filter(|url| is_data_url(url)) {
            let key = url_key(url);
            if seen.insert(key.clone()) {
                let bytes = decode_data_url(url).unwrap_or_default();
                let key = key.clone();
                pictures.push(Inline { key, bytes });
            }
            *url = key;
        }
    }
    pictures
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_page::Image;

    use super::*;

    #[test]
    fn pictures_are_taken_out_once_and_leave_their_keys() {
        let (one, other) = ("data:image/gif;base64,R0lG", "data:image/gif,G%49");
        let image = |url: &str, also: &[&str]| {
            Part::Image(Image {
                url: url.to_owned(),
                also: also.iter().map(|url| (*url).to_owned()).collect(),
                ..Image::default()
            })
        };
        let mut page = Page {
            parts: vec![
                image(one, &["https://a.example/b.gif", other]),
                image(one, &[]),
            ],
            ..Page::default()
        };
        let pictures = take_out(&mut page);
        let bytes: Vec<_> = pictures
            .iter()
            .map(|picture| picture.bytes.as_slice())
            .collect();
        assert_eq!(bytes, [&b"GIF"[..], b"GI"]);
        let (one, other) = (pictures[0].key.as_str(), pictures[1].key.as_str());
        let expected = [
            image(one, &["https://a.example/b.gif", other]),
            image(one, &[]),
        ];
        assert_eq!(page.parts, expected);
        assert_eq!(url_key(one), one);
    }
}
