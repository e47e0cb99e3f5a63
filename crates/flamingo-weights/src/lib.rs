//! A model on disk, ours or a published one, and back.
//!
//! Ours is `flamingo.json` (the whole configuration, [`ModelFile`]), `model*.safetensors` and
//! `tokenizer.json`; frozen parts may be files elsewhere ([`PartFiles`]). A published one is understood by its peer's file in `peers`: [`open`] finds the
//! configuration and connects the tensors in its files with our names by [`Link`]s ([`Tensors`]),
//! [`load`] reads them into a model, [`convert`] writes them as ours, [`export_open_flamingo`] writes
//! ours as OpenFlamingo's. [`named_tensors`] and [`apply_tensors`] are the way between a module's
//! parameters and names; `quantise` says which of them are kept in few bits, `pack` lays them out for products. Nothing of a wrong shape or name is loaded silently.

mod adapter;
mod directory;
mod error;
mod export;
mod fingerprint;
mod folded;
mod joined;
mod link;
mod low_rank;
mod made;
mod model_file;
mod names;
mod pack;
mod part_files;
mod peers;
mod quantise;
mod report;
mod shapes;
mod synthetic;
mod tensors;
mod with_parts;
mod write_model;

pub use adapter::{ADAPTER_VERSION, Adapter, AdapterBase, AdapterHeader};
pub use directory::{
    Loaded, Source, build, build_language, convert, convert_trained, load, load_part, open,
    open_with, save,
};
pub use error::{Error, Result};
pub use export::export_open_flamingo;
pub use flamingo_checkpoint::{
    Checkpoint, Dtype, GgufMetadata, Hub, HubError, HubOptions, Progress, is_hub_id,
};
pub use flamingo_parts::{ContentHash, Fetched, Fetcher, Origin, Part, Registry, Store};
pub use link::{Layout, Link, Run};
pub use model_file::{
    FORMAT_VERSION, GGUF_FORMAT_VERSION, ModelConfig, ModelFile, PARTS_FORMAT_VERSION,
    QUANTISED_FORMAT_VERSION,
};
pub use names::{apply_tensors, apply_tensors_as, named_tensors};
pub use part_files::PartFiles;
pub use peers::{
    CHECKPOINTS, FlamingoPytorch, LanguagePart, OpenFlamingoFiles, Opened, PUBLISHED, Published,
    VisionPart, Words, load_module, open_flamingo_block_links, open_flamingo_pytorch,
    open_flamingo_resampler_links, open_language, open_vision,
};
pub use quantise::{Amount, HEAD, Kept, Weighed};
pub use report::{LoadReport, LoadedTensor};
pub use synthetic::Synthetic;
pub use tensors::{Float, NamedTensor, Stored, Tensors, write_tensors};
