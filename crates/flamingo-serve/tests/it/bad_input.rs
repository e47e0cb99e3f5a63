//! What bad input gets: a clear refusal in one form, with what, both values and what to do.

use std::io::Write;
use std::time::Duration;

use flamingo_serve::{ApiKey, Limits};

use super::*;

const CHAT: &str = "/v1/chat/completions";

/// The error of an answer that refuses, in the form that all clients show.
fn error(response: &Response, status: u16) -> Value {
    let told = String::from_utf8_lossy(&response.body);
    assert_eq!(response.status.as_u16(), status, "{told}");
    assert_eq!(
        response.headers["content-type"], "application/json",
        "{told}"
    );
    let json = response.json();
    let error = json["error"].as_object().unwrap();
    assert_eq!(
        error.keys().collect::<Vec<_>>(),
        ["message", "type", "param", "code"]
    );
    assert!(!error["message"].as_str().unwrap().is_empty());
    assert!(error["type"].is_string());
    json["error"].clone()
}

fn content(part: Value) -> Value {
    json!({"messages": [{"role": "user", "content": [part]}]})
}

fn url(url: &str) -> Value {
    content(json!({"type": "image_url", "image_url": {"url": url}}))
}

/// The header of a PNG of a size, without pixels.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut png = Image::solid(1, 1, [0; 3]).to_png();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = 0xffff_ffff_u32;
    for byte in &png[12..29] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    png[29..33].copy_from_slice(&(!crc).to_be_bytes());
    png
}

#[tokio::test]
async fn each_bad_request_is_refused_by_what_is_wrong_with_it_and_the_server_lives() {
    let served = Served::new(Setup {
        limits: Limits {
            media: 7,
            images: flamingo_image::Limits {
                max_pixels: 1_000_000,
                ..flamingo_image::Limits::default()
            },
            ..Limits::default()
        },
        ..Setup::default()
    });
    let good = json!([{"role": "user", "content": "a"}]);
    let with = |key: &str, value: Value| json!({"messages": good, key: value});
    let ten_thousand: Vec<Value> = (0..10_000)
        .map(|_| json!({"type": "image_url", "image_url": {"url": "data:,"}}))
        .collect();
    let lies = data_url("image/jpeg", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    let cut = data_url("image/png", &picture(3).to_png()[..60]);
    let bomb = data_url("image/png", &png_of(30_000, 30_000));
    let wide = data_url("image/png", &png_of(2_000, 501));
    let table: Vec<(&str, Value, &str, &str)> = vec![
        (CHAT, json!([]), "the request", "give an object"),
        (CHAT, json!({}), "messages", "at least one"),
        (
            CHAT,
            with("model", json!("gpt-5")),
            "model",
            "this server has `flamingo`",
        ),
        (
            CHAT,
            with("temperature", json!("NaN")),
            "temperature",
            "a number from 0 to",
        ),
        (
            CHAT,
            with("temperature", json!(-0.5)),
            "temperature",
            "is -0.5",
        ),
        (
            CHAT,
            with("max_tokens", json!(1_000_000)),
            "max_tokens",
            "is 1000000: give a whole number from 1 to 1024",
        ),
        (CHAT, with("n", json!(1000)), "n", "from 1 to 16"),
        (CHAT, with("top_p", json!(1.5)), "top_p", "from 0 to 1"),
        (
            CHAT,
            with("tools", json!([{"type": "function"}])),
            "tools",
            "cannot be honoured",
        ),
        (
            CHAT,
            with("response_format", json!({"type": "json_object"})),
            "response_format",
            "cannot be honoured",
        ),
        (
            CHAT,
            with("stop", json!([""])),
            "stop",
            "none of them empty",
        ),
        (
            CHAT,
            with("stream", json!("yes")),
            "stream",
            "true or false",
        ),
        (
            CHAT,
            url("/etc/passwd"),
            "messages[0].content[0].image_url",
            "never opened",
        ),
        (
            CHAT,
            url("file:///etc/passwd"),
            "messages[0].content[0].image_url",
            "never opened",
        ),
        (
            CHAT,
            url("shots:a/0/0"),
            "messages[0].content[0].image_url",
            "never opened",
        ),
        (
            CHAT,
            url("http://127.0.0.1/a.png"),
            "messages[0].content[0].image_url",
            "--allow-fetch",
        ),
        (
            CHAT,
            url("data:image/png;base64,%%%"),
            "messages[0].content[0].image_url",
            "does not decode",
        ),
        (
            CHAT,
            url(&lies),
            "messages[0].content[0].image_url",
            "it starts with \"<svg",
        ),
        (CHAT, url(&cut), "messages[0].content[0].image_url", "PNG"),
        (
            CHAT,
            url(&bomb),
            "messages[0].content[0].image_url",
            "30000",
        ),
        (
            CHAT,
            url(&wide),
            "messages[0].content[0].image_url",
            "1000000",
        ),
        (
            CHAT,
            json!({"messages": [{"role": "user", "content": ten_thousand}]}),
            "messages[0].content[7].image_url",
            "more than 7 images",
        ),
        ("/v1/completions", json!({}), "prompt", "missing"),
        (
            "/v1/completions",
            json!({"prompt": [1, 2, 3]}),
            "prompt",
            "a list of 3",
        ),
        (
            "/v1/completions",
            json!({"prompt": "a", "echo": true}),
            "echo",
            "cannot be honoured",
        ),
        (
            "/v1/completions",
            json!({"prompt": [{"image": "a.png"}]}),
            "parts[0].image",
            "never opened",
        ),
        ("/ask", json!({}), "parts", "missing"),
        ("/ask", json!({"parts": []}), "parts", "empty"),
        (
            "/ask",
            json!({"parts": [{"image": "../../../etc/passwd"}]}),
            "parts[0].image",
            "never opened",
        ),
        (
            "/ask",
            json!({"parts": [{"text": "a"}], "max_token": 3}),
            "max_token",
            "unknown",
        ),
        (
            "/ask",
            json!({"documents": []}),
            "documents",
            "give 1 to 256",
        ),
        (
            "/score",
            json!({"parts": [{"text": "a"}]}),
            "candidates",
            "missing",
        ),
        (
            "/score",
            json!({"parts": [{"text": "a"}], "candidates": []}),
            "parts",
            "at least one",
        ),
        (
            "/score",
            json!({"parts": [{"text": "a"}], "candidates": ["b"], "by": "luck"}),
            "by",
            "\"sum\" or \"mean\"",
        ),
    ];
    for (path, body, param, says) in table {
        let shown: String = body.to_string().chars().take(120).collect();
        let status = if param == "model" { 404 } else { 400 };
        let error = error(&served.post(path, &body).await, status);
        assert_eq!(error["param"], param, "{shown}: {error}");
        assert!(
            error["message"].as_str().unwrap().contains(says),
            "{shown}: {error}"
        );
        assert_eq!(error["type"], "invalid_request_error");
    }
    served
        .ok(
            CHAT,
            &json!({"messages": good, "max_tokens": 1, "unknown_key": {"is": "ignored"}}),
        )
        .await;
}

#[tokio::test]
async fn bytes_that_are_no_request_are_told_apart() {
    let served = Served::new(Setup::default());
    for body in [
        "",
        "{",
        "{\"messages\": [",
        "\u{feff}{}",
        "NaN",
        "{\"temperature\": NaN}",
        "[1,]",
    ] {
        let told = error(&served.post_bytes(CHAT, body).await, 400);
        assert_eq!(told["code"], "invalid_json", "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(
        error(&served.post_bytes(CHAT, deep).await, 400)["code"],
        "invalid_json"
    );
    let many = format!("[{}0]", "0,".repeat(300_000));
    assert_eq!(
        error(&served.post_bytes(CHAT, many).await, 400)["code"],
        "too_many_values"
    );
    error(&served.post_bytes(CHAT, vec![0xff, 0xfe, 0x00]).await, 400);
    let plain = Request::post(CHAT)
        .header("content-type", "text/plain")
        .body("{}".into())
        .unwrap();
    error(&served.send(plain).await, 415);
    let none = Request::post(CHAT).body("{}".into()).unwrap();
    error(&served.send(none).await, 415);
    let packed = Request::post(CHAT)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body("x".into())
        .unwrap();
    error(&served.send(packed).await, 415);
}

#[tokio::test]
async fn what_the_framework_itself_refuses_has_the_same_form() {
    let served = Served::new(Setup::default());
    error(&served.get("/nothing").await, 404);
    error(&served.get(CHAT).await, 405);
    error(&served.post("/v1/models", &json!({})).await, 405);
    error(&served.get("/shots/none").await, 404);
    error(&served.get("/shots/none/x/y").await, 400);
    let large = Request::get("/v1/models").header("x-large", "a".repeat(100_000));
    let told = error(&served.send(large.body(Body::empty()).unwrap()).await, 431);
    assert!(
        told["message"].as_str().unwrap().contains("65536"),
        "{told}"
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_with_both_values_told_beforehand_or_not() {
    let served = Served::new(Setup {
        limits: Limits {
            body: 1000,
            ..Limits::default()
        },
        ..Setup::default()
    });
    let told = Request::post(CHAT)
        .header("content-type", "application/json")
        .header("content-length", "2001")
        .body(Body::from(vec![b' '; 2001]))
        .unwrap();
    let told = error(&served.send(told).await, 413);
    let message = told["message"].as_str().unwrap();
    assert!(
        message.contains("2001") && message.contains("1000"),
        "{message}"
    );
    error(&served.post_bytes(CHAT, vec![b' '; 1001]).await, 413);
}

#[tokio::test]
async fn memory_for_all_bodies_is_bounded_and_comes_back() {
    let served = Served::new(Setup {
        limits: Limits {
            all_bodies: 500,
            ..Limits::default()
        },
        ..Setup::default()
    });
    for _ in 0..2 {
        let response = served.post_bytes(CHAT, vec![b' '; 600]).await;
        let told = error(&response, 503);
        assert_eq!(told["type"], "server_error");
        assert!(response.headers.contains_key("retry-after"));
    }
    let body = json!({"messages": [{"role": "user", "content": "a"}], "max_tokens": 1});
    served.ok(CHAT, &body).await;
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_refused_with_both_counts() {
    let served = Served::new(Setup {
        limits: Limits {
            prompt_tokens: 11,
            ..Limits::default()
        },
        ..Setup::default()
    });
    let body = json!({"messages": [{"role": "user", "content": "one two three four five six seven eight nine"}]});
    let told = error(&served.post(CHAT, &body).await, 400);
    assert_eq!(told["code"], "context_length_exceeded");
    assert!(
        told["message"].as_str().unwrap().contains("the most is 11"),
        "{told}"
    );
    let body = json!({"messages": [{"role": "user", "content": "a".repeat(1000)}]});
    let told = error(&served.post(CHAT, &body).await, 400);
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("1000 bytes, the most is 352"),
        "{told}"
    );
}

#[tokio::test]
async fn candidates_that_are_too_long_each_or_together_are_refused_with_both_counts() {
    let served = Served::new(Setup {
        limits: Limits {
            candidate_tokens: 7,
            prompt_tokens: 20,
            ..Limits::default()
        },
        ..Setup::default()
    });
    let ask =
        |candidates: Vec<String>| json!({"parts": [{"text": "Output:"}], "candidates": candidates});
    let told = served
        .post("/score", &ask(vec![" a".into(), "x ".repeat(50)]))
        .await;
    let told = error(&told, 400);
    assert_eq!(
        (&told["param"], &told["code"]),
        (&json!("candidates[1]"), &json!("context_length_exceeded"))
    );
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("the most is 7 tokens"),
        "{told}"
    );
    let told = served.post("/score", &ask(vec!["x".repeat(100_000)])).await;
    assert!(
        error(&told, 400)["message"]
            .as_str()
            .unwrap()
            .contains("100000 bytes")
    );
    let told = served.post("/score", &ask(vec![" a b c".into(); 30])).await;
    let told = error(&told, 400);
    assert_eq!(told["param"], "candidates");
    assert!(
        told["message"].as_str().unwrap().contains("the most is 20"),
        "{told}"
    );
    served
        .ok("/score", &ask(vec![" a".into(), " b".into()]))
        .await;
}

#[tokio::test]
async fn a_full_queue_is_429_with_a_time_to_wait() {
    let setup = Setup {
        limits: Limits {
            queue: 1,
            answer_time: Duration::from_secs(3600),
            ..Limits::default()
        },
        ..Setup::default()
    };
    // Nobody runs the engine: what gets into the queue stays there.
    let (server, worker) = Server::new(engine(), setup);
    let router = server.router();
    let body = json!({"messages": [{"role": "user", "content": "a"}]}).to_string();
    let request = || {
        let request = Request::post(CHAT).header("content-type", "application/json");
        router
            .clone()
            .oneshot(request.body(Body::from(body.clone())).unwrap())
    };
    let waiting = tokio::spawn(request());
    let refused = loop {
        let answered = tokio::time::timeout(Duration::from_millis(200), request()).await;
        if let Ok(response) = answered {
            break response.unwrap();
        }
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait));
    let body = axum::body::to_bytes(refused.into_body(), 1 << 20)
        .await
        .unwrap();
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["error"]["type"], "rate_limit_error");
    assert_eq!(told["error"]["code"], "queue_full");
    waiting.abort();
    drop(worker);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_504() {
    let served = Served::new(Setup {
        limits: Limits {
            answer_time: Duration::ZERO,
            ..Limits::default()
        },
        ..Setup::default()
    });
    let body = json!({"messages": [{"role": "user", "content": "a"}]});
    let told = error(&served.post(CHAT, &body).await, 504);
    assert_eq!(told["type"], "server_error");
}

#[tokio::test]
async fn without_the_key_nothing_is_told_but_health() {
    let served = Served::new(Setup {
        key: ApiKey::new("sk-secret"),
        ..Setup::default()
    });
    for path in ["/v1/models", "/metrics", "/about", "/shots", "/nothing"] {
        let told = error(&served.get(path).await, 401);
        assert_eq!(told["type"], "authentication_error");
    }
    let body = json!({"messages": [{"role": "user", "content": "a"}], "max_tokens": 1});
    error(&served.post(CHAT, &body).await, 401);
    assert_eq!(served.get("/health").await.status, StatusCode::OK);
    assert_eq!(served.get("/ready").await.status, StatusCode::OK);
    let request = Request::post(CHAT)
        .header("content-type", "application/json")
        .header("authorization", "Bearer sk-secret");
    let answered = served
        .send(request.body(body.to_string().into()).unwrap())
        .await;
    assert_eq!(answered.status, StatusCode::OK);
}

#[tokio::test]
async fn damaged_pictures_of_all_kinds_never_end_the_server() {
    let served = Served::new(Setup::default());
    let whole = picture(9).to_png();
    for at in (8..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        let mut cut = whole[..at].to_vec();
        cut.write_all(b"x").unwrap();
        for bytes in [damaged, cut] {
            let body = json!({"parts": [{"image": data_url("image/png", &bytes)}, {"text": "a"}], "max_tokens": 1});
            let response = served.post("/ask", &body).await;
            if response.status != StatusCode::OK {
                error(&response, 400);
            }
        }
    }
    served
        .ok(
            "/ask",
            &json!({"parts": [{"image": png(9)}, {"text": "a"}], "max_tokens": 1}),
        )
        .await;
}
