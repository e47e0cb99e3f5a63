//! What a request is refused with: always an object that clients of OpenAI's protocol can show.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flamingo_engine::Error;
use serde_json::{Value, json};

/// A request that is not answered, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// The key of the request that is at fault.
    pub(crate) param: Option<String>,
    /// A word that programs can tell it by.
    pub(crate) code: Option<&'static str>,
    /// After how many seconds to ask again.
    pub(crate) retry_after: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            param: None,
            code: None,
            retry_after: None,
        }
    }

    /// A value of the request that cannot be taken.
    pub(crate) fn bad(param: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message).of(param)
    }

    pub(crate) fn of(self, param: &str) -> Self {
        Self {
            param: Some(param.to_owned()),
            ..self
        }
    }

    pub(crate) fn called(self, code: &'static str) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// To be asked again after so many seconds: at least 1, at most 60, as clients take no other.
    pub(crate) fn again_after(self, seconds: f64) -> Self {
        // What is no number is as if it was none.
        let seconds = seconds.max(0.0).ceil().clamp(1.0, 60.0) as u64;
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// What the engine refused; `param` is the key that its prompt came in.
    pub(crate) fn of_engine(error: &Error, param: &str) -> Self {
        let message = error.to_string();
        match error {
            Error::TooLong { .. } => Self::bad(param, message).called("context_length_exceeded"),
            // Those of requests were decoded before: it is a picture of the server's own shots.
            Error::Media(_) => {
                tracing::error!("a picture of a set of shots: {message}");
                Self::ours(
                    "a picture of the server's shots cannot be read any more: use another set",
                )
                .called("shots_unreadable")
            }
            Error::Document(_) => Self::bad(param, message),
            Error::Candidates(_) => Self::bad("candidates", message),
            Error::Prompt { source, .. } => Self::of_engine(source, param),
            Error::Option(error) => Self::bad(error.name, message),
            Error::Weights(_) | Error::Files(_) => Self::ours(message),
        }
    }

    /// A fault of the server's.
    pub(crate) fn ours(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).called("internal_error")
    }

    /// The server is about to end.
    pub(crate) fn ending() -> Self {
        let message = "the server is shutting down: ask again in a while";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
            .called("shutting_down")
            .again_after(5.0)
    }

    /// The kind that fits the status.
    fn kind(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        }
    }

    pub(crate) fn body(&self) -> Value {
        json!({
            "error": {
                "message": self.message,
                "type": self.kind(),
                "param": self.param,
                "code": self.code,
            }
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_fits_the_status() {
        for (status, kind) in [
            (400, "invalid_request_error"),
            (401, "authentication_error"),
            (404, "invalid_request_error"),
            (413, "invalid_request_error"),
            (429, "rate_limit_error"),
            (500, "server_error"),
            (503, "server_error"),
            (504, "server_error"),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(Refusal::new(status, "m").body()["error"]["type"], kind);
        }
    }

    #[test]
    fn waits_stay_between_a_second_and_a_minute() {
        for (seconds, told) in [(0.0, 1), (0.2, 1), (7.1, 8), (500.0, 60), (f64::NAN, 1)] {
            let refusal = Refusal::ending().again_after(seconds);
            assert_eq!(refusal.retry_after, Some(told), "{seconds}");
        }
    }
}
