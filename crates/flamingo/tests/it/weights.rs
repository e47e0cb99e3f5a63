//! `flamingo weights`, and models that are named in other ways than by a directory of ours.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::Workplace;

const ASK: [&str; 7] = [
    "ask",
    "--image",
    "red.png",
    "--text",
    "Output:",
    "--max-tokens",
    "2",
];

#[test]
fn inspection_shows_parts_with_their_parameters() {
    let place = Workplace::new();
    let text = place.ok(&["weights", "inspect", "demo"]);
    for part in [
        "vision encoder",
        "perceiver resampler",
        "gated xattn-dense",
        "language model",
        "total",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(
        text.contains("gated.*.q.weight") && text.contains("F16"),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&place.ok(&["weights", "inspect", "demo", "--json"])).unwrap();
    let sum: u64 = json["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["parameters"].as_u64().unwrap())
        .sum();
    assert_eq!(json["parameters"], sum);
    assert!(json["configuration"]["flamingo"]["gated"].is_object());
}

#[test]
fn a_converted_model_answers_as_the_one_it_was_made_of() {
    let place = Workplace::new();
    place.ok(&["weights", "convert", "demo", "--out", "wide"]);
    let with = |model: &[&str]| place.ok(&[&ASK[..], model].concat());
    assert_eq!(with(&["--model", "wide"]), with(&[]));
    place.ok(&[
        "weights", "convert", "wide", "--out", "narrow", "--dtype", "bf16",
    ]);
    let size = |name: &str| {
        std::fs::metadata(place.path().join(name).join("model.safetensors"))
            .unwrap()
            .len()
    };
    assert!(size("narrow") * 19 < size("wide") * 10);
    with(&["--model", "narrow"]);
}

#[test]
fn a_quantised_model_is_smaller_and_answers_without_being_told_its_type() {
    let place = Workplace::new();
    let convert = |from: &str, to: &str, rest: &[&str]| {
        place.ok(&[&["weights", "convert", from, "--out", to], rest].concat())
    };
    convert("demo", "wide", &[]);
    convert("demo", "narrow", &["--dtype", "q8_0"]);
    let size = |name: &str| {
        let file = place.path().join(name).join("model.safetensors");
        std::fs::metadata(file).unwrap().len()
    };
    assert!(size("narrow") * 3 < size("wide") * 2);
    let with = |model: &[&str]| place.ok(&[&ASK[..], model].concat());
    let at_load = with(&["--dtype", "q8_0"]);
    assert_eq!(with(&["--model", "narrow"]), at_load);
    let text = place.ok(&["weights", "inspect", "narrow"]);
    assert!(text.contains("128x128 q8_0 x4"), "{text}");
    convert("narrow", "again", &["--dtype", "f32"]);
    assert_eq!(size("again"), size("wide"));
}

#[test]
fn types_that_do_not_exist_or_do_not_fit_are_told() {
    let place = Workplace::new();
    let output = place.run(&[&ASK[..], &["--dtype", "int8"]].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    for name in [
        "int8", "f32", "bf16", "f16", "q8_0", "q6_k", "q5_k", "q4_k", "q4_0",
    ] {
        assert!(told.contains(name), "{told}");
    }
    let output = place.run(&[&ASK[..], &["--dtype", "q4_k"]].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("40 of 49 matrices stay as they are") && told.contains("multiples of 256"),
        "{told}"
    );
    let to = ["--to", "openflamingo", "--dtype", "q8_0"];
    let told = place.refused(&[&["weights", "convert", "demo", "--out", "out"], &to[..]].concat());
    assert!(told.contains("hold no q8_0 weights"), "{told}");
}

#[test]
fn the_quality_of_a_type_is_a_table_and_json() {
    let place = Workplace::new();
    let of = |rest: &[&str]| {
        let verb = [
            "weights",
            "quality",
            "--dtype",
            "q8_0",
            "--documents",
            "2",
            "--queries",
            "3",
        ];
        place.ok(&[&verb, rest].concat())
    };
    let text = of(&[]);
    assert!(
        text.contains("perplexity") && text.contains("\nq8_0 "),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&of(&["--json"])).unwrap();
    let figures = &json[0]["quality"];
    assert!(figures["divergence"].as_f64().unwrap() < 0.01, "{json}");
    assert!(
        json[0]["weights"]["quantised"]["q8_0"]["tensors"]
            .as_u64()
            .unwrap()
            > 40
    );
}

#[test]
fn a_model_is_not_written_over_itself() {
    let place = Workplace::new();
    place.ok(&["weights", "convert", "demo", "--out", "model"]);
    let told = place.refused(&["weights", "convert", "model", "--out", "./model"]);
    assert!(told.contains("is where the model lies"), "{told}");
    let tower = ["--vision", "model/model.safetensors", "--out", "model"];
    let told = place.refused(&[&["weights", "convert", "other"], &tower[..]].concat());
    assert!(told.contains("is where the model lies"), "{told}");
}

#[test]
fn what_openflamingo_cannot_have_is_told() {
    let place = Workplace::new();
    let told = place.refused(&[
        "weights",
        "convert",
        "demo",
        "--out",
        "out",
        "--to",
        "openflamingo",
    ]);
    assert!(told.contains("OpenFlamingo has no such model"), "{told}");
    assert!(!place.path().join("out").exists());
}

/// A file of weights with one tensor.
fn file_of(name: &str) -> Vec<u8> {
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}}}"#);
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &[0; 12]].concat()
}

#[test]
fn a_file_that_is_no_model_is_told_and_shown_as_what_it_holds() {
    let place = Workplace::new();
    place.write("some/model.safetensors", &file_of("visual.conv1.weight"));
    let model = "some/model.safetensors";
    let told = place.refused(&["ask", "--text", "a", "--model", model]);
    assert!(told.contains("visual.conv1.weight"), "{told}");
    assert!(told.contains("no model by itself"), "{told}");
    let shown = place.ok(&["weights", "inspect", model]);
    assert!(shown.contains("visual.conv1.weight"), "{shown}");
    assert!(shown.contains("1x3"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&place.ok(&["weights", "inspect", model, "--json"])).unwrap();
    assert_eq!(json["parameters"], 3);
    place.write("parts/model-00001-of-00002.safetensors", &file_of("a"));
    let told = place.refused(&[
        "weights",
        "inspect",
        "parts/model-00001-of-00002.safetensors",
    ]);
    assert!(told.contains("part 1 of a model in 2 files"), "{told}");
    place.write("dcp/__0_0.distcp", b"");
    let told = place.refused(&["weights", "inspect", "dcp"]);
    assert!(told.contains("dcp_to_torch"), "{told}");
}

#[test]
fn the_shapes_of_quantised_tensors_in_a_file_are_told_in_numbers() {
    let place = Workplace::new();
    place.ok(&[
        "weights", "convert", "demo", "--dtype", "q8_0", "--out", "q",
    ]);
    let total = |model: &str| {
        let json = place.ok(&["weights", "inspect", model, "--json"]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json["parameters"].as_u64().unwrap()
    };
    let file = "q/model.safetensors";
    assert_eq!(total(file), total("q"));
    let shown = place.ok(&["weights", "inspect", file]);
    assert!(
        shown.contains(" q8_0") && !shown.contains(".q8_0"),
        "{shown}"
    );
}

#[test]
fn the_tensors_of_a_model_without_tokenizer_are_shown() {
    let place = Workplace::new();
    place.ok(&["weights", "convert", "demo", "--out", "model"]);
    let shown = place.ok(&["weights", "inspect", "model"]);
    std::fs::remove_file(place.path().join("model/tokenizer.json")).unwrap();
    let output = place.run(&["weights", "inspect", "model"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), shown);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("model has no tokenizer.json"), "{told}");
}

#[test]
fn a_checkpoint_alone_asks_for_its_other_parts() {
    let place = Workplace::new();
    place.write("some/checkpoint.pt", &file_of("perceiver.latents"));
    for model in ["some", "some/checkpoint.pt"] {
        let told = place.refused(&["ask", "--text", "a", "--model", model]);
        assert!(
            told.contains("there is no lm beside it") && told.contains("--lm"),
            "{told}"
        );
    }
}

#[test]
fn a_model_that_is_nowhere_says_what_a_model_can_be() {
    let told = Workplace::new().refused(&["ask", "--text", "a", "--model", "no-such-model"]);
    assert!(told.contains("there is no model no-such-model"), "{told}");
    assert!(told.contains("OpenFlamingo-9B-vitl-mpt7b"), "{told}");
}

#[test]
fn a_case_that_is_none_is_refused() {
    let place = Workplace::new();
    let told = place.refused(&["weights", "verify", "pictures"]);
    assert!(told.contains("pictures has no flamingo.json"), "{told}");
    let told = place.refused(&["weights", "verify", "pictures", "--tolerance", "0"]);
    assert!(told.contains("tolerance is 0"), "{told}");
}

/// A hub with one repository, `org/demo`.
fn hub(files: BTreeMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is no fault of the hub.
            let _ = answer(stream, &files);
        }
    });
    address
}

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn answer(mut stream: TcpStream, files: &BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let name = path.rsplit('/').next().unwrap_or("");
    let listing = || {
        let siblings: Vec<_> = files
            .keys()
            .map(|name| serde_json::json!({"rfilename": name}))
            .collect();
        serde_json::json!({"sha": COMMIT, "siblings": siblings})
            .to_string()
            .into_bytes()
    };
    let body = match path.starts_with("/api/models/org/demo") {
        true => Some(listing()),
        false if path.starts_with("/org/demo/resolve/") => files.get(name).cloned(),
        false => None,
    };
    let status = if body.is_some() {
        "200 OK"
    } else {
        "404 Not Found"
    };
    let body = body.unwrap_or_default();
    let etag: String = format!(
        "{:040x}",
        name.bytes().fold(7u128, |h, b| h * 31 + u128::from(b))
    );
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"{etag}\"\r\nX-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    if method == "GET" {
        stream.write_all(&body)?;
    }
    Ok(())
}

#[test]
fn a_model_is_fetched_from_the_hub_once_and_then_found_offline() {
    let place = Workplace::new();
    place.ok(&["weights", "convert", "demo", "--out", "model"]);
    let files = std::fs::read_dir(place.path().join("model"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                std::fs::read(path).unwrap(),
            )
        })
        .collect();
    let endpoint = hub(files);
    let run = |home: &str, vars: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flamingo"));
        command
            .args(ASK)
            .args(["--model", "org/demo"])
            .current_dir(place.path())
            .stdin(Stdio::null());
        for name in [
            "HF_TOKEN",
            "HF_HUB_CACHE",
            "HF_HUB_OFFLINE",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
        ] {
            command.env_remove(name);
        }
        command
            .env("HF_HOME", place.path().join(home))
            .envs(vars.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, fetched, told) = run("cache", &[("HF_ENDPOINT", &endpoint)]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(fetched, place.ok(&ASK));
    let (code, offline, told) = run("cache", &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!((code, offline), (Some(0), fetched), "{told}");
    let (code, _, told) = run("empty", &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(code, Some(1));
    assert!(
        told.contains("org/demo") && told.contains("HF_HUB_OFFLINE"),
        "{told}"
    );
}
