//! Adapters over a small model: what is written is read, over the right base only, and merged.

#![allow(clippy::unwrap_used)]

use flamingo_kernels::{Device, Matrices, QuantKind, WeightType};

use super::*;
use crate::directory::tests::{logits, saved};
use crate::{Source, convert, load, load_part, named_tensors, open};

const LORA: LoraConfig = LoraConfig {
    rank: 2,
    alpha: 3.0,
};

fn tensor(name: &str, shape: [usize; 2]) -> NamedTensor {
    let values = (0..shape[0] * shape[1]).map(|i| (i as f32 * 0.7).sin() * 0.3);
    NamedTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        values: values.collect(),
    }
}

/// The tensors of an adapter of the model of `saved`, which is 12 wide: with LoRA beside every matrix of its two layers,
/// if that is wanted.
fn tensors(lora: bool) -> Vec<NamedTensor> {
    let gate = NamedTensor {
        shape: vec![1],
        ..tensor("gated.1.alpha_dense", [1, 1])
    };
    let mut tensors = vec![gate, tensor("gated.0.q.weight", [10, 12])];
    let sizes = [
        ("attention.q", 12, 12),
        ("attention.k", 12, 12),
        ("attention.v", 12, 12),
        ("attention.out", 12, 12),
        ("ffw.input", 12, 48),
        ("ffw.output", 48, 12),
    ];
    for layer in 0..2 {
        for (part, d_input, d_output) in sizes.iter().filter(|_| lora) {
            let name = |which: &str| format!("language.layers.{layer}.{part}.lora.{which}");
            tensors.push(tensor(&name("a"), [2, *d_input]));
            tensors.push(tensor(&name("b"), [*d_output, 2]));
        }
    }
    tensors
}

fn header(base: &Path, lora: bool) -> AdapterHeader {
    let opened = open(&Source::Directory(base.to_path_buf())).unwrap();
    AdapterHeader {
        version: ADAPTER_VERSION,
        base: AdapterBase {
            name: "a small one".into(),
            fingerprint: opened.tensors.fingerprint().unwrap(),
        },
        lora: lora.then_some(LORA),
    }
}

/// A base with an adapter over it, in a folder of its own.
fn adapted(base: &Path, lora: bool) -> Source {
    let path = base.join("adapter.safetensors");
    let written = tensors(lora);
    Adapter::write(&path, &header(base, lora), &written, Precision::F32).unwrap();
    Source::Adapted(Box::new(Source::Directory(base.to_path_buf())), path)
}

fn f32_of(source: &Source) -> crate::Loaded {
    load(source, &Device::flex(), Precision::F32).unwrap()
}

fn told(source: &Source) -> String {
    match load(source, &Device::flex(), Precision::F32) {
        Ok(_) => panic!("loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_written_is_read_and_stands_in_the_place_of_the_bases() {
    let (folder, model) = saved(Precision::F32);
    let source = adapted(folder.path(), false);
    let Source::Adapted(_, path) = &source else {
        panic!("adapted");
    };
    let read = Adapter::open(path).unwrap();
    assert_eq!(read.header, header(folder.path(), false));
    let names: Vec<&str> = read.tensors.names().collect();
    assert_eq!(names, ["gated.0.q.weight", "gated.1.alpha_dense"]);
    let written = tensors(false);
    for (before, after) in named_tensors(&model)
        .iter()
        .zip(named_tensors(&f32_of(&source).model))
    {
        let own = written.iter().find(|tensor| tensor.name == after.name);
        assert_eq!(&after, own.unwrap_or(before));
    }
}

#[test]
fn a_merged_model_without_lora_is_the_base_with_the_adapter_bit_for_bit() {
    let (folder, _) = saved(Precision::F32);
    let source = adapted(folder.path(), false);
    let out = folder.path().join("merged");
    convert(
        &open(&source).unwrap().merged().unwrap(),
        &out,
        Precision::F32,
    )
    .unwrap();
    let [beside, merged] = [source, Source::Directory(out)].map(|source| f32_of(&source).model);
    assert_eq!(named_tensors(&beside), named_tensors(&merged));
    assert_eq!(logits(&beside), logits(&merged));
}

#[test]
fn merged_lora_gives_what_it_gives_beside_the_matrices_up_to_rounding() {
    let (folder, model) = saved(Precision::F32);
    let source = adapted(folder.path(), true);
    let out = folder.path().join("merged");
    assert!(convert(&open(&source).unwrap(), &out, Precision::F32).is_err());
    convert(
        &open(&source).unwrap().merged().unwrap(),
        &out,
        Precision::F32,
    )
    .unwrap();
    let [beside, merged] = [source.clone(), Source::Directory(out)].map(|source| f32_of(&source));
    let before = logits(&model);
    let mut moved = 0.0_f32;
    for ((a, b), before) in logits(&beside.model)
        .iter()
        .zip(logits(&merged.model))
        .zip(before)
    {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
        moved = moved.max((a - before).abs());
    }
    assert!(moved > 0.01, "the change is one");
    // What a training starts its parts from is merged, too.
    let (_, _, tensors) = load_part(&source).unwrap();
    let found = tensors
        .values("language.layers.1.ffw.output.weight")
        .unwrap();
    assert_eq!(
        found,
        merged.model.language.layers[1]
            .ffw
            .output
            .weight
            .val()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap()
    );
}

#[test]
fn lora_stands_beside_quantised_matrices_and_is_merged_into_dense_ones() {
    let (folder, _) = saved(Precision::F32);
    let source = adapted(folder.path(), true);
    let weights = WeightType {
        matrices: Matrices::Quantised(QuantKind::Q8_0),
        ..WeightType::default()
    };
    // No width of the small model but one is a multiple of a block's 32: the others stay as they are.
    let loaded = load(&source, &Device::flex(), weights).unwrap();
    let plain = f32_of(&source);
    for (a, b) in logits(&loaded.model).iter().zip(logits(&plain.model)) {
        assert!((a - b).abs() < 0.1, "{a} {b}");
    }
}

#[test]
fn another_base_is_refused_with_both_hashes() {
    let (folder, mut model) = saved(Precision::F32);
    let Source::Adapted(base, path) = adapted(folder.path(), true) else {
        panic!("adapted");
    };
    let wanted = header(folder.path(), true).base.fingerprint;
    // One number of one gate is another.
    let other = folder.path().join("other");
    let opened = open(&base).unwrap();
    model.gated[0].alpha_xattn =
        Some(flamingo_kernels::Init::new(0, &Device::flex()).full([1], 1e-3));
    let tensors = named_tensors(&model);
    crate::save(
        &other,
        &opened.file,
        &opened.tokenizer,
        &tensors,
        Precision::F32,
    )
    .unwrap();
    let found = header(&other, false).base.fingerprint;
    let told = told(&Source::Adapted(Box::new(Source::Directory(other)), path));
    for part in [&*wanted, &*found, "a small one", "adapter.safetensors"] {
        assert!(told.contains(part), "{told}");
    }
    // In another type but of the same numbers, it is the same model.
    let again = folder.path().join("again");
    convert(&opened, &again, Precision::F32).unwrap();
    assert_eq!(header(&again, false).base.fingerprint, wanted);
}

#[test]
fn files_that_are_no_adapter_of_this_model_are_refused_by_name() {
    let (folder, _) = saved(Precision::F32);
    let base = || Box::new(Source::Directory(folder.path().to_path_buf()));
    let weights = folder.path().join("model.safetensors");
    let message = told(&Source::Adapted(base(), weights));
    assert!(
        message.contains("model.safetensors") && message.contains("no adapter"),
        "{message}"
    );
    let message = told(&Source::Adapted(base(), folder.path().join("absent")));
    assert!(message.contains("absent"), "{message}");
    let path = folder.path().join("a.safetensors");
    let write = |header: &AdapterHeader, tensors: &[NamedTensor]| {
        Adapter::write(&path, header, tensors, Precision::F32).unwrap();
        told(&Source::Adapted(base(), path.clone()))
    };
    let mut newer = header(folder.path(), false);
    newer.version += 1;
    assert!(write(&newer, &tensors(false)).contains("format version 2"));
    let header = header(folder.path(), true);
    let message = write(&header, &[tensor("gated.7.q.weight", [10, 12])]);
    assert!(
        message.contains("`gated.7.q.weight` is no tensor"),
        "{message}"
    );
    let message = write(&header, &[tensor("gated.0.q.weight", [12, 10])]);
    assert!(
        message.contains("[12, 10]") && message.contains("[10, 12]"),
        "{message}"
    );
    let message = write(&header, &tensors(true)[..5]);
    assert!(
        message.contains("lora.b") && message.contains("is missing"),
        "{message}"
    );
}
