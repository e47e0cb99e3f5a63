//! Answers as they come: server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flamingo_engine::{Answer, Token};
use futures::stream;
use serde_json::Value;
use tokio::time::timeout;

use crate::job::Happened;
use crate::refusal::Refusal;
use crate::running::Running;
use crate::state::State;

/// How answers are told piece by piece.
pub(crate) trait Chunks: Send + 'static {
    /// Before anything of an answer is there.
    fn opening(&mut self) -> Vec<Value>;

    /// A piece of an answer; none if there is nothing to tell of it.
    fn piece(&mut self, answer: usize, text: &str, tokens: &[Token]) -> Option<Value>;

    /// Once the answers are whole.
    fn closing(&mut self, answers: &[Answer]) -> Vec<Value>;
}

struct Stream<C> {
    state: Arc<State>,
    /// None once it is over.
    running: Option<Running>,
    chunks: C,
    ready: VecDeque<Bytes>,
}

/// An answer as a stream of events. Who drops it, because the client has gone, gives the request up.
pub(crate) fn response(state: Arc<State>, running: Running, mut chunks: impl Chunks) -> Response {
    let ready = chunks.opening().iter().map(event).collect();
    let stream = Stream {
        state,
        running: Some(running),
        chunks,
        ready,
    };
    let stream = stream::unfold(stream, |mut stream| async move {
        let bytes = stream.next().await?;
        Some((Ok::<_, Infallible>(bytes), stream))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // So that nginx hands each event on at once.
        (
            header::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

impl<C: Chunks> Stream<C> {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(bytes);
            }
            let ping: Duration = self.state.limits.ping;
            let running = self.running.as_mut()?;
            match timeout(ping, running.next()).await {
                // A comment: clients take an event without data for a fault.
                Err(_) => return Some(Bytes::from_static(b": ping\n\n")),
                Ok(Ok(happened)) => self.take(happened),
                Ok(Err(refusal)) => self.fail(&refusal),
            }
        }
    }

    fn take(&mut self, happened: Happened) {
        match happened {
            Happened::Text {
                answer,
                text,
                tokens,
            } => {
                let piece = self.chunks.piece(answer, &text, &tokens);
                self.ready.extend(piece.as_ref().map(event));
            }
            Happened::Answered(answers) => {
                self.running = None;
                let closing = self.chunks.closing(&answers);
                self.ready.extend(closing.iter().map(event));
                self.ready
                    .push_back(Bytes::from_static(b"data: [DONE]\n\n"));
            }
            _ => {}
        }
    }

    fn fail(&mut self, refusal: &Refusal) {
        self.running = None;
        tracing::warn!(status = refusal.status.as_u16(), "{}", refusal.message);
        self.ready.push_back(event(&refusal.body()));
    }
}

fn event(value: &Value) -> Bytes {
    format!("data: {value}\n\n").into()
}
