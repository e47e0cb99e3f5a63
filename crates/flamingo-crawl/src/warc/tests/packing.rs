//! Records, however they are packed.

use super::*;

#[test]
fn records_come_in_order_however_they_are_packed() {
    for packing in ALL {
        let (found, counts) = numbers(packing.pack(&pages(30)));
        assert_eq!(found, (0..30).collect::<Vec<_>>(), "{packing:?}");
        assert_eq!(counts, [], "{packing:?}");
    }
}

#[test]
fn every_record_that_has_a_place_can_be_read_again_alone() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for packing in ALL {
        let bytes = packing.pack(&pages(9));
        std::fs::write(&file, &bytes).unwrap();
        let options = ReadOptions::default();
        for answer in answers(read(bytes).0) {
            let has_place = matches!(packing, Packing::Plain | Packing::Gzip | Packing::Zstd);
            assert_eq!(answer.place.is_some(), has_place, "{packing:?}");
            let Some(place) = answer.place.clone() else {
                continue;
            };
            let place = Place {
                file: file.path().to_str().unwrap().into(),
                ..place
            };
            let again = read_at(&place, &options).unwrap().unwrap();
            assert_eq!(
                (again.url, again.body),
                (answer.url, answer.body),
                "{packing:?}"
            );
        }
    }
}

#[test]
fn zstd_with_a_dictionary_is_read_from_its_start_and_from_a_place() {
    let records = pages(200);
    // Any bytes may be one.
    let dictionary = records[..3].concat();
    for packed in [dictionary.clone(), zstd(&dictionary)] {
        let mut bytes = b"\x5d\x2a\x4d\x18".to_vec();
        bytes.extend((packed.len() as u32).to_le_bytes());
        bytes.extend(&packed);
        let mut compressor = ::zstd::bulk::Compressor::with_dictionary(3, &dictionary).unwrap();
        for record in &records {
            bytes.extend(compressor.compress(record).unwrap());
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, &bytes).unwrap();
        let (found, counts) = numbers(bytes.clone());
        assert_eq!((found.len(), counts), (200, vec![]));
        let place = Place {
            file: file.path().to_str().unwrap().into(),
            ..answers(read(bytes).0)[150].place.clone().unwrap()
        };
        let again = read_at(&place, &ReadOptions::default()).unwrap().unwrap();
        assert_eq!(again.body, b"<p>page 150</p>");
    }
}

#[test]
fn zstd_whose_dictionary_is_not_there_says_so() {
    // A frame of nothing that names the dictionary 7.
    let frame = b"\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00";
    let input = Input {
        reader: Box::new(Cursor::new(frame)),
        name: "a.warc.zst".into(),
        start: Some(0),
        size: None,
        dictionary: None,
    };
    let error = Warc::new(input, &ReadOptions::default()).err().unwrap();
    let message = error.to_string();
    assert!(
        message.contains("a.warc.zst") && message.contains("dictionary 7"),
        "{message}"
    );
}

#[test]
fn files_without_records_are_empty() {
    for bytes in [
        &b""[..],
        b"\r\n\r\n",
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ] {
        let (items, _) = read(bytes.to_vec());
        assert!(items.len() <= 1, "{items:?}");
    }
    assert_eq!(numbers(gzip(b"")), (vec![], vec![]));
    assert_eq!(
        numbers([gzip(b""), gzip(&page(0)), gzip(b"")].concat()).0,
        [0]
    );
    let empty = record("response", "WARC-Target-URI: https://a.org/0\r\n", b"");
    let (items, counts) = read([empty, page(1)].concat());
    assert_eq!((items.len(), counts.get("malformed_http")), (2, 1));
}

#[test]
fn missing_line_ends_between_records_lose_nothing() {
    let trimmed: Vec<_> = pages(4)
        .iter()
        .map(|page| page[..page.len() - 4].to_vec())
        .collect();
    for packing in [Packing::Gzip, Packing::Zstd] {
        assert_eq!(numbers(packing.pack(&trimmed)), (vec![0, 1, 2, 3], vec![]));
    }
    let lf: Vec<_> = trimmed
        .iter()
        .map(|page| [page, &b"\n"[..]].concat())
        .collect();
    for packing in ALL {
        assert_eq!(
            numbers(packing.pack(&lf)),
            (vec![0, 1, 2, 3], vec![]),
            "{packing:?}"
        );
    }
}
