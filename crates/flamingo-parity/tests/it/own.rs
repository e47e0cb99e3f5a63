//! A case of our own: what agrees is said to agree, what is changed is found where it was changed.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flamingo_checkpoint::{Checkpoint, Dtype, Entry, write_safetensors};
use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::{Device, Init, Precision};
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig,
};
use flamingo_parity::{Report, VerifyOptions, verify};
use flamingo_sequence::{SpecialTokenNames, Tokenizer};
use flamingo_weights::{
    FORMAT_VERSION, ModelConfig, ModelFile, Source, export_open_flamingo, named_tensors, open, save,
};

fn tokenizer() -> (Tokenizer, SpecialTokenNames) {
    let json = String::from_utf8(flamingo_world::tokenizer_json()).unwrap();
    let json = json.replace("<EOC>", "<|endofchunk|>");
    let names = SpecialTokenNames {
        bos: None,
        end_of_chunk: "<|endofchunk|>".into(),
        ..flamingo_world::special_token_names()
    };
    (
        Tokenizer::from_bytes(json.as_bytes(), &names).unwrap(),
        names,
    )
}

/// Writes a model, in which `change` may change something, as a case's files.
fn write_model(folder: &Path, change: impl FnOnce(&mut Flamingo)) {
    let (tokenizer, tokens) = tokenizer();
    let config = FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig {
            image_size: 8,
            patch: 4,
            width: 6,
            layers: 1,
            heads: 3,
            projection: Some(5),
            ..VitConfig::vit_l_14()
        }),
        resampler: Some(PerceiverResamplerConfig {
            latents: 3,
            layers: 1,
            ..PerceiverResamplerConfig::open_flamingo(6)
        }),
        gated: GatedConfig::open_flamingo(2),
        language: LanguageConfig {
            vocabulary: tokenizer.vocab_size(),
            ..LanguageConfig::opt(12, 4, 3)
        },
        project_media: false,
        media_projection_bias: false,
    };
    let mut init = Init::new(3, &Device::flex());
    let mut model = Flamingo::new(&config, &mut init).unwrap();
    for block in &mut model.gated {
        block.alpha_xattn = Some(init.full([1], 0.7));
        block.alpha_dense = Some(init.full([1], -0.4));
    }
    change(&mut model);
    let file = ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(8, Fit::CenterCrop)),
        tokens,
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config),
    };
    let ours = tempfile::tempdir().unwrap();
    save(
        ours.path(),
        &file,
        &tokenizer,
        &named_tensors(&model),
        Precision::F32,
    )
    .unwrap();
    let opened = open(&Source::Directory(ours.path().to_path_buf())).unwrap();
    export_open_flamingo(&opened, folder, Precision::F32).unwrap();
}

/// Type, shape and bytes by name.
type Inputs = BTreeMap<&'static str, (Dtype, Vec<usize>, Vec<u8>)>;

fn bytes(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn inputs() -> Inputs {
    let (tokenizer, _) = tokenizer();
    let (image, pad) = (
        i64::from(tokenizer.specials().image),
        i64::from(tokenizer.specials().pad),
    );
    // The second row is padded in front and has text before its picture.
    let ids = [[image, 300, 301, image, 302], [pad, 303, image, 304, 305]];
    let mask = [[1i64; 5], [0, 1, 1, 1, 1]];
    let pixels: Vec<f32> = (0..2 * 2 * 3 * 64)
        .map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0)
        .collect();
    BTreeMap::from([
        (
            "lang_x",
            (Dtype::I64, vec![2, 5], bytes(ids.as_flattened())),
        ),
        (
            "attention_mask",
            (Dtype::I64, vec![2, 5], bytes(mask.as_flattened())),
        ),
        (
            "vision_x",
            (
                Dtype::F32,
                vec![2, 2, 1, 3, 8, 8],
                pixels.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ),
        ),
    ])
}

fn write_inputs(folder: &Path, tensors: &Inputs) {
    let entries: Vec<Entry> = tensors
        .iter()
        .map(|(name, t)| Entry::new(*name, t.0, &t.1[..]))
        .collect();
    let data: Vec<&Vec<u8>> = tensors.values().map(|t| &t.2).collect();
    let fill = &mut |i: usize, out: &mut dyn Write| Ok(out.write_all(data[i])?);
    write_safetensors(&folder.join("inputs.safetensors"), &entries, None, fill).unwrap();
}

/// A case that expects what we computed.
fn case() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path(), |_| {});
    write_inputs(folder.path(), &inputs());
    let generate = r#"{"generate": {"greedy": {"kwargs": {"max_new_tokens": 3, "num_beams": 1}, "sequences": []},
        "beams": {"kwargs": {"max_new_tokens": 3, "num_beams": 2}, "sequences": []}}}"#;
    std::fs::write(folder.path().join("expected.json"), generate).unwrap();
    let (_, computed) = verify(folder.path(), &options()).unwrap();
    computed
        .dump(&folder.path().join("expected.safetensors"))
        .unwrap();
    // The dump's JSON is what was computed; the settings of the generations are the case's.
    let path = folder.path().join("expected.json");
    let mut json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for name in ["greedy", "beams"] {
        json["generate"][name]["kwargs"] = serde_json::json!({"max_new_tokens": 3, "num_beams": if name == "beams" { 2 } else { 1 }});
    }
    std::fs::write(&path, json.to_string()).unwrap();
    folder
}

fn options() -> VerifyOptions {
    VerifyOptions {
        tolerance: 1e-4,
        gradients: false,
        device: Device::flex(),
    }
}

fn verified(folder: &Path) -> Report {
    verify(folder, &options()).unwrap().0
}

#[test]
fn what_was_computed_before_agrees() {
    let case = case();
    let report = verified(case.path());
    assert!(report.agrees, "{report}");
    assert!(
        report
            .lines
            .iter()
            .any(|line| line.name == "generate beams"),
        "{report}"
    );
    assert!(report.to_string().contains("agree"));
}

#[test]
fn inputs_that_do_not_fit_together_are_refused() {
    let case = case();
    type Change = fn(&mut Inputs);
    let changes: [(Change, &str); 6] = [
        (|of| drop(of.remove("vision_x")), "`vision_x`"),
        (
            |of| of.get_mut("attention_mask").unwrap().1 = vec![5, 2],
            "`lang_x` is [2, 5], `attention_mask` [5, 2]",
        ),
        (
            |of| of.get_mut("attention_mask").unwrap().2 = bytes(&[0; 10]),
            "row 0 of `attention_mask` hides all of its tokens",
        ),
        (
            |of| of.get_mut("lang_x").unwrap().2 = bytes(&[99_999; 10]),
            "`lang_x` has token 99999, the model knows 0 to",
        ),
        (
            |of| of.get_mut("vision_x").unwrap().1 = vec![4, 1, 1, 3, 8, 8],
            "not pictures of 8x8 for 2 rows of tokens",
        ),
        (
            |of| of.get_mut("vision_x").unwrap().1 = vec![2, 2, 1, 3, 4, 16],
            "not pictures of 8x8 for 2 rows of tokens",
        ),
    ];
    for (change, told) in changes {
        let mut changed = inputs();
        change(&mut changed);
        write_inputs(case.path(), &changed);
        let error = verify(case.path(), &options()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_changed_weight_is_found_where_it_first_shows() {
    let case = case();
    write_model(case.path(), |model| {
        let gate = Init::new(0, &Device::flex()).full([1], 0.9);
        model.gated[1].alpha_dense = Some(gate);
    });
    let report = verified(case.path());
    // Block 1 stands before layer 3: its attention is as it was, what follows is not.
    assert_eq!(
        report.first_difference.as_deref(),
        Some("xattn_out.3"),
        "{report}"
    );
    assert!(report.to_string().contains("DIFFERS"));
}

#[test]
fn what_is_expected_and_not_computed_is_missing() {
    let case = case();
    let expected = Checkpoint::open(&[case.path().join("expected.safetensors")]).unwrap();
    let mut entries = vec![Entry::new("another", Dtype::F32, [1])];
    let names: Vec<String> = expected.names().map(str::to_owned).collect();
    entries.extend(
        names
            .iter()
            .map(|name| Entry::new(name, Dtype::F32, &expected.info(name).unwrap().shape[..])),
    );
    let path = case.path().join("longer.safetensors");
    let fill = &mut |i: usize, out: &mut dyn Write| match i {
        0 => Ok(out.write_all(&1f32.to_le_bytes())?),
        i => expected.copy(&names[i - 1], out),
    };
    write_safetensors(&path, &entries, None, fill).unwrap();
    std::fs::rename(&path, case.path().join("expected.safetensors")).unwrap();
    let report = verified(case.path());
    assert_eq!(
        report.first_difference.as_deref(),
        Some("another"),
        "{report}"
    );
}

#[test]
fn padding_is_not_compared() {
    let case = case();
    let expected = Checkpoint::open(&[case.path().join("expected.safetensors")]).unwrap();
    let names: Vec<String> = expected.names().map(str::to_owned).collect();
    let entries: Vec<Entry> = names
        .iter()
        .map(|name| Entry::new(name, Dtype::F32, &expected.info(name).unwrap().shape[..]))
        .collect();
    let path = case.path().join("changed.safetensors");
    let fill = &mut |i: usize, out: &mut dyn Write| {
        let count = expected.info(&names[i]).unwrap().elements();
        let mut values = vec![0f32; count];
        expected.read(&names[i], 0..count, &mut values)?;
        if names[i] == "logits" {
            values[5 * (count / 10)] += 100.0; // the first column of the second row
        }
        for value in values {
            out.write_all(&value.to_le_bytes())?;
        }
        Ok(())
    };
    write_safetensors(&path, &entries, None, fill).unwrap();
    std::fs::rename(&path, case.path().join("expected.safetensors")).unwrap();
    let report = verified(case.path());
    assert!(report.agrees, "{report}");
}

#[test]
fn a_directory_that_is_no_case_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = verify(folder.path(), &options()).err().unwrap().to_string();
    assert!(error.contains("has no flamingo.json"), "{error}");
    let error = verify(&folder.path().join("nowhere"), &options())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("no directory of a case"), "{error}");
}
