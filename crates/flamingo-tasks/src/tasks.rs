//! The tasks by name, a file each.

mod classes;
mod coco;
mod dialogues;
mod film_qa;
mod flickr30k;
mod folder;
mod gather;
mod hateful_memes;
mod imagenet;
mod ivqa;
mod karpathy;
mod kinetics700;
mod msrvttqa;
mod msvdqa;
mod nextqa;
mod okvqa;
mod own;
mod rareact;
mod star;
mod textvqa;
mod vatex;
mod visdial;
mod vizwiz;
mod vqa;
mod vqav2;
mod youcook2;

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
        Box::new(coco::Coco),
        Box::new(flickr30k::Flickr30k),
        Box::new(vqav2::Vqav2),
        Box::new(okvqa::Okvqa),
        Box::new(textvqa::Textvqa),
        Box::new(vizwiz::Vizwiz),
        Box::new(visdial::Visdial),
        Box::new(hateful_memes::HatefulMemes),
        Box::new(msvdqa::Msvdqa),
        Box::new(msrvttqa::Msrvttqa),
        Box::new(vatex::Vatex),
        Box::new(ivqa::Ivqa),
        Box::new(youcook2::Youcook2),
        Box::new(star::Star),
        Box::new(nextqa::Nextqa),
        Box::new(rareact::Rareact),
        Box::new(imagenet::Imagenet),
        Box::new(kinetics700::Kinetics700),
        Box::new(Own::default()),
        Box::new(Folder),
    ]
}
