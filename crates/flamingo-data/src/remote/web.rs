//! Files of a web server.

use std::time::Duration;

use ureq::Agent;
use ureq::http::{HeaderMap, Request};

use super::answer::{Answer, Failure, Start};

const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence, before an answer and within it.
const SILENCE: Duration = Duration::from_secs(60);

pub(super) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        // Sizes and ranges are those of the file itself.
        .accept_encoding("identity")
        .user_agent(concat!("flamingo/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .into()
}

/// See [`super::Origin::ask`].
pub(super) fn ask(
    agent: &Agent,
    address: &str,
    from: u64,
    mark: Option<&str>,
) -> Result<Answer, Failure> {
    let mut request = Request::builder().method("GET").uri(address);
    if let Some(mark) = mark {
        request = request
            .header("Range", format!("bytes={from}-"))
            .header("If-Range", mark);
    }
    let request = request.body(()).map_err(Failure::lasting)?;
    let answer = agent.run(request).map_err(|error| match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Failure::lasting(error),
        error => Failure::passing(error),
    })?;
    let (status, headers) = (answer.status().as_u16(), answer.headers());
    let range = header(headers, "content-range").unwrap_or_default();
    let (start, total) = match status {
        206 if range.starts_with(&format!("bytes {from}-")) => {
            let total = range.rsplit('/').next();
            (Start::There, total.and_then(|total| total.parse().ok()))
        }
        200 => {
            let length = header(headers, "content-length");
            let mark = mark_of(headers).map(str::to_owned);
            (
                Start::Anew(mark),
                length.and_then(|length| length.parse().ok()),
            )
        }
        206 | 416 => (Start::Nowhere, None),
        status => {
            return Err(Failure {
                problem: format!("the server answers {status}"),
                is_lasting: status < 500 && status != 429,
            });
        }
    };
    Ok(Answer {
        start,
        total,
        body: Box::new(answer.into_body().into_reader()),
    })
}

/// By what the server tells this file from a later one in its place.
fn mark_of(headers: &HeaderMap) -> Option<&str> {
    let tag = header(headers, "etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| header(headers, "last-modified"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
