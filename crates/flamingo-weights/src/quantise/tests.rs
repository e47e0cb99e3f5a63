//! Quantised models in memory and on disk.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::{Activation, Device, Init, Precision, Tensor};
use flamingo_model::language::QueryKeyNorm;
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, Looking, Media,
    PerceiverResamplerConfig, TextInput,
};
use flamingo_sequence::Tokenizer;
use flamingo_world::special_token_names;

use super::*;
use crate::{
    FORMAT_VERSION, Loaded, ModelConfig, ModelFile, QUANTISED_FORMAT_VERSION, Source,
    apply_tensors_as, convert, load, named_tensors, open, save,
};

/// The widths of the text and of its heads are multiples of 32, those of the image tower are not.
fn model_file() -> ModelFile {
    let language = LanguageConfig {
        vocabulary: tokenizer().vocab_size(),
        ..LanguageConfig::mpt(64, 2, 2, QueryKeyNorm::None)
    };
    let resampler = Some(PerceiverResamplerConfig {
        width: 32,
        latents: 3,
        layers: 1,
        heads: 1,
        head_dim: 32,
        ffw_multiple: 1,
        activation: Activation::SquaredRelu,
        time_embeddings: 2,
        ..PerceiverResamplerConfig::paper()
    });
    let config = FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig::small(8, 4, 6, 1, 2)),
        resampler,
        gated: GatedConfig {
            head_dim: 32,
            ..GatedConfig::paper(1, 1)
        },
        language,
        project_media: true,
        media_projection_bias: false,
    };
    ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(8, Fit::Pad)),
        tokens: special_token_names(),
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config),
    }
}

fn tokenizer() -> Tokenizer {
    Tokenizer::from_bytes(&flamingo_world::tokenizer_json(), &special_token_names()).unwrap()
}

fn saved() -> tempfile::TempDir {
    let (folder, file) = (tempfile::tempdir().unwrap(), model_file());
    let ModelConfig::Flamingo(config) = &file.model else {
        unreachable!()
    };
    let mut init = Init::new(7, &Device::flex());
    let mut model = Flamingo::new(config, &mut init).unwrap();
    for block in &mut model.gated {
        block.alpha_xattn = Some(init.full([1], 0.5));
        block.alpha_dense = Some(init.full([1], 0.5));
    }
    let tensors = named_tensors(&model);
    save(folder.path(), &file, &tokenizer(), &tensors, Precision::F32).unwrap();
    folder
}

fn loaded(folder: &Path, weights: impl Into<WeightType>) -> Loaded {
    let source = Source::Directory(folder.to_path_buf());
    load(&source, &Device::flex(), weights).unwrap()
}

fn converted(folder: &Path, weights: impl Into<WeightType>) -> (tempfile::TempDir, Weighed) {
    let out = tempfile::tempdir().unwrap();
    let opened = open(&Source::Directory(folder.to_path_buf())).unwrap();
    let weighed = convert(&opened, out.path(), weights).unwrap();
    (out, weighed)
}

fn logits(model: &Flamingo) -> Vec<f32> {
    logits_in(model, Precision::F32)
}

fn logits_in(model: &Flamingo, precision: Precision) -> Vec<f32> {
    let (mut init, dtype) = (Init::new(1, &Device::flex()), precision.dtype());
    let features = model.encode(init.normal([2, 3, 8, 8], 1.0).val().cast(dtype));
    let [m, s, d] = features.dims();
    let media: Media = model.media(model.resample(features.reshape([m, 1, s, d]), &[]));
    let input = TextInput::ragged(&[3, 300, 3, 301, 302], 5, &[5]);
    let sees = [0..1, 0..1, 1..2, 1..2, 1..2];
    let looking = Looking::new(&sees, 2, &Device::flex());
    let stream: Tensor<3> = model.hidden(&input, &media, &looking);
    let logits = model.logits(stream.squeeze_dim::<2>(0)).into_data();
    logits.convert::<f32>().try_into_vec().unwrap()
}

/// The root of the mean squared difference, as a share of that of `a`.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    let size: f32 = a.iter().map(|a| a * a).sum();
    let error: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (error / size).sqrt()
}

#[test]
fn a_model_quantised_while_it_is_read_agrees_with_itself_in_f32() {
    let folder = saved();
    let wide = logits(&loaded(folder.path(), Precision::F32).model);
    for (kind, most) in [(QuantKind::Q8_0, 0.03), (QuantKind::Q4_0, 0.25)] {
        let narrow = loaded(folder.path(), kind);
        let moved = difference(&wide, &logits(&narrow.model));
        assert!(moved > 0.0 && moved < most, "{kind}: {moved}");
        // Four matrices of attention and two of each feed-forward, in both of the two layers.
        let count = |kind| narrow.weighed.quantised.get(&kind).map_or(0, |a| a.tensors);
        let heads = if kind == HEAD { 0 } else { count(HEAD) };
        assert_eq!(count(kind) + heads, 2 * (6 + 6) + 1, "{kind}");
    }
}

#[test]
fn embeddings_norms_gates_and_the_resampler_stay_unless_it_is_asked_for() {
    let folder = saved();
    let mut weights = WeightType::from(QuantKind::Q8_0);
    let is_dense = |model: &Flamingo| {
        let layer = &model.resampler.as_ref().unwrap().layers[0];
        assert!(model.language.embed.weight.is_initialized());
        let gate = model.gated[0].alpha_xattn.as_ref();
        assert!(gate.is_some_and(|gate| gate.is_initialized()));
        assert!(
            model.language.layers[0]
                .norm_attention
                .weight
                .is_initialized()
        );
        layer.q.packed.get().is_none() && layer.q.weight.is_initialized()
    };
    assert!(is_dense(&loaded(folder.path(), weights).model));
    weights.resampler = true;
    assert!(!is_dense(&loaded(folder.path(), weights).model));
}

#[test]
fn the_dense_numbers_of_a_quantised_matrix_are_never_made_by_a_pass() {
    let folder = saved();
    let model = loaded(folder.path(), QuantKind::Q8_0).model;
    logits(&model);
    let ffw = &model.language.layers[1].ffw;
    assert!(!ffw.input.weight.is_initialized() && !ffw.output.weight.is_initialized());
    let dense_in = model.gated[1].dense_in.as_ref().unwrap();
    assert!(!dense_in.weight.is_initialized());
    // Who reads them gets what the blocks stand for.
    let matrix = ffw.input.packed.quantised().unwrap().dequantise();
    let read = ffw.input.weight.val().into_data().try_into_vec::<f32>();
    assert_eq!(read.unwrap(), matrix);
}

#[test]
fn matrices_that_do_not_fit_are_counted_and_told_and_the_model_works() {
    let folder = saved();
    let narrow = loaded(folder.path(), QuantKind::Q4K);
    assert_eq!(
        narrow.weighed.quantised.keys().collect::<Vec<_>>(),
        [&HEAD, &QuantKind::Q4K]
    );
    let told = narrow.weighed.to_string();
    assert!(
        told.contains("stay as they are: `vision.") && told.contains("multiples of 256"),
        "{told}"
    );
    let wide = logits(&loaded(folder.path(), Precision::F32).model);
    assert!(difference(&wide, &logits(&narrow.model)) < 0.2);
}

#[test]
fn a_quantised_directory_is_loaded_without_a_word_and_gives_identical_logits() {
    let folder = saved();
    for kind in [QuantKind::Q8_0, QuantKind::Q4_0] {
        let (out, weighed) = converted(folder.path(), kind);
        let expected = logits(&loaded(folder.path(), kind).model);
        let reloaded = loaded(out.path(), WeightType::default());
        assert_eq!(reloaded.file.version, QUANTISED_FORMAT_VERSION);
        assert_eq!(logits(&reloaded.model), expected, "{kind}");
        assert_eq!(logits(&loaded(out.path(), kind).model), expected, "{kind}");
        let disk = std::fs::metadata(out.path().join("model.safetensors")).unwrap();
        assert!(disk.len() > weighed.bytes() && disk.len() < weighed.bytes() + 10_000);
        // A copy of it has the same bytes.
        let (copy, _) = converted(out.path(), WeightType::default());
        let bytes = |folder: &Path| std::fs::read(folder.join("model.safetensors")).unwrap();
        assert_eq!(bytes(copy.path()), bytes(out.path()));
    }
}

#[test]
fn a_quantised_directory_can_be_widened_again() {
    let folder = saved();
    let (narrow, _) = converted(folder.path(), QuantKind::Q8_0);
    let dense = "f32".parse::<WeightType>().unwrap();
    let (wide, weighed) = converted(narrow.path(), dense);
    assert!(weighed.quantised.is_empty());
    let reloaded = loaded(wide.path(), Precision::F32);
    assert_eq!(reloaded.file.version, FORMAT_VERSION);
    assert_eq!(
        logits(&reloaded.model),
        logits(&loaded(narrow.path(), dense).model)
    );
    let moved = difference(
        &logits(&loaded(folder.path(), Precision::F32).model),
        &logits(&reloaded.model),
    );
    assert!(moved > 0.0 && moved < 0.02, "{moved}");
}

#[test]
fn another_format_than_the_files_have_is_refused_with_both() {
    let folder = saved();
    let (narrow, _) = converted(folder.path(), QuantKind::Q8_0);
    let source = Source::Directory(narrow.path().to_path_buf());
    let error = load(&source, &Device::flex(), QuantKind::Q4_0)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("is q8_0 in the file and q4_0 was asked for"),
        "{error}"
    );
}

/// A table that is the output head, too, or another one.
fn saved_with(tied_head: bool) -> tempfile::TempDir {
    let (folder, mut file) = (tempfile::tempdir().unwrap(), model_file());
    let ModelConfig::Flamingo(config) = &mut file.model else {
        unreachable!()
    };
    config.language.tied_head = tied_head;
    let model = Flamingo::new(config, &mut Init::new(7, &Device::flex())).unwrap();
    let tensors = named_tensors(&model);
    save(folder.path(), &file, &tokenizer(), &tensors, Precision::F32).unwrap();
    folder
}

#[test]
fn a_model_in_bf16_is_packed_while_it_is_read_and_gives_the_bits_of_its_rows() {
    for tied_head in [true, false] {
        let folder = saved_with(tied_head);
        let bf16: WeightType = "bf16".parse().unwrap();
        let packed = loaded(folder.path(), bf16);
        let opened = open(&Source::Directory(folder.path().to_path_buf())).unwrap();
        let ModelConfig::Flamingo(config) = &opened.file.model else {
            unreachable!()
        };
        let model = Flamingo::new(config, &mut Init::new(0, &Device::flex())).unwrap();
        let in_rows = apply_tensors_as(model, &opened.tensors, "", Precision::Bf16).unwrap();
        let [found, expected] = [&packed.model, &in_rows].map(|m| logits_in(m, Precision::Bf16));
        assert_eq!(found, expected);
        let language = &packed.model.language;
        assert!(!language.layers[1].ffw.input.weight.is_initialized());
        assert_eq!(language.embed.weight.is_initialized(), !tied_head);
        let head = language.head.as_ref();
        assert!(head.is_none_or(|head| !head.weight.is_initialized()));
        // Two bytes a number: what is added are columns up to whole panels of sixteen.
        let all: usize = named_tensors(&in_rows).iter().map(|t| t.values.len()).sum();
        let bytes = packed.weighed.dense.bytes as usize;
        assert!(
            bytes >= 2 * all && bytes < 2 * all + 2 * all / 50,
            "{bytes} {all}"
        );
        // Who reads them gets the same numbers.
        assert_eq!(named_tensors(&packed.model), named_tensors(&in_rows));
    }
}

#[test]
fn a_device_with_gradients_gets_wide_matrices_and_no_quantised_ones() {
    let folder = saved();
    let (narrow, _) = converted(folder.path(), QuantKind::Q8_0);
    let source = Source::Directory(narrow.path().to_path_buf());
    let device = Device::flex().autodiff();
    let model = load(&source, &device, Precision::F32).unwrap().model;
    assert!(model.language.layers[0].ffw.input.packed.get().is_none());
    let error = load(&source, &device, QuantKind::Q8_0)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("q8_0 is for the processor"), "{error}");
}

#[test]
fn a_block_cut_short_in_the_file_is_no_matrix() {
    let tensors = crate::Tensors::embedded("a file", {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let entry = flamingo_checkpoint::Entry::new(
            "a.weight.q8_0",
            flamingo_checkpoint::Dtype::U8,
            &[3_usize, 35][..],
        );
        flamingo_checkpoint::write_safetensors(&path, &[entry], None, &mut |_, out| {
            Ok(out.write_all(&[0; 105])?)
        })
        .unwrap();
        Box::leak(std::fs::read(&path).unwrap().into_boxed_slice())
    })
    .unwrap();
    assert_eq!(tensors.names().collect::<Vec<_>>(), ["a.weight.q8_0"]);
    assert!(!tensors.any_quantised());
}
