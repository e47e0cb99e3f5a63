//! The images of a page with what was found for them, and which of them are gone.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use flamingo_crawl::Place;
use flamingo_image::Format;
use flamingo_page::{Image, Page, Part};

use crate::funnel::Step;
use crate::images::{Candidate, Reason};
use crate::tables::PlacedImageRow;

/// An image of a page with the picture that was found for it, and why it is dropped.
pub(super) struct Placed<'a> {
    pub(super) position: usize,
    pub(super) image: &'a Image,
    pub(super) found: Option<&'a PlacedImageRow>,
    pub(super) reason: Option<Dropped>,
}

/// At which step an image is dropped, and why.
pub(super) struct Dropped {
    pub(super) step: Step,
    pub(super) reason: String,
}

/// The images of a page with what was found for them; those without a picture are dropped already.
pub(super) fn placed<'a>(page: &'a Page, rows: &'a [PlacedImageRow]) -> Vec<Placed<'a>> {
    let images = page.parts.iter().enumerate();
    let images = images.filter_map(|(position, part)| match part {
        Part::Image(image) => Some((position, image)),
        _ => None,
    });
    images
        .map(|(position, image)| {
            let found = rows.iter().find(|row| row.position == position as i32);
            let reason = missing(found).map(|reason| Dropped {
                step: Step::ImagesFound,
                reason: reason.to_owned(),
            });
            Placed {
                position,
                image,
                found,
                reason,
            }
        })
        .collect()
}

/// Why there is no picture; what is wrong with one is for the rules to say.
fn missing(found: Option<&PlacedImageRow>) -> Option<&str> {
    let Some(found) = found else {
        return Some("missing");
    };
    let status = found.status.as_str();
    (status != "ok" && Reason::from_str(status).is_err()).then_some(status)
}

pub(super) fn candidate<'a>(image: &Image, found: &'a PlacedImageRow) -> Candidate<'a> {
    let format = found.format.as_deref();
    Candidate {
        url: &found.url,
        declared_width: image.width,
        declared_height: image.height,
        refused: Reason::from_str(&found.status).ok(),
        format: format.and_then(|name| {
            let formats = [Format::Jpeg, Format::Png, Format::WebP, Format::Gif];
            formats.into_iter().find(|format| format.name() == name)
        }),
        width: found.width.map(i32::cast_unsigned),
        height: found.height.map(i32::cast_unsigned),
        bytes: found.bytes.cast_unsigned(),
        sha256: found.sha256.as_deref(),
        perceptual: found.perceptual.map(i64::cast_unsigned),
        single_colour: found.single_colour,
        url_documents: found.url_documents.cast_unsigned(),
        content_documents: found.content_documents.cast_unsigned(),
        perceptual_documents: found.perceptual_documents.cast_unsigned(),
    }
}

pub(crate) fn place(found: &PlacedImageRow) -> Place {
    Place {
        file: Arc::from(found.file.as_str()),
        offset: found.offset.cast_unsigned(),
        length: found.length.cast_unsigned(),
    }
}

pub(super) fn gone(placed: &[Placed<'_>], repeated: &BTreeSet<usize>) -> BTreeSet<usize> {
    let dropped = placed.iter().filter(|placed| placed.reason.is_some());
    let dropped = dropped.map(|placed| placed.position);
    dropped.chain(repeated.iter().copied()).collect()
}
