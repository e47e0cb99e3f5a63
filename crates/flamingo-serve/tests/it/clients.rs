//! Requests as real clients write them, headers and all.

use super::*;

const CHAT: &str = "/v1/chat/completions";

/// What the clients of OpenAI's protocol send besides: none of it is an error.
#[tokio::test]
async fn requests_of_real_clients_are_answered() {
    let served = Served::new(Setup::default());
    let image = json!({"type": "image_url", "image_url": {"url": png(3), "detail": "auto"}});
    let bodies = [
        // openai for Python, with extra keys of the caller's.
        json!({"model": "flamingo", "messages": [{"role": "user", "content": [image, {"type": "text", "text": "a?"}]}],
               "max_completion_tokens": 2, "stream": false, "user": "me", "store": false, "metadata": {"a": "b"}}),
        // AI SDK: one text part alone is a string, the rest as given.
        json!({"model": "flamingo", "messages": [{"role": "user", "content": "a?"}], "max_tokens": 2, "temperature": 0,
               "top_p": 1, "stop": ["\n"], "seed": 1, "presence_penalty": 0, "frequency_penalty": 0}),
        // langchain-openai: an address as a bare string.
        json!({"model": "flamingo", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": png(3)}]}],
               "max_completion_tokens": 2, "stream": false}),
        // instructor: the system's message as parts.
        json!({"model": "flamingo", "messages": [{"role": "system", "content": [{"type": "text", "text": "Be short."}]},
               {"role": "user", "content": "a?"}], "max_tokens": 2}),
        // llama-index: temperature and stream always.
        json!({"model": "flamingo", "messages": [{"role": "user", "content": "a?"}], "temperature": 0.1, "stream": false,
               "max_tokens": 2}),
        // lmms-eval: pictures, then texts; more tokens than this model has places for.
        json!({"model": "flamingo", "messages": [{"role": "user", "content": [image, image, {"type": "text", "text": "a?"}]}],
               "max_tokens": 1024, "temperature": 0, "n": 1}),
    ];
    for body in bodies {
        let request = Request::post(CHAT)
            .header("content-type", "application/json")
            .header("accept-encoding", "gzip, deflate")
            .header("authorization", "Bearer none")
            .header("x-stainless-retry-count", "0")
            .header("user-agent", "OpenAI/Python 3.57.0");
        let response = served
            .send(request.body(body.to_string().into()).unwrap())
            .await;
        let told = response.json();
        assert_eq!(response.status, StatusCode::OK, "{told}");
        assert!(
            response.headers["x-request-id"]
                .to_str()
                .unwrap()
                .starts_with("req-")
        );
        assert!(told["choices"][0]["message"]["content"].is_string());
        for key in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            assert!(told["usage"][key].is_u64(), "{told}");
        }
    }
}

/// Nothing of an answer is a number that JSON does not have.
#[tokio::test]
async fn no_answer_holds_nan_or_infinity() {
    let served = Served::new(Setup::default());
    let body = json!({"prompt": "Output:", "max_tokens": 8, "logprobs": 20});
    let response = served.post("/v1/completions", &body).await;
    let text = String::from_utf8(response.body).unwrap();
    for word in ["NaN", "Infinity", ": null, \"top", "inf"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}
