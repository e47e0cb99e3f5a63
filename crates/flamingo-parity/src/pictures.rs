//! Preprocessing: the pixels that a peer's encoder is shown.

use flamingo_checkpoint::Checkpoint;
use flamingo_image::{Fit, PassOrder, Preprocess};

use crate::{Array, Case, Computed, Result};

/// Pixels of a picture of the case, resized as the Pillow that made it does. Cases that do not tell
/// were made with Pillow 13.
pub(crate) fn pixels(
    case: &Case,
    file: Option<&Checkpoint>,
    name: &str,
    preprocess: &Preprocess,
) -> Result<Array> {
    let picture = case.picture(file, name)?;
    let size = preprocess.size;
    let pass_order = match case.pillow() {
        Some(version) if version < 13 => PassOrder::WidthFirst,
        _ => PassOrder::Cheaper,
    };
    let preprocess = Preprocess {
        pass_order,
        ..preprocess.clone()
    };
    Ok(Array::new([3, size, size], preprocess.pixels(&picture)))
}

/// A case of pictures alone: `rgb.i` and `outSIZE.i`, as open_clip's evaluation sees them.
pub(crate) fn compute(case: &Case) -> Result<(Computed, Checkpoint)> {
    let file = case
        .file("preprocess.safetensors")?
        .expect("the case was recognised by this file");
    let mut computed = Computed::default();
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    for name in names {
        let Some((size, picture)) = name
            .strip_prefix("out")
            .and_then(|rest| rest.split_once('.'))
        else {
            continue;
        };
        if let Ok(size) = size.parse() {
            let preprocess = Preprocess::clip(size, Fit::CenterCrop);
            let array = pixels(case, Some(&file), &format!("rgb.{picture}"), &preprocess)?;
            computed.put(name, array);
        }
    }
    Ok((computed, file))
}
