//! Files that torch wrote: see `tests/fixtures/weights/README.md`.

use std::collections::HashSet;

use flamingo_checkpoint::{Checkpoint, Dtype, Error};
use half::{bf16, f16};

use super::support::{
    archive_of, archive_with, arguments, dict, fixture, floats, integers, open, pickle, refusal,
    small_safetensors, tensor, tensor_with,
};

const A: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];

fn fixture_of(name: &str) -> Checkpoint {
    Checkpoint::open(&[fixture(name)]).unwrap()
}

#[test]
fn every_format_of_torch_save_gives_the_same_tensors() {
    for name in ["zip.pt", "protocol4.pt", "legacy.pt"] {
        let file = fixture_of(name);
        assert_eq!(file.len(), 14);
        for whole in ["f64", "f32", "f16", "bf16", "parameter", "tied"] {
            assert_eq!(floats(&file, whole), A, "{name} {whole}");
            assert_eq!(file.info(whole).unwrap().shape, [2, 3]);
        }
        assert_eq!(integers(&file, "i64"), [-7, 11]);
        assert_eq!(integers(&file, "i8"), [-7, 11]);
        assert_eq!(integers(&file, "bool"), [1, 0]);
        assert_eq!(floats(&file, "scalar"), [2.5]);
        assert_eq!(file.info("scalar").unwrap().shape, [0; 0]);
        assert_eq!(file.info("empty").unwrap().shape, [0, 5]);
        assert_eq!(floats(&file, "empty"), [0.0; 0]);
    }
}

#[test]
fn views_are_read_row_by_row_whatever_their_strides() {
    for name in ["zip.pt", "protocol4.pt", "legacy.pt"] {
        let file = fixture_of(name);
        assert_eq!(file.info("transposed").unwrap().shape, [3, 2]);
        assert_eq!(floats(&file, "transposed"), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(floats(&file, "corner"), [3.0, 5.0]);
        let expanded = [0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0, 3.0];
        assert_eq!(floats(&file, "expanded"), expanded);
        let mut part = [0.0_f32; 3];
        file.read("transposed", 2..5, &mut part).unwrap();
        assert_eq!(part, [1.0, 4.0, 2.0]);
        let mut copied = Vec::new();
        file.copy("transposed", &mut copied).unwrap();
        let want: Vec<u8> = [0.0_f32, 3.0, 1.0, 4.0, 2.0, 5.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        assert_eq!(copied, want);
    }
}

#[test]
fn a_lazy_negation_is_read_with_its_sign() {
    let negative = dict(&[("neg", b"\x88"), ("conj", b"\x89")]);
    let saved = dict(&[
        ("plain", &tensor(6, 0, &[2, 3], &[3, 1])),
        ("negated", &tensor_with(&negative, 6, 0, &[2, 3], &[3, 1])),
        (
            "transposed",
            &tensor_with(&negative, 6, 0, &[3, 2], &[1, 3]),
        ),
    ]);
    let storage: Vec<u8> = A.iter().flat_map(|value| value.to_le_bytes()).collect();
    let file = open(&archive_with(&pickle(&saved), &storage)).unwrap();
    assert_eq!(floats(&file, "plain"), A);
    assert_eq!(floats(&file, "negated"), A.map(|value| -value));
    let columns = [0.0, -3.0, -1.0, -4.0, -2.0, -5.0];
    assert_eq!(floats(&file, "transposed"), columns);
    for (name, want) in [("negated", A.map(|value| -value)), ("transposed", columns)] {
        let mut copied = Vec::new();
        file.copy(name, &mut copied).unwrap();
        let copied: Vec<f32> = copied
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        assert_eq!(copied, want, "{name}");
    }
    let info = |name| file.info(name).unwrap();
    assert!(!info("plain").is_tied_to(info("negated")));
    let unknown = tensor_with(&dict(&[("odd", b"\x88")]), 6, 0, &[6], &[1]);
    let message = refusal(&archive_of(&pickle(&dict(&[("a", &unknown)]))));
    assert!(message.contains("property `odd`"), "{message}");
}

#[test]
fn a_tensor_with_attributes_is_read_without_them() {
    for class in [
        "torch\nTensor",
        "torch.nn.parameter\nParameter",
        "torch.nn.parameter\nBuffer",
    ] {
        let typed = [
            b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nc",
            class.as_bytes(),
            b"\n",
            &arguments(b"", 6, 0, &[2, 3], &[3, 1]),
            &dict(&[("tag", b"X\x01\0\0\0x")]),
            b"tR",
        ]
        .concat();
        let file = open(&archive_of(&pickle(&dict(&[("a", &typed)])))).unwrap();
        assert_eq!(floats(&file, "a"), [0.0; 6], "{class}");
        assert_eq!(file.info("a").unwrap().shape, [2, 3]);
    }
    let nested = b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\n)}tR";
    assert!(refusal(&archive_of(&pickle(&dict(&[("a", nested)])))).contains("none of torch's own"));
}

#[test]
fn tensors_of_kinds_that_are_not_read_are_told_as_what_they_are() {
    for (global, says) in [
        (
            "torch.distributed.tensor\nDTensor",
            "one rank has of a sharded model",
        ),
        (
            "torch.distributed._shard.sharded_tensor.api\nShardedTensor",
            "full_state_dict=True",
        ),
        ("torch._utils\n_rebuild_qtensor", "a quantised tensor"),
        ("torch._utils\n_rebuild_sparse_tensor", "a sparse tensor"),
    ] {
        let pickled = [b"\x80\x02c", global.as_bytes(), b"\n."].concat();
        let message = refusal(&archive_of(&pickled));
        assert!(message.contains(says), "{message}");
        assert!(!message.contains("asks to run"), "{message}");
    }
}

#[test]
fn tied_tensors_are_told_from_views_and_from_equal_ones() {
    let file = fixture_of("zip.pt");
    let info = |name| file.info(name).unwrap();
    assert!(info("f32").is_tied_to(info("tied")));
    assert!(info("f32").is_tied_to(info("parameter")));
    assert_eq!(info("f32").storage, info("transposed").storage);
    assert!(!info("f32").is_tied_to(info("transposed")));
    assert_ne!(info("f32").storage, info("f64").storage);
    let storages: HashSet<_> = file.names().map(|name| info(name).storage).collect();
    assert!(storages.len() < file.len());
}

#[test]
fn halves_keep_their_bits() {
    let file = fixture_of("zip.pt");
    let mut half = [f16::ZERO; 6];
    file.read("f16", 0..6, &mut half).unwrap();
    assert_eq!(half.map(f16::to_f32), A);
    let mut brain = [bf16::ZERO; 2];
    file.read("bf16", 4..6, &mut brain).unwrap();
    assert_eq!(brain.map(bf16::to_f32), [4.0, 5.0]);
}

#[test]
fn of_a_training_checkpoint_the_weights_are_taken() {
    let file = fixture_of("training.pt");
    let names: Vec<_> = file.names().collect();
    assert_eq!(names, ["module.bias", "module.weight"]);
    assert_eq!(floats(&file, "module.weight"), A);
    assert_eq!(floats(&file, "module.bias"), [5.0, 7.0]);
}

#[test]
fn a_key_like_that_of_weights_over_settings_is_passed_over() {
    let settings = dict(&[("width", b"K\x07")]);
    let weights = dict(&[("w", &tensor(6, 0, &[6], &[1]))]);
    for (items, name) in [
        ([("model", &settings[..]), ("state_dict", &weights)], "w"),
        ([("model", &settings), ("weights", &weights)], "weights.w"),
        ([("model_state_dict", &weights), ("other", &weights)], "w"),
    ] {
        let file = open(&archive_of(&pickle(&dict(&items)))).unwrap();
        assert_eq!(file.names().collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn modules_of_torchscript_become_dotted_names() {
    let file = fixture_of("script.pt");
    assert!(file.is_torchscript());
    for other in ["zip.pt", "legacy.pt", "training.pt"] {
        assert!(!fixture_of(other).is_torchscript(), "{other}");
    }
    let names: Vec<_> = file.names().collect();
    assert_eq!(
        names,
        [
            "layers.1.bias",
            "layers.1.weight",
            "positions",
            "projection.bias",
            "projection.weight"
        ]
    );
    assert_eq!(floats(&file, "projection.weight"), A);
    assert_eq!(integers(&file, "positions"), [0, 1, 2, 3, 4]);
}

#[test]
fn a_name_in_two_files_names_both_unless_it_is_allowed() {
    let paths = [fixture("zip.pt"), fixture("legacy.pt")];
    let error = Checkpoint::open(&paths).unwrap_err();
    assert!(matches!(error, Error::Repeated { .. }));
    let message = error.to_string();
    assert!(
        message.contains("zip.pt") && message.contains("legacy.pt"),
        "{message}"
    );
    let layered = Checkpoint::open_layered(&paths).unwrap();
    assert_eq!(layered.file("f32"), Some(paths[1].as_path()));
    let both = Checkpoint::open(&[fixture("zip.pt"), fixture("script.pt")]).unwrap();
    assert_eq!(both.file("positions"), Some(fixture("script.pt").as_path()));
    assert_eq!(both.len(), 14 + 5);
}

#[test]
fn a_request_that_does_not_fit_names_the_tensor_and_both_sides() {
    let file = fixture_of("zip.pt");
    let message = |result: flamingo_checkpoint::Result<()>| result.unwrap_err().to_string();
    let mut out = [0.0_f32; 6];
    let wrong_type = message(file.read("i64", 0..2, &mut out[..2]));
    assert!(
        wrong_type.contains("`i64` holds I64, which is no f32"),
        "{wrong_type}"
    );
    let wrong_type = message(file.read("f32", 0..2, &mut [0_i64; 2]));
    assert!(
        wrong_type.contains("`f32` holds F32, which is no i64"),
        "{wrong_type}"
    );
    assert!(message(file.read("f32", 5..7, &mut out[..2])).contains("has 6 elements, 5..7"));
    #[allow(clippy::reversed_empty_ranges, reason = "it is what is refused")]
    let reversed = file.read("f32", 5..3, &mut out[..0]);
    assert!(message(reversed).contains("5..3"));
    assert!(message(file.read("f32", 0..6, &mut out[..2])).contains("room for 2"));
    let missing = message(file.read("wte", 0..6, &mut out));
    assert!(
        missing.contains("no tensor `wte`") && missing.contains("zip.pt"),
        "{missing}"
    );
    assert!(file.info("wte").is_none() && file.file("wte").is_none());
}

#[test]
fn a_file_that_is_part_of_the_program_needs_no_path() {
    let bytes: &'static [u8] = Box::leak(small_safetensors().into_boxed_slice());
    let file = Checkpoint::embedded("the built-in model", bytes).unwrap();
    assert_eq!(file.info("a").unwrap().dtype, Dtype::F32);
    let error = Checkpoint::embedded("the built-in model", &bytes[..9]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the built-in model cannot be read")
    );
}

#[test]
fn files_that_cannot_be_opened_are_named() {
    for path in ["/nowhere/model.safetensors", "/proc", "/dev/null"] {
        let error = Checkpoint::open(&[path.into()]).unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
    }
    assert!(Checkpoint::open(&[]).unwrap().is_empty());
    assert!(open(b"").is_err());
}

#[test]
fn several_threads_read_one_file_at_once() {
    let file = fixture_of("zip.pt");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(floats(&file, "f32"), A);
                    assert_eq!(floats(&file, "bf16"), A);
                }
            });
        }
    });
}
