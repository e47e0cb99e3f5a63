//! Shots that stand before prompts: all of a file or folder, or those most like each prompt.

use std::path::PathBuf;

use clap::Args;
use flamingo::Files;
use flamingo::engine::{Engine, MediaSource};
use flamingo::film::Reader;
use flamingo::kernels::{Backend, open_device};
use flamingo::sequence::{Document, Part};
use flamingo::shots::{ShotMedia, ShotSet, VectorIndex, own_vector};

use crate::failure::{Failure, Hint, Result};
use crate::part_files;
use crate::verbs::prompts::{self, Lines};

/// What stands between the picture of a folder's shot and what it shows.
const BEFORE: &str = "Output:";

/// Which shots.
#[derive(Debug, Args)]
pub(crate) struct ShotArgs {
    /// Documents put before each prompt: a file of them (JSONL), a folder of pictures with captions.jsonl or
    /// metadata.jsonl, or a folder with a folder for each class
    #[arg(long, value_name = "PATH")]
    shots: Option<PathBuf>,
    /// Of these, only the N whose picture is most like the prompt's last one by the model's own encoder; the most
    /// similar is put last
    #[arg(long, value_name = "N", requires = "shots")]
    nearest: Option<usize>,
}

/// Shots that were read.
pub(crate) struct Shots {
    set: ShotSet,
    nearest: Option<usize>,
}

impl ShotArgs {
    /// Reads them; none without the flag.
    pub(crate) fn read(&self) -> Result<Shots> {
        let set = match self.shots.as_deref() {
            Some(path) if path.is_dir() => ShotSet::read("shots", path, BEFORE)?,
            file => ShotSet::of_documents(prompts::shots(file)?),
        };
        for reason in &set.left_out {
            tracing::warn!("shots: left out {reason}");
        }
        Ok(Shots {
            set,
            nearest: self.nearest,
        })
    }
}

impl Shots {
    /// The prompt behind its shots, which are all of them unless the nearest are wanted.
    pub(crate) fn all_before(&self, query: &Document) -> Document {
        match self.nearest {
            None => Document::concat(self.set.documents(), query),
            Some(_) => query.clone(),
        }
    }

    /// Where the media of prompts and shots are; `files` are those of the prompts' own, and of shots from a file.
    pub(crate) fn source<'a>(&'a self, files: &'a Files, reader: &'a Reader) -> ShotMedia<'a> {
        ShotMedia {
            set: &self.set,
            reader,
            others: files,
        }
    }

    /// The prompts of [`Shots::all_before`], the nearest shots put before each if they are wanted.
    pub(crate) fn nearest_before(
        &self,
        engine: &mut Engine,
        queries: Vec<Document>,
        reader: &Reader,
        lines: &Lines,
    ) -> Result<Vec<Document>> {
        let Some(count) = self.nearest else {
            return Ok(queries);
        };
        let files = Files::of(queries.iter().chain(self.set.documents())).read_with(reader.clone());
        let source = self.source(&files, reader);
        let folder = part_files::store().folder().with_file_name("shots");
        let index = VectorIndex::of(&self.set, engine, &files, Some(&folder), reader)
            .hint_if_full("make room, or set FLAMINGO_CACHE to a folder with room")?;
        let device = open_device(Backend::Cpu)?;
        queries
            .into_iter()
            .enumerate()
            .map(|(nth, query)| {
                let picture = last_medium(&query).ok_or_else(|| no_picture(&query))?;
                let vector = own_vector(engine, &source as &dyn MediaSource, picture)
                    .map_err(|error| lines.told(nth, error))?;
                let chosen = index.nearest(&vector, count, &device);
                let shots: Vec<Document> = chosen
                    .into_iter()
                    .map(|i| self.set.document(i).clone())
                    .collect();
                Ok(Document::concat(&shots, &query))
            })
            .collect()
    }
}

fn last_medium(document: &Document) -> Option<&str> {
    document.parts.iter().rev().find_map(|part| match part {
        Part::Image(place) | Part::Video(place) => Some(place.as_str()),
        Part::Text(_) | Part::End | Part::Token(_) => None,
    })
}

fn no_picture(query: &Document) -> Failure {
    let name = query
        .id
        .as_deref()
        .map_or_else(String::new, |id| format!(" {id}"));
    Failure::new(format!(
        "the prompt{name} shows no picture, so no shot is nearest to it: leave --nearest out"
    ))
}
