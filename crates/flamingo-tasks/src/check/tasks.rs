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

use super::spec::Spec;
use crate::task::Task;

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
