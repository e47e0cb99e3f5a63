//! WebDataset shards: tar files whose members of one sample share the name before the first dot.

use flamingo_page::Part;
use flamingo_page::document::document;
use flamingo_sequence::{Document, Part as Written};

use super::file::{OutputFile, Series};
use super::{Finished, Outcome, Record, Writer};
use crate::{Error, Result};

/// Formats of pictures that may move.
const ANIMATIONS: [&str; 3] = ["gif", "png", "webp"];

/// What the samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Samples {
    /// `KEY.json` and its pictures.
    Documents,
    /// A picture or film and `KEY.txt`; of a film in a picture's format also `KEY.json`.
    Pairs,
}

/// Writes shards. `KEY` is the stem and the number of the document in it, so that the order of
/// names is the order of documents, in all shards of the stem together.
pub(super) struct Shards {
    samples: Samples,
    files: Series,
    tar: Option<tar::Builder<OutputFile>>,
    number: u64,
}

/// The members of one sample: their names and bytes.
type Members<'a> = Vec<(String, std::borrow::Cow<'a, [u8]>)>;

impl Shards {
    pub(super) fn documents(files: Series) -> Self {
        Self::new(files, Samples::Documents)
    }

    pub(super) fn pairs(files: Series) -> Self {
        Self::new(files, Samples::Pairs)
    }

    fn new(files: Series, samples: Samples) -> Self {
        Self {
            samples,
            files,
            tar: None,
            number: 0,
        }
    }

    fn append(&mut self, members: &Members, document: &Document) -> Result<()> {
        let bytes = members.iter().map(|(_, bytes)| stored(bytes.len())).sum();
        if let Some(full) = self
            .tar
            .take_if(|tar| self.files.is_full(tar.get_ref().holds.bytes, bytes))
        {
            close(&mut self.files, full)?;
        }
        let tar = match &mut self.tar {
            Some(tar) => tar,
            none => none.insert(tar::Builder::new(self.files.open()?)),
        };
        tar.get_mut().holds.count(document);
        let path = tar.get_ref().path().to_path_buf();
        for (name, bytes) in members {
            let mut header = header(bytes.len() as u64);
            tar.append_data(&mut header, name, bytes.as_ref())
                .map_err(Error::file(&path))?;
        }
        self.number += 1;
        Ok(())
    }
}

impl Writer for Shards {
    fn write(&mut self, record: &Record) -> Result<Outcome> {
        let key = format!("{}-{:07}", self.files.key(), self.number);
        let sample = match self.samples {
            Samples::Documents => document_members(record, &key),
            Samples::Pairs => pair_members(record, &key),
        };
        let (members, document) = match sample {
            Ok(sample) => sample,
            Err(outcome) => return Ok(outcome),
        };
        self.append(&members, &document)?;
        Ok(Outcome::Written)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Finished>> {
        if let Some(last) = self.tar.take() {
            close(&mut self.files, last)?;
        }
        Ok(self.files.into_finished())
    }
}

fn close(files: &mut Series, tar: tar::Builder<OutputFile>) -> Result<()> {
    let path = tar.get_ref().path().to_path_buf();
    files.close(tar.into_inner().map_err(Error::file(&path))?)
}

fn document_members<'a>(record: &'a Record, key: &str) -> Result<(Members<'a>, Document), Outcome> {
    let mut members = Members::new();
    let place = |index: usize, _: &Part| {
        let medium = record.media.get(index)?.as_ref()?;
        let name = format!("{key}.{}.{}", members.len(), medium.extension);
        members.push((name.clone(), medium.bytes.as_slice().into()));
        Some(name)
    };
    let mut document = document(&record.page, place).ok_or(Outcome::Empty)?;
    document.id = Some(record.id.clone());
    let json = serde_json::to_vec(&document).expect("a document is plain data");
    members.insert(0, (format!("{key}.json"), json.into()));
    Ok((members, document))
}

/// The first picture or film that there is, and all text.
fn pair_members<'a>(record: &'a Record, key: &str) -> Result<(Members<'a>, Document), Outcome> {
    let found = record
        .parts()
        .find_map(|(part, medium)| Some((part, medium?)));
    let (part, medium) = found.ok_or(Outcome::NoMedium)?;
    let text = document(&record.page, |_, _| None).ok_or(Outcome::NoText)?;
    let name = format!("{key}.{}", medium.extension);
    let shown = match part {
        Part::Video(_) => Written::Video(name.clone()),
        Part::Image(_) | Part::Text(_) => Written::Image(name.clone()),
    };
    let document = Document::new([shown].into_iter().chain(text.parts));
    let caption = match document.parts.last() {
        Some(Written::Text(text)) => text.trim().as_bytes().to_vec(),
        _ => return Err(Outcome::NoText),
    };
    let is_film = matches!(part, Part::Video(_));
    let mut members = vec![
        (name, medium.bytes.as_slice().into()),
        (format!("{key}.txt"), caption.into()),
    ];
    // A film in a picture's format would be taken for a picture.
    if is_film && ANIMATIONS.contains(&medium.extension.as_str()) {
        let json = serde_json::to_vec(&document).expect("a document is plain data");
        members.insert(0, (format!("{key}.json"), json.into()));
    }
    Ok((members, document))
}

/// Bytes of a member with its header, in blocks of 512.
fn stored(bytes: usize) -> u64 {
    512 + (bytes as u64).next_multiple_of(512)
}

/// Nothing in it depends on when, where or by whom it is written.
fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
