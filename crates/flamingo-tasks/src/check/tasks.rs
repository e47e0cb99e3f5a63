//! The official files of each benchmark.
//!
//! Names, fields and counts are those of the official releases and of the repositories that the paper's successors
//! read them with; a count that a release does not state is left out.

mod coco;
mod flickr30k;
mod hateful_memes;
mod imagenet;
mod ivqa;
mod kinetics700;
mod msrvttqa;
mod msvdqa;
mod nextqa;
mod okvqa;
mod rareact;
mod star;
mod textvqa;
mod vatex;
mod visdial;
mod vizwiz;
mod vqav2;
mod youcook2;

use super::expected::Expected;
use crate::read::Record;
use crate::task::Task;

/// A benchmark's files, and what to know of them.
pub(super) struct Spec {
    pub(super) files: &'static [Expected],
    pub(super) notes: &'static [&'static str],
}

pub(super) fn spec(task: Task) -> Spec {
    match task {
        Task::Coco => coco::SPEC,
        Task::Flickr30k => flickr30k::SPEC,
        Task::Vqav2 => vqav2::SPEC,
        Task::Okvqa => okvqa::SPEC,
        Task::Textvqa => textvqa::SPEC,
        Task::Vizwiz => vizwiz::SPEC,
        Task::Visdial => visdial::SPEC,
        Task::HatefulMemes => hateful_memes::SPEC,
        Task::Msvdqa => msvdqa::SPEC,
        Task::Msrvttqa => msrvttqa::SPEC,
        Task::Vatex => vatex::SPEC,
        Task::Ivqa => ivqa::SPEC,
        Task::Youcook2 => youcook2::SPEC,
        Task::Star => star::SPEC,
        Task::Nextqa => nextqa::SPEC,
        Task::Rareact => rareact::SPEC,
        Task::Imagenet => imagenet::SPEC,
        Task::Kinetics700 => kinetics700::SPEC,
    }
}

/// The name of a picture of COCO 2014.
fn coco_picture(record: &Record, split: &str) -> Option<String> {
    let number = record.index("image_id").ok()?;
    Some(format!("COCO_{split}2014_{number:012}.jpg"))
}

fn coco_train(record: &Record) -> Option<String> {
    coco_picture(record, "train")
}

fn coco_val(record: &Record) -> Option<String> {
    coco_picture(record, "val")
}
