//! What may be a set of shots: a folder with a folder for each class, pictures with captions, a file of documents.

use std::path::Path;

use flamingo_data::{CAPTION_FILES, Format, Result, Source};

/// The samples of a folder of pictures with `captions.jsonl` or `metadata.jsonl`, of a folder with a folder for each
/// class, or of a file with a line for each: a picture with its text, or a document. Pictures are not touched.
///
/// # Errors
/// If it cannot be read, or has none; what is left out is counted in the report.
pub fn samples(path: &Path) -> Result<Source> {
    let is_captioned = CAPTION_FILES.iter().any(|file| path.join(file).is_file());
    let format = match path.is_dir() && !is_captioned {
        true => Format::Folders,
        false => Format::Captions,
    };
    Source::read(format, path)
}
