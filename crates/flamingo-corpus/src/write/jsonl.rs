//! Documents as JSON, a line each.

use std::io::Write as _;

use flamingo_page::document::document;
use flamingo_page::{Part, is_data_url};

use super::file::{OutputFile, Series};
use super::{Finished, Medium, Outcome, Record, Writer};
use crate::{Error, Result};

/// Writes `{"id", "parts"}` a line; pictures and films by their URL, or in `data:` URLs.
pub(super) struct Jsonl {
    files: Series,
    file: Option<OutputFile>,
    embed: bool,
}

impl Jsonl {
    pub(super) fn new(files: Series, embed: bool) -> Self {
        Self {
            files,
            file: None,
            embed,
        }
    }

    fn place(&self, part: &Part, medium: Option<&Medium>) -> Option<String> {
        match (self.embed, part) {
            (_, Part::Text(_)) => None,
            (true, _) => medium.map(Medium::data_url),
            // The picture stands in its page: there is no other place to read it from.
            (false, Part::Image(image)) if is_data_url(&image.url) => medium.map(Medium::data_url),
            (false, Part::Image(image)) => Some(image.url.clone()),
            (false, Part::Video(video)) => Some(video.url.clone()),
        }
    }

    /// The file for a line of so many bytes.
    fn room(&mut self, bytes: u64) -> Result<&mut OutputFile> {
        if let Some(full) = self
            .file
            .take_if(|file| self.files.is_full(file.holds.bytes, bytes))
        {
            self.files.close(full)?;
        }
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(self.files.open()?)),
        }
    }
}

impl Writer for Jsonl {
    fn write(&mut self, record: &Record) -> Result<Outcome> {
        let media = record.media.as_slice();
        let place =
            |index: usize, part: &Part| self.place(part, media.get(index).and_then(Option::as_ref));
        let Some(mut document) = document(&record.page, place) else {
            return Ok(Outcome::Empty);
        };
        document.id = Some(record.id.clone());
        let mut line = serde_json::to_vec(&document).expect("a document is plain data");
        line.push(b'\n');
        let file = self.room(line.len() as u64)?;
        file.holds.count(&document);
        let path = file.path().to_path_buf();
        file.write_all(&line).map_err(Error::file(&path))?;
        Ok(Outcome::Written)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Finished>> {
        if let Some(last) = self.file.take() {
            self.files.close(last)?;
        }
        Ok(self.files.into_finished())
    }
}
