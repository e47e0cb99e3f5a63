//! A case of an image tower alone (CLIP's or timm's NFNet): `pixels` in, features and the vector of
//! the whole picture out.

use flamingo_kernels::{Device, Init, Module, Tensor, floats};
use flamingo_model::vision::VisionEncoder;
use flamingo_weights::{apply_tensors, open_vision};

use crate::{Array, Case, Computed, Error, Result};

pub(crate) fn compute(case: &Case, device: &Device) -> Result<Computed> {
    let inside = case.directory.join("clip");
    let part = open_vision(if inside.is_dir() {
        &inside
    } else {
        &case.directory
    })?;
    let mut config = part.config.clone();
    let pixels = case.input("pixels")?;
    let [b, 3, h, w] = pixels.shape[..] else {
        return Err(Error::case(
            &case.directory,
            format!("`pixels` is {:?}, pictures are [B, 3, h, w]", pixels.shape),
        ));
    };
    if let flamingo_model::vision::VisionConfig::Nfnet(nfnet) = &mut config {
        nfnet.image_size = h; // convolutions take any size
    }
    case.check_pictures("pixels", &pixels.shape, b, config.image_size())?;
    let encoder = VisionEncoder::new(&config, &mut Init::new(0, device));
    let encoder = apply_tensors(encoder, &part.tensors, "")?.no_grad();
    let pixels: Tensor<4> = floats(pixels.values, [b, 3, h, w], device);
    let encoded = encoder.encode(pixels);
    let [_, _, d] = encoded.features.dims();
    let mut computed = Computed::default();
    for name in ["pooled", "image_embeds"] {
        computed.put(name, Array::of(encoded.pooled.clone()));
    }
    computed.put("tokens", Array::of(encoded.features.clone()));
    // timm gives the grid of channels.
    let grid = config.grid();
    if encoded.features.dims()[1] == grid * grid {
        let features = encoded.features.swap_dims(1, 2).reshape([b, d, grid, grid]);
        computed.put("features", Array::of(features));
    }
    Ok(computed)
}
