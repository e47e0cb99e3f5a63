//! Measurements: of every kind one, of the demo model; their numbers are not looked at.

use flamingo::image::{Fit, Preprocess};
use flamingo::kernels::{Device, Init, Precision};
use flamingo::model::vision::{VisionConfig, VitConfig};
use flamingo::model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig,
};
use flamingo::sequence::Tokenizer;
use flamingo::weights::{FORMAT_VERSION, ModelConfig, ModelFile, named_tensors, save};
use flamingo_world::{special_token_names, tokenizer_json};
use serde_json::Value;

use crate::{Workplace, tiny_parts};

#[test]
fn every_kind_of_task_reports_its_times_and_the_share_of_a_limit() {
    let place = Workplace::new();
    let tasks = "encode3,prefill2,decode2,decode2_q8_0,eval_vqa2,eval_vqa2_warm,\
                 eval_vqa2_same_shots,classify2_3,classify2_3_warm,prefill200";
    let tasks = tasks.replace(' ', "");
    let report = place.ok(&[
        "bench",
        "--tasks",
        &tasks,
        "--reps",
        "1",
        "--out",
        "bench.json",
    ]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let saved = std::fs::read(place.path().join("bench.json")).unwrap();
    assert_eq!(report, serde_json::from_slice::<Value>(&saved).unwrap());
    let positive = |value: &Value| value.as_f64().unwrap() > 0.0;
    for limit in ["product_gflop_s", "copy_gb_s", "read_gb_s"] {
        assert!(positive(&report["machine"][limit]));
    }
    let result = |task: &str| {
        let result = &report["results"][format!("{task}/every1")];
        assert!(result.get("error").is_none(), "{task}: {result}");
        result
    };
    assert!(positive(&result("encode3")["vit"]["best_s"]));
    assert!(positive(&result("encode3")["perceiver"]["median_s"]));
    assert!(positive(&result("prefill2")["prefill"]["best_s"]));
    for task in ["decode2", "decode2_q8_0"] {
        assert!(positive(&result(task)["median_s_per_token"]));
        assert_eq!(result(task)["limit"]["limit"], "memory");
    }
    for task in [
        "eval_vqa2",
        "eval_vqa2_warm",
        "eval_vqa2_same_shots",
        "classify2_3",
        "classify2_3_warm",
    ] {
        assert!(positive(&result(task)["query"]["best_s"]));
        assert!(positive(&result(task)["limit"]["share"]));
    }
}

#[test]
fn a_step_of_a_training_reports_its_time_and_what_its_operations_are_for() {
    let place = Workplace::new();
    let tasks = "train,train_bf16,train_features,train_features_bf16";
    let report = place.ok(&["bench", "--tasks", tasks, "--reps", "1"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let result = |task: &str| {
        let result = &report["results"][format!("{task}/every1")];
        assert!(result.get("error").is_none(), "{task}: {result}");
        result
    };
    for task in tasks.split(',') {
        let result = result(task);
        assert!(result["step"]["best_s"].as_f64().unwrap() > 0.0);
        assert!(result["limit"]["share"].as_f64().unwrap() > 0.0);
        let of = |part: &str| result["gflop_of"][part].as_f64().unwrap();
        let all = ["encoder", "resampler", "layers", "gated_blocks", "head"].map(of);
        let sum: f64 = all.iter().sum();
        let gflop = result["limit"]["gflop"].as_f64().unwrap();
        assert!((sum - gflop).abs() < 1e-6 * gflop);
        assert_eq!(all[0] > 0.0, !task.contains("features"));
    }
    let products = |task: &str| result(task)["limit"]["products"].clone();
    assert_eq!([products("train"), products("train_bf16")], ["f32", "bf16"]);
}

/// A model whose training takes so much that a program's own memory is small beside it.
fn model() -> FlamingoConfig {
    let vision = VitConfig::small(64, 8, 128, 2, 2);
    FlamingoConfig {
        resampler: Some(PerceiverResamplerConfig {
            layers: 2,
            ..PerceiverResamplerConfig::open_flamingo(vision.width)
        }),
        vision: VisionConfig::Vit(vision),
        gated: GatedConfig {
            heads: 4,
            ..GatedConfig::open_flamingo(1)
        },
        language: LanguageConfig {
            vocabulary: 4000,
            ..LanguageConfig::opt(256, 6, 4)
        },
        project_media: false,
        media_projection_bias: false,
    }
}

/// The count is of what a step keeps, both where it keeps all and where it makes some of it again.
#[test]
fn a_step_of_a_training_takes_the_memory_that_is_predicted() {
    let place = Workplace::new();
    let config = model();
    let device = Device::flex();
    let model = Flamingo::new(&config, &mut Init::new(0, &device)).unwrap();
    let names = special_token_names();
    let tokenizer = Tokenizer::from_bytes(&tokenizer_json(), &names).unwrap();
    let file = ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(64, Fit::CenterCrop)),
        tokens: names,
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config),
    };
    let path = place.path().join("model");
    let tensors = named_tensors(&model);
    save(&path, &file, &tokenizer, &tensors, Precision::F32).unwrap();
    let tasks = "train,train_features_recompute";
    let report = place.ok(&["bench", "--model", "model", "--tasks", tasks, "--reps", "1"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    for task in tasks.split(',') {
        let result = &report["results"][format!("{task}/every1")];
        let of = |what: &str| result[what].as_f64().unwrap_or_else(|| panic!("{result}"));
        let measured = of("peak_rss_mib") - of("program_mib");
        let share = of("predicted_mib") / measured;
        assert!(
            (0.85..1.15).contains(&share),
            "{task}: {} MiB predicted, {measured} MiB measured",
            of("predicted_mib")
        );
    }
}

#[test]
fn a_language_model_alone_is_measured_by_its_own_task() {
    let place = Workplace::new();
    tiny_parts::file().write(&place.path().join("tiny.gguf"));
    let arguments = "bench --model tiny.gguf --reps 1 --tasks lm,lm5_bf16";
    let report = place.ok(&arguments.split(' ').collect::<Vec<_>>());
    let report: Value = serde_json::from_str(&report).unwrap();
    for (name, tokens) in [("lm683", 683), ("lm5_bf16", 5)] {
        let result = &report["results"][name];
        assert!(result.get("error").is_none(), "{result}");
        assert_eq!(result["tokens"], tokens);
        for limit in ["limit", "decode_limit"] {
            assert!(result[limit]["share"].as_f64().unwrap() > 0.0, "{result}");
        }
    }
    let told = place.refused(&["bench", "--tasks", "lm"]);
    assert!(told.contains("no language model"), "{told}");
}

#[test]
fn unknown_tasks_and_no_runs_are_refused() {
    let place = Workplace::new();
    let told = place.refused(&["bench", "--tasks", "decode4,sleep"]);
    assert!(
        ["`sleep`", "eval_vqa32_same_shots", "lm683"]
            .iter()
            .all(|word| told.contains(word)),
        "{told}"
    );
    let told = place.refused(&["bench", "--reps", "0"]);
    assert!(told.contains("--reps is 0"), "{told}");
}
