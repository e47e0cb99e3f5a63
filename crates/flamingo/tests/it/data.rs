//! Data looked at before a training.

use flamingo::image::Image;
use serde_json::Value;

use crate::Workplace;

/// Photos in folders, one of them broken.
fn place() -> Workplace {
    let place = Workplace::new();
    let picture = |rgb: [u8; 3], side: u32| Image::solid(side, side + 3, rgb).to_png();
    place.write("photos/sea_horse/1.png", &picture([210, 20, 20], 40));
    place.write("photos/sea_horse/2.png", &picture([200, 30, 20], 60));
    place.write("photos/cup/1.png", &picture([20, 20, 210], 20));
    place.write("photos/cup/2.png", b"no picture");
    place
}

/// The stdout of a run that succeeds; what it warns of is another matter.
fn told(place: &Workplace, args: &[&str]) -> String {
    let output = place.run(args);
    let warned = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {warned}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn data_is_recognised_and_named_as_a_recipe_names_it() {
    let place = place();
    let shown = told(&place, &["data", "inspect", "photos"]);
    for line in [
        "photos: pictures in folders named for what they show (folders)",
        "samples    4 of 4 can be used",
        "the first  [cup/1.png] \" cup\"",
        "format = \"folders\"",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    place.write("chat.json", br#"[{"image": "a.png", "conversations": [{"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "it"}]}, 3]"#);
    let found = told(&place, &["data", "inspect", "chat.json", "--json"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        (&found["format"], &found["kept"]),
        (&"conversations".into(), &1.into())
    );
    assert_eq!(found["left_out"]["bad conversation"], 1);
    let refused = place.refused(&["data", "inspect", "nothing-{0..3}.tar"]);
    assert!(refused.contains("4 of the 4 files"), "{refused}");
    assert!(!refused.contains("--format"), "{refused}");
    let refused = place.refused(&["data", "inspect", "https://a.org/1.tar"]);
    assert!(
        refused.contains("is an address") && refused.contains("download it"),
        "{refused}"
    );
    let refused = place.refused(&["data", "inspect", "red.png"]);
    assert!(refused.contains("hint: --format"), "{refused}");
}

#[test]
fn shards_of_pairs_and_shards_of_documents_are_told_apart() {
    let place = Workplace::new();
    let picture = Image::solid(16, 16, [200, 30, 20]).to_png();
    let document = br#"{"parts": [{"text": "before "}, {"image": "a.png"}, {"text": "behind"}]}"#;
    let pair = [("a.png", &picture[..]), ("a.txt", &b"a cat"[..])];
    place.write("pairs.tar", &tar_of(&pair));
    let page = [("a.json", &document[..]), ("a.png", &picture)];
    place.write("pages.tar", &tar_of(&page));
    for (file, form) in [("pairs.tar", "pair"), ("pages.tar", "page")] {
        let shown = told(&place, &["data", "inspect", file]);
        let named = format!("format = \"shards\"\nform = \"{form}\"\n");
        assert!(shown.contains(&named), "{shown}");
    }
    // So does a fine-tuning.
    for (file, kind) in [
        (
            "pairs.tar",
            "1 pictures with captions, asked as \"Output:\"",
        ),
        ("pages.tar", "1 documents, as they are"),
    ] {
        let out = format!("{file}-run");
        let tune = ["train", "--finetune", "demo", "--data", file];
        let options = ["--steps", "1", "--hold-out", "0", "--threads", "1", "--out"];
        let shown = told(&place, &[&tune[..], &options, &[out.as_str()]].concat());
        assert!(shown.contains(kind), "{shown}");
    }
}

fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn lengths_sizes_and_what_is_broken_are_counted() {
    let place = place();
    let stats = told(&place, &["data", "stats", "photos", "--json"]);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(
        (&stats["images"], &stats["different"]),
        (&4.into(), &4.into())
    );
    assert_eq!(stats["broken"]["broken picture or film"], 1);
    let side = &stats["shorter_side"];
    assert_eq!(
        (&side["least"], &side["half"], &side["most"]),
        (&20.into(), &40.into(), &60.into())
    );
    assert_eq!(stats["media"]["mean"], 1.0);
    let shown = told(&place, &["data", "stats", "photos"]);
    assert!(
        shown.contains("broken     1 x broken picture or film"),
        "{shown}"
    );
}

#[test]
fn the_page_shows_samples_as_the_model_sees_them() {
    let place = place();
    let shown = told(
        &place,
        &["data", "preview", "photos", "--out", "out/page.html"],
    );
    assert_eq!(shown.trim(), "3 samples: out/page.html");
    let page = std::fs::read_to_string(place.path().join("out/page.html")).unwrap();
    assert_eq!(page.matches("<article").count(), 3);
    assert_eq!(page.matches("data:image/jpeg;base64,").count(), 3);
    assert!(
        page.contains("&lt;image&gt;")
            && page.contains("class=\"predicted special sees m0\">&lt;EOC&gt;")
    );
    let again = place.refused(&["data", "preview", "photos", "--out", "photos/cup/1.png"]);
    assert!(again.contains("would be lost"), "{again}");
}
