//! Conversations about pictures, as LLaVA's and ShareGPT's files hold them: a JSON array, or a record a line.
//!
//! A record has turns in `conversations` (`from` human or gpt, `value`) or `messages` (`role`, `content`), and its
//! pictures in `image` or `images`, films in `video` or `videos`; `<image>` and `<video>` in a turn are where they
//! stand. What is asked becomes the paper's prompt, `Question: .. Answer: ..`, and each answer ends in `<EOC>`.

use std::fmt;
use std::io::BufRead;
use std::path::Path;

use flamingo_sequence::{Document, Part};
use serde::Deserializer;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::Value;

use crate::{Error, MediaBase, Report, Result, Sample, packed};

/// Who asks and who answers, in the words of the files that are about.
const ASKING: [&str; 2] = ["human", "user"];
const ANSWERING: [&str; 3] = ["gpt", "assistant", "model"];

/// The samples of a file.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    let name = path.display().to_string();
    let base = MediaBase::beside(path);
    let mut take = |number: usize, record: std::result::Result<Value, String>| {
        report.found += 1;
        let sample = format!("{name}, record {number}");
        match record.and_then(|record| document(&record)) {
            Ok(mut document) => {
                document.id.get_or_insert(sample);
                let base = base.clone();
                samples.push(Sample { document, base });
            }
            Err(problem) => report.leave_out(&sample, "bad conversation", &problem),
        }
    };
    let mut reader = packed::reader(path)?;
    let Some(first) = first_byte(&mut reader).map_err(Error::read(path))? else {
        return Ok(());
    };
    if first == b'[' {
        let mut records = serde_json::Deserializer::from_reader(reader);
        let mut number = 0;
        let each = Each(|record| {
            number += 1;
            take(number, Ok(record));
        });
        let ended = each.deserialize(&mut records).and_then(|()| records.end());
        return ended.map_err(|error| Error::Nothing {
            path: path.to_path_buf(),
            problem: format!("it is no JSON array: {error}; fetch it again"),
        });
    }
    for (number, line) in reader.lines().enumerate() {
        let line = line.map_err(Error::read(path))?;
        if !line.trim().is_empty() {
            let record = serde_json::from_str(&line);
            take(number + 1, record.map_err(|error| error.to_string()));
        }
    }
    Ok(())
}

/// The first byte that is no space, where the reader then is; a mark of UTF-8 is passed over.
fn first_byte(reader: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let spaces = buffer.iter().take_while(|byte| byte.is_ascii_whitespace());
        let spaces = spaces.count();
        if let Some(first) = buffer.get(spaces).copied() {
            reader.consume(spaces);
            return Ok(Some(first));
        }
        reader.consume(spaces);
    }
}

/// Hands over the elements of an array one by one, so that never all of them are in memory.
struct Each<F>(F);

impl<'de, F: FnMut(Value)> DeserializeSeed<'de> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Value)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array of conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut records: A) -> Result<(), A::Error> {
        while let Some(record) = records.next_element()? {
            (self.0)(record);
        }
        Ok(())
    }
}

/// A turn: whether it asks, and what it says.
type Turn = (bool, String);

fn document(record: &Value) -> std::result::Result<Document, String> {
    let mut images = list(record, ["image", "images"])?.into_iter();
    let mut films = list(record, ["video", "videos"])?.into_iter();
    let turns = turns(record)?;
    let marks = |mark: &str| {
        turns
            .iter()
            .map(|(_, text)| text.matches(mark).count())
            .sum::<usize>()
    };
    let mut parts = Vec::new();
    // Media that no turn has a place for stand before the first.
    if marks("<image>") == 0 {
        parts.extend(images.by_ref().map(Part::Image));
    }
    if marks("<video>") == 0 {
        parts.extend(films.by_ref().map(Part::Video));
    }
    for (wanted, given, what) in [
        (marks("<image>"), images.len(), "<image>"),
        (marks("<video>"), films.len(), "<video>"),
    ] {
        if wanted != given {
            return Err(format!("it has {what} {wanted} times for {given} of them"));
        }
    }
    for (asks, text) in &turns {
        let mut said = String::new();
        let mut rest = text.as_str();
        // What stands around a mark is a text of its own, without the line breaks at its ends.
        while let Some(at) = rest
            .find("<image>")
            .into_iter()
            .chain(rest.find("<video>"))
            .min()
        {
            push(&mut said, &rest[..at]);
            let is_image = rest[at..].starts_with("<image>");
            if !said.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut said)));
            }
            parts.extend(match is_image {
                true => images.next().map(Part::Image),
                false => films.next().map(Part::Video),
            });
            rest = &rest[at + "<image>".len()..];
        }
        push(&mut said, rest);
        match asks {
            true if said.is_empty() => parts.push(Part::Text("Output:".into())),
            true => parts.push(Part::Text(format!("Question: {said} Answer:"))),
            false => parts.extend([Part::Text(format!(" {said}")), Part::End]),
        }
    }
    let mut document = Document::new(parts);
    document.id = match record.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    document.check().map_err(|error| error.to_string())?;
    Ok(document)
}

fn push(said: &mut String, text: &str) {
    let text = text.trim();
    if !said.is_empty() && !text.is_empty() {
        said.push(' ');
    }
    said.push_str(text);
}

/// What one of two keys holds: a text, or a list of texts.
fn list(record: &Value, keys: [&str; 2]) -> std::result::Result<Vec<String>, String> {
    let Some((key, value)) = keys.iter().find_map(|key| Some((key, record.get(*key)?))) else {
        return Ok(Vec::new());
    };
    let wrong = || format!("`{key}` is neither a path nor a list of them");
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(place) => Ok(vec![place.clone()]),
        Value::Array(places) => places
            .iter()
            .map(|place| place.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        _ => Err(wrong()),
    }
}

fn turns(record: &Value) -> std::result::Result<Vec<Turn>, String> {
    let of = |key: &str| record.get(key).and_then(Value::as_array);
    let Some(all) = of("conversations").or_else(|| of("messages")) else {
        return Err("it has neither `conversations` nor `messages`".into());
    };
    let mut turns = Vec::new();
    for turn in all {
        let word = |keys: [&str; 2]| keys.iter().find_map(|key| turn.get(*key)?.as_str());
        let who = word(["from", "role"]).ok_or("a turn has no `from`")?;
        let says = word(["value", "content"]).ok_or("a turn has no text in `value`")?;
        match () {
            () if ASKING.contains(&who) => turns.push((true, says.to_owned())),
            () if ANSWERING.contains(&who) => turns.push((false, says.to_owned())),
            // What it is told to be like: a model without such turns is not.
            () if who == "system" => {}
            () => return Err(format!("a turn is from {who:?}, neither human nor gpt")),
        }
    }
    match turns.iter().any(|(asks, _)| !asks) {
        true => Ok(turns),
        false => Err("nobody answers in it".into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Format, Source};

    fn source(name: &str, text: &str) -> Source {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Source::read(Format::Conversations, &path).unwrap()
    }

    fn text(text: &str) -> Part {
        Part::Text(text.into())
    }

    #[test]
    fn turns_become_questions_and_answers_with_the_picture_in_its_place() {
        let llava = r#"[
          {"id": "7", "image": "a.jpg", "conversations": [
            {"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A cat."},
            {"from": "human", "value": "Sure?"}, {"from": "gpt", "value": "Yes."}]},
          {"id": 8, "image": ["a.jpg", "b.jpg"], "conversations": [
            {"from": "human", "value": "First <image> and then\n<image>"}, {"from": "gpt", "value": "Both."}]},
          {"image": "c.jpg", "conversations": [
            {"from": "human", "value": "<image>"}, {"from": "gpt", "value": "A caption."}]},
          {"image": "d.jpg", "conversations": [{"from": "human", "value": "<image><image> x"}, {"from": "gpt", "value": "y"}]},
          {"conversations": [{"from": "human", "value": "x"}]},
          {"conversations": [{"from": "tool", "value": "x"}]},
          3]"#;
        let source = source("llava.json", llava);
        assert_eq!((source.report.found, source.samples.len()), (7, 3));
        assert_eq!(source.report.left_out["bad conversation"], 4);
        let parts = |n: usize| &source.samples[n].document.parts;
        let image = |place: &str| Part::Image(place.into());
        let first = [
            image("a.jpg"),
            text("Question: What is it? Answer:"),
            text(" A cat."),
            Part::End,
            text("Question: Sure? Answer:"),
            text(" Yes."),
            Part::End,
        ];
        assert_eq!(*parts(0), first);
        assert_eq!(source.samples[0].document.id.as_deref(), Some("7"));
        let second = [
            text("First"),
            image("a.jpg"),
            text("and then"),
            image("b.jpg"),
            text("Output:"),
            text(" Both."),
            Part::End,
        ];
        assert_eq!(*parts(1), second);
        assert_eq!(
            *parts(2),
            [
                image("c.jpg"),
                text("Output:"),
                text(" A caption."),
                Part::End
            ]
        );
    }

    #[test]
    fn an_array_that_is_cut_off_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for text in ["\u{feff} \n[{\"messages\": [", "[3] 4"] {
            std::fs::write(&path, text).unwrap();
            let told = Source::read(Format::Conversations, &path).unwrap_err();
            assert!(
                told.to_string().contains("a.json: it is no JSON array"),
                "{told}"
            );
        }
        std::fs::write(&path, " \n").unwrap();
        let told = Source::read(Format::Conversations, &path).unwrap_err();
        assert!(told.to_string().contains("it is empty"), "{told}");
    }

    #[test]
    fn messages_a_line_each_are_read_and_media_without_a_mark_come_first() {
        let lines = concat!(
            "\u{feff}{\"messages\": [{\"role\": \"system\", \"content\": \"be kind\"}, {\"role\": \"user\", \"content\": \"who?\"}, ",
            "{\"role\": \"assistant\", \"content\": \"me\"}], \"images\": [\"a.png\"], \"videos\": null}\n\n",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"<video>what?\"}, {\"role\": \"assistant\", \"content\": \"it\"}], ",
            "\"videos\": [\"a.mp4\"]}\n{",
        );
        let source = source("s.jsonl", lines);
        assert_eq!((source.report.found, source.samples.len()), (3, 2));
        let parts = |n: usize| source.samples[n].document.parts.clone();
        assert_eq!(
            parts(0)[..2],
            [Part::Image("a.png".into()), text("Question: who? Answer:")]
        );
        assert_eq!(parts(1)[0], Part::Video("a.mp4".into()));
        assert_eq!(parts(1)[1], text("Question: what? Answer:"));
    }
}
