//! `GET /v1/models`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::state::State;

fn card(state: &State) -> Value {
    json!({
        "id": state.model.name,
        "object": "model",
        "created": state.model.created,
        "owned_by": "flamingo",
        "max_model_len": state.model.places.unwrap_or(state.limits.prompt_tokens),
    })
}

/// The one model there is.
pub(crate) async fn list(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(json!({"object": "list", "data": [card(&state)]}))
}

/// One by its name, which may have slashes.
pub(crate) async fn one(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    check(&state, &name)?;
    Ok(Json(card(&state)))
}

/// Takes `model`; who names none means the one there is.
///
/// # Errors
/// If it is another one.
pub(crate) fn take(state: &State, fields: &mut Fields) -> Result<(), Refusal> {
    match fields.text("model")?.filter(|name| !name.is_empty()) {
        None => Ok(()),
        Some(name) => check(state, &name),
    }
}

fn check(state: &State, name: &str) -> Result<(), Refusal> {
    if name == state.model.name {
        return Ok(());
    }
    let message = format!(
        "the model {} is not served here: this server has `{}`",
        crate::fields::shown(&name.into()),
        state.model.name
    );
    Err(Refusal::new(StatusCode::NOT_FOUND, message)
        .of("model")
        .called("model_not_found"))
}
