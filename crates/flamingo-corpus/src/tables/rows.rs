//! What the tables hold.

use super::column::{Nested, row};

row! {
    /// A page: `read/*/pages.parquet`, in the order of documents.
    PageRow {
        /// The unit, shifted left by 32, and the ordinal in it.
        document: i64,
        /// Where it was found.
        url: String,
        /// That URL in normal form.
        url_key: String,
        /// The domain that can be registered.
        domain: String,
        /// Its title.
        title: Option<String>,
        /// Its language (ISO 639-1).
        language: Option<String>,
        /// Why its content may not be used; then none is stored.
        refused: Option<String>,
        /// Hash of its normalised text and the keys of its images.
        text_hash: i64,
        /// Hashes of the bands of its MinHash signature.
        bands: Vec<i64>,
        /// Its MinHash signature, each value's position in its top bits.
        signature: Vec<i64>,
        /// The hash of each part that is text.
        paragraphs: Vec<i64>,
        /// The URLs of each part that is an image or a film.
        images: Vec<ImageUse>,
        /// The keys of the texts that could be an image's pair: of each image its caption and its alternative text.
        texts: Vec<i64>,
        /// The page as JSON.
        page: String,
        /// Its measures as JSON.
        measures: String,
    }
}

row! {
    /// One URL of a page's image or film.
    ImageUse {
        /// Index of the part.
        position: i32,
        /// 0 for the image's first URL, then its others in order.
        choice: i32,
        /// The URL in normal form.
        url_key: String,
    }
}

row! {
    /// An answer that is an image or should be one: `read/*/images.parquet`.
    ImageRow {
        /// The URL in normal form.
        url_key: String,
        /// Where it was found.
        url: String,
        /// The normal form of the URL that it redirects to.
        redirect: Option<String>,
        /// `ok`, or why it cannot be used.
        status: String,
        /// SHA-256 of its bytes in hexadecimal digits.
        sha256: Option<String>,
        /// Its perceptual hash.
        perceptual: Option<i64>,
        /// Its width in pixels.
        width: Option<i32>,
        /// Its height in pixels.
        height: Option<i32>,
        /// How many bytes it has.
        bytes: i64,
        /// `jpeg`, `png`, `webp` or `gif`; of films `mp4`, `mov`, `webm`, `mkv`, `avi`, `ts`, `mpg`, `flv` or `wmv`.
        format: Option<String>,
        /// Whether all its pixels have one colour.
        single_colour: Option<bool>,
        /// The file that its bytes lie in.
        file: String,
        /// Where in that file.
        offset: i64,
        /// How many bytes of that file.
        length: i64,
    }
}

row! {
    /// A page that repeats another: `global/documents.parquet`, by document.
    DuplicateRow {
        /// The page.
        document: i64,
        /// `same_url`, `same_page` or `near_duplicate`.
        reason: String,
        /// The page that is kept: the first of all that are alike.
        of: i64,
    }
}

row! {
    /// A paragraph that repeats within a domain: `global/paragraphs.parquet`, by domain and paragraph.
    ParagraphRow {
        /// The domain.
        domain: String,
        /// The paragraph's hash.
        paragraph: i64,
        /// How many documents of the domain have it.
        documents: i64,
    }
}

row! {
    /// A text that several images have: `global/texts.parquet`, by text.
    TextRow {
        /// The text's key.
        text: i64,
        /// How many images have it, as their caption or their alternative text.
        images: i64,
    }
}

row! {
    /// The file for an image or a film of a page: `global/images.parquet`, by document and position.
    ///
    /// Of the image's URLs it is the first whose answer is `ok`, redirects followed, else the first with any answer.
    PlacedImageRow {
        /// The page.
        document: i64,
        /// Index of the part.
        position: i32,
        /// Which of the image's URLs.
        choice: i32,
        /// That URL in normal form, redirects followed.
        url_key: String,
        /// The URL of the answer.
        url: String,
        /// `ok`, or why it cannot be used.
        status: String,
        /// SHA-256 of its bytes in hexadecimal digits.
        sha256: Option<String>,
        /// Its perceptual hash.
        perceptual: Option<i64>,
        /// Its width in pixels.
        width: Option<i32>,
        /// Its height in pixels.
        height: Option<i32>,
        /// How many bytes it has.
        bytes: i64,
        /// `jpeg`, `png`, `webp` or `gif`.
        format: Option<String>,
        /// Whether all its pixels have one colour.
        single_colour: Option<bool>,
        /// The file that its bytes lie in.
        file: String,
        /// Where in that file.
        offset: i64,
        /// How many bytes of that file.
        length: i64,
        /// How many documents have an image with this URL.
        url_documents: i64,
        /// How many documents have an image with this SHA-256.
        content_documents: i64,
        /// How many documents have an image with this perceptual hash.
        perceptual_documents: i64,
    }
}

row! {
    /// What was decided about a page: `write/*/decisions.parquet`, by document.
    DecisionRow {
        /// The page.
        document: i64,
        /// Where it was found.
        url: String,
        /// The domain that can be registered.
        domain: String,
        /// Its language (ISO 639-1).
        language: Option<String>,
        /// Whether it is in the corpus.
        kept: bool,
        /// All reasons for which it is not; the funnel counts the first.
        reasons: Vec<String>,
        /// The page that it repeats.
        of: Option<i64>,
        /// Words of the whole page.
        words: i32,
        /// The score of the quality model, where there is one.
        quality: Option<f32>,
        /// The texts that are dropped from it.
        paragraphs: Vec<DroppedParagraph>,
        /// Its images.
        images: Vec<ImageDecision>,
    }
}

row! {
    /// A text that is dropped from its document.
    DroppedParagraph {
        /// Index of the part.
        position: i32,
        /// Why: all reasons.
        reasons: Vec<String>,
    }
}

row! {
    /// What was decided about an image of a document.
    ImageDecision {
        /// Index of the part.
        position: i32,
        /// The URL of the answer; the image's first URL if there is none.
        url: String,
        /// Why it is dropped from its document.
        reason: Option<String>,
        /// SHA-256 of the answer's bytes.
        sha256: Option<String>,
    }
}

impl Nested for ImageUse {}
impl Nested for DroppedParagraph {}
impl Nested for ImageDecision {}
