//! What is written, in which order, and that it reads back.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use flamingo_crawl::{
    Answer, Digests, FetchConfig, FetchReport, Fetcher, Item, ReadOptions, Refusal, Unit, read_at,
};
use flate2::Compression;
use flate2::read::GzEncoder;

use super::{Crawl, SHORT, counts, outcomes, quick, records};
use crate::server::{Reply, Server};

#[test]
fn pages_come_in_the_order_of_the_list_however_slow_their_hosts_are() {
    let server = Server::start();
    let body = |n: u64| format!("<p>page {n} \u{e4}\r\n\r\nWARC/1.1\r\n");
    let urls: Vec<_> = (0..12_u64)
        .map(|n| {
            let reply = Reply::page(&body(n)).after(Duration::from_millis(40 * (n % 3)));
            server.tell(&format!("h{}.test/{n}", n % 4), [reply])
        })
        .collect();
    let crawl = Crawl::new(&server, quick());
    let report = crawl.pages(&urls);
    assert_eq!(outcomes(&report), [("fetched", 12)]);
    assert_eq!((report.requests, report.robots_requests), (12, 4));
    let records = crawl.records();
    assert_eq!(records.len(), 12);
    for (n, record) in records.iter().enumerate() {
        assert_eq!(record.url(), urls[n]);
        assert_eq!(record.body(), body(n as u64).as_bytes());
    }
    assert_eq!(
        report.bytes,
        records
            .iter()
            .map(|record| record.body().len() as u64)
            .sum::<u64>()
    );
}

#[test]
fn what_was_fetched_reads_back_as_any_crawl() {
    let server = Server::start();
    let text = "<p>a page in chunks, and compressed: \u{e4}</p>".repeat(20);
    let mut gzip = Vec::new();
    GzEncoder::new(text.as_bytes(), Compression::default())
        .read_to_end(&mut gzip)
        .unwrap();
    let html = |body: &[u8]| Reply::page("").body(body);
    let target = server.tell("b.test/end", [html(b"end")]);
    let urls = [
        server.tell("a.test/plain", [html(text.as_bytes())]),
        server.tell("a.test/chunks", [html(text.as_bytes()).chunked()]),
        server.tell(
            "a.test/gzip",
            [html(&gzip).header("Content-Encoding", "gzip")],
        ),
        server.tell(
            "a.test/gzip-chunks",
            [html(&gzip).header("Content-Encoding", "gzip").chunked()],
        ),
        server.tell("a.test/moved", [Reply::redirect(&target)]),
        server.tell(
            "a.test/refused",
            [html(&gzip)
                .header("Content-Encoding", "gzip")
                .header("X-Robots-Tag", "noai")],
        ),
        server.url("a.test/missing"),
        server.url("nowhere.test/"),
    ];
    let crawl = Crawl::new(&server, quick());
    crawl.pages(&urls);
    let options = ReadOptions {
        digests: Digests::Count,
        ..ReadOptions::default()
    };
    let unit = Unit::Warc {
        file: crawl.path().display().to_string(),
    };
    let mut items = unit.open(&options).unwrap();
    let read: Vec<_> = items.by_ref().map(Result::unwrap).collect();
    let all = counts(&[
        ("answers", 7),
        ("redirects", 1),
        ("warcinfo", 1),
        ("metadata", 1),
    ]);
    assert_eq!(items.counts(), &all, "and no faults");
    let answers: Vec<&Answer> = read
        .iter()
        .filter_map(|item| match item {
            Item::Answer(answer) => Some(answer),
            _ => None,
        })
        .collect();
    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| (answer.url.as_str(), answer.status))
        .collect();
    let expected = [
        &urls[0], &urls[1], &urls[2], &urls[3], &target, &urls[5], &urls[6],
    ];
    assert_eq!(
        statuses,
        std::array::from_fn::<_, 7, _>(|i| (expected[i].as_str(), if i == 6 { 404 } else { 200 }))
    );
    for answer in &answers[..4] {
        assert_eq!(answer.body, text.as_bytes());
        assert_eq!(answer.content_type.as_deref(), Some("text/html"));
        assert_eq!(answer.date.as_deref(), Some("2023-11-14T22:13:20Z"));
        let again = read_at(answer.place.as_ref().unwrap(), &options)
            .unwrap()
            .unwrap();
        assert_eq!(&again, *answer);
    }
    assert_eq!(
        answers[5].directives.refusals("flamingo-corpus"),
        [Refusal::NoAi]
    );
    assert!(answers[5].body.is_empty() && !answers[5].truncated);
    let redirect = read.iter().find_map(|item| match item {
        Item::Redirect(redirect) => Some((redirect.from.as_str(), redirect.to.as_str())),
        _ => None,
    });
    assert_eq!(redirect, Some((urls[4].as_str(), target.as_str())));
}

#[test]
fn two_runs_write_the_same_bytes() {
    let server = Server::start();
    let write = |slow: bool| {
        let urls: Vec<_> = (0..20_u64)
            .map(|n| {
                let time = if slow { 20 * (n % 4) } else { 20 * (3 - n % 4) };
                let reply = Reply::page(&format!("page {n}")).after(Duration::from_millis(time));
                server.tell(&format!("h{}.test/{n}", n % 7), [reply])
            })
            .collect();
        let crawl = Crawl::new(&server, quick());
        crawl.pages(&urls);
        fs::read(crawl.path()).unwrap()
    };
    assert_eq!(write(false), write(true));
}

#[test]
fn words_in_headers_keep_content_from_being_stored() {
    let server = Server::start();
    let page = |host: &str, name, value: &str| {
        server.tell(
            &format!("{host}.test/"),
            [Reply::page("SECRET").header(name, value)],
        )
    };
    let pages = [
        page("a", "X-Robots-Tag", "noarchive, noai"),
        page("b", "X-Robots-Tag", "otherbot: noai"),
        page("c", "TDM-Reservation", "1"),
        page("d", "X-Robots-Tag", "noimageai"),
    ];
    let crawl = Crawl::new(&server, quick());
    let report = crawl.pages(&pages);
    let expected = [
        ("noai_header", 1),
        ("fetched", 2),
        ("tdm_reservation_header", 1),
    ];
    assert_eq!(report.outcomes, counts(&expected));
    let stored: Vec<_> = crawl
        .records()
        .iter()
        .map(|record| record.body().len())
        .collect();
    assert_eq!(stored, [0, 6, 0, 6]);
    assert!(
        crawl.records()[0]
            .text()
            .contains("x-robots-tag: noarchive, noai\r\n")
    );

    let image = Reply::status(200)
        .header("Content-Type", "image/png")
        .body(b"SECRET");
    let image = server.tell("e.test/", [image.header("X-Robots-Tag", "noimageai")]);
    let report = crawl.images(&[image]);
    assert_eq!(outcomes(&report), [("noimageai_header", 1)]);
    assert!(crawl.records()[0].body().is_empty());
}

#[test]
fn only_the_types_that_are_wanted_are_read() {
    let server = Server::start();
    let of = |path: &str, name: &str| {
        server.tell(
            path,
            [Reply::status(200)
                .header("Content-Type", name)
                .body(b"bytes")],
        )
    };
    let urls = [
        of("a.test/1", "text/html; charset=utf-8"),
        of("a.test/2", "application/pdf"),
        of("a.test/3", "Image/PNG"),
        of("a.test/4", "application/octet-stream"),
    ];
    let crawl = Crawl::new(&server, quick());
    let lengths = |crawl: &Crawl| -> Vec<_> {
        crawl
            .records()
            .iter()
            .map(|record| record.body().len())
            .collect()
    };
    assert_eq!(
        crawl.pages(&urls).outcomes,
        counts(&[("fetched", 1), ("unwanted_type", 3)])
    );
    assert_eq!(lengths(&crawl), [5, 0, 0, 0]);
    assert_eq!(
        crawl.images(&urls).outcomes,
        counts(&[("fetched", 2), ("unwanted_type", 2)])
    );
    assert_eq!(lengths(&crawl), [0, 0, 5, 5]);
}

#[test]
fn a_body_beyond_the_limit_is_cut_and_counted() {
    let server = Server::start();
    let fits = server.tell("a.test/1", [Reply::page(&"x".repeat(1000))]);
    let large = server.tell("a.test/2", [Reply::page(&"y".repeat(100_000))]);
    let crawl = Crawl::new(
        &server,
        FetchConfig {
            max_page_bytes: 1000,
            ..quick()
        },
    );
    let report = crawl.pages(&[fits, large]);
    assert_eq!(report.outcomes, counts(&[("fetched", 1), ("cut", 1)]));
    let records = crawl.records();
    assert_eq!(records[0].header("WARC-Truncated"), None);
    assert_eq!(records[1].header("WARC-Truncated"), Some("length"));
    assert_eq!(records[1].body(), "y".repeat(1000).as_bytes());
    assert_eq!(report.bytes, 2000);
}

#[test]
fn requests_tell_who_asks() {
    let server = Server::start();
    let url = server.tell("a.test/", [Reply::page("x")]);
    let config = FetchConfig {
        user_agent: "bot/2 (me@b.test)".to_owned(),
        ..quick()
    };
    let crawl = Crawl::new(&server, config);
    crawl.pages(&[url]);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.agent == "bot/2 (me@b.test)")
    );
    let info = &records(&crawl.path())[0];
    assert!(
        info.text()
            .contains("http-header-user-agent: bot/2 (me@b.test)\r\n")
    );
}

#[test]
fn lines_that_are_no_url_or_come_again_are_counted() {
    let server = Server::start();
    let url = server.tell("a.test/", [Reply::page("x")]);
    let again = format!("{url}#part");
    let crawl = Crawl::new(&server, quick());
    let json = format!("{{\"url\": \"{url}\"}}");
    let report = crawl.pages(&[
        url,
        json,
        "ftp://a.test/".to_owned(),
        again,
        "no url".to_owned(),
    ]);
    assert_eq!(
        report.outcomes,
        counts(&[("fetched", 1), ("repeated", 2), ("unusable_url", 2)])
    );
    let report = crawl.pages(&[]);
    assert_eq!(report, FetchReport::default());
    assert_eq!(records(&crawl.path()).len(), 1);
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_that_names_it() {
    let server = Server::start();
    let crawl = Crawl::new(&server, quick());
    let path = crawl.folder.path().join("missing/00000.warc.gz");
    let error = crawl
        .fetcher
        .fetch_pages(&["http://a.test/"], &path)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot write ") && error.contains("missing/00000.warc.gz"),
        "{error}"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_kill_leaves_nothing_under_the_final_name_and_a_second_run_completes_it() {
    let server = Server::start();
    let pages: Vec<_> = (0..8)
        .map(|n| server.tell(&format!("127.0.0.1/{n}"), [Reply::page("x").after(SHORT)]))
        .collect();
    let crawl = Crawl::new(&server, quick());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "fetch::stored::fetches_what_another_process_asks_for",
            "--ignored",
        ])
        .env("FETCH_URLS", pages.join(" "))
        .env("FETCH_PATH", crawl.path())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.pages_of("127.0.0.1").len() < 3 {
        assert!(Instant::now() < deadline, "the child asks for nothing");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!crawl.path().exists());
    assert_eq!(outcomes(&crawl.pages(&pages)), [("fetched", 8)]);
    let names: Vec<_> = fs::read_dir(crawl.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["00000.warc.gz"]);
}

#[test]
#[ignore = "a part of the test above, in a process that is killed"]
fn fetches_what_another_process_asks_for() {
    let Ok(urls) = std::env::var("FETCH_URLS") else {
        return;
    };
    let path = std::env::var("FETCH_PATH").unwrap();
    let urls: Vec<_> = urls.split(' ').collect();
    Fetcher::new(quick())
        .unwrap()
        .fetch_pages(&urls, Path::new(&path))
        .unwrap();
}
