//! When a training has learnt what it can, by looks at its held-out samples; and the weights that were best, kept beside
//! the checkpoints. Both follow from the figures that were written, so a run that was stopped goes on as if it had not been.

use std::fs;
use std::path::{Path, PathBuf};

use flamingo_kernels::{Device, Module};

use crate::checkpoint::{with_trained, write_trained};
use crate::{Error, Line, Recipe, Result};

/// `best-STEP.safetensors` of a run folder.
pub(crate) struct Best {
    run: PathBuf,
}

impl Best {
    pub(crate) fn new(run: &Path) -> Self {
        Self {
            run: run.to_path_buf(),
        }
    }

    fn path(&self, step: u64) -> PathBuf {
        self.run.join(format!("best-{step}.safetensors"))
    }

    /// Keeps the weights after `step` updates. Those before stay until [`Best::thin_out`]: a run that is killed before its
    /// next checkpoint goes on from one that knows only them.
    pub(crate) fn write<M: Module>(&self, step: u64, model: &M) -> Result<()> {
        write_trained(&self.path(step), model)
    }

    /// The model as it was after `step` updates.
    pub(crate) fn read<M: Module>(&self, step: u64, model: M, device: &Device) -> Result<M> {
        with_trained(&self.path(step), model, device)
    }

    /// Removes all but those after `step` updates.
    pub(crate) fn thin_out(&self, step: u64) -> Result<()> {
        let kept = self.path(step);
        for entry in fs::read_dir(&self.run).map_err(Error::io("list", &self.run))? {
            let path = entry.map_err(Error::io("list", &self.run))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("best-") && name.ends_with(".safetensors") && path != kept {
                fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// The loss that a look is judged by: that of all sources, with their weights.
pub(crate) fn judged(recipe: &Recipe, line: &Line) -> Option<f64> {
    if line.held_out.is_empty() {
        return None;
    }
    let of = |(name, loss): (&String, &f64)| {
        let source = recipe.data.iter().find(|data| data.name == *name);
        source.map_or(0.0, |source| source.weight) * loss
    };
    Some(line.held_out.iter().map(of).sum())
}

/// The step of the best look, the first of equals.
pub(crate) fn best(recipe: &Recipe, lines: &[Line]) -> Option<u64> {
    let looks = lines
        .iter()
        .filter_map(|line| Some((judged(recipe, line)?, line.step)));
    let best = looks.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    best.map(|(_, step)| step)
}

/// Whether as many looks as the recipe has patience for came after the best one.
pub(crate) fn is_over(recipe: &Recipe, lines: &[Line]) -> bool {
    let Some(spec) = recipe.held_out.filter(|spec| spec.patience > 0) else {
        return false;
    };
    let Some(best) = best(recipe, lines) else {
        return false;
    };
    let since = lines
        .iter()
        .filter(|line| line.step > best && !line.held_out.is_empty());
    since.count() as u64 >= spec.patience
}

/// Whether a look is better than all before it.
pub(crate) fn is_best(recipe: &Recipe, before: &[Line], line: &Line) -> bool {
    let least = before.iter().filter_map(|line| judged(recipe, line));
    let least = least.fold(f64::INFINITY, f64::min);
    judged(recipe, line).is_some_and(|loss| loss < least)
}

/// The first look and the best one.
pub(crate) fn first_and_best(recipe: &Recipe, lines: &[Line]) -> Option<[Line; 2]> {
    let best = best(recipe, lines)?;
    let mut looks = lines.iter().filter(|line| !line.held_out.is_empty());
    let first = looks.next()?;
    let mut from_first = std::iter::once(first).chain(looks);
    let best = from_first.find(|line| line.step == best)?;
    Some([first.clone(), best.clone()])
}
