//! A chat as it comes: who says and shows what, in order. Its media are named by their place among all of them.

use flamingo_chat::{Role, Turn};
use flamingo_sequence::{MediaKind, Part};
use serde_json::Value;

use crate::fields::{Fields, shown};
use crate::refusal::Refusal;
use crate::wanted::Wanted;

/// Reads `messages`; pictures and films are put at the end of `media`.
///
/// # Errors
/// If there are none, or one has a form that is not known.
pub(crate) fn messages(
    fields: &mut Fields,
    media: &mut Vec<Wanted>,
    most_media: usize,
) -> Result<Vec<Turn>, Refusal> {
    let list = fields.list("messages")?.unwrap_or_default();
    if list.is_empty() {
        let message = "`messages` is empty or missing: give at least one, the last from the user";
        return Err(Refusal::bad("messages", message));
    }
    let mut messages = Vec::with_capacity(list.len());
    for (i, value) in list.into_iter().enumerate() {
        let place = format!("messages[{i}]");
        messages.push(message(Fields::of(value, &place)?, media, most_media)?);
    }
    if messages.last().is_some_and(|last| last.role != Role::User) {
        let message = "the last of `messages` is not from the user: end with what is to be answered, or use \
                       /v1/completions to continue a text";
        return Err(Refusal::bad("messages", message));
    }
    Ok(messages)
}

fn message(
    mut fields: Fields,
    media: &mut Vec<Wanted>,
    most_media: usize,
) -> Result<Turn, Refusal> {
    let role = match fields.text("role")?.as_deref() {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        other => {
            let name = fields.name("role");
            let given = other.map_or_else(|| "missing".to_owned(), |role| format!("{role:?}"));
            let message =
                format!("`{name}` is {given}: give \"system\", \"user\" or \"assistant\"");
            return Err(Refusal::bad(&name, message));
        }
    };
    refuse_calls(&mut fields)?;
    let content = match fields.take("content") {
        None if role == Role::Assistant => Vec::new(),
        Some(Value::String(text)) => vec![Part::Text(text)],
        Some(Value::Array(list)) => {
            let mut content = Vec::with_capacity(list.len());
            for (i, part) in list.into_iter().enumerate() {
                let place = fields.name(&format!("content[{i}]"));
                content.push(part_of(Fields::of(part, &place)?, media, most_media)?);
            }
            content
        }
        other => {
            let name = fields.name("content");
            let given = other.as_ref().map_or_else(|| "missing".to_owned(), shown);
            let message = format!("`{name}` is {given}: give a text or a list of parts");
            return Err(Refusal::bad(&name, message));
        }
    };
    Ok(Turn { role, content })
}

/// Answers never call tools, so chats about calls are none that can be gone on with.
fn refuse_calls(fields: &mut Fields) -> Result<(), Refusal> {
    let calls = fields.take("tool_calls");
    let any = calls.is_some_and(|calls| calls.as_array().is_none_or(|list| !list.is_empty()));
    match any {
        true => {
            let name = fields.name("tool_calls");
            let message =
                format!("`{name}` cannot be honoured: this server calls no tools, leave it out");
            Err(Refusal::bad(&name, message).called("unsupported_parameter"))
        }
        false => Ok(()),
    }
}

fn part_of(
    mut fields: Fields,
    media: &mut Vec<Wanted>,
    most_media: usize,
) -> Result<Part, Refusal> {
    let kind = fields.text("type")?;
    let (key, kind) = match kind.as_deref() {
        Some("text" | "input_text") => {
            let name = fields.name("text");
            let text = fields.text("text")?.ok_or_else(|| {
                Refusal::bad(&name, format!("`{name}` is missing: give the part's text"))
            })?;
            return Ok(Part::Text(text));
        }
        Some("image_url" | "input_image") => ("image_url", MediaKind::Image),
        Some("video_url") => ("video_url", MediaKind::Video),
        other => {
            let name = fields.name("type");
            let given = other.map_or_else(|| "missing".to_owned(), |kind| format!("{kind:?}"));
            let message =
                format!("`{name}` is {given}: give \"text\", \"image_url\" or \"video_url\"");
            return Err(Refusal::bad(&name, message));
        }
    };
    let url = url(&mut fields, key)?;
    if media.len() == most_media {
        let message =
            format!("the request has more than {most_media} images and films: leave some out");
        return Err(Refusal::bad(&fields.name(key), message).called("too_many_images"));
    }
    media.push(Wanted {
        kind,
        place: fields.name(key),
        url,
    });
    let place = (media.len() - 1).to_string();
    Ok(match kind {
        MediaKind::Image => Part::Image(place),
        MediaKind::Video => Part::Video(place),
    })
}

/// `{"url": ".."}`, or the address as it is.
fn url(fields: &mut Fields, key: &str) -> Result<String, Refusal> {
    let name = fields.name(key);
    match fields.take(key) {
        Some(Value::String(url)) => Ok(url),
        Some(object @ Value::Object(_)) => {
            let mut object = Fields::of(object, &name)?;
            let inner = object.name("url");
            object.text("url")?.ok_or_else(|| {
                Refusal::bad(
                    &inner,
                    format!("`{inner}` is missing: give a data: address"),
                )
            })
        }
        other => {
            let given = other.as_ref().map_or_else(|| "missing".to_owned(), shown);
            let message =
                format!("`{name}` is {given}: give {{\"url\": \"data:image/png;base64,...\"}}");
            Err(Refusal::bad(&name, message))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<(Vec<Turn>, Vec<Wanted>), Refusal> {
        let mut media = Vec::new();
        let mut fields = Fields::of(json!({ "messages": value }), "").unwrap();
        messages(&mut fields, &mut media, 3).map(|messages| (messages, media))
    }

    #[test]
    fn texts_and_pictures_come_in_all_their_forms_and_in_order() {
        let (messages, media) = read(json!([
            {"role": "developer", "content": [{"type": "text", "text": "s"}]},
            {"role": "user", "content": "q", "name": "me"},
            {"role": "assistant", "content": null, "tool_calls": []},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:a", "detail": "low"}},
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": "data:b"},
                {"type": "video_url", "video_url": {"url": "data:c"}},
            ]},
        ]))
        .unwrap();
        let roles: Vec<Role> = messages.iter().map(|m| m.role).collect();
        assert_eq!(
            roles,
            [Role::System, Role::User, Role::Assistant, Role::User]
        );
        let content = [
            Part::Image("0".into()),
            Part::Text("t".into()),
            Part::Image("1".into()),
            Part::Video("2".into()),
        ];
        assert_eq!(messages[3].content, content);
        let urls: Vec<&str> = media.iter().map(|m| m.url.as_str()).collect();
        assert_eq!(urls, ["data:a", "data:b", "data:c"]);
        assert_eq!(media[1].place, "messages[3].content[2].image_url");
    }

    #[test]
    fn what_has_another_form_is_refused_by_its_place() {
        let part = |part: Value| json!([{"role": "user", "content": [part]}]);
        let image = json!({"type": "image_url", "image_url": "data:a"});
        for (value, param, says) in [
            (json!([]), "messages", "at least one"),
            (json!([3]), "messages[0]", "give an object"),
            (
                json!([{"role": "tool", "content": "x"}]),
                "messages[0].role",
                "\"tool\"",
            ),
            (json!([{"content": "x"}]), "messages[0].role", "missing"),
            (json!([{"role": "user"}]), "messages[0].content", "missing"),
            (
                json!([{"role": "assistant", "content": "x"}]),
                "messages",
                "from the user",
            ),
            (
                json!([{"role": "assistant", "tool_calls": [{}]}]),
                "messages[0].tool_calls",
                "calls no tools",
            ),
            (
                part(json!({"text": "x"})),
                "messages[0].content[0].type",
                "missing",
            ),
            (
                part(json!({"type": "input_audio"})),
                "messages[0].content[0].type",
                "input_audio",
            ),
            (
                part(json!({"type": "text"})),
                "messages[0].content[0].text",
                "missing",
            ),
            (
                part(json!({"type": "image_url", "image_url": {}})),
                "messages[0].content[0].image_url.url",
                "missing",
            ),
            (
                json!([{"role": "user", "content": [image, image, image, image]}]),
                "messages[0].content[3].image_url",
                "more than 3 images",
            ),
        ] {
            let refusal = read(value.clone()).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param), "{value}");
            assert!(
                refusal.message.contains(says),
                "{value}: {}",
                refusal.message
            );
        }
    }
}
