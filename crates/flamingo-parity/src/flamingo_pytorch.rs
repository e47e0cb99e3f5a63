//! A case of flamingo-pytorch: texts alone, with pictures, with films.

use flamingo_kernels::{Device, Init, Tensor, floats};
use flamingo_model::{Flamingo, Media};
use flamingo_weights::{apply_tensors, open_flamingo_pytorch};

use crate::rows::{self, Ragged, Sees};
use crate::{Array, Case, Computed, Error, Result};

/// What `expected.json` must tell of the model, for its weights do not.
fn token(case: &Case) -> u32 {
    let id = case
        .said("media_token_id")
        .and_then(serde_json::Value::as_u64);
    id.unwrap_or(3) as u32
}

pub(crate) fn compute(case: &Case, device: &Device) -> Result<Computed> {
    let images = case.input("images")?;
    let size = images.width();
    let opened = open_flamingo_pytorch(&case.directory.join("model.safetensors"), size)?;
    opened.report.check()?;
    let model = Flamingo::new(&opened.config, &mut Init::new(0, device))
        .map_err(flamingo_weights::Error::from)?;
    let model = apply_tensors(model, &opened.tensors, "")?.no_grad_model();
    let (text, media_token) = (case.integers("text")?, token(case));
    case.check_tokens("text", &text, &model)?;
    let rows = Ragged::of_rows(
        text.rows()
            .map(|row| row.iter().map(|&id| id as u32).collect())
            .collect(),
    );
    let mut computed = Computed::default();
    let nothing = vec![Sees::nothing(); rows.rows.len() * rows.width()];
    // Without media its blocks are left out, feed-forward and all: closed gates are the same.
    let logits = rows::pass(
        &closed(&model, device),
        &rows,
        &Media::none(),
        &nothing,
        device,
        None,
    );
    computed.put("text_only", Array::of(logits));
    for name in ["images", "videos"] {
        let (media, per_row, latents) = see(&model, case, name, rows.rows.len(), device)?;
        let sees = sees(&rows, per_row, media_token);
        let logits = rows::pass(&model, &rows, &media, &sees, device, None);
        computed.put(name, Array::of(logits));
        if name == "images" {
            let [m, r, d] = latents.dims();
            let shape = [m / per_row, per_row, r, d];
            computed.put("perceiver_images", Array::of(latents).reshaped(shape));
        }
    }
    Ok(computed)
}

/// The model with its gates at 0.
fn closed(model: &Flamingo, device: &Device) -> Flamingo {
    let mut model = model.clone();
    let mut init = Init::new(0, device);
    for block in &mut model.gated {
        block.alpha_xattn = Some(init.full([1], 0.0));
        block.alpha_dense = Some(init.full([1], 0.0));
    }
    model
}

trait NoGrad {
    fn no_grad_model(self) -> Self;
}

impl NoGrad for Flamingo {
    fn no_grad_model(self) -> Self {
        flamingo_kernels::Module::no_grad(self)
    }
}

/// Media of `[B, M, 3, h, w]` pictures or `[B, M, T, 3, h, w]` films.
fn see(
    model: &Flamingo,
    case: &Case,
    name: &str,
    rows: usize,
    device: &Device,
) -> Result<(Media, usize, Tensor<3>)> {
    let pixels = case.input(name)?;
    let (b, m, t, h, w) = match pixels.shape[..] {
        [b, m, 3, h, w] => (b, m, 1, h, w),
        [b, m, t, 3, h, w] => (b, m, t, h, w),
        _ => {
            return Err(Error::case(
                &case.directory,
                format!("`{name}` is {:?}, neither pictures nor films", pixels.shape),
            ));
        }
    };
    let size = model.config().vision.image_size();
    case.check_pictures(name, &pixels.shape, rows, size)?;
    let pixels: Tensor<4> = floats(pixels.values, [b * m * t, 3, h, w], device);
    let features = model.encode(pixels);
    let [_, s, d] = features.dims();
    let places: Vec<usize> = (0..b * m).map(|medium| medium % m).collect();
    let features = features.reshape([b * m, t, s, d]);
    let latents = match (t, &model.resampler) {
        // Of a picture it adds no time embedding, of a film one to each frame.
        (1, Some(resampler)) if name == "images" => {
            let mut timeless = resampler.clone();
            timeless.time_embeddings = None;
            timeless.forward(features, &places)
        }
        _ => model.resample(features, &places),
    };
    Ok((model.media(latents.clone()), m, latents))
}

fn sees(rows: &Ragged, per_row: usize, media_token: u32) -> Vec<Sees> {
    let mut sees = Vec::new();
    for (i, row) in rows.rows.iter().enumerate() {
        let (mut count, first) = (0, i * per_row);
        for id in row {
            count += usize::from(*id == media_token);
            sees.push(match count {
                0 => Sees::nothing(),
                n if n <= per_row => Sees::One(first + n - 1..first + n),
                _ => Sees::Evenly(first..first + per_row),
            });
        }
    }
    sees
}
