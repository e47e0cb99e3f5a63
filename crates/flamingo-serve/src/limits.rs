//! How much a request, and all of them together, may ask for.

use std::time::Duration;

/// The bounds of a server. What goes beyond is refused with both values.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Requests that wait or are being answered.
    pub queue: usize,
    /// Open connections; beyond, new ones wait.
    pub connections: usize,
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of the bodies of all requests that are read or answered.
    pub all_bodies: usize,
    /// Bytes of a request's headers.
    pub headers: usize,
    /// Values in a request's JSON: numbers, texts, lists, objects.
    pub values: usize,
    /// Images and films in a request.
    pub media: usize,
    /// How large each may be.
    pub images: flamingo_image::Limits,
    /// Tokens of a prompt.
    pub prompt_tokens: usize,
    /// Tokens of an answer.
    pub new_tokens: usize,
    /// Answers to a prompt, and beams.
    pub answers: usize,
    /// Documents in a request.
    pub documents: usize,
    /// Shots of a set that comes by a request.
    pub shots: usize,
    /// Candidates of a document.
    pub candidates: usize,
    /// Tokens of a candidate: they are read in one pass, for which all others wait.
    pub candidate_tokens: usize,
    /// How long a request's headers may take.
    pub header_time: Duration,
    /// How long a client may read nothing of an answer that is sent to it.
    pub read_time: Duration,
    /// How long its body may take.
    pub body_time: Duration,
    /// How long it may wait and be answered.
    pub answer_time: Duration,
    /// How long answers may take once the server is told to end.
    pub drain_time: Duration,
    /// Seconds without a piece of an answer after which a stream is told to be alive.
    pub ping: Duration,
    /// Bytes of decoded pictures that wait for their turn; those beyond are decoded again.
    pub decoded: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let images = flamingo_image::Limits::default();
        Self {
            queue: 256,
            connections: 4096,
            body: 64 << 20,
            all_bodies: 512 << 20,
            headers: 64 << 10,
            values: 200_000,
            media: 256,
            images: flamingo_image::Limits {
                max_film_pixels: images.max_pixels,
                ..images
            },
            prompt_tokens: 8192,
            new_tokens: 1024,
            answers: 16,
            documents: 256,
            shots: 10_000,
            candidates: 1024,
            candidate_tokens: 256,
            header_time: Duration::from_secs(30),
            read_time: Duration::from_secs(60),
            body_time: Duration::from_secs(120),
            answer_time: Duration::from_secs(600),
            drain_time: Duration::from_secs(30),
            ping: Duration::from_secs(10),
            decoded: 256 << 20,
        }
    }
}
