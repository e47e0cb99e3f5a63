//! Image towers by name.

use flamingo::ImageTower;
use flamingo::corpus::towers::{BoxedTower, TowerFailure};
use flamingo::kernels::{Backend, open_device};

use crate::{part_files, sources};

/// The image tower of a name: that of a model of ours, `demo` for that in this program, or a published tower; a path or
/// a hub id. On the processor.
pub(crate) fn open(name: &str) -> Result<BoxedTower, TowerFailure> {
    let device = open_device(Backend::Cpu)?;
    if sources::is_named(name, sources::DEMO) {
        return Ok(Box::new(ImageTower::of_model(
            &flamingo::demo_model(),
            &device,
        )?));
    }
    let path = sources::part(name).map_err(|failure| failure.to_string())?;
    let model = part_files::directory(&path).map_err(|failure| failure.to_string())?;
    let tower = match path.join("flamingo.json").is_file() {
        true => ImageTower::of_model(&model, &device),
        // A tower alone, else that of a published Flamingo.
        false => ImageTower::of_vision(&path, &device)
            .or_else(|alone| ImageTower::of_model(&model, &device).map_err(|_| alone)),
    };
    Ok(Box::new(tower?))
}
