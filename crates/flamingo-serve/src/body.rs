//! The body of a request, read within bounds of size and time, and of what all requests hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::limits::Limits;
use crate::refusal::Refusal;

/// How much more than its limit of a body is read and thrown away, so that the client hears why.
const DRAINED: usize = 4;
/// The silence after which a client is taken to have sent what it sends before it hears.
const SILENCE: Duration = Duration::from_secs(1);

/// Bytes that requests hold together.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// A share of the budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            held: Arc::default(),
            most,
        }
    }

    pub(crate) fn share(&self) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Takes more of the budget.
    ///
    /// # Errors
    /// If there is not so much left.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let most = self.budget.most;
        let more = |held: usize| held.checked_add(bytes).filter(|&held| held <= most);
        let order = Ordering::Relaxed;
        match self.budget.held.fetch_update(order, order, more) {
            Ok(_) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(held) => {
                let message = format!(
                    "the server holds {held} bytes of requests, the most is {most}: ask again in a while"
                );
                Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message)
                    .called("too_much_at_once")
                    .again_after(5.0))
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a body.
///
/// # Errors
/// If it is too large, takes too long, or breaks off.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
    share: &mut Share,
) -> Result<Vec<u8>, Refusal> {
    let deadline = Instant::now() + limits.body_time;
    let told = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    refuse_encoded(headers)?;
    if told.is_some_and(|bytes| bytes > limits.body) {
        // Who asks first is told before anything is sent.
        if !headers.contains_key(header::EXPECT) {
            drain(body, limits.body.saturating_mul(DRAINED), deadline).await;
        }
        return Err(too_large(told, limits.body));
    }
    let slow = || {
        let seconds = limits.body_time.as_secs();
        let message = format!("the request's body took more than {seconds} s: send it faster");
        Refusal::new(StatusCode::REQUEST_TIMEOUT, message).called("body_timeout")
    };
    let mut body = body;
    let mut bytes = BytesMut::with_capacity(told.unwrap_or(0).min(1 << 20));
    loop {
        let frame = timeout_at(deadline, body.frame())
            .await
            .map_err(|_| slow())?;
        let Some(frame) = frame else {
            return Ok(bytes.into());
        };
        let frame = frame.map_err(|error| {
            let message = format!("the request's body broke off: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, message).called("broken_body")
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limits.body {
            drain(body, limits.body.saturating_mul(DRAINED), deadline).await;
            return Err(too_large(None, limits.body));
        }
        share.grow(data.len())?;
        bytes.extend_from_slice(&data);
    }
}

/// Bodies are taken as they are: one that was compressed might be of any size.
fn refuse_encoded(headers: &HeaderMap) -> Result<(), Refusal> {
    let encoding = headers.get(header::CONTENT_ENCODING);
    match encoding.filter(|encoding| encoding.as_bytes() != b"identity") {
        None => Ok(()),
        Some(encoding) => {
            let message = format!(
                "the request's body is encoded as {:?}: send it as it is",
                String::from_utf8_lossy(encoding.as_bytes())
            );
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(Refusal::new(status, message).called("unsupported_encoding"))
        }
    }
}

fn too_large(found: Option<usize>, most: usize) -> Refusal {
    let found = found.map_or_else(|| format!("more than {most}"), |found| found.to_string());
    let message = format!(
        "the request's body has {found} bytes, the most is {most}: send fewer or smaller pictures"
    );
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).called("body_too_large")
}

/// Reads on without keeping anything: a connection that is closed while much is on its way loses its answer.
async fn drain(mut body: Body, most: usize, deadline: Instant) {
    let mut read = 0;
    while read < most {
        let end = deadline.min(Instant::now() + SILENCE);
        match timeout_at(end, body.frame()).await {
            Ok(Some(Ok(frame))) => read += frame.data_ref().map_or(0, bytes::Bytes::len),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_the_budget_come_back_when_they_are_dropped() {
        let budget = Budget::new(10);
        let (mut one, mut two) = (budget.share(), budget.share());
        assert!(one.grow(7).is_ok());
        let told = two.grow(5).expect_err("too much");
        assert_eq!(told.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(told.message.contains("holds 7 bytes"), "{}", told.message);
        assert!(two.grow(3).is_ok());
        drop(one);
        assert_eq!(budget.held(), 3);
        assert!(two.grow(7).is_ok());
    }
}
