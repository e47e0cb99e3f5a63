//! Shots that the server holds: sets of finished examples, of which a request has some put before its prompt.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::StatusCode;
use flamingo_film::Reader;
use flamingo_sequence::Document;
use flamingo_shots::{ShotSet, VectorIndex};

use tokio::sync::OnceCell;

use crate::body::Share;
use crate::fields::{Fields, shown};
use crate::media::Held;
use crate::refusal::Refusal;

/// Most sets.
const SETS: usize = 64;

/// The sets by name.
pub(crate) struct ShotSets {
    sets: RwLock<BTreeMap<String, Arc<Served>>>,
    /// Where vectors are kept for other runs.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) reader: Reader,
}

/// The shots that stand before a prompt.
#[derive(Default)]
pub(crate) struct Picked {
    pub(crate) documents: Vec<Document>,
    /// Their numbers in the set.
    pub(crate) numbers: Vec<usize>,
    /// Holds their media.
    pub(crate) _served: Option<Arc<Served>>,
}

/// A set whose media are held.
pub(crate) struct Served {
    pub(crate) set: ShotSet,
    /// What came by a request holds its media and a share of the server's memory; none for the server's own.
    came: Option<(Vec<Held>, Arc<Share>)>,
    pub(crate) vectors: OnceCell<Arc<VectorIndex>>,
}

/// Which shots a request asks for.
pub(crate) struct Choice {
    pub(crate) served: Arc<Served>,
    pub(crate) count: usize,
    pub(crate) chosen: Chosen,
}

/// How they are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// Those whose picture is most like the prompt's last, the most similar last (RICES).
    Nearest,
    /// Drawn, with this seed.
    Random(u64),
    /// All, in their order.
    All,
}

impl ShotSets {
    pub(crate) fn new(folder: Option<PathBuf>, reader: Reader) -> Self {
        Self {
            sets: RwLock::default(),
            folder,
            reader,
        }
    }

    /// Adds a set, or puts it in the place of another.
    ///
    /// # Errors
    /// If there are too many, or a set of the server's own has that name.
    pub(crate) fn put(
        &self,
        name: &str,
        set: ShotSet,
        came: Option<(Vec<Held>, Arc<Share>)>,
    ) -> Result<(), Refusal> {
        let served = Served {
            set,
            came,
            vectors: OnceCell::new(),
        };
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= SETS && !sets.contains_key(name) {
            let message = format!(
                "the server holds {SETS} sets of shots, the most there may be: replace one"
            );
            return Err(Refusal::bad("name", message));
        }
        if sets.get(name).is_some_and(|served| served.came.is_none()) {
            let message = format!("the set {name} is the server's own: choose another name");
            return Err(Refusal::new(StatusCode::CONFLICT, message).of("name"));
        }
        sets.insert(name.to_owned(), Arc::new(served));
        Ok(())
    }

    /// Names and sizes.
    pub(crate) fn list(&self) -> Vec<(String, usize)> {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        let entry = |(name, served): (&String, &Arc<Served>)| (name.clone(), served.set.len());
        sets.iter().map(entry).collect()
    }

    /// A set by its name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Served>, Refusal> {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        sets.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = sets.keys().map(String::as_str).collect();
            let there = match names.is_empty() {
                true => {
                    "there are none: start the server with --shots NAME=DIR, or POST /shots/NAME"
                        .into()
                }
                false => format!("there are {}", names.join(", ")),
            };
            let message = format!("there is no set of shots {}; {there}", shown(&name.into()));
            Refusal::new(StatusCode::NOT_FOUND, message)
                .of("shots.set")
                .called("shots_not_found")
        })
    }

    /// Reads `shots` of a request.
    ///
    /// # Errors
    /// If it has another form, or names a set that is not there.
    pub(crate) fn read(&self, fields: &mut Fields) -> Result<Option<Choice>, Refusal> {
        let Some(value) = fields.take("shots") else {
            return Ok(None);
        };
        let mut fields = Fields::of(value, "shots")?;
        let Some(name) = fields.text("set")? else {
            return Err(Refusal::bad(
                "shots.set",
                "`shots.set` is missing: name a set of shots",
            ));
        };
        let served = self.get(&name)?;
        let all = served.set.len();
        let count = fields.whole("count", 0..=all)?;
        let seed = fields.bits("seed")?.unwrap_or(0);
        let chosen = match fields.text("choose")?.as_deref() {
            None | Some("nearest") => Chosen::Nearest,
            Some("random") => Chosen::Random(seed),
            Some("all") => Chosen::All,
            Some(other) => {
                let message = format!(
                    "`shots.choose` is {}: give \"nearest\", \"random\" or \"all\"",
                    shown(&other.into())
                );
                return Err(Refusal::bad("shots.choose", message));
            }
        };
        if let Some(unknown) = fields.left().next() {
            let message =
                format!("`shots.{unknown}` is unknown: give `set`, `count`, `choose` and `seed`");
            return Err(Refusal::bad(&format!("shots.{unknown}"), message));
        }
        let count = match chosen {
            Chosen::All => all,
            _ => count.unwrap_or(8).min(all),
        };
        Ok(Some(Choice {
            served,
            count,
            chosen,
        }))
    }
}
