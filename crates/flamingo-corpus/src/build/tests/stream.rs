//! Crawls whose records cannot be read again alone.

use super::*;

/// A crawl of two pages and their pictures, one shown by both.
fn crawl() -> Crawl {
    let mut crawl = Crawl::default();
    crawl.page(
        "https://a.example/cats.html",
        &["Cats sleep a lot.", "They wake up late."],
        &["cat.png", "dog.png"],
    );
    crawl.image("https://a.example/cat.png", 1);
    crawl.image("https://a.example/dog.png", 2);
    crawl.page(
        "https://a.example/dogs.html",
        &["Dogs run and jump.", "They bark at night."],
        &["dog.png"],
    );
    crawl
}

/// The files that are written for a crawl, by name.
fn written(world: &World, name: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = world.folder(name, 0);
    let config = Config::parse(CONFIG, &world.inputs.path().join(name)).unwrap();
    run(&config, &folder, &Options::default()).unwrap();
    let mut files = files(&folder);
    files.retain(|name, _| name.starts_with("shards/"));
    files
}

#[test]
fn a_crawl_that_is_one_stream_gives_the_documents_of_one_with_a_member_a_record() {
    let world = World::new();
    let input = |name: &str| {
        let folder = world.inputs.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder.join("0.warc.gz")
    };
    crawl().write_as_stream(&input("stream"));
    crawl().write(&input("members"));
    let stream = written(&world, "stream");
    assert_eq!(stream.len(), 1);
    assert_eq!(stream, written(&world, "members"));
    let blob = "read/00000/images.blob";
    assert!(world.folder("stream", 0).has(blob));
    assert!(!world.folder("members", 0).has(blob));
}

#[test]
fn a_folder_that_was_moved_still_has_the_pictures_that_it_keeps() {
    let world = World::new();
    let input = world.inputs.path().join("stream");
    std::fs::create_dir(&input).unwrap();
    crawl().write_as_stream(&input.join("0.warc.gz"));
    let whole = written(&world, "stream");
    let config = Config::parse(CONFIG, &input).unwrap();
    let read = Options {
        stage: Some(Stage::Read),
        ..Options::default()
    };
    run(&config, &world.folder("before", 0), &read).unwrap();
    let outputs = world.outputs.path();
    std::fs::rename(outputs.join("before"), outputs.join("after")).unwrap();
    let folder = world.folder("after", 0);
    run(&config, &folder, &Options::default()).unwrap();
    let mut files = files(&folder);
    files.retain(|name, _| name.starts_with("shards/"));
    assert_eq!(files, whole);
}
