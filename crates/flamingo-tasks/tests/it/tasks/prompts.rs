//! The presets' prompts, word for word.

use flamingo_sequence::Part;
use flamingo_tasks::{
    DataFolder, Example, Id, Likelihood, Preset, ReadOptions, Shown, Span, task, task_names,
};

use crate::Folder;

fn example(fields: &[(&'static str, &str)], answer: &str) -> Example {
    Example {
        fields: fields
            .iter()
            .map(|&(name, text)| (name, text.to_owned()))
            .collect(),
        answer: Some(answer.to_owned()),
        ..Example::new(Id::Number(3), vec![Part::Image("cat.jpg".to_owned())])
    }
}

/// A shot and a query of the same, as text.
fn spelt(name: &str, preset: Preset, example: &Example, shown: Shown) -> String {
    let prompt = task(name).unwrap().prompt(preset);
    let document = prompt.document(&[example], shown, example);
    let parts = document.parts.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Image(_) => "<image>".to_owned(),
        Part::Video(_) => "<video>".to_owned(),
        Part::End => "<EOC>".to_owned(),
        Part::Token(token) => token.clone(),
    });
    parts.collect()
}

#[test]
fn prompts_are_those_of_the_paper_and_of_openflamingo() {
    let caption = example(&[], "a cat");
    let question = example(&[("question", "What is {it}?")], "a cat");
    let meme = example(&[("text", "look \"here\"")], "no");
    let mut dialogue = example(&[("caption", "a room"), ("question", "any cats")], "2");
    dialogue.turns = vec![("is it day".to_owned(), "yes".to_owned())];
    let (paper, openflamingo) = (Preset::Paper, Preset::OpenFlamingo);
    for (name, preset, example, expected) in [
        (
            "coco",
            paper,
            &caption,
            "<image>Output: a cat<EOC><image>Output:",
        ),
        (
            "coco",
            openflamingo,
            &caption,
            "<image>Output:a cat<EOC>\n<image>Output:",
        ),
        (
            "vqav2",
            paper,
            &question,
            "<image>Question: What is {it}? Answer: a cat<EOC><image>Question: What is {it}? Answer:",
        ),
        (
            "vqav2",
            openflamingo,
            &question,
            "<image>Question:What is {it}? Short answer:a cat<EOC>\n<image>Question:What is {it}? Short answer:",
        ),
        (
            "hateful-memes",
            paper,
            &meme,
            "<image>is an image with written: \"look \"here\"\" on it. Is it hateful? Answer: no<EOC><image>is an image with written: \"look \"here\"\" on it. Is it hateful? Answer:",
        ),
        (
            "hateful-memes",
            openflamingo,
            &meme,
            "<image>is an image with: 'look \"here\"' written on it. Is it hateful? Answer:no<EOC><image>is an image with: 'look \"here\"' written on it. Is it hateful? Answer:",
        ),
        (
            "visdial",
            paper,
            &dialogue,
            "<image>a room Question: is it day Answer: yes Question: any cats Answer: 2<EOC><image>a room Question: is it day Answer: yes Question: any cats Answer:",
        ),
        (
            "imagenet",
            openflamingo,
            &caption,
            "<image>Output:a cat<EOC>\n<image>Output:",
        ),
        (
            "rareact",
            paper,
            &caption,
            "<image>Caption: a cat<EOC><image>Caption:",
        ),
    ] {
        assert_eq!(
            spelt(name, preset, example, Shown::Whole),
            expected,
            "{name}"
        );
    }
    // No shots: shots without their pictures.
    let text_only = spelt("coco", paper, &caption, Shown::TextOnly);
    assert_eq!(text_only, "Output: a cat<EOC><image>Output:");
}

#[test]
fn an_answer_ends_at_the_presets_stop_words() {
    let prompt = |name: &str, preset| task(name).unwrap().prompt(preset);
    let openflamingo = prompt("vqav2", Preset::OpenFlamingo);
    assert_eq!(
        openflamingo.cut(" two cats, maybe\nQuestion: x"),
        "two cats"
    );
    assert_eq!(openflamingo.cut("Shorts"), "");
    assert_eq!(
        prompt("okvqa", Preset::OpenFlamingo).cut(" red, whiteAnswer"),
        "red, white"
    );
    assert_eq!(
        prompt("coco", Preset::OpenFlamingo).cut("a \"cat\" \nOutput:x"),
        "a cat"
    );
    assert_eq!(
        prompt("coco", Preset::Paper).cut(" a \"cat\" "),
        "a \"cat\""
    );
}

#[test]
fn no_shots_are_two_texts_but_where_the_paper_chooses_among_candidates() {
    let open = example(&[], "a cat");
    let close = Example {
        candidates: Some(vec!["a cat".to_owned()].into()),
        ..open.clone()
    };
    let count = |preset, example| task("own").unwrap().prompt(preset).text_only_shots(example);
    assert_eq!(
        (count(Preset::Paper, &open), count(Preset::Paper, &close)),
        (2, 0)
    );
    assert_eq!(
        (
            count(Preset::OpenFlamingo, &open),
            count(Preset::OpenFlamingo, &close)
        ),
        (2, 2)
    );
    let likelihood = |preset| task("imagenet").unwrap().prompt(preset).likelihood;
    assert_eq!(likelihood(Preset::Paper), Likelihood::Sum);
    assert_eq!(likelihood(Preset::OpenFlamingo), Likelihood::Mean);
}

#[test]
fn every_task_has_a_protocol_and_prompts_and_tells_which_file_is_missing() {
    let folder = Folder::new();
    let names = task_names();
    assert_eq!(names.len(), 20);
    for name in names {
        let task = task(name).unwrap();
        let protocol = task.protocol();
        assert!(!protocol.splits.is_empty() && !protocol.metric.is_empty());
        for preset in Preset::ALL {
            let prompt = task.prompt(preset);
            assert!(
                prompt.answer.contains("{answer}") && prompt.beams == 3,
                "{name}"
            );
            let json = serde_json::to_string(&prompt).unwrap();
            assert_eq!(
                serde_json::from_str::<flamingo_tasks::Prompt>(&json).unwrap(),
                prompt
            );
        }
        let read = task.read(&DataFolder::new(folder.path()), &ReadOptions::default());
        let told = read.expect_err("an empty folder").to_string();
        assert!(told.contains(folder.path().to_str().unwrap()), "{told}");
        let options = ReadOptions {
            split: Some("nonsense".to_owned()),
            ..ReadOptions::default()
        };
        let read = task.read(&DataFolder::new(folder.path()), &options);
        let told = read.expect_err("no split").to_string();
        assert!(told.contains("\"nonsense\" is no split: "), "{told}");
    }
    assert!(
        task("gqa")
            .unwrap_err()
            .to_string()
            .contains("kinetics700, own, folder")
    );
}

#[test]
fn seconds_stand_behind_a_films_path() {
    let span = Span {
        start: 0.5,
        end: 3.0,
    };
    assert_eq!(span.of("a b.mp4"), "a b.mp4#t=0.5,3");
    assert_eq!(Span::split("a b.mp4#t=0.5,3"), ("a b.mp4", Some(span)));
    for whole in ["a.mp4", "a.mp4#t=3,1", "a.mp4#t=x,1", "a.mp4#t=0,inf"] {
        assert_eq!(Span::split(whole), (whole, None));
    }
}
