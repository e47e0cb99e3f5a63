//! The state of a run on disk: written whole or not at all, with checksums, the newest few kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flamingo_files::FolderDraft;
use flamingo_kernels::{Device, Module, Precision};
use flamingo_weights::{Tensors, write_tensors};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::optimiser::AdamW;
use crate::tree::{from_disk, map_trained, to_disk, trained};
use crate::{Error, Result};

const TRAINED: &str = "trained.safetensors";
const OPTIMISER: &str = "optimiser.safetensors";
const STATE: &str = "state.json";

/// Version 1 was a step without a version and without checksums.
const VERSION: u32 = 2;

/// Where a run is. All else that a step needs (samples, noise) follows from its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    version: u32,
    step: u64,
    /// The checksum of each other file.
    files: BTreeMap<String, String>,
    /// The checksum of the above.
    checksum: String,
}

/// A state of version 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstState {
    step: u64,
}

/// What states of all later versions have.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl State {
    fn new(step: u64, files: BTreeMap<String, String>) -> Self {
        let checksum = String::new();
        let mut state = Self {
            version: VERSION,
            step,
            files,
            checksum,
        };
        state.checksum = hex(xxh3_64(&state.to_json()));
        state
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and names can be written")
    }
}

fn hex(checksum: u64) -> String {
    format!("{checksum:016x}")
}

/// The checkpoints of a run.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

/// A checkpoint that is damaged, as it is told.
pub(crate) struct Damaged {
    path: PathBuf,
    problem: String,
}

/// What there is to go on from.
pub(crate) struct Found {
    /// The newest checkpoint that is not damaged.
    pub(crate) newest: Option<PathBuf>,
    /// Those that are newer and damaged: where they were put aside, and what is wrong with them.
    pub(crate) damaged: Vec<(PathBuf, String)>,
}

impl Checkpoints {
    /// In `checkpoints` of a run folder.
    pub(crate) fn new(run: &Path, keep: usize) -> Self {
        Self {
            folder: run.join("checkpoints"),
            keep: keep.max(1),
        }
    }

    /// Saves the state after `step` updates.
    pub(crate) fn write<M: Module>(
        &self,
        step: u64,
        model: &M,
        optimiser: &AdamW,
    ) -> Result<PathBuf> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        let path = self.folder.join(format!("step-{step}"));
        let draft = FolderDraft::create(&path)?;
        let mut files = BTreeMap::new();
        for (name, tensors) in [
            (TRAINED, to_disk(&trained(model), "")),
            (OPTIMISER, optimiser.to_disk()),
        ] {
            let path = draft.path(name);
            write_tensors(&path, &tensors, Precision::F32)?;
            let checksum = checksum(&path).map_err(Error::io("read", &path))?;
            files.insert(name.to_owned(), checksum);
        }
        flamingo_files::write(&draft.path(STATE), &State::new(step, files).to_json())?;
        draft.commit()?;
        self.thin_out()?;
        Ok(path)
    }

    /// The checkpoints by step, oldest first, whatever is in them.
    fn all(&self) -> Result<Vec<(u64, PathBuf)>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(Error::io("list", &self.folder))? {
            let path = entry.map_err(Error::io("list", &self.folder))?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let step = name
                .strip_prefix("step-")
                .and_then(|step| step.parse().ok());
            if let Some(step) = step {
                all.push((step, path));
            }
        }
        all.sort();
        Ok(all)
    }

    /// The newest checkpoint, whatever is in it.
    pub(crate) fn newest(&self) -> Result<Option<PathBuf>> {
        Ok(self.all()?.pop().map(|(_, path)| path))
    }

    /// Looks for the newest checkpoint that is as it was written. Those that are damaged are put aside, so that they
    /// are not among those kept; what an earlier process had in the making is removed.
    ///
    /// # Errors
    /// If all of them are damaged, or one is of a newer program.
    pub(crate) fn find(&self) -> Result<Found> {
        self.clear()?;
        let mut damaged = Vec::new();
        for (step, path) in self.all()?.into_iter().rev() {
            match check(&path, step) {
                Ok(()) => {
                    let damaged = damaged.into_iter().map(|one| self.put_aside(one));
                    return Ok(Found {
                        newest: Some(path),
                        damaged: damaged.collect::<Result<_>>()?,
                    });
                }
                Err(Problem::Damage(problem)) => damaged.push(Damaged { path, problem }),
                Err(Problem::Newer(version)) => {
                    return Err(Error::Run {
                        folder: path,
                        problem: format!(
                            "this checkpoint is of version {version}, and this program reads up to {VERSION}: go on with \
                             the program that wrote it"
                        ),
                    });
                }
            }
        }
        match damaged.first() {
            None => Ok(Found {
                newest: None,
                damaged: Vec::new(),
            }),
            Some(Damaged { path, problem }) => Err(Error::Run {
                folder: path.clone(),
                problem: format!(
                    "this checkpoint is damaged ({problem}), and none before it is whole: take it from a copy, or change \
                     `run` to begin anew"
                ),
            }),
        }
    }

    /// Names it so that it is no checkpoint any more.
    fn put_aside(&self, Damaged { path, problem }: Damaged) -> Result<(PathBuf, String)> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.folder.join(format!("damaged-{name}"));
        remove(&aside)?;
        fs::rename(&path, &aside).map_err(Error::io("rename", &path))?;
        Ok((aside, problem))
    }

    /// Removes what a process that was killed had in the making.
    fn clear(&self) -> Result<()> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Ok(());
        };
        for entry in entries {
            let path = entry.map_err(Error::io("list", &self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') && path.is_dir() {
                fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
            }
        }
        Ok(())
    }

    fn thin_out(&self) -> Result<()> {
        let all = self.all()?;
        for (_, path) in &all[..all.len().saturating_sub(self.keep)] {
            remove(path)?;
        }
        Ok(())
    }
}

/// Removes what is there, if anything.
fn remove(path: &Path) -> Result<()> {
    let removed = match path.is_dir() && !path.is_symlink() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::io("remove", path)),
    }
}

/// Why a checkpoint cannot be taken up.
enum Problem {
    Damage(String),
    /// It is of this version.
    Newer(u32),
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Damage(problem)
    }
}

/// Whether the checkpoint of this step is as it was written, or what is wrong with it.
fn check(path: &Path, step: u64) -> Result<(), Problem> {
    let unreadable = |name: &'static str| move |error: io::Error| format!("{name}: {error}");
    let bytes = fs::read(path.join(STATE)).map_err(unreadable(STATE))?;
    if let Ok(first) = serde_json::from_slice::<FirstState>(&bytes) {
        same_step(first.step, step)?;
        // Without checksums, only what is not tensors at all can be found.
        for name in [TRAINED, OPTIMISER] {
            Tensors::open(&[path.join(name)]).map_err(|error| error.to_string())?;
        }
        return Ok(());
    }
    let malformed = |error: serde_json::Error| format!("{STATE}: {error}");
    let Versioned { version } = serde_json::from_slice(&bytes).map_err(malformed)?;
    if version > VERSION {
        return Err(Problem::Newer(version));
    }
    let state: State = serde_json::from_slice(&bytes).map_err(malformed)?;
    same_step(state.step, step)?;
    if State::new(state.step, state.files.clone()).to_json() != bytes {
        return Err(format!("{STATE} does not fit its checksum").into());
    }
    for name in [TRAINED, OPTIMISER] {
        let found = checksum(&path.join(name)).map_err(unreadable(name))?;
        let written = state.files.get(name).map_or("", String::as_str);
        if found != written {
            return Err(
                format!("{name} has the checksum {found}, it was written with {written}").into(),
            );
        }
    }
    Ok(())
}

fn same_step(found: u64, named: u64) -> Result<(), String> {
    match found == named {
        true => Ok(()),
        false => Err(format!("{STATE} is of step {found}")),
    }
}

fn checksum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(hasher.digest())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Takes up the state of a checkpoint; returns the model and how many updates it has had.
pub(crate) fn restore<M: Module>(
    path: &Path,
    model: M,
    optimiser: &mut AdamW,
    device: &Device,
) -> Result<(M, u64)> {
    #[derive(Deserialize)]
    struct Step {
        step: u64,
    }
    let file = path.join(STATE);
    let bytes = fs::read(&file).map_err(Error::io("read", &file))?;
    let Step { step } = serde_json::from_slice(&bytes).map_err(|error| Error::Run {
        folder: path.to_path_buf(),
        problem: format!("{STATE}: {error}"),
    })?;
    let model = with_trained(&path.join(TRAINED), model, device)?;
    optimiser.restore(&model, &Tensors::open(&[path.join(OPTIMISER)])?, device)?;
    Ok((model, step))
}

/// Writes the trained tensors of a model.
pub(crate) fn write_trained<M: Module>(path: &Path, model: &M) -> Result<()> {
    let tensors = to_disk(&trained(model), "");
    Ok(write_tensors(path, &tensors, Precision::F32)?)
}

/// The model with the trained tensors of a file.
pub(crate) fn with_trained<M: Module>(path: &Path, model: M, device: &Device) -> Result<M> {
    let tensors = Tensors::open(&[path.to_path_buf()])?;
    let mut failed = None;
    let model = map_trained(model, &mut |name, shape, before| {
        let len = shape.iter().product();
        from_disk(&tensors, name, len, device).unwrap_or_else(|error| {
            failed.get_or_insert(error);
            before
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(model),
    }
}
