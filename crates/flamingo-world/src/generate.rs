//! The training world, written to a folder.
//!
//! | path | what |
//! |---|---|
//! | `pictures/single/NAME/K.png`, `pictures/scenes/K.png` | the pool: each picture once |
//! | `pages/NNN/NNNNNN.html` | web pages that link into the pool |
//! | `pairs-names.tar`, `pairs-rich.tar` | WebDataset pairs `KEY.png` + `KEY.txt` over the pool |
//! | `captions.jsonl` | the pool's lone things again, with their groups or with all details |
//! | `films/NNNNNN/K.png`, `films.jsonl` | frame folders and the documents that show them |
//! | `questions.jsonl` | questions and dialogues about the pool's scenes, several to a document |
//! | `film-questions.jsonl` | questions about the films, several to a document |
//! | `text-easy.jsonl`, `text.jsonl` | texts for the language model, to be read in this order |
//! | `tokenizer.json`, `manifest.json` | the vocabulary; what was made, and from which seed |

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use flamingo_files::FolderDraft;
use flamingo_sequence::{Document, Part};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::captions::{
    caption, film_caption, film_group_caption, full_caption, group_caption, written_caption,
};
use crate::corpus::{TextLevel, text};
use crate::dialogues::Dialogue;
use crate::error::{Error, Result};
use crate::film_questions::FilmQuestion;
use crate::films::{FilmScene, Motion};
use crate::pages::{Article, PageKind};
use crate::pool::{Picture, Pool};
use crate::questions::QuestionKind;
use crate::rng::stream;
use crate::things::held_in;
use crate::tokenizer::tokenizer_json;

/// How large a world is made, and from which seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorldConfig {
    /// All randomness comes from it.
    pub seed: u64,
    /// Width and height of every picture, in pixels.
    pub side: u32,
    /// Pictures of each training thing alone.
    pub pictures_per_thing: usize,
    /// Scenes for questions: several copies, colours, places, pairs of things, in turn.
    pub scenes: usize,
    /// Pages that call things by made-up names.
    pub binding_pages: usize,
    /// Pages that call things by their own names.
    pub plain_pages: usize,
    /// Pages of questions.
    pub question_pages: usize,
    /// The most named things on a page or in a text, repetitions counted.
    pub longest: usize,
    /// Films.
    pub films: usize,
    /// Documents of `questions.jsonl`.
    pub questions: usize,
    /// Documents of `film-questions.jsonl`; none without films.
    pub film_questions: usize,
    /// Documents of `text-easy.jsonl`.
    pub easy_texts: usize,
    /// Documents of `text.jsonl`.
    pub texts: usize,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            side: 48,
            pictures_per_thing: 16,
            scenes: 12_000,
            binding_pages: 12_000,
            plain_pages: 3_000,
            question_pages: 3_000,
            longest: 26,
            films: 2_000,
            questions: 8_000,
            film_questions: 2_000,
            easy_texts: 15_000,
            texts: 60_000,
        }
    }
}

/// What a world holds; `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of this file's form and of the way in which worlds are made from seeds.
    pub version: u32,
    /// How it was made.
    pub config: WorldConfig,
    /// Training things.
    pub things: usize,
    /// Pictures in the pool.
    pub pictures: usize,
    /// Pages of all kinds.
    pub pages: usize,
    /// Pairs in both shards.
    pub pairs: usize,
    /// Films.
    pub films: usize,
    /// Documents of `questions.jsonl`.
    pub questions: usize,
    /// Documents of `film-questions.jsonl`.
    pub film_questions: usize,
    /// Documents of `text-easy.jsonl`.
    pub easy_texts: usize,
    /// Documents of `text.jsonl`.
    pub texts: usize,
}

/// How far [`generate`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being made.
    pub stage: &'static str,
    /// How many are done.
    pub done: usize,
    /// Of how many.
    pub total: usize,
}

/// The version that [`generate`] writes into the manifest.
pub const WORLD_VERSION: u32 = 2;

/// Writes the training world to `folder`, which must not exist; it appears when all is written.
///
/// `progress` hears of every picture, page and film made, from several threads. The same
/// configuration gives the same bytes on any number of threads.
///
/// # Errors
///
/// [`Error::Exists`], [`Error::Size`] for a configuration that cannot be, [`Error::Write`].
pub fn generate(
    folder: &Path,
    config: &WorldConfig,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Manifest> {
    config.check()?;
    if folder.exists() {
        let path = folder.to_owned();
        return Err(Error::Exists { path });
    }
    let draft = FolderDraft::create(folder)?;
    let manifest = World {
        folder: &draft,
        config,
        progress,
        pool: Pool {
            seed: config.seed,
            per_thing: config.pictures_per_thing,
            scenes: config.scenes,
        },
    }
    .write()?;
    draft.commit()?;
    Ok(manifest)
}

impl WorldConfig {
    fn check(&self) -> Result<()> {
        let refuse = |field, value, wanted| {
            Err(Error::Size {
                field,
                value,
                wanted,
            })
        };
        if !(8..=1024).contains(&self.side) {
            return refuse("side", self.side as usize, "8 to 1024");
        }
        if self.pictures_per_thing == 0 {
            return refuse("pictures_per_thing", 0, "at least 1");
        }
        if self.scenes < QuestionKind::ALL.len() {
            return refuse("scenes", self.scenes, "at least 6, one of each kind");
        }
        if self.longest < 2 {
            return refuse("longest", self.longest, "at least 2");
        }
        Ok(())
    }
}

struct World<'a> {
    folder: &'a FolderDraft,
    config: &'a WorldConfig,
    progress: &'a (dyn Fn(Progress) + Sync),
    pool: Pool,
}

impl World<'_> {
    fn write(&self) -> Result<Manifest> {
        let config = self.config;
        self.write_pool()?;
        self.write_pages()?;
        self.write_films()?;
        let asked = |index| self.asked(index);
        self.write_lines("questions.jsonl", config.questions, asked)?;
        let films = |index| self.film_questions(index);
        self.write_lines("film-questions.jsonl", self.film_documents(), films)?;
        let singles = held_in().len() * config.pictures_per_thing;
        self.write_lines("captions.jsonl", singles, |index| self.told(index as usize))?;
        let text = |level| move |index| text(config.seed, level, config.longest, index);
        self.write_lines("text-easy.jsonl", config.easy_texts, text(TextLevel::Easy))?;
        self.write_lines("text.jsonl", config.texts, text(TextLevel::Full))?;
        self.write_file("tokenizer.json", &tokenizer_json())?;
        let manifest = self.manifest();
        let json = serde_json::to_vec_pretty(&manifest).expect("a manifest can be written");
        self.write_file("manifest.json", &json)?;
        Ok(manifest)
    }

    fn manifest(&self) -> Manifest {
        let config = self.config;
        let pictures = held_in().len() * config.pictures_per_thing + config.scenes;
        Manifest {
            version: WORLD_VERSION,
            config: config.clone(),
            things: held_in().len(),
            pictures,
            pages: config.binding_pages + config.plain_pages + config.question_pages,
            pairs: pictures,
            films: config.films,
            questions: config.questions,
            film_questions: self.film_documents(),
            easy_texts: config.easy_texts,
            texts: config.texts,
        }
    }

    fn article(&self, kind: PageKind, prefix: &str, index: u64) -> Article {
        Article::draw(kind, &self.pool, self.config.longest, prefix, index)
    }

    /// The pool's pictures, and the pairs made of them.
    fn write_pool(&self) -> Result<()> {
        let per_thing = self.config.pictures_per_thing;
        let single = |index: usize| {
            let thing = held_in()[index % held_in().len()];
            let picture = self.pool.single(thing, index / held_in().len());
            (picture, caption(thing.name))
        };
        self.write_pairs(
            "pictures",
            "pairs-names.tar",
            held_in().len() * per_thing,
            single,
        )?;
        let rich = |index: usize| {
            let picture = self.pool.scene(index);
            // Of every other picture with a word, the word alone.
            let said = match (&picture.scene.writing, self.pool.kind(index)) {
                (Some(writing), QuestionKind::Read) => written_caption(writing.word),
                _ => full_caption(&picture.scene),
            };
            (picture, said)
        };
        self.write_pairs("scenes", "pairs-rich.tar", self.config.scenes, rich)
    }

    /// Picture `index` of a thing alone, with its group or with all that can be said of it.
    fn told(&self, index: usize) -> Document {
        let thing = held_in()[index % held_in().len()];
        let number = index / held_in().len();
        let picture = self.pool.single(thing, number);
        let said = match number % 2 {
            0 => group_caption(thing),
            _ => full_caption(&picture.scene),
        };
        Document::new([Part::Image(picture.path), Part::Text(said), Part::End])
    }

    /// Pictures into the pool, and with their captions into a shard.
    fn write_pairs(
        &self,
        stage: &'static str,
        shard: &str,
        total: usize,
        pair: impl Fn(usize) -> (Picture, String) + Sync,
    ) -> Result<()> {
        let made = self.for_each(stage, total, |index| {
            let (picture, said) = pair(index);
            let png = picture.scene.render(self.config.side).to_png();
            self.write_file(&picture.path, &png)?;
            Ok((png, said))
        })?;
        let file = self.folder.file(shard)?;
        let write = || -> std::io::Result<()> {
            let mut tar = tar::Builder::new(file);
            for (index, (png, said)) in made.iter().enumerate() {
                append(&mut tar, &format!("{index:06}.png"), png)?;
                append(&mut tar, &format!("{index:06}.txt"), said.as_bytes())?;
            }
            tar.into_inner()?.sync_all()
        };
        write().map_err(|source| Error::Write {
            path: self.folder.path(shard),
            source,
        })
    }

    fn write_pages(&self) -> Result<()> {
        let config = self.config;
        let counts = [
            config.binding_pages,
            config.plain_pages,
            config.question_pages,
        ];
        self.for_each("pages", counts.iter().sum(), |number| {
            let (kind, index) = kind_of_page(number, counts);
            let html = self.article(kind, "../../", index as u64).into_html();
            let path = format!("pages/{:03}/{number:06}.html", number / 1_000);
            self.write_file(&path, html.as_bytes())
        })?;
        Ok(())
    }

    /// Film `index`: its folder, what it shows, and whether its caption has the thing's name.
    fn film(&self, index: usize) -> (String, FilmScene, bool) {
        let mut rng = stream(self.config.seed, "film", index as u64);
        let thing = *held_in().choose(&mut rng).expect("there are things");
        let motion = *Motion::ALL.choose(&mut rng).expect("there are motions");
        let film = FilmScene::draw(thing, motion, &mut rng);
        (format!("films/{index:06}"), film, rng.random())
    }

    /// Document `index` of questions: a quarter has dialogues.
    fn asked(&self, index: u64) -> Document {
        let mut rng = stream(self.config.seed, "asked", index);
        if rng.random_bool(0.25) {
            return self.dialogues(&mut rng);
        }
        // Beyond the pages' numbers: other questions than the pages ask.
        let index = index + self.config.question_pages as u64;
        self.article(PageKind::Questions, "", index).document()
    }

    fn dialogues(&self, rng: &mut ChaCha8Rng) -> Document {
        let mut parts = Vec::new();
        for _ in 0..rng.random_range(1..=3) {
            let kinds = [QuestionKind::Which, QuestionKind::Count];
            let kind = *kinds.choose(rng).expect("there are two kinds");
            let Picture { path, scene } = self.pool.any_scene(kind, rng);
            let said = Dialogue::about(scene, held_in(), rng).text();
            parts.extend([Part::Image(path), Part::Text(said), Part::End]);
        }
        Document::new(parts)
    }

    fn film_documents(&self) -> usize {
        match self.config.films {
            0 => 0,
            _ => self.config.film_questions,
        }
    }

    fn film_questions(&self, index: u64) -> Document {
        let rng = &mut stream(self.config.seed, "film questions", index);
        let question = *FilmQuestion::ALL.choose(rng).expect("there are questions");
        let mut parts = Vec::new();
        for _ in 0..rng.random_range(1..=5) {
            let (place, film, _) = self.film(rng.random_range(0..self.config.films));
            let said = question.text(&film);
            parts.extend([Part::Video(place), Part::Text(said), Part::End]);
        }
        Document::new(parts)
    }

    fn write_films(&self) -> Result<()> {
        let lines = self.for_each("films", self.config.films, |index| {
            let (place, film, by_name) = self.film(index);
            let said = match by_name {
                true => film_caption(&film),
                false => film_group_caption(&film),
            };
            for (number, frame) in film.render(self.config.side).frames.iter().enumerate() {
                self.write_file(&format!("{place}/{number}.png"), &frame.to_png())?;
            }
            Ok(Document::new([
                Part::Video(place),
                Part::Text(said),
                Part::End,
            ]))
        })?;
        self.write_file("films.jsonl", &json_lines(&lines))
    }

    fn write_lines(
        &self,
        name: &'static str,
        total: usize,
        document: impl Fn(u64) -> Document + Sync,
    ) -> Result<()> {
        let lines = self.for_each(name, total, |index| Ok(document(index as u64)))?;
        self.write_file(name, &json_lines(&lines))
    }

    /// Makes items 0 to `total` in parallel; the results are in their order.
    fn for_each<T: Send>(
        &self,
        stage: &'static str,
        total: usize,
        make: impl Fn(usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let done = AtomicUsize::new(0);
        let make = |index| {
            let made = make(index)?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.progress)(Progress { stage, done, total });
            Ok(made)
        };
        (0..total).into_par_iter().map(make).collect()
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(self.folder.write(name, bytes)?)
    }
}

/// The kind of page `number` of the world, and its number among those of its kind: the kinds follow
/// one another.
fn kind_of_page(number: usize, [binding, plain, _]: [usize; 3]) -> (PageKind, usize) {
    if number < binding {
        (PageKind::Binding, number)
    } else if number < binding + plain {
        (PageKind::Plain, number - binding)
    } else {
        (PageKind::Questions, number - binding - plain)
    }
}

fn json_lines(documents: &[Document]) -> Vec<u8> {
    let mut lines = Vec::new();
    for document in documents {
        serde_json::to_writer(&mut lines, document).expect("a document can be written");
        lines.push(b'\n');
    }
    lines
}

/// A member with no owner and no time: the same bytes wherever it is made.
fn append(tar: &mut tar::Builder<fs::File>, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    fn tiny(seed: u64) -> WorldConfig {
        WorldConfig {
            seed,
            side: 13,
            pictures_per_thing: 2,
            scenes: 41,
            binding_pages: 7,
            plain_pages: 5,
            question_pages: 3,
            longest: 11,
            films: 3,
            questions: 5,
            film_questions: 4,
            easy_texts: 11,
            texts: 17,
        }
    }

    /// Every file under `folder`, by its path from there, with its bytes.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), PathBuf::from(entry.file_name()));
            if path.is_dir() {
                let inside = files(&path).into_iter();
                found.extend(inside.map(|(inner, bytes)| (name.join(inner), bytes)));
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
        found
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, seed| {
            generate(&folder.path().join(name), &tiny(seed), &|_| {}).unwrap();
            files(&folder.path().join(name))
        };
        let (one, again, other) = (make("one", 7), make("again", 7), make("other", 8));
        assert!(one == again);
        assert!(one != other);
    }

    #[test]
    fn every_link_of_the_world_leads_to_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let world = folder.path().join("world");
        let manifest = generate(&world, &tiny(3), &|_| {}).unwrap();
        assert_eq!(manifest.pages, 15);
        for (path, bytes) in files(&world) {
            let text = String::from_utf8_lossy(&bytes);
            if path.extension().is_some_and(|end| end == "html") {
                for link in text.split("<img src=\"").skip(1) {
                    let link = link.split('"').next().unwrap();
                    assert!(world.join(&path).with_file_name(link).exists(), "{link}");
                }
            }
        }
        for name in [
            "films.jsonl",
            "questions.jsonl",
            "film-questions.jsonl",
            "captions.jsonl",
        ] {
            for line in fs::read_to_string(world.join(name)).unwrap().lines() {
                for (_, _, place) in Document::from_json(line).unwrap().media() {
                    assert!(world.join(place).exists(), "{place}");
                }
            }
        }
    }

    #[test]
    fn a_world_is_not_written_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let error = generate(folder.path(), &tiny(3), &|_| {}).unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
    }

    #[test]
    fn impossible_sizes_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let config = WorldConfig {
            scenes: 3,
            ..tiny(3)
        };
        let error = generate(&folder.path().join("x"), &config, &|_| {}).unwrap_err();
        assert!(error.to_string().starts_with("`scenes` is 3 but must be"));
    }

    #[test]
    fn progress_counts_every_item_of_a_stage() {
        let folder = tempfile::tempdir().unwrap();
        let films = AtomicUsize::new(0);
        let count = |progress: Progress| {
            if progress.stage == "films" {
                assert_eq!(progress.total, 3);
                films.fetch_add(1, Ordering::Relaxed);
            }
        };
        generate(&folder.path().join("x"), &tiny(3), &count).unwrap();
        assert_eq!(films.into_inner(), 3);
    }
}
