//! The sets of shots, shown.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flamingo_engine::MediaSource;
use flamingo_image::{Image, Media, Sampling, Wanted};
use flamingo_sequence::Part;
use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::state::State;

/// Most shots of a set that are told at once.
const TOLD: usize = 1000;

/// `GET /shots`: names and sizes.
pub(crate) async fn list(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let sets = state.shots.list();
    let set = |(name, count): &(String, usize)| json!({"name": name, "shots": count});
    Json(json!({"sets": sets.iter().map(set).collect::<Value>()}))
}

/// `GET /shots/NAME`: the shots of a set, their media by the address where they can be seen.
///
/// # Errors
/// If there is none.
pub(crate) async fn one(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let served = state.shots.get(&name)?;
    let set = &served.set;
    let shot = |i: usize| {
        let parts = set.document(i).parts.iter().enumerate();
        let part = |(at, part): (usize, &Part)| match part {
            Part::Text(text) => json!({"text": text}),
            Part::Image(_) => json!({"image": format!("/shots/{name}/{i}/{at}")}),
            Part::Video(_) => json!({"video": format!("/shots/{name}/{i}/{at}")}),
            Part::End => json!({"end": true}),
            Part::Token(token) => json!({"token": token}),
        };
        json!({"shot": i, "parts": parts.map(part).collect::<Value>()})
    };
    let shots: Vec<Value> = (0..set.len().min(TOLD)).map(shot).collect();
    Ok(Json(
        json!({"name": name, "count": set.len(), "shots": shots}),
    ))
}

/// `GET /shots/NAME/SHOT/PART`: a picture of a shot; of a film, its first frame.
///
/// # Errors
/// If there is none, or it cannot be read.
pub(crate) async fn picture(
    Shared(state): Shared<Arc<State>>,
    Path((name, shot, part)): Path<(String, usize, usize)>,
) -> Result<Response, Refusal> {
    let served = state.shots.get(&name)?;
    let missing = || {
        let message = format!("the set {name} has no picture {shot}/{part}");
        Refusal::new(StatusCode::NOT_FOUND, message).called("not_found")
    };
    if shot >= served.set.len() {
        return Err(missing());
    }
    let reference = match served.set.document(shot).parts.get(part) {
        Some(Part::Image(reference) | Part::Video(reference)) => reference.clone(),
        _ => return Err(missing()),
    };
    let permit = Arc::clone(&state.getter.permits).acquire_owned().await;
    let permit = permit.map_err(|_| Refusal::ending())?;
    let state = Arc::clone(&state);
    let png = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let one_frame = Wanted {
            sampling: Some(Sampling {
                most: 1,
                ..Sampling::ASKING
            }),
            ..Wanted::default()
        };
        let media = match served.set.has(&reference) {
            true => served.set.load(&reference, &state.shots.reader, &one_frame),
            false => state
                .getter
                .store
                .media(&reference, &one_frame)
                .map_err(|error| error.to_string()),
        };
        media.map(|media| first(media).to_png())
    });
    let png = png.await.map_err(|_| Refusal::ours("a decoder failed"))?;
    let png = png.map_err(Refusal::ours)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=300"),
        ),
    ];
    Ok((headers, png).into_response())
}

fn first(media: Media) -> Image {
    match media {
        Media::Image(image) => image,
        Media::Film(mut film) => film.frames.swap_remove(0),
    }
}
