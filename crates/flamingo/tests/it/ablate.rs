//! A table of small trainings: rows that differ from a recipe, gone on with where they were stopped.

use std::fs;

use flamingo::image::Image;

use crate::Workplace;

const RECIPE: &str = r#"
run = "never"

[init]
vision = "base"
language = "base"

[model.flamingo.resampler]
width = 16
latents = 2
layers = 1
heads = 2
head_dim = 8
ffw_multiple = 2
activation = "squared_relu"
time_embeddings = 2
final_norm = true

[model.flamingo.gated]
every = 2
heads = 2
head_dim = 8
ffw_multiple = 1
activation = "squared_relu"

[[data]]
name = "pairs"
format = "folders"
path = "classes"
batch = 2

[schedule]
steps = 2
rate = 1e-3
"#;

const TABLE: &str = r#"
recipe = "recipe.toml"
folder = "runs"
seeds = [1, 2]
queries = 1

[[row]]
name = "the model"
paper = 70.7

[[row]]
name = "no tanh gate"
paper = 66.5
set = { "model.flamingo.gated.gate" = "open" }

[[row]]
name = "encoder: ViT"
set = { "model.flamingo.gated.placement" = "on_top" }
encoder = { recipe = "encoder.toml", set = { "model.contrastive.vision" = { vit = { image_size = 16, patch = 8, width = 8, layers = 1, heads = 2, ffw_multiple = 2, activation = "gelu", class_token = false, pre_norm = false, tokens = "after_norm" } } } }
"#;

const ENCODER: &str = r#"
run = "never"
tokenizer = "base/tokenizer.json"
tokens = { bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }
preprocess = { size = 16, fit = "squash", mean = [0.5, 0.5, 0.5], std = [0.27, 0.27, 0.27] }

[model.contrastive]
joint_width = 8
label_smoothing = 0.0
text = { vocabulary = 2758, width = 8, layers = 0, heads = 1, ffw_multiple = 1, activation = "gelu", positions = 0 }

[[data]]
name = "pairs"
format = "folders"
path = "classes"
batch = 2

[schedule]
steps = 2
rate = 1e-3
"#;

#[test]
fn rows_are_trained_judged_and_written_and_what_is_there_is_not_made_again() {
    let place = Workplace::new();
    for (name, colour) in [("blue", [20, 20, 250]), ("white", [240, 240, 240])] {
        let picture = Image::solid(9, 7, colour).to_png();
        place.write(&format!("classes/{name}/1.png"), &picture);
    }
    place.write("recipe.toml", RECIPE.as_bytes());
    place.write("table.toml", TABLE.as_bytes());
    place.write("encoder.toml", ENCODER.as_bytes());
    place.ok(&["weights", "convert", "demo", "--out", "base"]);
    let ablate = [
        "ablate",
        "table.toml",
        "--out",
        "table.md",
        "--threads",
        "2",
    ];
    let shown = place.ok(&ablate);
    for part in [
        "| the model |",
        "| no tanh gate |",
        "| 66.5 | -4.2 |",
        "written to table.md",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let page = fs::read_to_string(place.path().join("table.md")).unwrap();
    assert!(
        page.starts_with("# Ablations") && page.contains("± "),
        "{page}"
    );
    let run = |row: &str, seed: u8| place.path().join(format!("runs/{row}/seed-{seed}"));
    for (row, seed) in [("the-model", 1), ("the-model", 2), ("no-tanh-gate", 1)] {
        assert!(
            run(row, seed).join("model/flamingo.json").is_file(),
            "{row}"
        );
    }
    let of_encoder = place
        .path()
        .join("runs/encoder--ViT/encoder/model/flamingo.json");
    assert!(of_encoder.is_file());
    let own = run("encoder--ViT", 2).join("model/flamingo.json");
    let own = fs::read_to_string(own).unwrap();
    assert!(
        own.contains("\"vit\"") && own.contains("\"on_top\""),
        "{own}"
    );
    // What was judged is taken as it is; what is missing is made.
    let score = run("the-model", 1).join("score-1.json");
    fs::write(
        &score,
        r#"{"names": 100.0, "captions": 100.0, "questions": 100.0, "films": 100.0}"#,
    )
    .unwrap();
    fs::remove_dir_all(run("no-tanh-gate", 2)).unwrap();
    let again = place.ok(&ablate);
    assert!(
        again.contains("| the model | ") && again != shown,
        "{again}"
    );
    assert!(run("no-tanh-gate", 2).join("score-1.json").is_file());
    // One row beside the first takes nothing of the others away; but what is of another recipe is not taken for theirs.
    let one = place.ok(&[&ablate[..], &["--rows", "no tanh gate"]].concat());
    assert_eq!(one, again);
    let recipe = run("encoder--ViT", 2).join("recipe.toml");
    let own = fs::read_to_string(&recipe).unwrap();
    fs::write(&recipe, own.replace("seed = 2", "seed = 3")).unwrap();
    let one = place.ok(&[&ablate[..], &["--rows", "no tanh gate"]].concat());
    assert!(
        one.contains("| no tanh gate |") && !one.contains("| encoder: ViT |"),
        "{one}"
    );
    fs::write(&recipe, own).unwrap();
    // The first seed alone.
    let one = place.ok(&[&ablate[..], &["--seeds", "1"]].concat());
    assert!(
        one.contains("| encoder: ViT |") && !one.contains('±'),
        "{one}"
    );
    let page = fs::read_to_string(place.path().join("table.md")).unwrap();
    assert!(page.contains("table.toml --seeds 1\n"), "{page}");
    let many = place.run(&[&ablate[..], &["--seeds", "3"]].concat());
    let told = String::from_utf8(many.stderr).unwrap();
    assert_eq!(many.status.code(), Some(1));
    assert!(
        told.contains("--seeds 3, but table.toml has 2 seeds"),
        "{told}"
    );
    let unknown = place.run(&[&ablate[..], &["--rows", "grafting"]].concat());
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        told.contains("no row \"grafting\"") && told.contains("no tanh gate"),
        "{told}"
    );
}

#[test]
fn rows_are_judged_by_photos_in_place_of_the_demo_where_the_table_names_some() {
    let place = Workplace::new();
    for thing in 0..5_u8 {
        for photo in 0..5_u8 {
            let picture = Image::solid(9, 7, [50 * thing, 40 * photo, 90]).to_png();
            place.write(&format!("classes/{thing}/{photo}.png"), &picture);
        }
    }
    place.write("recipe.toml", RECIPE.as_bytes());
    place.ok(&["weights", "convert", "demo", "--out", "base"]);
    let table = |photos: &str| {
        format!(
            "recipe = \"recipe.toml\"\nfolder = \"runs\"\nseeds = [1]\nqueries = 5\nphotos = {photos}\n\n\
             [[row]]\nname = \"the model\"\n"
        )
    };
    place.write("table.toml", table("[\"classes\"]").as_bytes());
    let ablate = ["ablate", "table.toml", "--out", "table.md"];
    place.ok(&ablate);
    let page = fs::read_to_string(place.path().join("table.md")).unwrap();
    assert!(
        page.contains("| row | classes | overall | to the first |\n") && page.contains("--data"),
        "{page}"
    );
    assert!(!page.contains("paper"), "{page}");
    // Told before anything is trained.
    place.write(
        "table.toml",
        table("[\"classes\", \"more/classes\"]").as_bytes(),
    );
    let told = place.run(&ablate);
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(
        told.contains("two folders of `photos` are named classes"),
        "{told}"
    );
    place.write("table.toml", table("[\"absent\"]").as_bytes());
    let told = place.run(&ablate);
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("absent"), "{told}");
}
