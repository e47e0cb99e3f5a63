//! Who is asked, in which order and how often.

use std::fs;

use flamingo_crawl::FetchConfig;

use super::{Crawl, SHORT, counts, expect, outcomes, quick, records, results};
use crate::server::{Reply, Server};

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
