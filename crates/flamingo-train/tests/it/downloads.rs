//! Sources whose files lie on the web.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use flamingo_train::{Recipe, Resume};

use crate::language::recipe_text;
use crate::world::{World, losses, run};

/// Serves the files of a folder; gives its address.
fn serve(folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder.to_path_buf();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            lines.find(|line| line.as_ref().unwrap().is_empty());
            let name = first
                .split([' ', '/'])
                .find(|part| part.ends_with(".jsonl"));
            let found = name.and_then(|name| fs::read(folder.join(name)).ok());
            let (status, body) = match found {
                Some(body) => ("200 OK", body),
                None => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    address
}

#[test]
fn a_training_of_files_on_the_web_is_that_of_the_same_files_here() {
    let world = World::new();
    let text = fs::read_to_string(world.path("text.jsonl")).unwrap();
    let cut = text.match_indices('\n').nth(9).unwrap().0 + 1;
    for (name, part) in [
        ("text-0.jsonl", &text[..cut]),
        ("text-1.jsonl", &text[cut..]),
    ] {
        fs::write(world.path(name), part).unwrap();
    }
    let mut here = world.recipe(&recipe_text());
    here.data[0].path = world.path("text-{0..1}.jsonl");
    run(&here, Resume::Fresh, None).unwrap();
    let mut there = here.clone();
    there.run = world.path("there");
    let address = serve(world.folder.path());
    there.data[0].path = PathBuf::from(format!("{address}/text-{{0..1}}.jsonl"));
    there.cache.downloads = Some(world.path("downloads"));
    run(&there, Resume::Fresh, None).unwrap();
    assert_eq!(losses(&there.run), losses(&here.run));
    let kept = fs::read_to_string(there.run.join("recipe.toml")).unwrap();
    assert!(
        kept.contains("http://"),
        "the recipe stays as it was: {kept}"
    );
    there.run = world.path("none");
    there.data[0].path = PathBuf::from(format!("{address}/none.jsonl"));
    let told = run(&there, Resume::Fresh, None).unwrap_err().to_string();
    assert!(
        told.contains("/none.jsonl") && told.contains("404"),
        "{told}"
    );
}

#[test]
fn an_address_needs_a_folder_for_its_files_and_a_format_of_single_ones() {
    let world = World::new();
    let told = |change: fn(&mut Recipe)| {
        let mut recipe = world.recipe(&recipe_text());
        recipe.data[0].path = PathBuf::from("https://a.example/a.jsonl");
        recipe.cache.downloads = Some(PathBuf::from("downloads"));
        change(&mut recipe);
        let told = Recipe::from_toml(&recipe.to_toml(), "a.toml").err();
        told.map(|error| error.to_string())
    };
    assert_eq!(told(|_| ()), None);
    let none = told(|recipe| recipe.cache.downloads = None).unwrap();
    assert!(
        none.contains("`downloads = \"FOLDER\"` of `[cache]`"),
        "{none}"
    );
    let pages = told(|recipe| recipe.data[0].format = flamingo_data::Format::Pages).unwrap();
    assert!(pages.contains("`format` is pages"), "{pages}");
}
