//! The tasks by name, a file each.

mod folder;
mod gather;
mod own;
mod vqa;
mod vqav2;

use crate::benchmark::UnknownTask;
use crate::task::{Task, unknown};

pub use folder::Folder;
pub use own::{Own, OwnMetric};

/// The names of all tasks.
#[must_use]
pub fn task_names() -> Vec<&'static str> {
    all().iter().map(|task| task.name()).collect()
}

/// A task by its name; capitals, hyphens and underscores are no matter.
///
/// # Errors
///
/// No task has this name.
pub fn task(name: &str) -> Result<Box<dyn Task>, UnknownTask> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
    let mut tasks = all().into_iter();
    let found = tasks.find(|task| plain(task.name()) == plain(name));
    found.ok_or_else(|| unknown(name, &task_names()))
}

fn all() -> Vec<Box<dyn Task>> {
    vec![
        Box::new(vqav2::Vqav2),
        Box::new(Own::default()),
        Box::new(Folder),
    ]
}
