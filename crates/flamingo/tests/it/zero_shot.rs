//! A contrastive model trained by the program, and asked without any shot.

use std::path::Path;

use flamingo::image::Image;
use serde_json::{Value, json};

use crate::Workplace;

const COLOURS: [(&str, [u8; 3]); 3] = [
    ("blue", [20, 20, 250]),
    ("dark_red", [160, 10, 10]),
    ("white", [240, 240, 240]),
];

/// Pictures of three colours, a model that has learnt them, and their captions as a task.
fn place() -> Workplace {
    let place = Workplace::new();
    let mut lines = String::new();
    for (name, colour) in COLOURS {
        for number in 0..6u8 {
            let pixel = |x: u32, y: u32| colour.map(|c| c ^ (x * y % 3) as u8 ^ number);
            let file = format!("classes/{name}/{number}.png");
            place.write(&file, &Image::from_fn(8, 8, pixel).to_png());
            let caption = name.replace('_', " ");
            lines +=
                &json!({"parts": [{"image": file}], "answers": [caption, "a colour"]}).to_string();
            lines += "\n";
        }
    }
    place.write("captions.jsonl", lines.as_bytes());
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/demo");
    let recipe = RECIPE.replace("DEMO", &demo.display().to_string());
    place.write("recipe.toml", recipe.as_bytes());
    place.ok(&["train", "recipe.toml"]);
    place
}

const RECIPE: &str = r#"
run = "run"
threads = 1
tokenizer = "DEMO/tokenizer.json"
tokens = { bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }
preprocess = { size = 8, fit = "squash", mean = [0.5, 0.5, 0.5], std = [0.27, 0.27, 0.27] }

[model.contrastive]
joint_width = 5
label_smoothing = 0.05
vision = { vit = { image_size = 8, patch = 4, width = 6, layers = 1, heads = 2, ffw_multiple = 2, activation = "gelu", class_token = false, pre_norm = false, tokens = "after_norm" } }
text = { vocabulary = 2758, width = 6, layers = 0, heads = 1, ffw_multiple = 1, activation = "gelu", positions = 0 }

[[data]]
name = "colours"
format = "folders"
path = "classes"
batch = 3
micro_batch = 2

[schedule]
steps = 100
rate = 1e-2
"#;

#[test]
fn classes_are_found_by_their_names_and_captions_and_pictures_by_each_other() {
    let place = place();
    let asked = |task: &'static str, data: &'static str| {
        [
            "eval",
            "zero-shot",
            task,
            "--data",
            data,
            "--tower",
            "run/model",
        ]
    };
    let told = place.ok(&[asked("folder", "classes").as_slice(), &["--json"]].concat());
    let told: Value = serde_json::from_str(&told).unwrap();
    let classes = &told["classes"];
    assert_eq!(
        (&classes["queries"], &classes["names"]),
        (&json!(9), &json!(3))
    );
    assert_eq!(
        (&classes["top_1"], &classes["top_5"]),
        (&json!(1.0), &json!(1.0))
    );
    let told = place.ok(&asked("own", "captions.jsonl"));
    assert!(
        told.starts_with("own, split queries: 18 pictures, 36 captions\n"),
        "{told}"
    );
    assert!(
        told.contains("picture to text") && told.contains("R@10"),
        "{told}"
    );

    let wrong = ["--template", "a colour"];
    let told = place.refused(&[asked("folder", "classes").as_slice(), &wrong].concat());
    assert!(
        told.contains("the template \"a colour\" has no {}"),
        "{told}"
    );
    let mut demo = asked("folder", "classes");
    demo[6] = "demo";
    assert!(place.refused(&demo).contains("the tower takes no texts"));
}
