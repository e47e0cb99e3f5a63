//! A model fine-tuned on a folder of pictures, and what is done with what it has learnt.

use std::fs;

use flamingo::image::Image;

use crate::Workplace;

const COLOURS: [(&str, [u8; 3]); 3] = [
    ("blue", [20, 20, 250]),
    ("dark_red", [160, 10, 10]),
    ("white", [240, 240, 240]),
];

/// Four pictures of each of three classes, and one that is none.
fn place() -> Workplace {
    let place = Workplace::new();
    for (name, colour) in COLOURS {
        for number in 0..4u8 {
            let pixel = |x: u32, y: u32| colour.map(|c| c ^ (x * y % 3) as u8 ^ number);
            let picture = Image::from_fn(16, 12, pixel).to_png();
            place.write(&format!("classes/{name}/{number}.png"), &picture);
        }
    }
    place.write("classes/white/cut.png", b"no picture");
    place
}

const TUNE: [&str; 9] = [
    "train",
    "--finetune",
    "demo",
    "--data",
    "classes",
    "--out",
    "run",
    "--threads",
    "2",
];

fn told(place: &Workplace, args: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(args);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn ask<'a>(model: &[&'a str]) -> Vec<&'a str> {
    let asked = ["--image", "red.png", "--text", "Output:"];
    [&["ask"], model, &asked, &["--max-tokens", "3"]].concat()
}

#[test]
fn a_folder_of_classes_becomes_an_adapter_that_loads_converts_and_is_described() {
    let place = place();
    let (code, shown, warned) = told(
        &place,
        &[&TUNE[..], &["--steps", "4", "--lora", "2"]].concat(),
    );
    assert_eq!(code, Some(0), "{warned}");
    assert!(warned.contains("cut.png"), "{warned}");
    for part in [
        "data: 13 pictures in folders named for what they show, asked as \"Output:\" (classes)",
        "held out: 20% of each class by seed 0, looked at every 1 steps",
        "learns: resampler and gated blocks, changes of rank 2 in the language model",
        "steps: 4 at most, 11 samples each, rate 0.001",
        "data: left out 1 of 13: 1 x broken picture or film",
        "held out, before: loss ",
        " of 3 word for word",
        "nearest class mean of the frozen encoder: 3 of 3",
        "use: flamingo ask --model demo --adapter run/adapter.safetensors",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let adapter = "run/adapter.safetensors";
    let beside = place.ok(&ask(&["--model", "demo", "--adapter", adapter]));
    assert_eq!(beside, place.ok(&ask(&["--adapter", adapter])));
    let described = place.ok(&["weights", "inspect", adapter]);
    for part in ["has learnt over demo", "LoRA of rank 2", "gated.*.q.weight"] {
        assert!(described.contains(part), "{described}");
    }
    place.ok(&[
        "weights",
        "convert",
        "demo",
        "--adapter",
        adapter,
        "--out",
        "merged",
    ]);
    assert_eq!(beside, place.ok(&ask(&["--model", "merged"])));

    // Over another model, it is refused; alone, it is no model.
    let (code, _, error) = told(&place, &ask(&["--model", "merged", "--adapter", adapter]));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("was trained over demo") && error.contains("hint:"),
        "{error}"
    );
    let (code, _, error) = told(&place, &ask(&["--model", adapter]));
    assert_eq!(code, Some(1));
    assert!(
        error.contains(&format!("hint: --model demo --adapter {adapter}")),
        "{error}"
    );
    let (code, ..) = told(
        &place,
        &["describe", "--model", "demo", "--adapter", adapter],
    );
    assert_eq!(code, Some(1));
}

#[test]
fn an_encoder_that_learns_along_is_saved_loaded_merged_and_evaluated() {
    let place = place();
    let seeing = ["--steps", "8", "--unfreeze-vision"];
    let (code, shown, warned) = told(&place, &[&TUNE[..], &seeing].concat());
    assert_eq!(code, Some(0), "{warned}");
    assert!(
        shown.contains("gated blocks, the vision encoder"),
        "{shown}"
    );
    let adapter = "run/adapter.safetensors";
    let described = place.ok(&["weights", "inspect", adapter]);
    assert!(described.contains("\n  vision."), "{described}");
    let merge = ["weights", "convert", "demo", "--adapter", adapter];
    place.ok(&[&merge[..], &["--out", "merged"]].concat());

    // The encoder that has learnt is the one that is asked and evaluated, whatever of the base's pictures is kept.
    let eval = |model: &[&str], output: &str| -> serde_json::Value {
        let asked = [
            "eval", "folder", "--data", "classes", "--shots", "0", "--json",
        ];
        let kept = ["--latents", "kept", "--output", output];
        let output = place.run(&[&asked[..], &kept, model].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let samples = |output: &str| {
        let mut samples = String::new();
        for file in fs::read_dir(place.path().join(output).join("samples")).unwrap() {
            samples += &fs::read_to_string(file.unwrap().path()).unwrap();
        }
        samples
    };
    eval(&[], "base");
    let beside = eval(&["--model", "demo", "--adapter", adapter], "beside");
    let merged = eval(&["--model", "merged"], "merged-run");
    assert_eq!(beside["cells"], merged["cells"]);
    assert_eq!(samples("beside"), samples("merged-run"));
    assert_ne!(samples("beside"), samples("base"));
}

#[test]
fn the_recipe_that_it_writes_gives_the_same_adapter() {
    let place = place();
    let (code, ..) = told(&place, &[&TUNE[..], &["--steps", "3"]].concat());
    assert_eq!(code, Some(0));
    let recipe = fs::read_to_string(place.path().join("run/recipe.toml")).unwrap();
    place.write(
        "again.toml",
        recipe
            .replace("run = \"run\"", "run = \"again\"")
            .as_bytes(),
    );
    let (code, shown, _) = told(&place, &["train", "again.toml"]);
    assert_eq!(code, Some(0));
    assert!(
        shown.contains("adapter: again/adapter.safetensors"),
        "{shown}"
    );
    let read = |run: &str| fs::read(place.path().join(run).join("adapter.safetensors")).unwrap();
    assert!(read("run") == read("again"));
    let page = place.ok(&["train", "--plot", "again"]);
    assert_eq!(page.trim(), "page: again/plot.html");
    let page = fs::read_to_string(place.path().join("again/plot.html")).unwrap();
    assert!(page.contains("3 of 3 steps, finished") && page.contains("broken picture or film"));
    // It is there already; with --resume, nothing is left to do.
    let (code, _, error) = told(&place, &[&TUNE[..], &["--steps", "3"]].concat());
    assert_eq!(code, Some(1));
    assert!(error.contains("--resume"), "{error}");
    let (code, ..) = told(&place, &[&TUNE[..], &["--steps", "3", "--resume"]].concat());
    assert_eq!(code, Some(0));
}

#[test]
fn a_run_whose_data_have_gone_says_that_it_can_go_on_where_they_are_back() {
    let place = place();
    let (code, ..) = told(&place, &[&TUNE[..], &["--steps", "2"]].concat());
    assert_eq!(code, Some(0));
    let data = [place.path().join("classes"), place.path().join("elsewhere")];
    fs::rename(&data[0], &data[1]).unwrap();
    let resume = ["train", "run/recipe.toml", "--resume"];
    let (code, _, error) = told(&place, &resume);
    assert_eq!(code, Some(1));
    assert!(
        error.contains("there is no classes")
            && error.contains("hint: what was saved last stands; go on with: flamingo train"),
        "{error}"
    );
    fs::rename(&data[1], &data[0]).unwrap();
    assert_eq!(told(&place, &resume).0, Some(0));
}

#[test]
fn what_is_missing_or_no_data_is_said() {
    let place = place();
    let (code, _, error) = told(&place, &["train"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("--finetune"), "{error}");
    let (code, _, error) = told(
        &place,
        &["train", "--finetune", "demo", "--data", "red.png"],
    );
    assert_eq!(code, Some(1));
    assert!(
        error.contains("red.png") && error.contains("give its folder"),
        "{error}"
    );
    let (code, _, error) = told(&place, &["train", "a.toml", "--steps", "3"]);
    assert_eq!(code, Some(1), "{error}");
}
