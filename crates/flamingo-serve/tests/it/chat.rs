//! OpenAI's protocol.

use flamingo_serve::Template;

use super::*;

const CHAT: &str = "/v1/chat/completions";

fn greedy(tokens: usize) -> Decoding {
    Decoding {
        max_new_tokens: tokens,
        stop: vec!["Question:".into(), "Output:".into()],
        ..Decoding::default()
    }
}

#[tokio::test]
async fn an_answer_has_the_form_that_clients_read_and_the_text_that_the_engine_gives() {
    let served = Served::new(Setup::default());
    let parts = [
        image(3),
        text("Output: dax"),
        Part::End,
        image(5),
        text("Output:"),
    ];
    let expected = answered(&parts, &greedy(5)).remove(0);
    let body = json!({"model": "flamingo", "max_tokens": 5, "messages": [
        user(3, ""), {"role": "assistant", "content": "dax"}, user(5, ""),
    ]});
    let told = served.ok(CHAT, &body).await;
    assert_eq!(told["object"], "chat.completion");
    assert!(told["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert!(told["created"].as_u64().unwrap() > 1_600_000_000);
    assert_eq!(told["model"], "flamingo");
    let choice = &told["choices"][0];
    assert_eq!(choice["index"], 0);
    assert_eq!(choice["message"]["role"], "assistant");
    assert_eq!(choice["message"]["content"], expected.text.trim_start());
    assert!(choice["logprobs"].is_null());
    let finish = choice["finish_reason"].as_str().unwrap();
    assert!(["stop", "length"].contains(&finish), "{finish}");
    let usage = &told["usage"];
    assert_eq!(usage["prompt_tokens"], expected.prompt_tokens);
    assert_eq!(usage["completion_tokens"], expected.tokens.len());
    assert_eq!(
        usage["total_tokens"],
        expected.prompt_tokens + expected.tokens.len()
    );
}

#[tokio::test]
async fn a_stream_tells_role_pieces_end_usage_and_done_in_this_order() {
    let served = Served::new(Setup::default());
    let mut body = json!({"max_tokens": 6, "messages": [user(3, "what is it?")]});
    let whole = served.ok(CHAT, &body).await;
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let response = served.post(CHAT, &body).await;
    assert_eq!(response.headers["content-type"], "text/event-stream");
    let mut events = response.events();
    assert_eq!(events.pop().unwrap(), "[DONE]");
    let chunks: Vec<Value> = events
        .iter()
        .map(|e| serde_json::from_str(e).unwrap())
        .collect();
    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], chunks[0]["id"]);
        assert!(chunk["created"].is_u64() && chunk["choices"].is_array());
    }
    assert_eq!(
        chunks[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": ""})
    );
    let (usage, rest) = chunks.split_last().unwrap();
    assert_eq!(usage["choices"], json!([]));
    let mut counted = usage["usage"].clone();
    // The prompt was read before, and so is known now.
    counted["prompt_tokens_details"] = whole["usage"]["prompt_tokens_details"].clone();
    assert_eq!(counted, whole["usage"]);
    let (last, pieces) = rest.split_last().unwrap();
    assert_eq!(last["choices"][0]["delta"], json!({}));
    assert_eq!(
        last["choices"][0]["finish_reason"],
        whole["choices"][0]["finish_reason"]
    );
    let text: String = pieces
        .iter()
        .map(|c| c["choices"][0]["delta"]["content"].as_str().unwrap())
        .collect();
    assert_eq!(
        text,
        whole["choices"][0]["message"]["content"].as_str().unwrap()
    );
}

#[tokio::test]
async fn several_answers_are_those_of_the_engine_with_the_same_seed_and_keep_their_index() {
    let served = Served::new(Setup::default());
    let decoding = Decoding {
        temperature: 1.5,
        num_return_sequences: 3,
        seed: 7,
        ..greedy(4)
    };
    let expected = answered(&[image(2), text("Output:")], &decoding);
    let mut body =
        json!({"max_tokens": 4, "n": 3, "temperature": 1.5, "seed": 7, "messages": [user(2, "")]});
    let told = served.ok(CHAT, &body).await;
    let texts: Vec<&str> = told["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| choice["message"]["content"].as_str().unwrap())
        .collect();
    let wanted: Vec<&str> = expected
        .iter()
        .map(|answer| answer.text.trim_start())
        .collect();
    assert_eq!(texts, wanted);
    body["stream"] = json!(true);
    let mut streamed = vec![String::new(); 3];
    let mut events = served.post(CHAT, &body).await.events();
    events.pop();
    for event in events {
        let chunk: Value = serde_json::from_str(&event).unwrap();
        let choice = &chunk["choices"][0];
        let index = choice["index"].as_u64().unwrap() as usize;
        streamed[index] += choice["delta"]["content"].as_str().unwrap_or_default();
    }
    assert_eq!(streamed, wanted);
}

#[tokio::test]
async fn log_probabilities_are_told_with_the_likeliest_whole_and_streamed() {
    let served = Served::new(Setup::default());
    let mut body = json!({
        "max_tokens": 3, "logprobs": true, "top_logprobs": 2, "messages": [user(4, "")]
    });
    let whole = served.ok(CHAT, &body).await;
    let content = whole["choices"][0]["logprobs"]["content"]
        .as_array()
        .unwrap()
        .clone();
    assert!(!content.is_empty());
    for token in &content {
        assert!(token["logprob"].as_f64().unwrap() <= 0.0);
        assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 2);
        let bytes = token["token"].as_str().unwrap().as_bytes();
        assert_eq!(token["bytes"], json!(bytes));
    }
    body["stream"] = json!(true);
    let mut events = served.post(CHAT, &body).await.events();
    events.pop();
    let mut streamed = Vec::new();
    for event in events {
        let chunk: Value = serde_json::from_str(&event).unwrap();
        let told = chunk["choices"][0]["logprobs"]["content"].as_array();
        streamed.extend(told.cloned().unwrap_or_default());
    }
    assert_eq!(streamed, content);
    let body = json!({"prompt": "Output:", "max_tokens": 3, "logprobs": 2});
    let told = served.ok("/v1/completions", &body).await;
    let logprobs = &told["choices"][0]["logprobs"];
    let tokens = logprobs["tokens"].as_array().unwrap().len();
    assert_eq!(logprobs["token_logprobs"].as_array().unwrap().len(), tokens);
    assert_eq!(logprobs["top_logprobs"].as_array().unwrap().len(), tokens);
    assert_eq!(logprobs["text_offset"][0], 0);
}

#[tokio::test]
async fn completions_continue_texts_and_parts_as_they_stand() {
    let served = Served::new(Setup::default());
    let plain = Decoding {
        max_new_tokens: 4,
        ..Decoding::default()
    };
    let of_text = answered(&[text("Output:")], &plain).remove(0);
    let of_parts = answered(&[image(6), text("Output:")], &plain).remove(0);
    let body = json!({"prompt": "Output:", "max_tokens": 4});
    let told = served.ok("/v1/completions", &body).await;
    assert_eq!(told["object"], "text_completion");
    assert_eq!(told["choices"][0]["text"], of_text.text);
    let body = json!({"prompt": [{"image": png(6)}, {"text": "Output:"}], "max_tokens": 4});
    let told = served.ok("/v1/completions", &body).await;
    assert_eq!(told["choices"][0]["text"], of_parts.text);
    let body = json!({"prompt": ["Output:", "Output:"], "max_tokens": 4});
    let told = served.ok("/v1/completions", &body).await;
    assert_eq!(told["choices"].as_array().unwrap().len(), 2);
    assert_eq!(told["choices"][1]["index"], 1);
    assert_eq!(told["usage"]["prompt_tokens"], 2 * of_text.prompt_tokens);
    let body = json!({"prompt": "Output:", "max_tokens": 4, "stream": true});
    let mut events = served.post("/v1/completions", &body).await.events();
    assert_eq!(events.pop().unwrap(), "[DONE]");
    let chunks: Vec<Value> = events
        .iter()
        .map(|e| serde_json::from_str(e).unwrap())
        .collect();
    let joined: String = chunks
        .iter()
        .map(|c| c["choices"][0]["text"].as_str().unwrap())
        .collect();
    assert_eq!(joined, of_text.text);
    assert!(chunks.last().unwrap()["choices"][0]["finish_reason"].is_string());
}

#[tokio::test]
async fn stop_texts_end_an_answer_and_are_no_part_of_it() {
    let served = Served::new(Setup::default());
    let body = json!({"max_tokens": 8, "messages": [user(1, "")]});
    let whole = served.ok(CHAT, &body).await;
    let text = whole["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let stop: String = text.chars().skip(1).take(1).collect();
    if stop.is_empty() {
        return; // an answer of one character has nothing to be stopped at
    }
    let body = json!({"max_tokens": 8, "stop": stop, "messages": [user(1, "")]});
    let told = served.ok(CHAT, &body).await;
    let stopped = told["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(
        !stopped.contains(&stop) && text.starts_with(stopped),
        "{stopped:?} of {text:?}"
    );
    assert_eq!(told["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn a_film_is_taken_as_a_video_and_refused_as_a_picture() {
    let served = Served::new(Setup::default());
    let gif = include_bytes!("two_frames.gif");
    let url = data_url("image/gif", gif);
    let part = |kind: &str| json!({"max_tokens": 2, "messages": [{"role": "user", "content": [{"type": kind, kind: {"url": url}}]}]});
    let told = served.ok(CHAT, &part("video_url")).await;
    assert!(told["usage"]["completion_tokens"].as_u64().unwrap() > 0);
    let refused = served.post(CHAT, &part("image_url")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let error = &refused.json()["error"];
    assert_eq!(error["param"], "messages[0].content[0].image_url");
    assert!(
        error["message"].as_str().unwrap().contains("video"),
        "{error}"
    );
}

#[tokio::test]
async fn the_model_is_listed_and_found_by_its_name_only() {
    let served = Served::new(Setup {
        model: "org/name".into(),
        ..Setup::default()
    });
    let list = served.get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    assert_eq!(list["data"][0]["id"], "org/name");
    assert_eq!(
        served.get("/v1/models/org/name").await.json()["object"],
        "model"
    );
    let missing = served.get("/v1/models/other").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json()["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn the_exact_prompt_is_shown_when_it_is_asked_for() {
    let served = Served::new(Setup::default());
    let body = json!({"max_tokens": 3, "messages": [user(3, "what is it?")]});
    let told = served.ok(&format!("{CHAT}?echo_prompt"), &body).await;
    assert_eq!(told["object"], "prompt");
    assert_eq!(told["parts"][1]["text"], "Question: what is it? Answer:");
    assert!(
        told["parts"][0]["image"]
            .as_str()
            .unwrap()
            .starts_with("image:")
    );
    let tokens = told["tokens"].as_array().unwrap();
    assert_eq!(tokens.len() as u64, told["prompt_tokens"].as_u64().unwrap());
    assert_eq!(told["decoding"]["max_new_tokens"], 3);
    assert!(tokens.iter().any(|token| token["token"] == "<image>"));
}

#[tokio::test]
async fn the_same_prompt_a_second_time_is_known() {
    let served = Served::new(Setup::default());
    let body = json!({"max_tokens": 2, "messages": [user(3, "what is it?")]});
    let first = served.ok(CHAT, &body).await;
    let second = served.ok(CHAT, &body).await;
    assert_eq!(first["choices"], second["choices"]);
    let known = second["usage"]["prompt_tokens_details"]["cached_tokens"]
        .as_u64()
        .unwrap();
    assert!(known > 0, "{second}");
    let metrics = String::from_utf8(served.get("/metrics").await.body).unwrap();
    assert!(
        metrics.contains("flamingo_media_encoded_total 1\n"),
        "{metrics}"
    );
    assert!(metrics.contains("flamingo_media_held 0\n"), "{metrics}");
}

#[tokio::test]
async fn the_special_tokens_of_a_models_own_template_are_tokens() {
    let source = "{% for m in messages %}{{ m.role }}: {% if m.content is string %}{{ m.content }}{% else %}\
                  {% for part in m.content %}{{ '<image>' if part.type == 'image' else part.text }}{% endfor %}\
                  {% endif %}{{ eos_token }}{% endfor %}assistant: ";
    let template = Template::of_jinja("t.jinja", source, engine().tokenizer()).unwrap();
    let served = Served::new(Setup {
        template,
        ..Setup::default()
    });
    let body = json!({"messages": [user(3, "what?")]});
    let told = served.ok(&format!("{CHAT}?echo_prompt"), &body).await;
    let parts = told["parts"].as_array().unwrap();
    assert_eq!(parts[0], json!({"text": "user: "}));
    assert!(parts[1]["image"].is_string());
    let rest = [
        json!({"text": "what?"}),
        json!({"token": "<EOC>"}),
        json!({"text": "assistant: "}),
    ];
    assert_eq!(parts[2..], rest);
    let spelled = json!({"messages": [{"role": "user", "content": "<EOC>"}]});
    let told = served.post(CHAT, &spelled).await;
    assert_eq!(told.status, StatusCode::BAD_REQUEST);
    let message = told.json()["error"]["message"].to_string();
    assert!(message.contains("special token <EOC>"), "{message}");
}
