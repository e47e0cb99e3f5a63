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
use crate::benchmark::Benchmark;

pub(super) fn spec(task: Benchmark) -> Spec {
    match task {
        Benchmark::Coco => coco::SPEC,
        Benchmark::Flickr30k => flickr30k::SPEC,
        Benchmark::Vqav2 => vqav2::SPEC,
        Benchmark::Okvqa => okvqa::SPEC,
        Benchmark::Textvqa => textvqa::SPEC,
        Benchmark::Vizwiz => vizwiz::SPEC,
        Benchmark::Visdial => visdial::SPEC,
        Benchmark::HatefulMemes => hateful_memes::SPEC,
        Benchmark::Msvdqa => msvdqa::SPEC,
        Benchmark::Msrvttqa => msrvttqa::SPEC,
        Benchmark::Vatex => vatex::SPEC,
        Benchmark::Ivqa => ivqa::SPEC,
        Benchmark::Youcook2 => youcook2::SPEC,
        Benchmark::Star => star::SPEC,
        Benchmark::Nextqa => nextqa::SPEC,
        Benchmark::Rareact => rareact::SPEC,
        Benchmark::Imagenet => imagenet::SPEC,
        Benchmark::Kinetics700 => kinetics700::SPEC,
    }
}
