//! Exit code 1 and one message that names the thing and the next step.

use crate::Workplace;

#[test]
fn a_missing_picture_is_named() {
    let told = Workplace::new().refused(&["ask", "--image", "no.png", "--text", "Output:"]);
    assert!(
        told.contains("no.png") && told.contains("check the path"),
        "{told}"
    );
}

#[test]
fn a_broken_picture_is_named() {
    let place = Workplace::new();
    place.write("broken.png", b"\x89PNG\r\n\x1a\nno more");
    let told = place.refused(&["ask", "--image", "broken.png"]);
    assert!(
        told.contains("broken.png") && told.contains("PNG"),
        "{told}"
    );
    place.write("words.png", b"these are words");
    let told = place.refused(&["ask", "--image", "words.png"]);
    assert!(
        told.contains("words.png") && told.contains("convert it"),
        "{told}"
    );
}

#[test]
fn a_prompt_that_cannot_be_answered_is_named_with_its_line() {
    let place = Workplace::new();
    let line = |medium: &str| {
        format!("{{\"parts\": [{medium}, {{\"text\": \"Output:\"}}], \"candidates\": [\" a\"]}}\n")
    };
    place.write("film.mp4", b"no film");
    place.write("film/1.png", b"no picture");
    let (good, bad) = (
        line("{\"image\": \"red.png\"}"),
        line("{\"video\": \"film\"}"),
    );
    place.write("score.jsonl", format!("{good}\n{bad}{good}").as_bytes());
    let told = place.refused(&["score", "--prompts", "score.jsonl"]);
    assert!(told.starts_with("error: score.jsonl:3: "), "{told}");
    assert!(told.contains("film"), "{told}");
    let asked = format!("{good}{good}\n{bad}").replace(", \"candidates\": [\" a\"]", "");
    place.write("ask.jsonl", asked.as_bytes());
    let told = place.refused(&["ask", "--prompt", "ask.jsonl"]);
    assert!(told.starts_with("error: ask.jsonl:4: "), "{told}");
    let told = place.refused(&["ask", "--video", "film.mp4"]);
    assert!(told.starts_with("error: film.mp4"), "{told}");
}

#[test]
fn a_picture_of_another_format_is_called_by_its_name() {
    let place = Workplace::new();
    for (name, start, says) in [
        ("a.heic", &b"\0\0\0\x1cftypheic\0\0\0\0"[..], "HEIC"),
        ("a.tif", b"II*\0\x08\0\0\0", "TIFF"),
        ("a.bmp", b"BM\x36\x04\0\0", "BMP"),
    ] {
        place.write(name, start);
        let told = place.refused(&["ask", "--image", name]);
        assert!(told.contains(says) && told.contains("convert it"), "{told}");
    }
}

#[test]
fn a_picture_over_the_limit_names_the_option_that_raises_it() {
    let place = Workplace::new();
    let picture = flamingo::image::Image::solid(60, 50, [200, 30, 10]);
    place.write("large.png", &picture.to_png());
    let ask = ["ask", "--image", "large.png", "--text", "Output:"];
    let told = place.refused(&[&ask[..], &["--max-pixels", "2999"]].concat());
    assert!(
        told.contains("large.png has 3000 pixels, the limit is 2999")
            && told.contains("`--max-pixels`"),
        "{told}"
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_those_allowed() {
    let place = Workplace::new();
    place.write(
        "p.jsonl",
        b"{\"parts\":[{\"text\":\"a\"}]}\n{\"parts\":[{\"txt\":\"a\"}]}\n",
    );
    let told = place.refused(&["ask", "--prompt", "p.jsonl"]);
    assert!(told.contains("p.jsonl:2: unknown field `txt`"), "{told}");
    assert!(
        told.contains("`video`") && told.contains("hint: a prompt is"),
        "{told}"
    );
}

#[test]
fn an_empty_prompt_is_refused_with_what_to_give() {
    let place = Workplace::new();
    let told = place.refused(&["ask"]);
    assert!(
        told.contains("the prompt is empty") && told.contains("hint: use --image"),
        "{told}"
    );
    place.write("p.json", b"{\"parts\": []}");
    assert!(
        place
            .refused(&["ask", "--prompt", "p.json"])
            .contains("the prompt is empty")
    );
    place.write("empty.jsonl", b"");
    assert!(
        place
            .refused(&["ask", "--prompt", "empty.jsonl"])
            .contains("the prompt is empty")
    );
    let told = place.refused(&["ask", "--text", ""]);
    assert!(told.contains("`text` is empty"), "{told}");
}

#[test]
fn more_pictures_than_the_limit_are_refused_with_both_numbers() {
    let place = Workplace::new();
    let pictures = ["--image", "red.png"].repeat(3);
    let told = place.refused(&[&["ask", "--max-media", "2"], &pictures[..]].concat());
    assert!(
        told.contains('3') && told.contains('2') && told.contains("limit"),
        "{told}"
    );
}

#[test]
fn a_folder_that_is_no_model_is_named_with_what_it_lacks() {
    let place = Workplace::new();
    let told = place.refused(&["ask", "--model", "pictures", "--text", "a"]);
    assert!(told.contains("pictures has no flamingo.json"), "{told}");
    assert!(told.contains("hint: leave --model out"), "{told}");
}

#[test]
fn a_picture_on_the_network_is_not_fetched() {
    let told = Workplace::new().refused(&["ask", "--image", "https://a.b/c.png"]);
    assert!(
        told.contains("https://a.b/c.png") && told.contains("download it"),
        "{told}"
    );
}

#[test]
fn wrong_usage_is_the_users_fault() {
    let place = Workplace::new();
    assert!(
        place
            .refused(&["ask", "--imagine", "a"])
            .contains("--imagine")
    );
    assert!(
        place
            .refused(&["ask", "--text", "a", "--device", "tpu"])
            .contains("tpu")
    );
    assert!(
        place
            .refused(&["ask", "--text", "a", "--device", "metal"])
            .contains("not compiled in")
    );
    assert!(
        place
            .refused(&["ask", "--text", "a", "--top-p", "0"])
            .contains("top_p is 0")
    );
    assert!(
        place
            .refused(&["demo", "--queries", "0"])
            .contains("queries is 0")
    );
    assert!(
        place
            .refused(&["ask", "--text", "a", "--threads", "0"])
            .contains("--threads is 0")
    );
}

#[test]
fn candidates_that_are_missing_are_asked_for() {
    let place = Workplace::new();
    place.write("p.jsonl", b"{\"parts\":[{\"text\":\"a\"}]}\n");
    let told = place.refused(&["score", "--prompts", "p.jsonl"]);
    assert!(
        told.contains("p.jsonl:1") && told.contains("candidates"),
        "{told}"
    );
}

#[test]
fn a_recipe_with_an_unknown_key_is_named_with_its_line() {
    let place = Workplace::new();
    place.write("r.toml", b"run = \"out\"\nspeed = 3\n");
    let told = place.refused(&["train", "r.toml"]);
    assert!(
        told.contains("r.toml:2") && told.contains("speed"),
        "{told}"
    );
}
