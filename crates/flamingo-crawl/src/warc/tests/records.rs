//! What records say and become.

use super::*;

#[test]
fn kinds_of_records_become_kinds_of_items() {
    let uri = "WARC-Target-URI: <https://a.org/dir/x>\r\n";
    let records = [
        record("warcinfo", "", b"software: x"),
        record("request", uri, b"GET / HTTP/1.1\r\n\r\n"),
        record("metadata", uri, b"via: y"),
        record(
            "Response",
            uri,
            b"HTTP/1.1 302 Found\r\nLocation: ../y?z#f\r\n\r\n",
        ),
        record("response", uri, b"HTTP/1.1 301 Moved\r\n\r\n"),
        record(
            "response",
            uri,
            b"HTTP/1.1 404 Not Found\r\nX-Robots-Tag: noai\r\nx-robots-tag: bot: none\r\n\r\ngone",
        ),
        record(
            "response",
            "WARC-Target-URI: dns:a.org\r\nContent-Type: text/dns\r\n",
            b"a.org. 60 IN A",
        ),
        record(
            "response",
            "WARC-Target-URI: nowhere\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ),
        record("response", uri, b"<html> without a head"),
        record(
            "resource",
            &format!("{uri}Content-Type: Image/PNG; a=b\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"),
            b"\x89PNG",
        ),
        record(
            "revisit",
            &format!(
                "{uri}WARC-Refers-To-Target-URI: <https://a.org/z>\r\nWARC-Payload-Digest: sha1:X\r\n"
            ),
            b"HTTP/1.1 200 OK\r\n\r\n",
        ),
        record("unheard-of", uri, b""),
    ];
    let (items, counts) = read(Packing::Gzip.pack(&records));
    let kinds: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::Answer(answer) => format!("answer {} {:?}", answer.status, answer.content_type),
            Item::Redirect(redirect) => format!("redirect {} {}", redirect.status, redirect.to),
            Item::Revisit(revisit) => format!("revisit {:?} {:?}", revisit.of, revisit.digest),
            Item::Skipped(skipped) => skipped.reason.name().to_owned(),
        })
        .collect();
    let expected = [
        "warcinfo",
        "request",
        "metadata",
        "redirect 302 https://a.org/y?z#f",
        "missing_location",
        "answer 404 None",
        "other_record",
        "missing_url",
        "malformed_http",
        "answer 200 Some(\"image/png\")",
        "revisit Some(\"https://a.org/z\") Some(\"sha1:X\")",
        "other_record",
    ];
    assert_eq!(kinds, expected);
    assert_eq!((counts.get("answers"), counts.get("other_record")), (2, 2));
    let all = answers(items);
    assert_eq!(all[0].directives.robots, ["noai", "bot: none"]);
    assert_eq!(all[1].date.as_deref(), Some("2020-01-01T00:00:00Z"));
    assert_eq!(all[1].body, b"\x89PNG");
}

#[test]
fn line_ends_folded_and_broken_headers_are_read_as_far_as_they_can_be() {
    let sloppy = b"WARC/1.1\nwarc-type: response\nWARC-Target-URI:https://a.org/0\nno colon\nContent-Length: 32\n\n\
        HTTP/1.0 200\nA: b\n\n<p>page 0</p>\n\n";
    let unknown = b"WARC/0.18\r\nWARC-Type: response\r\nWARC-Target-URI:\r\n https://a.org/1\r\nContent-Length: 32\r\n\r\n\
        HTTP/1.0 200 OK\r\n\r\n<p>page 1</p>\r\n\r\n";
    let (found, counts) = numbers([&sloppy[..], unknown].concat());
    assert_eq!(found, [0, 1]);
    assert_eq!(
        counts,
        counted(&[("bad_header", 1), ("unknown_version", 1)])
    );
}

#[test]
fn wrong_digests_are_ignored_counted_or_dropped_as_asked() {
    let content = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let digest = |name: &str, bytes: &[u8]| {
        let hash = <sha1::Sha1 as sha1::Digest>::digest(bytes);
        format!("{name}: sha1:{}\r\n", data_encoding::BASE32.encode(&hash))
    };
    let uri = "WARC-Target-URI: https://a.org/\r\n";
    let record = |digests: &str| record("response", &format!("{uri}{digests}"), content);
    let bytes = [
        record(&digest("WARC-Block-Digest", content)),
        record(&digest("WARC-Payload-Digest", b"x")),
        record(&digest("WARC-Payload-Digest", b"1\r\nx\r\n0\r\n\r\n")),
        record(&digest("WARC-Block-Digest", b"other")),
        record(&digest("WARC-Payload-Digest", b"other")),
        record("WARC-Block-Digest: md5:unknown\r\n"),
    ]
    .concat();
    for (digests, kept, wrong, dropped) in [
        (Digests::Ignore, 6, 0, 0),
        (Digests::Count, 6, 2, 0),
        (Digests::Drop, 4, 0, 2),
    ] {
        let options = ReadOptions {
            digests,
            ..ReadOptions::default()
        };
        let (_, counts) = read_with(bytes.clone(), &options);
        let names = ["answers", "wrong_digest", "dropped_wrong_digest"];
        let found = names.map(|name| counts.get(name));
        assert_eq!(found, [kept, wrong, dropped], "{digests:?}");
    }
}

#[test]
fn truncation_that_the_crawler_tells_is_told_on() {
    let headers = "WARC-Target-URI: https://a.org/0\r\nWARC-Truncated: length\r\n";
    let (items, counts) = read(record("response", headers, b"HTTP/1.1 200 OK\r\n\r\nhalf"));
    assert!(answers(items)[0].truncated);
    assert_eq!(counts.get("truncated"), 1);
}
