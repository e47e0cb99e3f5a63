//! Builds of pairs.

use std::io::Read;

use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, RgbaImage};

use super::*;

const PAIRS: &str = r#"
[pairs.caption]
languages = []
[films.caption]
languages = []
[output]
format = "pairs"
"#;

/// A page of figures: for each the markup of its image or film, and its caption.
fn figures(crawl: &mut Crawl, url: &str, figures: &[(&str, &str)]) {
    let figures: String = figures
        .iter()
        .map(|(shown, caption)| {
            format!("<figure>{shown}<figcaption>{caption}</figcaption></figure>")
        })
        .collect();
    let text = "Here is a page about animals, with enough said to be one.";
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>Animals</title><body><article><p>{text} {url}</p>{figures}<p>{text}</p></article></body>"
    );
    crawl.answer(url, "200 OK", "text/html", html.as_bytes());
}

/// The members of all shards, in order.
fn members(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let mut members = Vec::new();
    for (name, bytes) in files(folder) {
        if !name.ends_with(".tar") {
            continue;
        }
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            members.push((name, bytes));
        }
    }
    members
}

/// Each pair's text by the extension of its file.
fn told(folder: &Folder) -> Vec<(String, String)> {
    let members = members(folder);
    let texts = members.iter().filter_map(|(name, bytes)| {
        let key = name.strip_suffix("txt")?;
        let text = String::from_utf8(bytes.clone()).unwrap();
        let mut files = members
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(key));
        let file = files.find(|extension| !matches!(*extension, "txt" | "json"))?;
        Some((file.to_owned(), text))
    });
    texts.collect()
}

fn dropped(folder: &Folder, step: Step) -> BTreeMap<String, u64> {
    let manifest: Manifest = folder.read_json(crate::folder::MANIFEST).unwrap();
    let mut steps = manifest.steps.into_iter();
    steps.find(|count| count.step == step).unwrap().dropped
}

fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let counts = counts.iter();
    counts
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

fn pair(extension: &str, text: &str) -> (String, String) {
    (extension.to_owned(), text.to_owned())
}

/// A film of so many frames, a second each, as its index says; its header says nothing.
fn mp4(seconds: u32) -> Vec<u8> {
    let a_box = |kind: &[u8; 4], body: &[u8]| {
        let size = body.len() as u32 + 8;
        [&size.to_be_bytes()[..], kind, body].concat()
    };
    let full = |kind: &[u8; 4], numbers: &[u32]| {
        let bytes = numbers.iter().flat_map(|number| number.to_be_bytes());
        a_box(kind, &bytes.collect::<Vec<u8>>())
    };
    let entry = a_box(b"avc1", &[0; 70]);
    let entries = a_box(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat());
    let table = [entries, full(b"stts", &[0, 1, seconds, 1000])].concat();
    let media = [
        full(b"mdhd", &[0, 0, 0, 1000, 0, 0]),
        a_box(b"hdlr", &[&[0; 8][..], b"vide", &[0; 13]].concat()),
        a_box(b"minf", &a_box(b"stbl", &table)),
    ];
    let track = [
        full(b"tkhd", &[0, 0, 0, 1, 0, 0]),
        a_box(b"mdia", &media.concat()),
    ];
    let head = full(b"mvhd", &[0, 0, 0, 1000, 0]);
    let movie = a_box(b"moov", &[head, a_box(b"trak", &track.concat())].concat());
    [a_box(b"ftyp", b"isom\0\0\x02\0isom"), movie].concat()
}

/// A film of three frames, a second each.
fn gif() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for shade in [10, 100, 200] {
        let picture = RgbaImage::from_pixel(67, 71, image::Rgba([shade, 7, 90, 255]));
        let delay = Delay::from_numer_denom_ms(1000, 1);
        encoder
            .encode_frame(Frame::from_parts(picture, 0, 0, delay))
            .unwrap();
    }
    drop(encoder);
    bytes
}

fn crawls(folder: &Path) {
    let mut first = Crawl::default();
    figures(
        &mut first,
        "https://a.example/1.html",
        &[
            (
                "<img src=\"fox.png\" alt=\"IMG_1234.JPG\">",
                "A red fox jumps over a fence",
            ),
            ("<img src=\"owl.png\" alt=\"owl.png\">", ""),
            ("<img src=\"gone.png\">", "A picture that is not there"),
            ("<img src=\"cat.png\">", "Photo of the famous day"),
        ],
    );
    first.image("https://a.example/fox.png", 1);
    first.image("https://a.example/owl.png", 2);
    first.image("https://a.example/cat.png", 3);
    first.write(&folder.join("0.warc.gz"));
    let mut second = Crawl::default();
    figures(
        &mut second,
        "https://b.example/2.html",
        &[
            (
                "<img src=\"dog.png\" alt=\"A dog that runs along the beach\">",
                "",
            ),
            ("<img src=\"cow.png\">", "Photo of the famous day"),
        ],
    );
    second.image("https://b.example/dog.png", 4);
    second.image("https://b.example/cow.png", 5);
    second.write(&folder.join("1.warc.gz"));
}

struct Pairs {
    world: World,
    folder: Folder,
}

impl Pairs {
    /// The pairs of what `inputs` puts into a folder of its own.
    fn of(inputs: impl Fn(&Path), paths: &str, more: &str) -> Self {
        let world = World::new();
        let input = world.inputs.path().join("own");
        std::fs::create_dir(&input).unwrap();
        inputs(&input);
        let text = format!("{}{more}{PAIRS}", CONFIG.replace("*.warc.gz", paths));
        let config = Config::parse(&text, &input).unwrap();
        let folder = world.folder("pairs", 0);
        run(&config, &folder, &Options::default()).unwrap();
        Self { world, folder }
    }
}

#[test]
fn pictures_with_a_text_of_their_own_become_pairs_and_others_have_a_reason() {
    let pairs = Pairs::of(crawls, "*.warc.gz", "");
    let expected = [
        pair("png", "A red fox jumps over a fence"),
        pair("png", "Photo of the famous day"),
        pair("png", "A dog that runs along the beach"),
        pair("png", "Photo of the famous day"),
    ];
    assert_eq!(told(&pairs.folder), expected);
    assert_eq!(
        dropped(&pairs.folder, Step::Pairs),
        counts(&[("file_name", 1)])
    );
    assert_eq!(
        dropped(&pairs.folder, Step::ImagesFound),
        counts(&[("missing", 1)])
    );
    let names: Vec<_> = members(&pairs.folder)
        .into_iter()
        .map(|(name, _)| name)
        .take(2)
        .collect();
    assert_eq!(names, ["00000-0000000.png", "00000-0000000.txt"]);
}

#[test]
fn a_text_that_too_many_images_of_all_units_share_makes_no_pair() {
    let pairs = Pairs::of(crawls, "*.warc.gz", "[pairs]\nmax_images_with_text = 1");
    let expected = [
        pair("png", "A red fox jumps over a fence"),
        pair("png", "A dog that runs along the beach"),
    ];
    assert_eq!(told(&pairs.folder), expected);
    assert_eq!(
        dropped(&pairs.folder, Step::Pairs),
        counts(&[("file_name", 1), ("frequent_text", 2)])
    );
}

#[test]
fn films_of_pages_become_pairs_if_they_are_there_and_not_too_long() {
    let films = |folder: &Path| {
        let mut crawl = Crawl::default();
        figures(
            &mut crawl,
            "https://a.example/films.html",
            &[
                (
                    "<video src=\"fox.mp4\"></video>",
                    "A fox runs across a snowy field",
                ),
                (
                    "<video src=\"long.mp4\"></video>",
                    "An owl sits for a very long time",
                ),
                (
                    "<video src=\"gone.mp4\"></video>",
                    "A film that is not there at all",
                ),
            ],
        );
        crawl.answer("https://a.example/fox.mp4", "200 OK", "video/mp4", &mp4(22));
        crawl.answer(
            "https://a.example/long.mp4",
            "200 OK",
            "video/mp4",
            &mp4(900),
        );
        crawl.write(&folder.join("0.warc.gz"));
    };
    let pairs = Pairs::of(films, "*.warc.gz", "");
    let expected = [pair("mp4", "A fox runs across a snowy field")];
    assert_eq!(told(&pairs.folder), expected);
    assert_eq!(members(&pairs.folder)[0].1, mp4(22));
    assert_eq!(
        dropped(&pairs.folder, Step::Pairs),
        counts(&[("long_film", 1), ("missing", 1)])
    );
}

#[test]
fn a_folder_of_films_with_their_texts_becomes_pairs() {
    let films = |folder: &Path| {
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        write("a.mp4", &mp4(22));
        write("a.txt", b"A fox runs\nacross a snowy field");
        write("b.gif", &gif());
        write("b.json", br#"{"caption": "A square changes its colour"}"#);
        write("c.mp4", &mp4(5));
        write("d.mp4", b"this is no film, whatever its name says");
        write("d.txt", b"A film that is none at all");
    };
    let pairs = Pairs::of(films, ".", "");
    let expected = [
        pair("mp4", "A fox runs across a snowy field"),
        pair("gif", "A square changes its colour"),
    ];
    assert_eq!(told(&pairs.folder), expected);
    assert_eq!(
        dropped(&pairs.folder, Step::Pairs),
        counts(&[("no_text", 1), ("not_a_film", 1)])
    );
    // What training would take for a picture is told to be a film.
    let members = members(&pairs.folder);
    let (_, json) = members
        .iter()
        .find(|(name, _)| name.ends_with("1.json"))
        .unwrap();
    assert!(String::from_utf8_lossy(json).contains(r#"{"video":"00000-0000001.gif"}"#));
}

#[test]
fn pairs_of_a_build_killed_again_and_again_are_the_same() {
    let Pairs { world, folder } = Pairs::of(crawls, "*.warc.gz", "");
    let text = format!("{CONFIG}{PAIRS}");
    let config = Config::parse(&text, &world.inputs.path().join("own")).unwrap();
    let killed = world.folder("killed", 0);
    let mut steps = 1;
    while run(
        &config,
        &killed.clone().failing_after(steps),
        &Options::default(),
    )
    .is_err()
    {
        steps += 1;
    }
    assert!(steps > 5, "killed only {steps} times");
    assert_same(&killed, &folder);
}
