#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use flamingo_data::{Format as Read, Source};
use flamingo_film::Reader;
use flamingo_image::{Image as Picture, Limits, Media, Wanted};
use flamingo_page::document::document;
use flamingo_page::{Image, Page, Part, Text, Video};
use flamingo_sequence::Part as Written;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

/// A picture that is another one for each number.
fn picture(number: usize) -> Picture {
    Picture::from_fn(7, 5, |x, y| [number as u8, x as u8, y as u8])
}

fn medium(number: usize) -> Medium {
    let bytes = picture(number).to_png();
    Medium {
        sha256: format!("{:x}", Sha256::digest(&bytes)),
        bytes,
        extension: "png".into(),
        width: 7,
        height: 5,
    }
}

fn text(text: &str) -> Part {
    Part::Text(Text {
        text: text.into(),
        kind: flamingo_page::Kind::Paragraph,
    })
}

fn image(number: usize) -> Part {
    Part::Image(Image {
        url: format!("https://a.example/{number}.png"),
        alt: format!("number {number}"),
        ..Image::default()
    })
}

/// A record with so many pictures, each after a text; `first` numbers them.
fn record(first: usize, pictures: usize, words: &str) -> Record {
    let mut parts = Vec::new();
    let mut media = Vec::new();
    for number in first..first + pictures {
        parts.extend([text(words), image(number)]);
        media.extend([None, Some(medium(number))]);
    }
    parts.push(text(&format!("the end of {first}")));
    Record {
        id: format!("https://a.example/{first}.html?a=b.c"),
        page: Page {
            url: format!("https://a.example/{first}.html"),
            title: Some("A page".into()),
            parts,
            ..Page::default()
        },
        media,
    }
}

fn records() -> Vec<Record> {
    let mut first = 0;
    let mut of = |pictures| {
        first += 10;
        record(first, pictures, "some words \u{fc}ber pictures")
    };
    [2, 0, 1, 3, 1].map(&mut of).to_vec()
}

fn config(format: OutputFormat, shard_bytes: u64) -> OutputConfig {
    OutputConfig {
        format,
        shard_bytes,
        embed_images: false,
    }
}

fn write_to(root: &Path, config: &OutputConfig, records: &[Record]) -> Vec<Finished> {
    let folder = Folder::open(root, 0).unwrap();
    let mut writer = writer(&folder, "shards/00007", config).unwrap();
    for record in records {
        writer.write(record).unwrap();
    }
    writer.finish().unwrap()
}

fn write(config: &OutputConfig, records: &[Record]) -> (tempfile::TempDir, Vec<Finished>) {
    let root = tempfile::tempdir().unwrap();
    let finished = write_to(root.path(), config, records);
    (root, finished)
}

fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("shards")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What training reads of a record in a shard: the pictures it shows, and its texts.
fn shown(samples: &[flamingo_data::Sample]) -> Vec<(Option<String>, Vec<String>, Vec<Media>)> {
    let read = |sample: &flamingo_data::Sample| {
        let texts = sample.document.parts.iter().filter_map(|part| match part {
            Written::Text(text) => Some(text.clone()),
            _ => None,
        });
        let media = sample.document.media().map(|(_, kind, place)| {
            sample
                .base
                .load(place, kind, &Reader::default(), &Wanted::default())
                .unwrap()
        });
        (sample.document.id.clone(), texts.collect(), media.collect())
    };
    samples.iter().map(read).collect()
}

#[test]
fn shards_are_read_back_with_equal_documents_and_pixels() {
    for shard_bytes in [1, 6200, 1 << 30] {
        let (root, finished) = write(&config(OutputFormat::Shards, shard_bytes), &records());
        let source = Source::read(Read::Shards, &root.path().join("shards")).unwrap();
        assert_eq!(source.report.left_out.len(), 0);
        let expected: Vec<_> = records()
            .iter()
            .map(|record| {
                let document = document(&record.page, |index, _| Some(index.to_string())).unwrap();
                let texts = document.parts.into_iter().filter_map(|part| match part {
                    Written::Text(text) => Some(text),
                    _ => None,
                });
                let bytes = record.media.iter().flatten().map(|medium| &medium.bytes);
                let pixels = bytes.map(|bytes| {
                    flamingo_image::decode(bytes, "test", &Limits::default()).unwrap()
                });
                (Some(record.id.clone()), texts.collect(), pixels.collect())
            })
            .collect();
        assert_eq!(shown(&source.samples), expected, "shards of {shard_bytes}");
        // A document is 1,024 bytes for its text and as many for each picture: 6,144 for the first
        // three, and for the last two.
        let files = [(1, 5), (6200, 2), (1 << 30, 1)];
        let count = files
            .iter()
            .find(|(bytes, _)| *bytes == shard_bytes)
            .unwrap()
            .1;
        assert_eq!(finished.len(), count, "shards of {shard_bytes}");
        let total = |of: fn(&Finished) -> u64| finished.iter().map(of).sum::<u64>();
        assert_eq!(total(|file| file.documents), 5);
        assert_eq!(total(|file| file.images), 7);
    }
}

#[test]
fn a_finished_file_is_what_it_says_it_is() {
    for format in [
        OutputFormat::Shards,
        OutputFormat::Pairs,
        OutputFormat::Parquet,
        OutputFormat::Jsonl,
    ] {
        let (root, finished) = write(&config(format, 1 << 30), &records());
        assert_eq!(names(root.path()).len(), finished.len());
        for file in finished {
            let bytes = fs::read(root.path().join(&file.name)).unwrap();
            assert_eq!(file.bytes, bytes.len() as u64);
            assert_eq!(file.sha256, format!("{:x}", Sha256::digest(&bytes)));
        }
    }
}

#[test]
fn the_same_records_give_the_same_bytes() {
    for format in [
        OutputFormat::Shards,
        OutputFormat::Pairs,
        OutputFormat::Parquet,
        OutputFormat::Jsonl,
    ] {
        let mut config = config(format, 5000);
        config.embed_images = true;
        let (first, second) = (write(&config, &records()).1, write(&config, &records()).1);
        assert_eq!(first, second);
        assert!(!first.is_empty());
    }
}

#[test]
fn a_killed_writer_leaves_no_name_and_the_next_one_takes_its_remains_away() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::open(root.path(), 0).unwrap();
    let jsonl = config(OutputFormat::Jsonl, 1 << 30);
    let mut killed = writer(&folder, "shards/00007", &jsonl).unwrap();
    killed.write(&records()[0]).unwrap();
    drop(killed);
    assert!(!folder.has("shards/00007-000.jsonl"));
    // An earlier attempt with smaller files left more of them.
    let earlier = write_to(root.path(), &config(OutputFormat::Jsonl, 1), &records());
    assert_eq!(earlier.len(), 5);
    folder
        .write("shards/00008-000.jsonl", b"another unit")
        .unwrap();
    let finished = write_to(
        root.path(),
        &config(OutputFormat::Shards, 1 << 30),
        &records(),
    );
    assert_eq!(finished.len(), 1);
    assert_eq!(names(root.path()), ["00007-000.tar", "00008-000.jsonl"]);
    for steps in 0..8 {
        let failing = folder.clone().failing_after(steps);
        let written = writer(&failing, "shards/00007", &config(OutputFormat::Shards, 1)).and_then(
            |mut writer| {
                records()
                    .iter()
                    .try_for_each(|record| writer.write(record).map(drop))?;
                writer.finish()
            },
        );
        assert!(written.is_err());
        let again = write_to(
            root.path(),
            &config(OutputFormat::Shards, 1 << 30),
            &records(),
        );
        assert_eq!(again, finished, "killed after {steps} steps");
        let tars = names(root.path());
        let tars = tars.iter().filter(|name| name.ends_with(".tar"));
        assert_eq!(tars.count(), 1, "killed after {steps} steps");
    }
}

#[test]
fn pairs_are_a_picture_or_film_and_its_text() {
    let mut film = record(3, 1, "two pigs run");
    film.page.parts = vec![Part::Video(Video::default()), text(" two pigs run ")];
    let moving = Medium {
        bytes: b"film".to_vec(),
        extension: "mp4".into(),
        ..medium(3)
    };
    film.media = vec![Some(moving)];
    let without_text = Record {
        page: Page {
            parts: vec![image(5)],
            ..Page::default()
        },
        media: vec![Some(medium(5))],
        ..Record::default()
    };
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::open(root.path(), 0).unwrap();
    let pairs = config(OutputFormat::Pairs, 1 << 30);
    let mut writer = writer(&folder, "shards/00000", &pairs).unwrap();
    let cat = record(7, 1, "a cat");
    assert_eq!(writer.write(&cat).unwrap(), Outcome::Written);
    assert_eq!(writer.write(&film).unwrap(), Outcome::Written);
    assert_eq!(writer.write(&without_text).unwrap(), Outcome::NoText);
    assert_eq!(writer.write(&record(9, 0, "")).unwrap(), Outcome::NoMedium);
    let finished = writer.finish().unwrap();
    assert_eq!(
        (finished[0].documents, finished[0].images, finished[0].films),
        (2, 1, 1)
    );
    let mut archive = tar::Archive::new(fs::File::open(folder.path(&finished[0].name)).unwrap());
    let members: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    let expected = [
        "00000-0000000.png",
        "00000-0000000.txt",
        "00000-0000001.mp4",
        "00000-0000001.txt",
    ];
    assert_eq!(members, expected);
    let source = Source::read(Read::Shards, &folder.path(&finished[0].name)).unwrap();
    let [pair, film] = &source.samples[..] else {
        panic!("{} samples of 2 pairs", source.samples.len());
    };
    let of_film = [
        Written::Video("00000-0000001.mp4".into()),
        Written::Text("two pigs run".into()),
    ];
    assert_eq!(film.document.parts, of_film);
    let pair = &shown(std::slice::from_ref(pair))[0];
    assert_eq!(pair.1, ["a cat\nthe end of 7"]);
    assert_eq!(pair.2, [Media::Image(picture(7))]);
}

#[test]
fn lines_name_urls_or_hold_the_pictures() {
    let (root, _) = write(&config(OutputFormat::Jsonl, 1 << 30), &records()[..1]);
    let file = root.path().join("shards/00007-000.jsonl");
    let line = fs::read_to_string(&file).unwrap();
    assert!(
        line.contains(r#"{"image":"https://a.example/10.png"}"#),
        "{line}"
    );
    let embedded = OutputConfig {
        embed_images: true,
        ..config(OutputFormat::Jsonl, 1 << 30)
    };
    let (root, _) = write(&embedded, &records()[..1]);
    let source = Source::read(Read::Jsonl, &root.path().join("shards")).unwrap();
    let expected = [10, 11].map(|number| Media::Image(picture(number)));
    assert_eq!(shown(&source.samples)[0].2, expected);
}

#[test]
fn a_picture_without_a_file_is_not_in_a_shard() {
    let mut record = record(3, 2, "words");
    record.media[1] = None;
    record.media.truncate(4);
    let (root, finished) = write(&config(OutputFormat::Shards, 1 << 30), &[record]);
    assert_eq!(finished[0].images, 1);
    let source = Source::read(Read::Shards, &root.path().join("shards")).unwrap();
    assert_eq!(shown(&source.samples)[0].1[0], "words\nwords");
    let nothing = Record::default();
    let (_, finished) = write(&config(OutputFormat::Shards, 1 << 30), &[nothing]);
    assert_eq!(finished, []);
}

mod obelics {
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use arrow::array::{Array, AsArray, ListArray};

    use super::*;

    fn rows(root: &Path, name: &str) -> arrow::array::RecordBatch {
        let file = fs::File::open(root.join(name)).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
        arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
    }

    fn strings(list: &ListArray, row: usize) -> Vec<Option<String>> {
        let values = list.value(row);
        let values = values.as_string::<i32>();
        values.iter().map(|value| value.map(String::from)).collect()
    }

    #[test]
    fn each_position_is_a_picture_or_a_text() {
        let parquet = OutputConfig {
            embed_images: true,
            ..config(OutputFormat::Parquet, 1 << 30)
        };
        let (root, finished) = write(&parquet, &records());
        assert_eq!((finished[0].documents, finished[0].images), (5, 7));
        let rows = rows(root.path(), &finished[0].name);
        let names: Vec<String> = rows
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        let expected = [
            "images",
            "metadata",
            "general_metadata",
            "texts",
            "image_bytes",
        ];
        assert_eq!(names, expected);
        let column = |name: &str| rows.column_by_name(name).unwrap();
        let (images, texts) = (column("images").as_list(), column("texts").as_list());
        let some = |text: &str| Some(text.to_owned());
        let words = "some words \u{fc}ber pictures";
        assert_eq!(
            strings(images, 0),
            [
                None,
                some("https://a.example/10.png"),
                None,
                some("https://a.example/11.png"),
                None
            ]
        );
        assert_eq!(
            strings(texts, 0),
            [some(words), None, some(words), None, some("the end of 10")]
        );
        let bytes = column("image_bytes").as_list::<i32>().value(0);
        assert!(bytes.is_null(0));
        assert_eq!(bytes.as_binary::<i32>().value(1), picture(10).to_png());
        for row in 0..rows.num_rows() {
            let (images, texts) = (strings(images, row), strings(texts, row));
            assert!(
                images
                    .iter()
                    .zip(&texts)
                    .all(|(a, b)| a.is_some() != b.is_some())
            );
            let metadata = column("metadata").as_string::<i32>().value(row);
            let metadata: Vec<Option<serde_json::Value>> = serde_json::from_str(metadata).unwrap();
            let described = metadata.iter().map(Option::is_some);
            assert!(described.eq(images.iter().map(Option::is_some)));
        }
        let metadata = column("metadata").as_string::<i32>().value(2);
        let metadata: serde_json::Value = serde_json::from_str(metadata).unwrap();
        assert_eq!(metadata[1]["alt_text"], "number 30");
        assert_eq!(metadata[1]["original_width"], 7);
        let general = column("general_metadata").as_string::<i32>().value(2);
        let general: serde_json::Value = serde_json::from_str(general).unwrap();
        assert_eq!(general["url"], "https://a.example/30.html");
    }

    #[test]
    fn files_are_split_and_urls_need_no_bytes() {
        let mut without = records();
        without.iter_mut().for_each(|record| record.media.clear());
        let many: Vec<Record> = without.into_iter().cycle().take(1200).collect();
        let (root, finished) = write(&config(OutputFormat::Parquet, 1), &many);
        assert_eq!(finished.len(), 3);
        let counts: Vec<u64> = finished.iter().map(|file| file.documents).collect();
        assert_eq!(counts, [512, 512, 176]);
        for file in &finished {
            let rows = rows(root.path(), &file.name);
            assert_eq!(
                (rows.num_rows() as u64, rows.num_columns()),
                (file.documents, 4)
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn names_and_splits_keep_every_document_in_order(
        pictures in prop::collection::vec(0_usize..4, 1..12),
        id in "\\PC{0,12}",
        shard_bytes in prop_oneof![Just(1_u64), 1000_u64..40_000],
    ) {
        let records: Vec<Record> = pictures
            .iter()
            .enumerate()
            .map(|(number, &pictures)| Record {
                id: format!("{id}{number}"),
                ..record(number * 10, pictures, "words")
            })
            .collect();
        let (root, finished) = write(&config(OutputFormat::Shards, shard_bytes), &records);
        let source = Source::read(Read::Shards, &root.path().join("shards")).unwrap();
        let read: Vec<Option<&str>> = source.samples.iter().map(|s| s.document.id.as_deref()).collect();
        let expected: Vec<Option<&str>> = records.iter().map(|r| Some(r.id.as_str())).collect();
        prop_assert_eq!(read, expected);
        for (number, file) in finished.iter().enumerate() {
            prop_assert_eq!(&file.name, &format!("shards/00007-{number:03}.tar"));
            // The end of a tar file is 1,024 bytes of zeros.
            prop_assert!(file.documents == 1 || file.bytes <= shard_bytes + 1024);
        }
    }
}
