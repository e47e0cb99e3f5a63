//! Files made to break a reader.

use std::io::Write;

use super::support::{
    archive_of, dict, fixture, open, pickle, read_all, refusal, small_archive, small_safetensors,
    tensor, text, zip_of,
};

fn small_files() -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![
        ("safetensors", small_safetensors()),
        ("archive", small_archive()),
    ];
    for name in [
        "zip.pt",
        "protocol4.pt",
        "legacy.pt",
        "training.pt",
        "script.pt",
    ] {
        files.push((name, std::fs::read(fixture(name)).unwrap()));
    }
    files
}

/// The first two pickles of the older torch.save.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
const PROTOCOL: &[u8] = b"\x80\x02M\xe9\x03.";

/// A good tensor of six elements.
fn good() -> Vec<u8> {
    tensor(6, 0, &[2, 3], &[3, 1])
}

#[test]
fn every_file_cut_off_anywhere_is_an_error() {
    for (kind, bytes) in small_files() {
        read_all(&open(&bytes).unwrap());
        for length in 0..bytes.len() {
            assert!(open(&bytes[..length]).is_err(), "{kind} of {length} bytes");
        }
    }
}

#[test]
fn every_file_with_any_bit_turned_is_read_or_refused() {
    for (_, mut bytes) in small_files() {
        for at in 0..bytes.len() {
            for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                bytes[at] ^= change;
                if let Ok(file) = open(&bytes) {
                    read_all(&file);
                }
                bytes[at] ^= change;
            }
        }
    }
}

#[test]
fn anything_added_after_a_file_is_noticed() {
    for (kind, mut bytes) in small_files() {
        bytes.push(0);
        assert!(open(&bytes).is_err(), "{kind}");
    }
}

#[test]
fn code_is_refused_in_every_kind_of_file_and_named() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("__builtin__", "getattr"),
        ("torch.storage", "_load_from_bytes"),
        ("__torch__.evil", "Module"),
    ] {
        let call = format!("c{module}\n{name}\n(X\x04\0\0\0exittR");
        let hostile = pickle(&dict(&[("a", &good()), ("b", call.as_bytes())]));
        let legacy = [MAGIC, PROTOCOL, b"\x80\x02}.", &hostile].concat();
        for file in [archive_of(&hostile), legacy, hostile] {
            let message = refusal(&file);
            assert!(message.contains(&format!("`{module}.{name}`")), "{message}");
            assert!(message.contains("nothing in it was executed"), "{message}");
            assert!(
                message.contains("torch.save(model.state_dict()"),
                "{message}"
            );
        }
    }
}

#[test]
fn code_in_a_part_that_is_not_weights_is_refused_too() {
    let weights = dict(&[("w", &good())]);
    let hostile = dict(&[("model", &weights), ("optimizer", b"cos\nsystem\n)R")]);
    assert!(refusal(&archive_of(&pickle(&hostile))).contains("`os.system`"));
}

#[test]
fn a_good_archive_made_by_hand_is_read() {
    let file = open(&archive_of(&pickle(&dict(&[("a", &good())])))).unwrap();
    assert_eq!(file.info("a").unwrap().shape, [2, 3]);
    read_all(&file);
}

#[test]
fn tensors_that_reach_outside_their_storage_are_refused_by_name() {
    for (tensor, what) in [
        (tensor(6, 1, &[2, 3], &[3, 1]), "reaches past its storage"),
        (tensor(6, 0, &[2, 3], &[4, 1]), "reaches past its storage"),
        (tensor(6, 0, &[7], &[1]), "reaches past its storage"),
        (tensor(6, i64::MAX, &[1], &[1]), "reaches past its storage"),
        (tensor(6, 0, &[2], &[i64::MAX]), "reaches past its storage"),
        (tensor(7, 0, &[7], &[1]), "the file holds 24 bytes"),
        (tensor(i64::MAX, 0, &[1], &[1]), "the file holds 24 bytes"),
        (
            tensor(6, 0, &[i64::MAX, i64::MAX], &[0, 0]),
            "larger than any memory",
        ),
        (tensor(6, 0, &[1 << 50], &[0]), "expands 6 elements"),
    ] {
        let message = refusal(&archive_of(&pickle(&dict(&[("w.a", &tensor)]))));
        assert!(
            message.contains("`w.a`") && message.contains(what),
            "{message}"
        );
    }
    for (tensor, what) in [
        (tensor(6, -1, &[1], &[1]), "the size -1"),
        (tensor(6, 0, &[-1], &[1]), "the size -1"),
        (tensor(6, 0, &[1], &[-1]), "the size -1"),
        (tensor(-6, 0, &[1], &[1]), "the size -6"),
        (tensor(6, 0, &[2, 3], &[1]), "2 axes with 1 strides"),
        (tensor(6, 0, &[1; 17], &[1; 17]), "17 axes"),
    ] {
        let message = refusal(&archive_of(&pickle(&dict(&[("w.a", &tensor)]))));
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn formats_that_are_not_read_are_named_with_their_tensor() {
    for class in ["ComplexFloatStorage", "QInt8Storage", "UntypedStorage"] {
        let good = good();
        let at = good.windows(12).position(|w| w == b"FloatStorage").unwrap();
        let unread = [&good[..at], class.as_bytes(), &good[at + 12..]].concat();
        let message = refusal(&archive_of(&pickle(&dict(&[("w", &unread)]))));
        assert!(
            message.contains("tensor `w`") && message.contains("convert it"),
            "{message}"
        );
    }
}

#[test]
fn values_a_million_deep_overflow_no_stack() {
    let depth = 1_000_000;
    let lists = [vec![b']'; depth], vec![b'a'; depth - 1]].concat();
    assert!(refusal(&archive_of(&pickle(&lists))).contains("a list"));
    let tuples = [vec![b')'], vec![0x85; depth]].concat();
    assert!(refusal(&archive_of(&pickle(&tuples))).contains("a tuple"));
    let dicts = [b"}K\x01".repeat(depth), vec![b'N'], vec![b's'; depth]].concat();
    assert!(refusal(&archive_of(&pickle(&dicts))).contains("more than 64 deep"));
}

#[test]
fn a_dictionary_that_holds_itself_is_refused() {
    let circular = [b"}q\0", &text("a")[..], b"h\0s"].concat();
    assert!(refusal(&archive_of(&pickle(&circular))).contains("more than 64 deep"));
}

#[test]
fn dictionaries_that_multiply_are_refused_before_they_fill_memory() {
    for leaf in [good(), b"}".to_vec()] {
        let mut value = [b"}q\0", &text("a")[..], &leaf, b"s0"].concat();
        for level in 1..50_u8 {
            let [a, b] = [text("a"), text("b")];
            value.extend(
                [
                    &b"}q"[..],
                    &[level],
                    &a,
                    b"h",
                    &[level - 1],
                    b"s",
                    &b,
                    b"h",
                    &[level - 1],
                    b"s0",
                ]
                .concat(),
            );
        }
        value.extend(b"h\x31");
        let message = refusal(&archive_of(&pickle(&value)));
        assert!(message.contains("more than"), "{message}");
    }
}

#[test]
fn lists_that_multiply_cost_nothing() {
    let mut value = b"]q\0".to_vec();
    for level in 1..200_u8 {
        value.extend([b']', b'q', level, b'(']);
        value.extend([b'h', level - 1].repeat(10));
        value.push(b'e');
    }
    assert!(open(&archive_of(&pickle(&value))).is_err());
}

#[test]
fn dictionaries_copied_from_each_other_are_counted() {
    let mut value = [&b"}q\0("[..], &b"K\x01K\x01".repeat(100_000), b"u0"].concat();
    value.extend(b"ccollections\nCounter\nh\0\x85R0".repeat(1000));
    value.push(b'N');
    assert!(refusal(&archive_of(&pickle(&value))).contains("more than 2097152 values"));
}

#[test]
fn lengths_far_past_the_end_reserve_nothing() {
    for value in [
        &b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x96\0\0\0\0\0\0\x10\0",
        b"X\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\xff",
    ] {
        assert!(refusal(&archive_of(&pickle(value))).contains("cut off"));
    }
}

#[test]
fn what_holds_no_named_tensors_says_what_it_holds() {
    for (value, what) in [
        (good(), "a single tensor"),
        (b"]".to_vec(), "a list"),
        (b"K\x01".to_vec(), "an integer"),
        (b"}".to_vec(), "no tensors"),
        (dict(&[("epoch", b"K\x03")]), "no tensors"),
    ] {
        let message = refusal(&archive_of(&pickle(&value)));
        assert!(message.contains(what), "{message}");
    }
    let plain = refusal(&pickle(&dict(&[("a", b"K\x01")])));
    assert!(plain.contains("a plain pickle of a dict"), "{plain}");
}

#[test]
fn a_tensor_named_twice_is_refused() {
    let nested = dict(&[("a.b", &good()), ("a", &dict(&[("b", &good())]))]);
    for value in [nested, dict(&[("a.b", &good()), ("a.b", &good())])] {
        let message = refusal(&archive_of(&pickle(&value)));
        assert!(message.contains("`a.b` stands in it twice"), "{message}");
    }
}

#[test]
fn archives_that_are_something_else_say_what_they_seem_to_be() {
    assert!(refusal(&zip_of(&[("word/document.xml", b"x")])).contains("word/document.xml"));
    assert!(refusal(&zip_of(&[("weight.npy", b"x")])).contains("NumPy archive"));
    assert!(refusal(&zip_of(&[("m/model.safetensors", b"x")])).contains("unpack it"));
    assert!(refusal(&zip_of(&[])).contains("it holds nothing"));
    assert!(
        refusal(&zip_of(&[("a/data.pkl", b"N."), ("b/data.pkl", b"N.")])).contains("two data.pkl")
    );
    let big = zip_of(&[("a/data.pkl", b"N."), ("a/byteorder", b"big")]);
    assert!(refusal(&big).contains("byte order is `big`"));
    let no_storage = zip_of(&[("a/data.pkl", &pickle(&dict(&[("w", &good())])))]);
    assert!(refusal(&no_storage).contains("a/data/0"));
}

/// An archive whose pickle is compressed with `method`, as its headers say.
fn with_method(method: u16) -> Vec<u8> {
    let mut bytes = archive_of(&pickle(&dict(&[("a", &good())])));
    let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    for at in [8, central + 10] {
        bytes[at..at + 2].copy_from_slice(&method.to_le_bytes());
    }
    bytes
}

#[test]
fn a_compressed_pickle_is_refused_unread() {
    assert!(open(&with_method(0)).is_ok());
    for method in [8, 12, 93] {
        let message = refusal(&with_method(method));
        assert!(
            message.contains(&format!("compressed (method {method})")),
            "{message}"
        );
    }
}

/// Where the directory's records of the entries begin.
fn records(bytes: &[u8]) -> Vec<usize> {
    let starts = bytes.windows(4).enumerate();
    starts
        .filter(|(_, w)| w == b"PK\x01\x02")
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn entries_that_overlap_or_lie_outside_are_refused() {
    let good = archive_of(&pickle(&dict(&[("a", &good())])));
    let second = records(&good)[1];
    let changed = |at: usize, value: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        refusal(&bytes)
    };
    assert!(changed(second + 42, 0).contains("another name where it lies"));
    assert!(changed(second + 42, u32::MAX - 1).contains("points past its end"));
    assert!(changed(second + 24, 1 << 30).contains("compressed"));
    let longer = changed(second + 20, 60);
    assert!(longer.contains("begins at byte"), "{longer}");
    assert!(changed(second + 20, 1 << 30).contains("points past its end"));
}

#[test]
fn an_entry_that_stands_twice_is_refused() {
    let mut bytes = zip_of(&[("a/data.pkl", b"N."), ("a/data.pkm", b"N.")]);
    for at in 0..bytes.len() - 10 {
        if &bytes[at..at + 10] == b"a/data.pkm" {
            bytes[at + 9] = b'l';
        }
    }
    assert!(refusal(&bytes).contains("stands in it twice"));
}

#[test]
fn a_directory_that_claims_a_billion_entries_reserves_nothing() {
    let good = archive_of(b"N.");
    let end = good.len() - 22;
    for (at, value) in [(8, 0xfffe), (10, 0xfffe), (12, 0xfffe)] {
        let mut bytes = good.clone();
        bytes[end + at..end + at + 2].copy_from_slice(&u16::to_le_bytes(value));
        assert!(open(&bytes).is_err());
    }
    // The same in the records of archives past 4 GiB.
    let mut bytes = good[..end].to_vec();
    let at = bytes.len() as u64;
    bytes.extend(0x0606_4b50_u32.to_le_bytes());
    bytes.extend([0; 20]);
    for number in [1 << 40, 1 << 40, u64::MAX, 64] {
        bytes.extend(u64::to_le_bytes(number));
    }
    bytes.extend(
        [
            &0x0706_4b50_u32.to_le_bytes()[..],
            &[0; 4],
            &at.to_le_bytes(),
            &[1, 0, 0, 0],
        ]
        .concat(),
    );
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0; 2]].concat());
    assert!(refusal(&bytes).contains("lies outside it"));
}

#[test]
fn a_safetensors_header_that_is_too_long_is_refused() {
    for length in [u64::MAX, 1 << 62, (1 << 25) + 1, 1 << 20] {
        let bytes = [&length.to_le_bytes()[..], b"{}"].concat();
        let message = refusal(&bytes);
        assert!(
            message.contains("bytes long") || message.contains("cut off"),
            "{message}"
        );
    }
}

#[test]
fn a_safetensors_header_of_nested_arrays_overflows_no_stack() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        let header = format!("{{\"__metadata__\":{text}");
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
        assert!(open(&bytes).is_err());
    }
}

#[test]
fn a_file_on_disk_is_refused_by_its_path() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&archive_of(b"cos\nsystem\n.")).unwrap();
    let error = flamingo_checkpoint::Checkpoint::open(&[file.path().to_path_buf()]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&file.path().display().to_string())
    );
}

#[test]
fn a_stream_of_another_protocol_or_byte_order_is_refused() {
    let little = b"}X\x0d\0\0\0little_endian\x88s.";
    let big = b"}X\x0d\0\0\0little_endian\x89s.";
    let saved = pickle(&dict(&[("w", &good())]));
    let storages = [&b"](X\x01\0\0\x000e."[..], &6_u64.to_le_bytes(), &[0; 24]].concat();
    let stream = |protocol: &[u8], system: &[u8]| {
        let system = [b"\x80\x02", system].concat();
        [MAGIC, protocol, &system, &saved, b"\x80\x02", &storages].concat()
    };
    read_all(&open(&stream(PROTOCOL, little)).unwrap());
    assert!(refusal(&stream(PROTOCOL, big)).contains("byte order is big"));
    assert!(refusal(&stream(b"\x80\x02M\xe8\x03.", little)).contains("not 1001"));
}

#[test]
fn a_stream_whose_storages_are_not_those_of_its_tensors_is_refused() {
    let saved = pickle(&dict(&[("w", &good())]));
    let stream = |keys: &[&str], storages: &[&[u8]]| {
        let keys: Vec<u8> = keys.iter().flat_map(|key| text(key)).collect();
        let keys = pickle(&[b"](", &keys[..], b"e"].concat());
        let head = [MAGIC, PROTOCOL, b"\x80\x02}.", &saved, &keys].concat();
        [head, storages.concat()].concat()
    };
    let whole = [&6_u64.to_le_bytes()[..], &[0; 24]].concat();
    read_all(&open(&stream(&["0"], &[&whole])).unwrap());
    assert!(refusal(&stream(&[], &[])).contains("no storage `0`"));
    assert!(refusal(&stream(&["1"], &[&whole])).contains("no tensor uses its storage `1`"));
    assert!(refusal(&stream(&["0", "0"], &[&whole, &whole])).contains("stands in it twice"));
    assert!(refusal(&stream(&["0"], &[&whole, b"x"])).contains("something was added"));
    assert!(refusal(&stream(&["0"], &[&5_u64.to_le_bytes(), &[0; 20]])).contains("holds 20 bytes"));
    assert!(refusal(&stream(&["0"], &[&u64::MAX.to_le_bytes()])).contains("cut off"));
}
