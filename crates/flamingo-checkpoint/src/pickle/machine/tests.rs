use super::*;

fn read(bytes: &[u8]) -> Result<Pickle<'_>, Fault> {
    Pickle::read(bytes, false, Limits::default())
}

fn reason(bytes: &[u8], limits: Limits) -> String {
    match Pickle::read(bytes, false, limits) {
        Err(Fault::Malformed(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn refused(bytes: &[u8]) -> String {
    match read(bytes) {
        Err(Fault::Code(global)) => global,
        other => panic!("{other:?}"),
    }
}

#[test]
fn integers_of_every_width_are_read() {
    let ints: [(&[u8], i64); 9] = [
        (b"K\x07.", 7),
        (b"M\x07\x01.", 263),
        (b"J\xff\xff\xff\xff.", -1),
        (b"\x8a\x00.", 0),
        (b"\x8a\x01\x80.", -128),
        (b"\x8a\x02\x80\x00.", 128),
        (b"\x8a\x08\0\0\0\0\0\0\0\x80.", i64::MIN),
        (b"\x8b\x01\0\0\0\x05.", 5),
        (b"N0K\x03.", 3),
    ];
    for (bytes, want) in ints {
        let pickle = read(bytes).expect("an integer");
        assert!(
            matches!(pickle.top, Value::Int(got) if got == want),
            "{want}"
        );
        assert_eq!(pickle.length, bytes.len());
    }
    assert!(matches!(
        read(b"\x8a\x09123456789.").expect("long").top,
        Value::Long(b"123456789")
    ));
}

#[test]
fn a_dict_that_is_remembered_before_it_is_filled_is_the_same_dict() {
    let pickle = read(b"\x80\x02}q\x00X\x01\0\0\0aK\x01sh\x00\x86.").expect("a pair");
    let both = pickle.heap.items(pickle.top).expect("a tuple");
    for &dict in both {
        assert_eq!(pickle.heap.dict(dict).map(<[_]>::len), Some(1));
    }
}

#[test]
fn a_list_that_holds_itself_is_read_and_dropped() {
    assert!(read(b"]q\x00h\x00a.").is_ok());
}

#[test]
fn a_million_lists_in_each_other_are_read_and_dropped() {
    let mut bytes = vec![b']'; 1_000_000];
    bytes.extend(vec![b'a'; 999_999]);
    bytes.push(b'.');
    assert!(read(&bytes).is_ok());
}

#[test]
fn code_is_refused_by_name_in_every_way_to_name_it() {
    assert_eq!(refused(b"cos\nsystem\n(X\x02\0\0\0lstR."), "os.system");
    assert_eq!(
        refused(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93."),
        "builtins.eval"
    );
    assert_eq!(refused(b"c__builtin__\ngetattr\n."), "__builtin__.getattr");
    assert_eq!(refused(b"c__torch__.A\nB\n."), "__torch__.A.B");
    assert_eq!(refused(b"cos\nsys\x1b[2Jtem\n."), "os.sys\\u{1b}[2Jtem");
}

#[test]
fn instructions_that_build_code_another_way_are_not_known() {
    for bytes in [
        &b"(ios\nsystem\n."[..],
        b"(cos\n",
        b"\x82\x01.",
        b"Pkey\n.",
        b"\x97.",
        b"(No.",
    ] {
        assert!(read(bytes).is_err());
    }
}

#[test]
fn the_items_below_a_mark_cannot_be_reached() {
    for bytes in [
        &b"K\x01(0."[..],
        b"K\x01(\x85.",
        b"](K\x01.",
        b"](a.",
        b"K\x01(q\x00.",
        b"(2.",
    ] {
        let end = read(bytes);
        let harmless = end.as_ref().is_ok_and(|p| matches!(p.top, Value::Int(1)));
        assert!(end.is_err() || harmless, "{bytes:?}");
    }
}

#[test]
fn lengths_past_the_end_are_errors_before_anything_is_reserved() {
    for bytes in [
        &b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc",
        b"X\xff\xff\xff\xffabc",
        b"\x8b\xff\xff\xff\xffabc",
        b"\x95\xff\xff",
    ] {
        assert!(reason(bytes, Limits::default()).contains("cut off"));
    }
}

#[test]
fn every_limit_has_its_own_message() {
    let small = Limits {
        bytes: 20,
        values: 5,
        memo: 2,
        tensors: 0,
    };
    assert!(reason(b"NNNNNN.", small).contains("more than 5 values"));
    assert!(reason(b"((((((.", small).contains("more than 5 values"));
    assert!(reason(b"Nq\x00q\x01q\x02.", small).contains("more than 2 remembered"));
    assert!(
        reason(&[b"X\x40\0\0\0", &[b'a'; 80][..]].concat(), small).contains("longer than 20 bytes")
    );
    assert!(reason(b"\x80\x01.", small).contains("protocol 1"));
}

#[test]
fn persistent_ids_that_are_no_storages_are_refused() {
    for bytes in [
        &b"NQ."[..],
        b")Q.",
        b"(X\x07\0\0\0storageNNNNtQ.",
        b"(X\x07\0\0\0storagectorch\nSize\nX\x01\0\0\0aNK\x01tQ.",
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0aNJ\xff\xff\xff\xfftQ.",
    ] {
        assert!(read(bytes).is_err());
    }
    let good = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0aNK\x07tQ.";
    let pickle = read(good).expect("a storage");
    assert_eq!(
        pickle
            .heap
            .storages()
            .map(|storage| storage.elements)
            .sum::<usize>(),
        7
    );
}

#[test]
fn harmless_classes_become_inert_objects_and_dictionaries_stay_dictionaries() {
    let namespace = read(b"cargparse\nNamespace\n)\x81}X\x01\0\0\0aK\x01sb.").expect("inert");
    assert_eq!(
        namespace.heap.describe(namespace.top),
        "`argparse.Namespace`"
    );
    for bytes in [
        &b"ccollections\nOrderedDict\n)RK\x01K\x02s."[..],
        b"ccollections\nOrderedDict\n]K\x01K\x02\x86a\x85R.",
        b"ccollections\nCounter\n}K\x01K\x02s\x85R.",
        b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RK\x01K\x02s.",
    ] {
        let dict = read(bytes).expect("a dict");
        assert_eq!(
            dict.heap.dict(dict.top).map(<[_]>::len),
            Some(1),
            "{bytes:?}"
        );
    }
}

#[test]
fn an_object_that_costs_one_byte_of_a_pickle_takes_few_of_memory() {
    assert!(size_of::<Value<'_>>() <= 24);
    assert!(size_of::<Object<'_>>() <= 40);
}
