//! Karpathy's splits, which COCO and Flickr30K share: pictures with their sentences and the split of each.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::gather::Gather;
use crate::data::DataFolder;
use crate::entries::{Entries, each};
use crate::error::Result;
use crate::example::{Example, References, Set};
use crate::ids::Id;
use crate::read::Record;

/// A file of splits.
pub(super) struct Karpathy<'a> {
    pub(super) data: &'a DataFolder,
    pub(super) path: &'a Path,
    /// A picture's id.
    pub(super) id: &'a dyn Fn(&Record) -> Result<Id>,
}

/// Where references are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Captions<'a> {
    /// With the pictures.
    Sentences,
    /// In a file of COCO's form.
    Of(&'a Path),
}

const PICTURES: Entries = Entries::List(&["images"]);

impl Karpathy<'_> {
    /// The pictures of a split; the first sentence is a shot's.
    pub(super) fn set(&self, split: &str, captions: Captions) -> Result<Set> {
        Ok(self.queries(split, captions)?.0)
    }

    /// The pictures of a split, and the ids of all of them.
    pub(super) fn queries(&self, split: &str, captions: Captions) -> Result<(Set, Vec<Id>)> {
        let mut gather = Gather::new(split);
        let mut references = match captions {
            Captions::Sentences => None,
            Captions::Of(path) => Some(coco_style(path, &mut gather.set)?),
        };
        let mut others = HashSet::new();
        gather.read(self.path, PICTURES, &mut |gather, record| {
            let id = (self.id)(record)?;
            if record.text("split")? != split {
                others.insert(id.to_string());
                return Ok(false);
            }
            let mut sentences = Vec::new();
            for sentence in record.records("sentences")? {
                sentences.push(sentence.text("raw")?.trim().to_owned());
            }
            let answer = sentences.first().cloned();
            let annotated = match &mut references {
                None => Some((id.clone(), sentences)),
                Some(references) => references.remove(&id.to_string()),
            };
            let Some((annotated, captions)) = annotated else {
                gather.set.dropped.add("picture without a caption", &id);
                gather.required.push(id);
                return Ok(true);
            };
            if annotated.kind() != id.kind() {
                let kinds = format!("{id}: {}, annotated as {}", id.kind(), annotated.kind());
                gather.set.noticed.add("id of another type", kinds);
            }
            // Results are matched with annotations.
            gather.required.push(annotated.clone());
            if captions.is_empty() {
                return Err(record.other("sentences", "a list of at least one"));
            }
            if let Some(parts) = gather.picture(self.data, &record.text("filename")?)? {
                gather.push(Example {
                    answer,
                    references: References::Captions(captions),
                    ..Example::new(annotated, parts)
                });
            }
            Ok(true)
        })?;
        let mut left: Vec<String> = references
            .unwrap_or_default()
            .into_keys()
            .filter(|id| !others.contains(id))
            .collect();
        left.sort_by_key(|id| (id.len(), id.clone()));
        for id in left {
            gather.set.dropped.add("caption without a picture", id);
        }
        Ok((gather.set, gather.required))
    }
}

/// Captions by picture, of a file in COCO's form.
fn coco_style(path: &Path, set: &mut Set) -> Result<HashMap<String, (Id, Vec<String>)>> {
    let mut captions: HashMap<String, (Id, Vec<String>)> = HashMap::new();
    each(path, Entries::List(&["annotations"]), &mut |record| {
        let caption = record.and_then(|record| {
            let id = record.id(&["image_id"])?;
            Ok((id, record.text("caption")?))
        });
        match caption {
            Ok((id, caption)) => {
                let of_picture = captions.entry(id.to_string());
                of_picture
                    .or_insert_with(|| (id, Vec::new()))
                    .1
                    .push(caption);
            }
            Err(error) => set.dropped.add("broken caption", error.reason()),
        }
    })?;
    Ok(captions)
}
