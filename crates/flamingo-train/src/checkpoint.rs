//! The state of a run on disk: written whole or not at all, the newest few kept.

use std::fs;
use std::path::{Path, PathBuf};

use flamingo_kernels::{Device, Module, Precision};
use flamingo_weights::{Tensors, write_tensors};
use serde::{Deserialize, Serialize};

use crate::optimiser::AdamW;
use crate::tree::{from_disk, map_trained, to_disk, trained};
use crate::{Error, Result};

const TRAINED: &str = "trained.safetensors";
const OPTIMISER: &str = "optimiser.safetensors";
const STATE: &str = "state.json";

/// Where a run is. All else that a step needs (samples, noise) follows from its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    step: u64,
}

/// The checkpoints of a run.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    keep: usize,
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
        let partial = self.folder.join(format!(".partial-{step}"));
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
        }
        fs::create_dir(&partial).map_err(Error::io("create", &partial))?;
        let file = |name: &str| partial.join(name);
        write_tensors(
            &file(TRAINED),
            &to_disk(&trained(model), ""),
            Precision::F32,
        )?;
        write_tensors(&file(OPTIMISER), &optimiser.to_disk(), Precision::F32)?;
        let state = serde_json::to_vec(&State { step }).expect("a number can be written");
        fs::write(file(STATE), state).map_err(Error::io("write", &file(STATE)))?;
        let path = self.folder.join(format!("step-{step}"));
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        }
        fs::rename(&partial, &path).map_err(Error::io("name", &path))?;
        self.thin_out()?;
        Ok(path)
    }

    /// The complete checkpoints by step, oldest first.
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
            if let Some(step) = step.filter(|_| path.join(STATE).is_file()) {
                all.push((step, path));
            }
        }
        all.sort();
        Ok(all)
    }

    /// The newest complete checkpoint.
    pub(crate) fn newest(&self) -> Result<Option<(u64, PathBuf)>> {
        Ok(self.all()?.pop())
    }

    fn thin_out(&self) -> Result<()> {
        let all = self.all()?;
        for (_, path) in &all[..all.len().saturating_sub(self.keep)] {
            fs::remove_dir_all(path).map_err(Error::io("remove", path))?;
        }
        Ok(())
    }
}

/// Takes up the state of a checkpoint; returns the model and how many updates it has had.
pub(crate) fn restore<M: Module>(
    path: &Path,
    model: M,
    optimiser: &mut AdamW,
    device: &Device,
) -> Result<(M, u64)> {
    let file = path.join(STATE);
    let bytes = fs::read(&file).map_err(Error::io("read", &file))?;
    let state: State = serde_json::from_slice(&bytes).map_err(|error| Error::Run {
        folder: path.to_path_buf(),
        problem: format!(
            "{STATE} is broken ({error}): delete this checkpoint to resume from an earlier one"
        ),
    })?;
    let tensors = Tensors::open(&[path.join(TRAINED)])?;
    let mut failed = None;
    let model = map_trained(model, &mut |name, shape, _| match from_disk(
        &tensors,
        name,
        shape.iter().product(),
        device,
    ) {
        Ok(values) => Some(values),
        Err(error) => {
            failed.get_or_insert(error);
            None
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    optimiser.restore(&model, &Tensors::open(&[path.join(OPTIMISER)])?, device)?;
    Ok((model, state.step))
}
