//! COCO's pictures of 2014, which three benchmarks share.

use crate::read::Record;

/// The name of a picture of COCO 2014.
fn coco_picture(record: &Record, split: &str) -> Option<String> {
    let number = record.index("image_id").ok()?;
    Some(format!("COCO_{split}2014_{number:012}.jpg"))
}

pub(super) fn coco_train(record: &Record) -> Option<String> {
    coco_picture(record, "train")
}

pub(super) fn coco_val(record: &Record) -> Option<String> {
    coco_picture(record, "val")
}
