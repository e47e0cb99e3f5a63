//! The routes, and what stands around all of them: ids, keys, bounds, logs, and errors in one form.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use tokio::time::Instant;

use crate::incoming::Incoming;
use crate::openai::{chat, completions, models};
use crate::refusal::Refusal;
use crate::state::State;
use crate::{body, own, page, sets};

/// By which clients and logs know a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Asks for the prompt instead of its answer.
const ECHO: &str = "x-echo-prompt";

/// What is known of the paths that are counted; all others are one.
const ROUTES: [&str; 15] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/models",
    "/ask",
    "/score",
    "/shots",
    "/about",
    "/health",
    "/ready",
    "/metrics",
    "/app.js",
    "/results.js",
    "/programs.js",
    "/style.css",
    "/",
];

type Answered = Result<Response, Refusal>;
type Handler = fn(Arc<State>, Incoming) -> BoxFuture<'static, Answered>;

/// All routes.
pub(crate) fn router(state: Arc<State>) -> Router {
    let posted = |handler: Handler| {
        post(
            move |Shared(state): Shared<Arc<State>>, request: Request| async move {
                handle(state, request, handler).await
            },
        )
    };
    Router::new()
        .route(
            "/v1/chat/completions",
            posted(|s, i| Box::pin(chat::answer(s, i))),
        )
        .route(
            "/v1/completions",
            posted(|s, i| Box::pin(completions::answer(s, i))),
        )
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*name}", get(models::one))
        .route("/ask", posted(|s, i| Box::pin(own::ask(s, i))))
        .route("/score", posted(|s, i| Box::pin(own::score(s, i))))
        .route("/shots", get(sets::list))
        .route("/shots/{name}", get(sets::one).post(put_shots))
        .route("/shots/{name}/{shot}/{part}", get(sets::picture))
        .route("/about", get(page::about))
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/", get(page::index))
        .route("/app.js", get(page::script))
        .route("/results.js", get(page::results))
        .route("/programs.js", get(page::programs))
        .route("/style.css", get(page::style))
        .fallback(|uri: Uri| async move { no_route(&uri) })
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&state), around))
        .with_state(state)
}

/// What stands around every request.
async fn around(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = state.ids.next("req-");
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let allowed = allow(&state, &request);
    let mut response = match allowed {
        Err(refusal) => refusal.into_response(),
        // What panics is a bug of ours, and no reason to leave the client without a word.
        Ok(()) => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => in_our_form(response),
            Err(_) => {
                Refusal::ours("the server failed on this request: this is a bug").into_response()
            }
        },
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, time) = (response.status().as_u16(), started.elapsed());
    state.metrics.responded(route(&path), status, time);
    tracing::info!(
        id,
        %method,
        path = path.chars().take(200).collect::<String>(),
        status,
        milliseconds = time.as_millis() as u64,
        "request"
    );
    response
}

/// Whether a request may be answered at all.
fn allow(state: &State, request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    let bytes = bytes + request.uri().to_string().len();
    let most = state.limits.headers;
    if bytes > most {
        return Err(headers_too_large(&bytes.to_string(), most));
    }
    let is_open = matches!(
        request.uri().path(),
        "/" | "/app.js" | "/results.js" | "/programs.js" | "/style.css" | "/health" | "/ready"
    );
    match &state.key {
        Some(key) if !is_open => key.check(headers),
        _ => Ok(()),
    }
}

fn route(path: &str) -> &'static str {
    let of = |route: &&&str| {
        path == **route
            || (matches!(**route, "/v1/models" | "/shots")
                && path
                    .strip_prefix(**route)
                    .is_some_and(|rest| rest.starts_with('/')))
    };
    ROUTES.iter().find(of).copied().unwrap_or("other")
}

/// Errors that the framework wrote become objects.
fn in_our_form(response: Response) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    match (status.is_client_error() || status.is_server_error()) && !is_json {
        true => {
            let reason = status
                .canonical_reason()
                .unwrap_or("refused")
                .to_lowercase();
            Refusal::new(status, format!("the request cannot be taken: {reason}")).into_response()
        }
        false => response,
    }
}

/// The answer to a head that never became a request, as bytes; hyper closes the connection behind it.
pub(crate) fn refuse_head(state: &State, status: StatusCode) -> Bytes {
    let most = state.limits.headers;
    let refusal = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            headers_too_large(&format!("more than {most}"), most)
        }
        StatusCode::URI_TOO_LONG => {
            let message = "the request's path and query have more than 65534 bytes: send what they say in the body";
            Refusal::new(status, message).called("uri_too_long")
        }
        StatusCode::REQUEST_TIMEOUT => {
            let seconds = state.limits.header_time.as_secs();
            let message =
                format!("the request's headers took more than {seconds} s: send them faster");
            Refusal::new(status, message).called("headers_timeout")
        }
        StatusCode::HTTP_VERSION_NOT_SUPPORTED => {
            let message = "the connection begins in HTTP/2: this server speaks HTTP/1.1, or put a proxy before it that \
                           speaks both";
            Refusal::new(status, message).called("http2")
        }
        _ => {
            let message = "the request is not HTTP/1.1: its first line or a header is malformed, see what sends it";
            Refusal::new(status, message).called("invalid_http")
        }
    };
    let (id, body) = (state.ids.next("req-"), refusal.body().to_string());
    state
        .metrics
        .responded("other", status.as_u16(), Duration::ZERO);
    tracing::info!(id, status = status.as_u16(), "a head that is no request");
    let (reason, length) = (status.canonical_reason().unwrap_or("Refused"), body.len());
    let head = format!(
        "HTTP/1.1 {} {reason}\r\n{REQUEST_ID}: {id}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n",
        status.as_u16()
    );
    (head + &body).into()
}

fn headers_too_large(found: &str, most: usize) -> Refusal {
    let message = format!(
        "the request's headers have {found} bytes, the most is {most} in 100 headers: send fewer"
    );
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Refusal::new(status, message).called("headers_too_large")
}

fn no_route(uri: &Uri) -> Refusal {
    let path: String = uri.path().chars().take(100).collect();
    let message = format!(
        "there is no {path} here: the routes are /v1/chat/completions, /v1/completions, /v1/models, /ask, /score, /shots, \
         /health, /ready and /metrics"
    );
    Refusal::new(StatusCode::NOT_FOUND, message).called("not_found")
}

async fn wrong_method(request: Request) -> Refusal {
    let message = format!(
        "{} is no method of {}: ask it with POST, or read it with GET",
        request.method(),
        request.uri().path()
    );
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message).called("method_not_allowed")
}

/// Reads the body and hands it on.
async fn handle(state: Arc<State>, request: Request, handler: Handler) -> Answered {
    let incoming = incoming(&state, request).await?;
    handler(state, incoming).await
}

async fn incoming(state: &Arc<State>, request: Request) -> Result<Incoming, Refusal> {
    if state.is_ending() {
        return Err(Refusal::ending());
    }
    let started = Instant::now();
    let (head, body) = request.into_parts();
    let is_lines = kind(&head.headers)?;
    let query = head.uri.query().unwrap_or_default();
    let says = |text: &str| !matches!(text, "0" | "false");
    let in_query = query
        .split('&')
        .find_map(|pair| match pair.split_once('=') {
            Some(("echo_prompt", value)) => Some(says(value)),
            None if pair == "echo_prompt" => Some(true),
            _ => None,
        });
    let in_headers = head
        .headers
        .get(ECHO)
        .and_then(|value| value.to_str().ok())
        .map(says);
    let mut share = state.bodies.share();
    let body = body::read(&head.headers, body, &state.limits, &mut share).await?;
    Ok(Incoming {
        body,
        share: Arc::new(share),
        started,
        deadline: started + state.limits.answer_time,
        echo: in_query.or(in_headers).unwrap_or(false),
        is_lines,
    })
}

/// Whether a body is a document a line; it must be JSON in any case, which pages of other sites cannot send unasked.
fn kind(headers: &HeaderMap) -> Result<bool, Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let kind = String::from_utf8_lossy(kind).to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind {
        "application/json" => Ok(false),
        "application/jsonl"
        | "application/x-ndjson"
        | "application/ndjson"
        | "application/json-lines" => Ok(true),
        other => {
            let told = if other.is_empty() { "not told" } else { other };
            let message = format!(
                "the request's Content-Type is {told}: send JSON with the header `Content-Type: application/json`, or \
                 JSONL as application/jsonl"
            );
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
                .called("unsupported_media_type"))
        }
    }
}

async fn put_shots(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    request: Request,
) -> Answered {
    let incoming = incoming(&state, request).await?;
    own::put_shots(state, incoming, &name).await
}

async fn ready(Shared(state): Shared<Arc<State>>) -> Response {
    let [taken, most] = state.queue.load();
    let (status, told) = match (state.is_ending(), state.queue.is_open(), taken < most) {
        (true, _, _) => (StatusCode::SERVICE_UNAVAILABLE, "shutting down"),
        (_, false, _) => (StatusCode::SERVICE_UNAVAILABLE, "the engine has ended"),
        (_, _, false) => (StatusCode::SERVICE_UNAVAILABLE, "the queue is full"),
        _ => (StatusCode::OK, "ready"),
    };
    (
        status,
        Json(json!({"status": told, "queue": taken, "queue_limit": most})),
    )
        .into_response()
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    let text = state
        .metrics
        .text(state.queue.load(), state.getter.store.held());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
