//! What an item of the inputs is: a page with its content and measures, a picture with its numbers, or nothing of use.

use flamingo_crawl::{Answer, Item};
use flamingo_image::Format;
use flamingo_page::{Page, Part};
use sha2::{Digest, Sha256};

use super::inline::{self, Inline};
use super::times::{Times, timed};
use crate::config::Config;
use crate::content::{content, says_page};
use crate::films::film_format;
use crate::filters::Filters;
use crate::images::inspect;
use crate::measures::Measures;
use crate::pairs::text_keys;
use crate::permission::Permission;
use crate::signature::{Fingerprint, registrable_domain, url_key};
use crate::tables::{ImageRow, ImageUse, PageRow};

/// What an item turned out to be.
pub(super) enum Examined {
    /// A page; its number is given later.
    Page(Box<PageRow>),
    /// A page, and the pictures that stand in it with their bytes.
    Holding(Box<PageRow>, Vec<(ImageRow, Vec<u8>)>),
    /// An answer that is or should be an image or a film, or a pointer to one.
    Image(Box<ImageRow>),
    /// One that cannot be read again where it lies, and its bytes.
    Kept(Box<ImageRow>, Vec<u8>),
    /// Nothing of use, for a named reason.
    Other(&'static str),
    /// Nothing, which its reader has counted.
    Counted,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Pages and images.
    All,
    /// Images: a page in place of one is none.
    Images,
}

/// Looks at items by the rules of a configuration.
#[derive(Clone, Copy)]
pub(super) struct Examiner<'a> {
    pub(super) config: &'a Config,
    pub(super) permission: &'a Permission,
    pub(super) filters: &'a Filters,
    pub(super) wants: Wants,
}

impl Examiner<'_> {
    /// What an item is, and how long it took to see.
    pub(super) fn examine(self, item: &Item) -> (Examined, Times) {
        let mut times = Times::default();
        let examined = match item {
            Item::Answer(answer) => self.answer(answer, &mut times),
            Item::Redirect(redirect) => pointer(&redirect.from, Some(redirect.to.as_str())),
            Item::Revisit(revisit) => pointer(&revisit.url, revisit.of.as_deref()),
            Item::Skipped(_) => Examined::Counted,
        };
        (examined, times)
    }

    fn answer(self, answer: &Answer, times: &mut Times) -> Examined {
        if !answer.is_success() {
            return Examined::Image(Box::new(failed(answer)));
        }
        match Kind::of(answer) {
            Kind::Page if self.wants == Wants::All => self.page(answer, times),
            Kind::Other if self.wants == Wants::All => Examined::Other("other_type"),
            Kind::Film(format) => timed(&mut times.images, || {
                kept(self.film(answer, format), answer)
            }),
            Kind::Image | Kind::Page | Kind::Other => {
                timed(&mut times.images, || kept(self.image(answer), answer))
            }
        }
    }

    fn image(self, answer: &Answer) -> ImageRow {
        let row = located(answer);
        if let Some(status) = self.refused(answer) {
            return ImageRow { status, ..row };
        }
        self.inspected(row, &answer.body, answer.truncated)
    }

    /// The row of a picture with what its bytes are.
    fn inspected(self, row: ImageRow, bytes: &[u8], truncated: bool) -> ImageRow {
        let found = inspect(bytes, &self.config.images);
        let status = match found.refused {
            None if truncated => "truncated",
            _ => found.status(),
        };
        ImageRow {
            status: status.to_owned(),
            sha256: found.sha256,
            perceptual: found.perceptual.map(u64::cast_signed),
            width: found.width.map(u32::cast_signed),
            height: found.height.map(u32::cast_signed),
            bytes: found.bytes.cast_signed(),
            format: found.format.map(|format| format.name().to_owned()),
            single_colour: found.single_colour,
            ..row
        }
    }

    /// A film is not looked into: what it is and how long it takes is asked where it makes a pair.
    fn film(self, answer: &Answer, format: &str) -> ImageRow {
        let row = located(answer);
        if let Some(status) = self.refused(answer) {
            return ImageRow { status, ..row };
        }
        let status = if answer.truncated { "truncated" } else { "ok" };
        ImageRow {
            status: status.to_owned(),
            sha256: Some(format!("{:x}", Sha256::digest(&answer.body))),
            format: Some(format.to_owned()),
            ..row
        }
    }

    /// Why a picture or film may not be used.
    fn refused(self, answer: &Answer) -> Option<String> {
        let refused = self.permission.url(&answer.url).map(str::to_owned);
        refused.or_else(|| {
            let header = self.permission.header(&answer.directives);
            header.content.or(header.pictures)
        })
    }

    fn page(self, answer: &Answer, times: &mut Times) -> Examined {
        let row = timed(&mut times.signatures, || PageRow {
            url: answer.url.clone(),
            url_key: url_key(&answer.url),
            domain: registrable_domain(&answer.url),
            ..PageRow::default()
        });
        let page = timed(&mut times.extraction, || content(answer, self.permission));
        let (mut page, _) = match page {
            Ok(page) => page,
            Err(reason) => return refuse(row, reason),
        };
        let pictures = timed(&mut times.images, || {
            let pictures = inline::take_out(&mut page).into_iter();
            pictures
                .map(|picture| self.inline(picture))
                .collect::<Vec<_>>()
        });
        match self.measured(row, &page, times) {
            Examined::Page(row) if !pictures.is_empty() => Examined::Holding(row, pictures),
            examined => examined,
        }
    }

    fn inline(self, picture: Inline) -> (ImageRow, Vec<u8>) {
        let row = ImageRow {
            url: picture.key.clone(),
            url_key: picture.key,
            ..ImageRow::default()
        };
        (self.inspected(row, &picture.bytes, false), picture.bytes)
    }

    /// The row of a page that may be used.
    pub(super) fn measured(self, row: PageRow, page: &Page, times: &mut Times) -> Examined {
        let measures = timed(&mut times.measures, || {
            Measures::of(page, self.filters.lexicon())
        });
        let rows = self.config.deduplication.band_rows;
        let (fingerprint, images, texts) = timed(&mut times.signatures, || {
            (
                Fingerprint::of(page, rows),
                images_of(page),
                text_keys(page),
            )
        });
        Examined::Page(Box::new(PageRow {
            title: page.title.clone(),
            language: page.language.clone(),
            text_hash: fingerprint.text_hash,
            bands: fingerprint.bands,
            signature: fingerprint.signature,
            paragraphs: fingerprint.paragraphs,
            images,
            texts,
            page: json(page),
            measures: json(&measures),
            ..row
        }))
    }
}

/// What an answer that a server is content with holds. Pictures are known by their bytes, whatever they are called.
enum Kind {
    Page,
    Image,
    Film(&'static str),
    Other,
}

impl Kind {
    fn of(answer: &Answer) -> Self {
        if Format::of(&answer.body).is_some() {
            return Self::Image;
        }
        if let Some(format) = film_format(&answer.body) {
            return Self::Film(format);
        }
        match answer.content_type.as_deref() {
            _ if says_page(answer) => Self::Page,
            Some(image) if image.starts_with("image/") => Self::Image,
            _ => Self::Other,
        }
    }
}

fn refuse(row: PageRow, reason: String) -> Examined {
    Examined::Page(Box::new(PageRow {
        refused: Some(reason),
        ..row
    }))
}

/// An image or a film, with its bytes if they are of use and only lie where they cannot be read again.
fn kept(row: ImageRow, answer: &Answer) -> Examined {
    let row = Box::new(row);
    match answer.place {
        None if row.status == "ok" => Examined::Kept(row, answer.body.clone()),
        _ => Examined::Image(row),
    }
}

fn located(answer: &Answer) -> ImageRow {
    let row = ImageRow {
        url_key: url_key(&answer.url),
        url: answer.url.clone(),
        bytes: (answer.body.len() as u64).cast_signed(),
        ..ImageRow::default()
    };
    match &answer.place {
        None => row,
        Some(place) => ImageRow {
            file: place.file.to_string(),
            offset: place.offset.cast_signed(),
            length: place.length.cast_signed(),
            ..row
        },
    }
}

/// An answer that says that there is nothing; it may be to the request for an image.
fn failed(answer: &Answer) -> ImageRow {
    let status = match answer.status {
        404 | 410 => "not_found",
        401 | 403 | 451 => "forbidden",
        500.. => "server_error",
        _ => "http_error",
    };
    ImageRow {
        status: status.to_owned(),
        ..located(answer)
    }
}

/// A redirect, or a record that says that the bytes are those of another.
fn pointer(from: &str, to: Option<&str>) -> Examined {
    let key = url_key(from);
    let Some(target) = to.map(url_key).filter(|target| *target != key) else {
        return Examined::Counted;
    };
    Examined::Image(Box::new(ImageRow {
        url_key: key,
        url: from.to_owned(),
        redirect: Some(target),
        status: "redirect".to_owned(),
        ..ImageRow::default()
    }))
}

fn images_of(page: &Page) -> Vec<ImageUse> {
    let mut uses = Vec::new();
    for (position, part) in page.parts.iter().enumerate() {
        let (first, others) = match part {
            Part::Image(image) => (&image.url, &image.also),
            Part::Video(video) => (&video.url, &video.also),
            Part::Text(_) => continue,
        };
        let urls = std::iter::once(first).chain(others);
        uses.extend(urls.enumerate().map(|(choice, url)| ImageUse {
            position: position as i32,
            choice: choice as i32,
            url_key: url_key(url),
        }));
    }
    uses
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain structs have a JSON form")
}
