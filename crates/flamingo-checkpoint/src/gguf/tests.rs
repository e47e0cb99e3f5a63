use super::testing::Written;
use super::*;
use crate::{Checkpoint, Dtype};

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn file() -> Written {
    Written::new()
        .text("general.architecture", "llama")
        .key("llama.block_count", GgufValue::Unsigned(2))
        .key("a.negative", GgufValue::Signed(-7))
        .key("a.float", GgufValue::Float(0.5))
        .key("a.flag", GgufValue::Bool(true))
        .texts("a.texts", &["x", "", "ä"])
        .tensor("norm.weight", &[3], 0, &floats(&[1.0, -2.0, 0.25]))
        .tensor("one.weight", &[3, 2], 0, &floats(&[1., 2., 3., 4., 5., 6.]))
        .tensor("blk.0.weight", &[64, 2], 8, &[7; 2 * 2 * 34])
}

fn open(bytes: Vec<u8>) -> crate::Result<Checkpoint> {
    Checkpoint::from_bytes("model.gguf", bytes)
}

fn refused(bytes: Vec<u8>) -> String {
    open(bytes).expect_err("refused").to_string()
}

#[test]
fn tensors_have_their_axes_in_our_order_and_quantised_ones_are_bytes_under_their_format() {
    let checkpoint = open(file().bytes()).expect("opened");
    let names: Vec<&str> = checkpoint.names().collect();
    assert_eq!(names, ["blk.0.weight.q8_0", "norm.weight", "one.weight"]);
    let one = checkpoint.info("one.weight").expect("there");
    assert_eq!((one.dtype, &one.shape[..]), (Dtype::F32, &[2, 3][..]));
    let mut values = [0.0_f32; 3];
    checkpoint
        .read("one.weight", 3..6, &mut values)
        .expect("read");
    assert_eq!(values, [4.0, 5.0, 6.0]);
    let blocks = checkpoint.info("blk.0.weight.q8_0").expect("there");
    assert_eq!((blocks.dtype, &blocks.shape[..]), (Dtype::U8, &[2, 68][..]));
    let mut bytes = [0_u8; 136];
    checkpoint
        .read("blk.0.weight.q8_0", 0..136, &mut bytes)
        .expect("read");
    assert_eq!(bytes, [7; 136]);
}

#[test]
fn metadata_are_read_by_their_types_and_a_wrong_one_is_named_with_its_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, file().bytes()).expect("written");
    let metadata = GgufMetadata::read(&path).expect("read").expect("GGUF");
    let text = metadata.text("general.architecture").expect("a text");
    assert_eq!(text, Some("llama"));
    assert_eq!(metadata.count("llama.block_count").expect("one"), Some(2));
    assert_eq!(metadata.number("a.negative").expect("one"), Some(-7.0));
    assert_eq!(metadata.number("a.float").expect("one"), Some(0.5));
    assert_eq!(metadata.flag("a.flag").expect("one"), Some(true));
    let texts = metadata.texts("a.texts").expect("texts");
    assert_eq!(texts, Some(vec!["x", "", "ä"]));
    assert_eq!(metadata.count("missing").expect("none"), None);
    assert_eq!(metadata.iter().count(), 6);
    let told = metadata.count("a.negative").expect_err("negative");
    let told = told.to_string();
    assert!(told.contains("`a.negative` is Signed(-7)"), "{told}");
    assert!(told.contains("model.gguf"), "{told}");
}

#[test]
fn a_file_of_another_kind_has_no_metadata() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.bin");
    std::fs::write(&path, b"GGML and more").expect("written");
    assert!(GgufMetadata::read(&path).expect("read").is_none());
}

#[test]
fn the_alignment_that_a_file_names_is_used() {
    let bytes = Written::new()
        .alignment(128)
        .tensor("a", &[1], 0, &floats(&[3.0]))
        .tensor("b", &[1], 0, &floats(&[5.0]));
    let checkpoint = open(bytes.bytes()).expect("opened");
    let mut value = [0.0_f32];
    checkpoint.read("b", 0..1, &mut value).expect("read");
    assert_eq!(value, [5.0]);
    let odd = Written::new().key("general.alignment", GgufValue::Unsigned(24));
    assert!(refused(odd.bytes()).contains("power of two"));
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_and_no_panic() {
    let whole = file().bytes();
    for length in 4..whole.len() {
        assert!(open(whole[..length].to_vec()).is_err(), "{length} bytes");
    }
}

#[test]
fn any_byte_may_be_wrong_without_a_panic() {
    let whole = file().bytes();
    let header = whole.len() - 3 * 32 - 136;
    for at in 4..header {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let _ = open(bytes);
        }
    }
}

#[test]
fn other_versions_byte_orders_and_types_are_named() {
    assert!(refused(file().version(1).bytes()).contains("GGUF version 1"));
    assert!(refused(file().version(9).bytes()).contains("GGUF version 9"));
    let swapped = file().version(3_u32.swap_bytes());
    assert!(refused(swapped.bytes()).contains("big-endian"));
    let newer = Written::new().tensor("a.weight", &[256], 23, &[0; 136]);
    let told = refused(newer.bytes());
    assert!(told.contains("`a.weight` is of type IQ4_XS"), "{told}");
    let misfit = Written::new().tensor("a.weight", &[33], 8, &[0; 34]);
    assert!(refused(misfit.bytes()).contains("[33]"));
    let twice = file().tensor("norm.weight", &[1], 0, &floats(&[1.0]));
    assert!(refused(twice.bytes()).contains("stands twice"));
}

#[test]
fn the_second_version_is_read() {
    assert!(open(file().version(2).bytes()).is_ok());
}
