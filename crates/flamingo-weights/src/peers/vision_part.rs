//! An image tower as a part of a Flamingo that is to be trained.

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Init};
use flamingo_model::vision::{VisionConfig, VisionEncoder};

use super::names::Names;
use crate::shapes::shapes;
use crate::{Link, LoadReport, Result, Tensors};

/// An image tower.
pub struct VisionPart {
    /// Its configuration.
    pub config: VisionConfig,
    /// Under the names of [`VisionEncoder`].
    pub tensors: Tensors,
    /// How pictures become what it sees.
    pub preprocess: Preprocess,
    /// What became of the files' tensors.
    pub report: LoadReport,
}

/// The tower whose tensors are these, by links between their names and ours.
pub(super) fn vision_part(
    config: VisionConfig,
    names: &Names,
    links: &[Link],
    preprocess: Preprocess,
) -> Result<VisionPart> {
    let encoder = VisionEncoder::new(&config, &mut Init::new(0, &Device::flex()));
    let (tensors, report) = names.link(links, &shapes(&encoder), &|_| false)?;
    report.check()?;
    Ok(VisionPart {
        config,
        tensors,
        preprocess,
        report,
    })
}
