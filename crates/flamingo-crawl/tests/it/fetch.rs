//! Lists are fetched politely, and what was fetched reads back.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flamingo_crawl::{
    Answer, Clock, Counts, Digests, FetchConfig, FetchReport, Fetcher, Item, ReadOptions, Refusal,
    Unit, read_at,
};
use flate2::Compression;
use flate2::read::{GzEncoder, MultiGzDecoder};
use tempfile::TempDir;

use crate::server::{Reply, Server};

/// A day that does not end.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }
}

/// Without delays, and with private addresses, as where the server is our own.
fn quick() -> FetchConfig {
    FetchConfig {
        delay: 0.0,
        retry_delay: 0.01,
        connect_timeout: 20.0,
        timeout: 20.0,
        allow_private_addresses: true,
        ..FetchConfig::default()
    }
}

struct Crawl {
    fetcher: Fetcher,
    folder: TempDir,
}

impl Crawl {
    fn new(server: &Server, config: FetchConfig) -> Self {
        let fetcher =
            Fetcher::with_parts(config, Arc::new(server.clone()), Arc::new(Noon)).unwrap();
        Self {
            fetcher,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("00000.warc.gz")
    }

    fn pages(&self, urls: &[String]) -> FetchReport {
        self.fetcher.fetch_pages(urls, &self.path()).unwrap()
    }

    fn images(&self, urls: &[String]) -> FetchReport {
        self.fetcher.fetch_images(urls, &self.path()).unwrap()
    }

    /// What was written but the first record, and robots.txt.
    fn records(&self) -> Vec<Record> {
        let all = records(&self.path());
        assert_eq!(all[0].kind(), "warcinfo");
        all.into_iter()
            .skip(1)
            .filter(|record| !record.url().ends_with("/robots.txt"))
            .collect()
    }
}

/// A record, read by rules that know nothing but lengths.
struct Record {
    head: String,
    block: Vec<u8>,
}

impl Record {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn kind(&self) -> &str {
        self.header("WARC-Type").unwrap()
    }

    fn url(&self) -> &str {
        self.header("WARC-Target-URI").unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.block).into_owned()
    }

    fn body(&self) -> &[u8] {
        &self.block[self.text().find("\r\n\r\n").unwrap() + 4..]
    }

    /// The status, or the outcome of what got no answer.
    fn result(&self) -> String {
        let text = self.text();
        match text.strip_prefix("HTTP/1.1 ") {
            Some(status) => status[..3].to_owned(),
            None => text
                .trim_end()
                .strip_prefix("fetch-outcome: ")
                .unwrap()
                .to_owned(),
        }
    }
}

fn records(path: &Path) -> Vec<Record> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    let mut rest = &bytes[..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let end = rest
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(rest[..end].to_vec()).unwrap();
        let mut record = Record {
            head,
            block: Vec::new(),
        };
        let length: usize = record.header("Content-Length").unwrap().parse().unwrap();
        record.block = rest[end + 4..end + 4 + length].to_vec();
        rest = rest[end + 4 + length..].strip_prefix(b"\r\n\r\n").unwrap();
        records.push(record);
    }
    records
}

fn results(crawl: &Crawl) -> Vec<(String, String)> {
    let records = crawl.records();
    records
        .iter()
        .map(|record| (record.url().to_owned(), record.result()))
        .collect()
}

fn outcomes(report: &FetchReport) -> Vec<(&str, u64)> {
    report.outcomes.iter().collect()
}

fn counts(outcomes: &[(&'static str, u64)]) -> Counts {
    let mut counts = Counts::default();
    for (name, count) in outcomes {
        counts.add(name, *count);
    }
    counts
}

fn expect(urls: &[&String], results: &[&str]) -> Vec<(String, String)> {
    urls.iter()
        .zip(results)
        .map(|(url, result)| (url.to_string(), result.to_string()))
        .collect()
}

const SHORT: Duration = Duration::from_millis(200);

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
fn what_robots_txt_forbids_is_not_asked_for() {
    let server = Server::start();
    let robots = "User-agent: *\nDisallow: /\n\nUser-agent: flamingo-corpus\nDisallow: /secret\n";
    server.tell(
        "a.test/robots.txt",
        [Reply::status(200).body(robots.as_bytes())],
    );
    let open = server.tell("a.test/open", [Reply::page("open")]);
    let secret = server.tell("a.test/secret/x", [Reply::page("secret")]);
    let other = server.tell("b.test/secret/x", [Reply::page("not of this site")]);
    let crawl = Crawl::new(&server, quick());
    let report = crawl.pages(&[secret.clone(), open.clone(), other.clone()]);
    assert_eq!(
        report.outcomes,
        counts(&[("fetched", 2), ("robots_txt", 1)])
    );
    assert_eq!(
        results(&crawl),
        expect(&[&secret, &open, &other], &["robots_txt", "200", "200"])
    );
    let asked = server.asked();
    assert!(!asked.contains(&"a.test/secret/x".to_owned()));
    assert_eq!(
        asked
            .iter()
            .filter(|asked| *asked == "a.test/robots.txt")
            .count(),
        1
    );
    let first = asked.iter().find(|asked| asked.starts_with("a.test"));
    assert_eq!(first.unwrap(), "a.test/robots.txt");
    let kept = records(&crawl.path());
    let robots_record = kept
        .iter()
        .find(|record| record.kind() == "response")
        .unwrap();
    assert_eq!(robots_record.body(), robots.as_bytes());
}

#[test]
fn a_site_whose_robots_txt_cannot_be_had_is_tried_twice_and_then_left_alone() {
    let server = Server::start();
    let busy = server.tell("busy.test/", [Reply::page("x")]);
    let broken = server.tell("broken.test/", [Reply::page("x")]);
    let late = server.tell("late.test/", [Reply::page("x")]);
    let missing = server.tell("missing.test/", [Reply::page("x")]);
    server.tell("busy.test/robots.txt", [Reply::status(503)]);
    server.tell("broken.test/robots.txt", [Reply::status(200).breaks_off()]);
    server.tell(
        "late.test/robots.txt",
        [Reply::status(500), Reply::status(200)],
    );
    let crawl = Crawl::new(&server, quick());
    crawl.pages(&[busy.clone(), broken.clone(), late.clone(), missing.clone()]);
    let expected = ["robots_txt", "connection_failed", "200", "200"];
    assert_eq!(
        results(&crawl),
        expect(&[&busy, &broken, &late, &missing], &expected)
    );
    let asked = server.asked();
    let tries = |site: &str| asked.iter().filter(|asked| asked.starts_with(site)).count();
    assert_eq!(
        (tries("busy.test"), tries("broken.test"), tries("late.test")),
        (2, 2, 3)
    );
}

#[test]
fn a_host_is_asked_one_thing_at_a_time_and_left_alone_as_long_as_it_wants() {
    let server = Server::start();
    server.tell(
        "a.test/robots.txt",
        [Reply::status(200).body(b"User-agent: *\nCrawl-delay: 0.2\n")],
    );
    let page = |n| server.tell(&format!("a.test/{n}"), [Reply::page("x").after(SHORT / 4)]);
    let urls: Vec<_> = (0..4).map(page).collect();
    let crawl = Crawl::new(&server, quick());
    crawl.pages(&urls);
    let requests = server.requests();
    let asked: Vec<_> = requests
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    assert_eq!(asked, ["/robots.txt", "/0", "/1", "/2", "/3"]);
    for pair in requests.windows(2) {
        assert!(pair[1].began - pair[0].ended.unwrap() >= SHORT, "{pair:?}");
    }
}

#[test]
fn the_configured_delay_holds_from_one_list_to_the_next() {
    let server = Server::start();
    let url = server.tell("a.test/", [Reply::page("x")]);
    let config = FetchConfig {
        delay: 0.2,
        ..quick()
    };
    let crawl = Crawl::new(&server, config);
    crawl.pages(std::slice::from_ref(&url));
    crawl.pages(&[url]);
    let requests = server.requests();
    assert_eq!(server.asked(), ["a.test/robots.txt", "a.test/", "a.test/"]);
    for pair in requests.windows(2) {
        assert!(pair[1].began - pair[0].ended.unwrap() >= SHORT, "{pair:?}");
    }
}

#[test]
fn many_connections_to_a_host_wait_for_its_robots_txt() {
    let server = Server::start();
    server.tell(
        "a.test/robots.txt",
        [Reply::status(200)
            .body(b"User-agent: *\nDisallow: /x")
            .after(SHORT)],
    );
    let urls: Vec<_> = (0..8)
        .map(|n| server.tell(&format!("a.test/x{n}"), [Reply::page("x")]))
        .collect();
    let config = FetchConfig {
        connections_per_host: 4,
        ..quick()
    };
    let report = Crawl::new(&server, config).pages(&urls);
    assert_eq!(outcomes(&report), [("robots_txt", 8)]);
    assert_eq!(server.asked(), ["a.test/robots.txt"]);
}

#[test]
fn what_fails_for_now_is_tried_once_more_and_only_once() {
    let server = Server::start();
    let heals = server.tell("a.test/heals", [Reply::status(502), Reply::page("well")]);
    let broken = server.tell("b.test/broken", [Reply::status(500)]);
    let breaks = server.tell("c.test/breaks", [Reply::page("half").breaks_off()]);
    let gone = server.tell("d.test/gone", [Reply::status(404)]);
    let forbidden = server.tell("e.test/no", [Reply::status(403)]);
    let urls = [heals, broken, breaks, gone, forbidden];
    let crawl = Crawl::new(&server, quick());
    let report = crawl.pages(&urls);
    let results: Vec<_> = results(&crawl)
        .into_iter()
        .map(|(_, result)| result)
        .collect();
    assert_eq!(results, ["200", "500", "connection_failed", "404", "403"]);
    let hosts = ["a.test", "b.test", "c.test", "d.test", "e.test"];
    assert_eq!(
        hosts.map(|host| server.pages_of(host).len()),
        [2, 2, 2, 1, 1]
    );
    assert_eq!((report.requests, report.retries), (8, 3));
}

#[test]
fn retry_after_is_waited_for_by_the_whole_host() {
    let server = Server::start();
    let busy = Reply::status(429).header("Retry-After", "1");
    let first = server.tell("a.test/1", [busy, Reply::page("one")]);
    let second = server.tell("a.test/2", [Reply::page("two")]);
    let crawl = Crawl::new(&server, quick());
    let report = crawl.pages(&[first, second]);
    assert_eq!(outcomes(&report), [("fetched", 2)]);
    let pages = server.pages_of("a.test");
    let paths: Vec<_> = pages.iter().map(|page| page.path.as_str()).collect();
    assert_eq!(paths, ["/1", "/2", "/1"]);
    assert!(pages[1].began - pages[0].began >= Duration::from_secs(1));
}

#[test]
fn a_host_that_asks_for_too_long_a_wait_is_not_asked_again() {
    let server = Server::start();
    let busy = Reply::status(503).header("Retry-After", "Wed, 15 Nov 2023 00:00:00 GMT");
    let mut urls: Vec<_> = (0..4)
        .map(|n| server.tell(&format!("a.test/{n}"), [busy.clone()]))
        .collect();
    urls.push(server.tell("b.test/", [Reply::page("x")]));
    let crawl = Crawl::new(&server, quick());
    let first = counts(&[("host_busy", 1), ("host_closed", 3), ("fetched", 1)]);
    assert_eq!(crawl.pages(&urls).outcomes, first);
    assert_eq!(
        crawl.pages(&urls).outcomes,
        counts(&[("host_closed", 4), ("fetched", 1)])
    );
    assert_eq!(server.pages_of("a.test").len(), 1);
}

#[test]
fn a_host_that_keeps_failing_is_given_up_and_one_that_recovers_is_not() {
    let server = Server::start();
    let dead = |n| server.tell(&format!("dead.test/{n}"), [Reply::status(500)]);
    let weak = |n| {
        server.tell(
            &format!("weak.test/{n}"),
            [Reply::status(500), Reply::page("well")],
        )
    };
    let urls: Vec<_> = (0..8).map(dead).chain((0..2).map(weak)).collect();
    let crawl = Crawl::new(
        &server,
        FetchConfig {
            max_failures: 3,
            ..quick()
        },
    );
    assert_eq!(
        crawl.pages(&urls).outcomes,
        counts(&[("host_closed", 8), ("fetched", 2)])
    );
    assert_eq!(server.pages_of("dead.test").len(), 3);
}

#[test]
fn urls_with_odd_characters_are_asked_for_as_browsers_do() {
    let server = Server::start();
    let path = "a.test/a|b^c[d]{e}'(f)`g;,!$&*+=:@~%zz\u{e4}?q=|^[]{}'`\"<>\\%zz\u{e4} +";
    let url = server.url(path);
    let crawl = Crawl::new(&server, quick());
    crawl.pages(&[url]);
    let asked = &server.pages_of("a.test")[0].path;
    assert!(asked.starts_with("/a|b"), "{asked}");
    assert!(
        asked.is_ascii() && asked.contains("%C3%A4") && asked.contains("%zz"),
        "{asked}"
    );
}

#[test]
fn a_redirect_is_a_visit_with_the_rules_of_the_host_it_leads_to() {
    let server = Server::start();
    server.tell(
        "shut.test/robots.txt",
        [Reply::status(200).body(b"User-agent: *\nDisallow: /")],
    );
    let shut = server.url("shut.test/x");
    let to_shut = server.tell("a.test/1", [Reply::redirect(&shut)]);
    let end = server.tell("open.test/end", [Reply::page("end")]);
    let hop = server.tell("b.test/hop", [Reply::redirect(&end)]);
    let to_open = server.tell("a.test/2", [Reply::redirect(&hop)]);
    let relative = server.tell("a.test/3", [Reply::redirect("../a4#part")]);
    let a4 = server.tell("a.test/a4", [Reply::page("four")]);
    let crawl = Crawl::new(&server, quick());
    let report = crawl.pages(&[to_shut.clone(), to_open.clone(), relative.clone()]);
    assert_eq!(
        report.outcomes,
        counts(&[("robots_txt", 1), ("fetched", 2)])
    );
    assert_eq!(report.redirects, 4);
    let chain = [&to_shut, &shut, &to_open, &hop, &end, &relative, &a4];
    let expected = ["302", "robots_txt", "302", "302", "200", "302", "200"];
    assert_eq!(results(&crawl), expect(&chain, &expected));
    assert!(server.pages_of("shut.test").is_empty());
    assert!(server.asked().contains(&"open.test/robots.txt".to_owned()));
}

#[test]
fn redirects_that_lead_nowhere_end() {
    let server = Server::start();
    let circle = server.tell("a.test/circle", [Reply::redirect("/circle")]);
    let mail = server.tell("b.test/mail", [Reply::redirect("mailto:x@y.test")]);
    let none = server.tell("c.test/none", [Reply::status(301)]);
    let crawl = Crawl::new(
        &server,
        FetchConfig {
            max_redirects: 3,
            ..quick()
        },
    );
    let report = crawl.pages(&[circle, mail, none]);
    assert_eq!(
        report.outcomes,
        counts(&[("too_many_redirects", 1), ("missing_location", 2)])
    );
    assert_eq!(server.pages_of("a.test").len(), 4);
}

#[test]
fn a_host_is_looked_up_once() {
    let server = Server::start();
    let mut urls: Vec<_> = (0..30)
        .map(|n| server.tell(&format!("h{}.test/{n}", n % 3), [Reply::page("x")]))
        .collect();
    urls.push(server.url("nowhere.test/1"));
    urls.push(server.url("nowhere.test/2"));
    let config = FetchConfig {
        connections_per_host: 4,
        ..quick()
    };
    let crawl = Crawl::new(&server, config);
    let report = crawl.pages(&urls);
    assert_eq!(
        report.outcomes,
        counts(&[("fetched", 30), ("host_not_found", 2)])
    );
    let mut lookups = server.lookups();
    lookups.sort();
    assert_eq!(lookups, ["h0.test", "h1.test", "h2.test", "nowhere.test"]);
    assert_eq!(report.lookups, 4);
    assert_eq!(crawl.pages(&urls).lookups, 0);
}

#[test]
fn who_opted_out_is_not_asked_even_by_way_of_another() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("opt-out.txt");
    fs::write(&list, "art.test\nhttp://b.test:1/\n").unwrap();
    let art = server.tell("www.art.test/x", [Reply::page("art")]);
    let around = server.tell("a.test/", [Reply::redirect(&art)]);
    let crawl = Crawl::new(
        &server,
        FetchConfig {
            opt_out: vec![list],
            ..quick()
        },
    );
    let report = crawl.pages(&[art.clone(), around.clone()]);
    assert_eq!(outcomes(&report), [("opt_out", 2)]);
    assert_eq!(
        results(&crawl),
        expect(&[&art, &around, &art], &["opt_out", "302", "opt_out"])
    );
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.starts_with("a.test"))
    );
    assert_eq!(server.lookups(), ["a.test"]);
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
fn a_server_that_takes_too_long_is_given_up() {
    let server = Server::start();
    let slow = server.tell("a.test/", [Reply::page("x").after(Duration::from_secs(30))]);
    let crawl = Crawl::new(
        &server,
        FetchConfig {
            timeout: 1.5,
            ..quick()
        },
    );
    let began = Instant::now();
    let report = crawl.pages(std::slice::from_ref(&slow));
    assert!(began.elapsed() < Duration::from_secs(25));
    assert_eq!(outcomes(&report), [("timed_out", 1)]);
    assert_eq!(results(&crawl), expect(&[&slow], &["timed_out"]));
    assert_eq!(server.pages_of("a.test").len(), 2);
}

#[test]
fn hosts_of_private_networks_are_not_asked_unless_allowed() {
    let server = Server::start();
    let named = server.tell("a.test/", [Reply::page("x")]);
    let plain = server.tell("127.0.0.1/", [Reply::page("x")]);
    let config = FetchConfig {
        allow_private_addresses: false,
        ..quick()
    };
    let crawl = Crawl::new(&server, config);
    let urls = [
        named,
        plain,
        "http://[::ffff:127.0.0.1]:1/".to_owned(),
        "http://0x7f.1:1/".to_owned(),
    ];
    assert_eq!(outcomes(&crawl.pages(&urls)), [("private_address", 4)]);
    assert!(server.requests().is_empty());
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
            "fetch::fetches_what_another_process_asks_for",
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
