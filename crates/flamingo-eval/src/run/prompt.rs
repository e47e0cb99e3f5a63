//! A prompt of shots and a query, as it is asked.

use flamingo_sequence::{Document, Part};

use super::example::{Example, Form};

/// A shot as it stands in a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shot {
    pub(super) id: String,
    pub(super) question: Vec<Part>,
    pub(super) answer: String,
}

/// A prompt in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) shots: Vec<Shot>,
    pub(super) query: Vec<Part>,
}

impl Prompt {
    pub(super) fn new<'a>(shots: impl IntoIterator<Item = &'a Example>, query: &Example) -> Self {
        let shot = |example: &Example| Shot {
            id: example.id.clone(),
            question: example.question.clone(),
            answer: example.answer.clone(),
        };
        Self {
            shots: shots.into_iter().map(shot).collect(),
            query: query.question.clone(),
        }
    }

    /// The document, its shots in this order.
    pub(super) fn document(&self, id: &str, order: &[usize], form: &Form) -> Document {
        let mut parts = Vec::new();
        for shot in order.iter().map(|&shot| &self.shots[shot]) {
            extend(&mut parts, &shot.question);
            push_text(&mut parts, &shot.answer);
            parts.push(Part::End);
            push_text(&mut parts, &form.between);
        }
        extend(&mut parts, &self.query);
        Document {
            id: Some(id.to_owned()),
            parts,
        }
    }
}

/// A prompt of shots, in this order, and a query.
pub(crate) fn prompt_document(shots: &[&Example], query: &Example, form: &Form) -> Document {
    let order: Vec<usize> = (0..shots.len()).collect();
    Prompt::new(shots.iter().copied(), query).document(&query.id, &order, form)
}

/// An example with its answer, alone.
pub(crate) fn shot_document(example: &Example) -> Document {
    let mut parts = Vec::new();
    extend(&mut parts, &example.question);
    push_text(&mut parts, &example.answer);
    parts.push(Part::End);
    Document {
        id: Some(example.id.clone()),
        parts,
    }
}

/// The parts without pictures and films.
pub(super) fn text_only(parts: &[Part]) -> Vec<Part> {
    let mut kept = Vec::new();
    for part in parts.iter().filter(|part| !is_medium(part)) {
        extend(&mut kept, std::slice::from_ref(part));
    }
    kept
}

pub(super) fn is_medium(part: &Part) -> bool {
    matches!(part, Part::Image(_) | Part::Video(_))
}

fn extend(parts: &mut Vec<Part>, more: &[Part]) {
    for part in more {
        match part {
            Part::Text(text) => push_text(parts, text),
            other => parts.push(other.clone()),
        }
    }
}

/// Texts that follow one another are one: a tokenizer reads them so.
fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_follow_one_another_are_one_and_the_query_stands_last() {
        let example = |name: &str, answer: &str| Example {
            id: name.into(),
            question: vec![
                Part::Image(format!("{name}.png")),
                Part::Text("Output:".into()),
            ],
            answer: answer.into(),
            ..Example::default()
        };
        let (a, b) = (example("a", " a pig"), example("b", " a goat"));
        let prompt = Prompt::new([&a, &b], &example("c", ""));
        let form = Form {
            between: "\n".into(),
            ..Form::default()
        };
        let image = |name: &str| Part::Image(name.into());
        let text = |text: &str| Part::Text(text.into());
        let expected = [
            image("b.png"),
            text("Output: a goat"),
            Part::End,
            text("\n"),
            image("a.png"),
            text("Output: a pig"),
            Part::End,
            text("\n"),
            image("c.png"),
            text("Output:"),
        ];
        assert_eq!(prompt.document("c", &[1, 0], &form).parts, expected);
        let without = [text("\nOutput:")];
        assert_eq!(
            text_only(&[text("\n"), image("c"), text("Output:")]),
            without
        );
    }
}
