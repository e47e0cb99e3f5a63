//! The server asked as clients ask it, mostly without a network: what it answers is what the engine answers, and what it
//! refuses is told in one form.

#![allow(clippy::unwrap_used)]

mod bad_input;
mod chat;
mod clients;
mod network;
mod own;
mod page;
mod requests;
mod shots;

use std::collections::HashMap;
use std::path::Path;
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_engine::{Answer, Decoding, Engine, EngineOptions, Source};
use flamingo_image::{Image, Media};
use flamingo_kernels::Device;
use flamingo_sequence::{Document, Part};
use flamingo_serve::{Server, Setup};
use serde_json::{Value, json};
use tower::ServiceExt;

/// An engine with the demo model.
fn engine() -> Engine {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/demo");
    let options = EngineOptions::default();
    Engine::open(&Source::Directory(folder), &Device::flex(), options).unwrap()
}

/// A server whose engine has a thread, until it is dropped.
struct Served {
    router: Router,
    _server: Server,
    _worker: JoinHandle<()>,
}

/// What was answered.
struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Response {
    fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The data of the events of a stream, comments left out; they are separated by empty lines.
    fn events(&self) -> Vec<String> {
        let text = String::from_utf8(self.body.clone()).unwrap();
        assert!(text.ends_with("\n\n"), "{text}");
        let events = text
            .trim_end()
            .split("\n\n")
            .filter(|event| !event.starts_with(':'));
        events
            .map(|event| event.strip_prefix("data: ").unwrap().to_owned())
            .collect()
    }
}

impl Served {
    fn new(setup: Setup) -> Self {
        let (server, worker) = Server::new(engine(), setup);
        Self {
            router: server.router(),
            _server: server,
            _worker: std::thread::spawn(move || worker.run()),
        }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Response {
            status: head.status,
            headers: head.headers,
            body: body.to_vec(),
        }
    }

    async fn post_bytes(&self, path: &str, body: impl Into<Body>) -> Response {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.post_bytes(path, body.to_string()).await
    }

    async fn get(&self, path: &str) -> Response {
        let request = Request::builder().method(Method::GET).uri(path);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The JSON of an answer that is fine.
    async fn ok(&self, path: &str, body: &Value) -> Value {
        let response = self.post(path, body).await;
        let told = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!(response.status, StatusCode::OK, "{told}");
        response.json()
    }
}

fn picture(seed: u8) -> Image {
    Image::from_fn(13, 7, move |x, y| {
        [(x * 19) as u8, (y * 31) as u8 ^ seed, seed.wrapping_mul(37)]
    })
}

fn data_url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

fn png(seed: u8) -> String {
    data_url("image/png", &picture(seed).to_png())
}

/// What the engine itself answers to parts; pictures are named by their seed.
fn answered(parts: &[Part], decoding: &Decoding) -> Vec<Answer> {
    let media: HashMap<String, Media> = (0..100)
        .map(|seed: u8| (seed.to_string(), Media::Image(picture(seed))))
        .collect();
    let document = Document::new(parts.iter().cloned());
    engine()
        .generate(&[document], &media, decoding, &mut |_, _| {})
        .unwrap()
}

fn image(seed: u8) -> Part {
    Part::Image(seed.to_string())
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

/// As the program prints it.
fn written(told: &impl serde::Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(told).unwrap()).unwrap()
}

/// A message of the user's: a picture and a text.
fn user(seed: u8, says: &str) -> Value {
    json!({"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": png(seed)}},
        {"type": "text", "text": says},
    ]})
}
