//! Files of `torch.save` and `torch.jit.save`.

mod archive;
mod legacy;
mod place;
mod weights;

pub(crate) use archive::{is_torchscript, read_archive};
pub(crate) use legacy::read_legacy;
