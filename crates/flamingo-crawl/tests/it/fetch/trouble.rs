//! Hosts that fail, stall or want to be left alone.

use std::time::{Duration, Instant};

use flamingo_crawl::FetchConfig;

use super::{Crawl, counts, expect, outcomes, quick, results};
use crate::server::{Reply, Server};

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
