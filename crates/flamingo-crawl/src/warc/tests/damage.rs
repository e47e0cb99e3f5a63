//! Files that were cut, changed or mixed with others.

use proptest::prelude::*;

use super::*;
use crate::testing::{edited, edits};

#[test]
fn records_behind_one_of_a_wrong_length_are_still_read() {
    for packing in ALL {
        for told in ["3", "70", "100", "5000"] {
            let mut records = pages(40);
            let wrong = String::from_utf8(records[1].clone()).unwrap();
            let right = format!(
                "Content-Length: {}",
                wrong.len() - wrong.find("HTTP").unwrap() - 4
            );
            assert!(wrong.contains(&right));
            let wrong = wrong.replace(&right, &format!("Content-Length: {told}"));
            records[1] = wrong.into_bytes();
            let (found, counts) = numbers(packing.pack(&records));
            assert_eq!(
                found,
                (0..40).collect::<Vec<_>>(),
                "{packing:?}, {told} bytes"
            );
            assert_eq!(
                counts,
                counted(&[("wrong_length", 1)]),
                "{packing:?}, {told} bytes"
            );
        }
    }
}

#[test]
fn file_that_ends_early_loses_its_last_record_only() {
    for packing in ALL {
        let bytes = packing.pack(&pages(20));
        for cut in 1..bytes.len() {
            let (found, counts) = numbers(bytes[..cut].to_vec());
            let whole: Vec<_> = (0..found.len()).collect();
            assert_eq!(found, whole, "{packing:?} cut at {cut}");
            let lost: u64 = counts.iter().map(|count| count.1).sum();
            assert!(lost <= 3, "{packing:?} cut at {cut}: {counts:?}");
        }
        let (found, counts) = numbers(bytes[..bytes.len() - 20].to_vec());
        assert!(found.len() >= 15, "{packing:?}: {counts:?}");
        assert!(!counts.is_empty(), "{packing:?}");
    }
}

#[test]
fn member_clipped_in_the_middle_costs_no_other_record() {
    for packing in [Packing::Gzip, Packing::Zstd] {
        for left in [3, 10, 25, 60, 100] {
            let mut members: Vec<_> = pages(9)
                .iter()
                .map(|page| packing.pack(std::slice::from_ref(page)))
                .collect();
            members[4].truncate(left);
            let (found, counts) = numbers(members.concat());
            assert_eq!(
                found,
                [0, 1, 2, 3, 5, 6, 7, 8],
                "{packing:?}, {left} bytes: {counts:?}"
            );
            let reasons: Vec<_> = counts.iter().map(|count| count.0.as_str()).collect();
            let known = ["clipped", "damaged_compression", "garbage"];
            assert!(
                reasons.iter().all(|reason| known.contains(reason)),
                "{counts:?}"
            );
            assert!(!reasons.is_empty());
        }
    }
}

#[test]
fn changed_byte_costs_the_record_that_it_is_in() {
    for packing in [Packing::Gzip, Packing::Zstd] {
        let bytes = packing.pack(&pages(5));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            let (found, counts) = numbers(changed);
            assert!(
                found.len() >= 4,
                "{packing:?}, byte {at}: {found:?} {counts:?}"
            );
        }
    }
}

#[test]
fn garbage_between_records_is_one_thing_that_is_passed_over() {
    let garbage = b"\n\nGARBAGE WARC/ nonsense\r\n\r\nmore \x1f\x8b\x08\xff".repeat(50);
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        let parts: Vec<_> = pages(3)
            .iter()
            .map(|page| packing.pack(std::slice::from_ref(page)))
            .collect();
        let bytes = [
            &parts[0][..],
            &garbage,
            b"\r\n",
            &parts[1],
            &parts[2][..],
            &garbage,
        ]
        .concat();
        let (found, counts) = numbers(bytes);
        assert_eq!(found, [0, 1, 2], "{packing:?}");
        let times: u64 = counts
            .iter()
            .filter(|count| count.0 == "garbage")
            .map(|count| count.1)
            .sum();
        assert!((1..=2).contains(&times), "{packing:?}: {counts:?}");
    }
    // Before all records, and within a member.
    let (found, counts) = numbers([b"rubbish\n".to_vec(), page(0)].concat());
    assert_eq!((found, counts), (vec![0], counted(&[("garbage", 1)])));
    let member = gzip(
        &[
            b"rubbish\n".to_vec(),
            page(0),
            b"rubbish\n".to_vec(),
            page(1),
        ]
        .concat(),
    );
    let (found, _) = numbers(member);
    assert_eq!(found, [0, 1]);
}

/// Reads to the end what may be anything, within bounds. A file is refused for one reason alone: an edit can have its
/// only frame name a dictionary.
fn check_end_is_reached(bytes: Vec<u8>) {
    let (length, limit) = (bytes.len(), 4000);
    let options = ReadOptions {
        max_record: limit,
        max_body: limit,
        ..ReadOptions::default()
    };
    let mut items = match try_open(bytes, &options) {
        Ok(items) => items,
        Err(error) => return assert!(error.to_string().contains("zstd dictionary"), "{error}"),
    };
    let all: Vec<_> = items.by_ref().map(Result::unwrap).collect();
    assert!(all.len() <= length + 12);
    for answer in answers(all) {
        assert!(answer.body.len() as u64 <= limit);
        let place = answer.place;
        assert!(place.is_none_or(|place| place.offset + place.length <= length as u64));
    }
}

#[test]
fn only_frame_that_is_changed_to_name_a_dictionary_has_the_file_refused_in_words() {
    let edits = [
        (6, 154, 3),
        (2408, 0, 2),
        (4, 0, 1),
        (7031, 0, 1),
        (7903, 0, 2),
        (1924, 81, 0),
    ];
    let bytes = edited(Packing::Zstd.pack(&pages(12)), &edits);
    let error = try_open(bytes, &ReadOptions::default()).err().unwrap();
    let message = error.to_string();
    assert!(
        message.contains("test.warc") && message.contains("zstd dictionary"),
        "{message}"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(bytes: Vec<u8>) {
        check_end_is_reached(bytes);
    }

    #[test]
    fn any_mutation_of_a_good_file_is_read_to_its_end(
        packing in 0..ALL.len(),
        edits in edits(),
    ) {
        check_end_is_reached(edited(ALL[packing].pack(&pages(12)), &edits));
    }
}
