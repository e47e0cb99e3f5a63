//! Builds that fetch: lists of URLs, and pictures that the inputs lack.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// A web site on this machine.
#[derive(Clone)]
struct Site {
    root: String,
    files: Arc<BTreeMap<&'static str, (&'static str, Vec<u8>)>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// Two pages with pictures: some may be had, one is too small for its page, one is forbidden, one is gone.
    fn start() -> Self {
        let page = |texts: &str, images: &str| {
            let html = format!(
                "<!doctype html><title>Animals</title><body><article>{texts}{images}</article></body>"
            );
            ("text/html", html.into_bytes())
        };
        let files = BTreeMap::from([
            (
                "/robots.txt",
                ("text/plain", b"User-agent: *\nDisallow: /private/".to_vec()),
            ),
            (
                "/cats.html",
                page(
                    "<p>Cats sleep a lot.</p><p>They wake up late.</p>",
                    "<p><img src=\"cat.png\"></p><p><img src=\"pixel.png\" width=1 height=1></p>\
                     <p><img src=\"private/fox.png\"></p><p><img src=\"gone.png\"></p>",
                ),
            ),
            (
                "/dogs.html",
                page(
                    "<p>Dogs run and jump.</p><p>They bark at night.</p>",
                    "<p><img src=\"dog.png\"></p><p><img src=\"cat.png\"></p>",
                ),
            ),
            ("/cat.png", ("image/png", crawl::picture(1))),
            ("/dog.png", ("image/png", crawl::picture(2))),
            ("/pixel.png", ("image/png", crawl::picture(3))),
            ("/private/fox.png", ("image/png", crawl::picture(4))),
        ]);
        Self::of(files)
    }

    fn of(files: BTreeMap<&'static str, (&'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let site = Self {
            root: format!("http://{}", listener.local_addr().unwrap()),
            files: Arc::new(files),
            asked: Arc::default(),
        };
        let running = site.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = running.clone();
                thread::spawn(move || site.serve(stream));
            }
        });
        site
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        while let Some(Ok(first)) = lines.next() {
            let path = first.split(' ').nth(1)?.to_owned();
            while lines.next()?.ok().is_some_and(|line| !line.is_empty()) {}
            self.asked.lock().unwrap().push(path.clone());
            let nothing = ("text/html", b"<p>gone".to_vec());
            let (status, (kind, body)) = match self.files.get(path.as_str()) {
                Some(file) => ("200 OK", file.clone()),
                None => ("404 Not Found", nothing),
            };
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
            )
            .ok()?;
            stream.write_all(&body).ok()?;
        }
        None
    }

    /// What was asked for so far, in the order of names.
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

const FETCH: &str = "[fetch]\nallow_private_addresses = true\ndelay = 0.0\nretry_delay = 0.0";

/// A configuration that reads `paths` of a folder of its own.
fn config(world: &World, paths: &str, fetch_images: bool) -> Config {
    let text = format!(
        "version = 1\n[input]\npaths = [\"{paths}\"]\nfetch_images = {fetch_images}\n{FETCH}\n[filters]\npreset = \"none\""
    );
    Config::parse(&text, &world.inputs.path().join("own")).unwrap()
}

fn own(world: &World, name: &str, bytes: &[u8]) {
    let folder = world.inputs.path().join("own");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn report(folder: &Folder) -> ReadReport {
    folder.read_json("read/00000/report.json").unwrap()
}

/// Pages, and images that are written with them.
fn written(folder: &Folder) -> (u64, u64) {
    let manifest: Manifest = folder.read_json(crate::folder::MANIFEST).unwrap();
    let kept = |step| {
        let mut steps = manifest.steps.iter();
        steps.find(|count| count.step == step).unwrap().kept
    };
    (kept(Step::Written), kept(Step::ImagesWritten))
}

#[test]
fn a_list_of_urls_is_fetched_with_the_pictures_that_may_be_had() {
    let (world, site) = (World::new(), Site::start());
    let list = format!(
        "{0}/cats.html\n{0}/dogs.html\n{0}/nothing.html\n",
        site.root
    );
    own(&world, "list.urls", list.as_bytes());
    let folder = world.folder("fetched", 0);
    run(
        &config(&world, "list.urls", true),
        &folder,
        &Options::default(),
    )
    .unwrap();
    let expected = [
        "/cat.png",
        "/cats.html",
        "/dog.png",
        "/dogs.html",
        "/gone.png",
        "/nothing.html",
        "/robots.txt",
    ];
    assert_eq!(site.asked(), expected);
    assert_eq!(written(&folder), (2, 3));
    let records = report(&folder).records;
    assert_eq!(records["fetch_fetched"], 4);
    assert_eq!(records["fetch_not_found"], 2);
    assert_eq!(records["fetch_robots_txt"], 1);
}

#[test]
fn what_was_fetched_is_never_fetched_again() {
    let (world, site) = (World::new(), Site::start());
    own(
        &world,
        "list.urls",
        format!("{}/cats.html\n", site.root).as_bytes(),
    );
    let config = config(&world, "list.urls", true);
    let folder = world.folder("fetched", 0);
    run(&config, &folder, &Options::default()).unwrap();
    let (asked, before) = (site.asked(), files(&folder));
    for gone in ["read", "global", "write", "shards", "manifest.json"] {
        folder.remove(gone).unwrap();
    }
    run(&config, &folder, &Options::default()).unwrap();
    assert_eq!(site.asked(), asked);
    for (name, bytes) in files(&folder) {
        assert!(bytes == before[&name], "{name} differs");
    }
}

#[test]
fn pictures_that_a_crawl_lacks_are_fetched_only_where_that_is_asked_for() {
    let (world, site) = (World::new(), Site::start());
    let mut crawl = Crawl::default();
    crawl.page(
        &format!("{}/cats.html", site.root),
        &["Cats sleep a lot.", "They wake up late."],
        &["cat.png", "dog.png"],
    );
    crawl.image(&format!("{}/dog.png", site.root), 2);
    own(&world, "0.warc.gz", b"");
    crawl.write(&world.inputs.path().join("own/0.warc.gz"));
    let without = world.folder("without", 0);
    run(
        &config(&world, "0.warc.gz", false),
        &without,
        &Options::default(),
    )
    .unwrap();
    assert_eq!((written(&without), site.asked().len()), ((1, 1), 0));
    let with = world.folder("with", 0);
    run(
        &config(&world, "0.warc.gz", true),
        &with,
        &Options::default(),
    )
    .unwrap();
    assert_eq!(written(&with), (1, 2));
    assert_eq!(site.asked(), ["/cat.png", "/robots.txt"]);
}

#[test]
fn next_offer_of_a_picture_is_fetched_where_one_cannot_be_used() {
    let page = b"<!doctype html><title>Towers</title><body><article><p>The tower is old.</p>\
        <picture><source srcset=t.avif type=image/avif><source srcset=t.webp><img src=t.png></picture>\
        <p>It stands by the river.</p><picture><source srcset=private/u.png><img src=u.png></picture>\
        <p>Its clock is late.</p><picture><source srcset=v.png><img src=v.jpg></picture></article>";
    let avif = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B".to_vec();
    let site = Site::of(BTreeMap::from([
        (
            "/robots.txt",
            ("text/plain", b"User-agent: *\nDisallow: /private/".to_vec()),
        ),
        ("/towers.html", ("text/html", page.to_vec())),
        ("/t.avif", ("image/avif", avif)),
        ("/t.png", ("image/png", crawl::picture(1))),
        ("/u.png", ("image/png", crawl::picture(2))),
        ("/private/u.png", ("image/png", crawl::picture(3))),
        ("/v.png", ("image/png", crawl::picture(4))),
    ]));
    let world = World::new();
    own(
        &world,
        "list.urls",
        format!("{}/towers.html\n", site.root).as_bytes(),
    );
    let folder = world.folder("offers", 0);
    run(
        &config(&world, "list.urls", true),
        &folder,
        &Options::default(),
    )
    .unwrap();
    assert_eq!(written(&folder), (1, 3));
    // Neither is asked for what is forbidden, nor for more than is needed.
    let asked = site.asked();
    let expected = [
        "/robots.txt",
        "/t.avif",
        "/t.png",
        "/t.webp",
        "/towers.html",
        "/u.png",
        "/v.png",
    ];
    assert_eq!(asked, expected);
}
