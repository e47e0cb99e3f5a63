//! The keys of a request's JSON, read one by one, so that what cannot be taken is named with what can.

use std::ops::RangeInclusive;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// Characters of a value that messages show.
const SHOWN: usize = 60;

/// The keys of an object that were not read yet.
#[derive(Debug)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    /// Where it is, as messages write it: `messages[2].content[0].`
    place: String,
}

/// The JSON of a body.
///
/// # Errors
/// If it is no JSON, is nested too deeply, or holds more than `most` values.
pub(crate) fn parse(body: &[u8], most: usize) -> Result<Value, Refusal> {
    let values = count_values(body);
    if values > most {
        let message = format!(
            "the request's JSON has more than {most} values (it has about {values}): send less at once"
        );
        return Err(Refusal::new(StatusCode::BAD_REQUEST, message).called("too_many_values"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let message = match body.trim_ascii().is_empty() {
            true => "the request has no body: send a JSON object".to_owned(),
            false => format!("the request is not JSON: {error}"),
        };
        Refusal::new(StatusCode::BAD_REQUEST, message).called("invalid_json")
    })
}

/// About how many values a JSON text has: a bound on what it takes in memory, without taking it.
fn count_values(body: &[u8]) -> usize {
    let (mut values, mut in_text, mut escaped) = (1, false, false);
    for byte in body {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b',' | b'[' | b'{' | b':') => values += 1,
            _ => {}
        }
    }
    values
}

impl Fields {
    /// The keys of an object.
    ///
    /// # Errors
    /// If the value is none.
    pub(crate) fn of(value: Value, place: &str) -> Result<Self, Refusal> {
        match value {
            Value::Object(map) => Ok(Self {
                map,
                place: match place {
                    "" => String::new(),
                    place => format!("{place}."),
                },
            }),
            other => {
                let place = if place.is_empty() {
                    "the request"
                } else {
                    place
                };
                Err(Refusal::bad(
                    place,
                    format!("{place} is {}: give an object", shown(&other)),
                ))
            }
        }
    }

    /// How messages call a key.
    pub(crate) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.place)
    }

    /// A key's value; `null` is as if it were not there.
    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Puts a value in that others wrote elsewhere.
    pub(crate) fn put(&mut self, key: &str, value: Value) {
        self.map.insert(key.to_owned(), value);
    }

    /// The keys that are left.
    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    fn refuse<T>(&self, key: &str, value: &Value, wanted: &str) -> Result<T, Refusal> {
        let name = self.name(key);
        let message = format!("`{name}` is {}: give {wanted}", shown(value));
        Err(Refusal::bad(&name, message))
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => self.refuse(key, &other, "true or false"),
        }
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => self.refuse(key, &other, "a text"),
        }
    }

    /// A finite number within a range.
    pub(crate) fn number(
        &mut self,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.as_f64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let wanted = format!("a number from {} to {}", range.start(), range.end());
                self.refuse(key, &value, &wanted)
            }
        }
    }

    /// A whole number within a range.
    pub(crate) fn whole(
        &mut self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        // Some clients write 16.0.
        let exact = |number: f64| (number.fract() == 0.0 && number >= 0.0).then_some(number as u64);
        let number = value.as_u64().or_else(|| value.as_f64().and_then(exact));
        let number = number.and_then(|number| usize::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                self.refuse(key, &value, &wanted)
            }
        }
    }

    /// Any whole number, as 64 bits.
    pub(crate) fn bits(&mut self, key: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let number = value
            .as_u64()
            .or(value.as_i64().map(|number| number as u64));
        match number {
            Some(number) => Ok(Some(number)),
            None => self.refuse(key, &value, "a whole number"),
        }
    }

    /// A list.
    pub(crate) fn list(&mut self, key: &str) -> Result<Option<Vec<Value>>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => self.refuse(key, &other, "a list"),
        }
    }

    /// A text or a list of texts, none of them empty.
    pub(crate) fn texts(&mut self, key: &str, most: usize) -> Result<Vec<String>, Refusal> {
        let wanted = format!("a text, or a list of at most {most}, none of them empty");
        let texts = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => {
                let mut texts = Vec::with_capacity(list.len().min(most));
                for value in list {
                    match value {
                        Value::String(text) => texts.push(text),
                        other => return self.refuse(key, &other, &wanted),
                    }
                }
                texts
            }
            Some(other) => return self.refuse(key, &other, &wanted),
        };
        if texts.len() > most || texts.iter().any(String::is_empty) {
            let value = Value::from(texts);
            return self.refuse(key, &value, &wanted);
        }
        Ok(texts)
    }
}

/// The beginning of a value, for messages.
pub(crate) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(list) => return format!("a list of {}", list.len()),
        Value::Object(map) => {
            let keys: Vec<&str> = map.keys().take(5).map(String::as_str).collect();
            return format!("an object with {}", shortened(&keys.join(", ")));
        }
        // A long text is not written out before it is cut.
        Value::String(text) => format!("{:?}", shortened(text)),
        other => other.to_string(),
    };
    shortened(&text)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::of(value, "").unwrap()
    }

    #[test]
    fn values_are_counted_outside_of_texts() {
        assert_eq!(count_values(b"7"), 1);
        assert_eq!(count_values(br#"{"a,b": "c:[{\",", "d": [1, 2]}"#), 7);
        let many = format!("[{}1]", "1,".repeat(100));
        assert!(
            parse(many.as_bytes(), 99)
                .unwrap_err()
                .message
                .contains("99")
        );
        assert!(parse(many.as_bytes(), 200).is_ok());
    }

    #[test]
    fn what_cannot_be_taken_is_named_with_what_can() {
        let mut f = fields(json!({
            "t": "hot", "n": 2.5, "m": -1, "s": ["a", ""], "l": 3, "b": "yes", "ok": 16.0, "none": null
        }));
        let told = f.number("t", 0.0..=2.0).unwrap_err();
        assert_eq!(told.message, "`t` is \"hot\": give a number from 0 to 2");
        assert_eq!(told.param.as_deref(), Some("t"));
        let told = |refusal: Refusal| refusal.message;
        assert!(
            told(f.whole("n", 1..=7).unwrap_err())
                .contains("is 2.5: give a whole number from 1 to 7")
        );
        assert!(told(f.whole("m", 1..=7).unwrap_err()).contains("is -1"));
        assert!(told(f.texts("s", 4).unwrap_err()).contains("at most 4"));
        assert!(told(f.list("l").unwrap_err()).contains("give a list"));
        assert!(told(f.flag("b").unwrap_err()).contains("true or false"));
        assert_eq!(f.whole("ok", 1..=17).unwrap(), Some(16));
        assert_eq!(f.flag("none").unwrap(), None);
        assert_eq!(f.left().count(), 0);
    }

    #[test]
    fn json_that_is_cut_or_nested_too_deeply_is_refused_and_numbers_are_finite() {
        for body in [
            "",
            "{",
            r#"{"a": "#,
            "[1,]",
            "NaN",
            r#"{"temperature": NaN}"#,
            r#"{"a": 1e999}"#,
        ] {
            let refusal = parse(body.as_bytes(), 1000).unwrap_err();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{body}");
        }
        let deep = "[".repeat(900) + &"]".repeat(900);
        assert!(parse(deep.as_bytes(), 1000).is_err());
    }

    #[test]
    fn long_values_are_shown_by_their_beginning() {
        assert!(shown(&json!("x".repeat(1000))).len() < 100);
        assert_eq!(shown(&json!([1, 2, 3])), "a list of 3");
        assert_eq!(shown(&json!({"url": 3})), "an object with url");
    }
}
