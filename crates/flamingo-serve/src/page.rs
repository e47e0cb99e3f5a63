//! The page on which a model is tried: its files are part of the program.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::state::State;

/// Nothing but the page's own files is loaded by it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data: blob:; media-src data: blob:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (headers, text).into_response()
}

pub(crate) async fn index() -> Response {
    file("text/html; charset=utf-8", include_str!("page/index.html"))
}

pub(crate) async fn script() -> Response {
    file(
        "text/javascript; charset=utf-8",
        include_str!("page/app.js"),
    )
}

pub(crate) async fn results() -> Response {
    file(
        "text/javascript; charset=utf-8",
        include_str!("page/results.js"),
    )
}

pub(crate) async fn programs() -> Response {
    file(
        "text/javascript; charset=utf-8",
        include_str!("page/programs.js"),
    )
}

pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/style.css"))
}

/// `GET /about`: what the page tells of the model and its bounds.
pub(crate) async fn about(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let limits = &state.limits;
    let gate =
        |[attention, dense]: &[f32; 2]| json!({"attention": attention, "feed_forward": dense});
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": state.model.name,
        "fit": state.model.fit,
        "template": state.template.name(),
        "places": state.model.places,
        "gates": state.model.gates.iter().map(gate).collect::<Value>(),
        "limits": {
            "body": limits.body,
            "media": limits.media,
            "pixels": limits.images.max_pixels,
            "prompt_tokens": limits.prompt_tokens,
            "new_tokens": limits.new_tokens,
        },
        "fetches": state.getter.web.is_some(),
    }))
}
