//! Images compared by their URLs, as multisets and in their order.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use url::Url;

use super::ExpectedImage;
use crate::{Page, Part};

/// How far the images of a page agree with the expected ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageCounts {
    /// Images that are found and expected.
    pub matched: usize,
    /// Images that are found.
    pub found: usize,
    /// Images that are expected.
    pub expected: usize,
    /// Whether the matched images come in the expected order; never where all are lost.
    pub in_order: bool,
}

impl ImageCounts {
    /// Compares the images of a page with the expected ones: two are the same that share a URL.
    pub fn of(expected: &[ExpectedImage], page: &Page) -> Self {
        let found: Vec<HashSet<String>> = page.parts.iter().filter_map(urls_of).collect();
        let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, urls) in found.iter().enumerate() {
            for url in urls {
                holders.entry(url).or_default().push(index);
            }
        }
        let mut taken = vec![false; found.len()];
        let mut order = Vec::new();
        for image in expected {
            let urls = image.urls.iter().map(|url| normalised(url));
            let candidates =
                urls.flat_map(|url| holders.get(url.as_str()).cloned().unwrap_or_default());
            if let Some(index) = candidates.filter(|&index| !taken[index]).min() {
                taken[index] = true;
                order.push(index);
            }
        }
        Self {
            matched: order.len(),
            found: found.len(),
            expected: expected.len(),
            in_order: order.is_sorted() && (expected.is_empty() || !order.is_empty()),
        }
    }
}

fn urls_of(part: &Part) -> Option<HashSet<String>> {
    match part {
        Part::Image(image) => {
            let urls = image.also.iter().chain([&image.url]);
            Some(urls.map(|url| normalised(url)).collect())
        }
        Part::Text(_) | Part::Video(_) => None,
    }
}

/// As the URL standard writes it: the gold's URLs are written as their pages wrote them.
fn normalised(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Image;

    fn page(images: &[&[&str]]) -> Page {
        let image = |urls: &&[&str]| {
            let also = urls[1..].iter().map(ToString::to_string).collect();
            Part::Image(Image {
                url: urls[0].into(),
                also,
                ..Image::default()
            })
        };
        Page {
            parts: images.iter().map(image).collect(),
            ..Page::default()
        }
    }

    fn expected(images: &[&[&str]]) -> Vec<ExpectedImage> {
        let image = |urls: &&[&str]| ExpectedImage {
            urls: urls.iter().map(ToString::to_string).collect(),
        };
        images.iter().map(image).collect()
    }

    #[test]
    fn an_image_is_matched_by_any_url_of_either_side_and_only_once() {
        let page = page(&[&["a", "a2"], &["b"], &["b"]]);
        let counts = ImageCounts::of(&expected(&[&["x", "a2"], &["b"]]), &page);
        assert_eq!(
            counts,
            ImageCounts {
                matched: 2,
                found: 3,
                expected: 2,
                in_order: true
            }
        );
    }

    #[test]
    fn swapped_images_are_out_of_order() {
        assert!(!ImageCounts::of(&expected(&[&["a"], &["b"]]), &page(&[&["b"], &["a"]])).in_order);
    }

    #[test]
    fn repeated_images_are_matched_in_order() {
        let urls: &[&[&str]] = &[&["a"], &["b"], &["a"]];
        assert!(ImageCounts::of(&expected(urls), &page(urls)).in_order);
    }

    #[test]
    fn a_page_whose_images_are_all_lost_is_not_in_order() {
        assert!(!ImageCounts::of(&expected(&[&["a"]]), &page(&[])).in_order);
    }

    #[test]
    fn urls_are_compared_as_the_standard_writes_them() {
        let page = page(&[&["https://a.example/x%20y.png"]]);
        let gold = expected(&[&["HTTPS://A.example:443/x y.png"]]);
        assert_eq!(ImageCounts::of(&gold, &page).matched, 1);
    }
}
