//! The project's own protocol.

use flamingo_engine::RankBy;
use flamingo_sequence::Candidates;

use super::*;

#[tokio::test]
async fn a_document_is_answered_as_the_program_answers_it() {
    let served = Served::new(Setup::default());
    let decoding = Decoding {
        max_new_tokens: 7,
        ..Decoding::default()
    };
    let expected = answered(&[image(3), text("Output:")], &decoding).remove(0);
    let parts = json!([{"image": png(3)}, {"text": "Output:"}]);
    let told = served
        .ok("/ask", &json!({"id": 17, "parts": parts, "max_tokens": 7}))
        .await;
    assert_eq!(told["id"], "17");
    assert_eq!(told["text"], expected.text);
    assert_eq!(told["tokens"], written(&expected.tokens));
    assert_eq!(
        told["finish"],
        serde_json::to_value(expected.finish).unwrap()
    );
    assert!(told["timings"]["prefill"].as_f64().unwrap() > 0.0);
    assert_eq!(told["timings"]["encoded"], 1);
    let many = json!({"documents": [{"parts": parts}, {"parts": parts}], "max_tokens": 7});
    let told = served.ok("/ask", &many).await;
    let answers = told["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| answer["text"] == expected.text));
}

#[tokio::test]
async fn documents_a_line_are_answered_in_their_order() {
    let served = Served::new(Setup::default());
    let lines: String = (0..5)
        .map(|i| {
            json!({"id": i, "parts": [{"image": png(i)}, {"text": "Output:"}]}).to_string() + "\n"
        })
        .collect();
    let request = Request::post("/ask").header("content-type", "application/jsonl");
    let told = served
        .send(request.body(lines.into()).unwrap())
        .await
        .json();
    let ids: Vec<&str> = told["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn candidates_are_scored_as_the_program_scores_them() {
    let served = Served::new(Setup::default());
    let candidates = Candidates {
        document: Document::new([image(3), text("Output:")]),
        candidates: vec![" a pig".into(), " dax".into(), " one".into()],
    };
    let media = HashMap::from([("3".to_owned(), Media::Image(picture(3)))]);
    for (by, name) in [(RankBy::Sum, "sum"), (RankBy::Mean, "mean")] {
        let expected = engine()
            .score(std::slice::from_ref(&candidates), &media, by)
            .unwrap()
            .remove(0);
        let body = json!({
            "parts": [{"image": png(3)}, {"text": "Output:"}],
            "candidates": candidates.candidates, "by": name,
        });
        let told = served.ok("/score", &body).await;
        assert_eq!(told, written(&expected));
    }
}

#[tokio::test]
async fn an_answer_is_streamed_piece_by_piece_and_told_whole_at_the_end() {
    let served = Served::new(Setup::default());
    let body = json!({"parts": [{"text": "Output:"}], "max_tokens": 5, "stream": true});
    let mut events = served.post("/ask", &body).await.events();
    assert_eq!(events.pop().unwrap(), "[DONE]");
    let last: Value = serde_json::from_str(&events.pop().unwrap()).unwrap();
    let pieces: String = events
        .iter()
        .map(|event| {
            serde_json::from_str::<Value>(event).unwrap()["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(last["answers"][0]["text"], pieces);
}

#[tokio::test]
async fn where_each_token_looked_is_told_when_it_is_asked_for() {
    let served = Served::new(Setup::default());
    let body =
        json!({"parts": [{"image": png(3)}, {"text": "Output:"}], "max_tokens": 3, "look": true});
    let told = served.ok("/ask", &body).await;
    let looks = told["looks"].as_array().unwrap();
    assert_eq!(looks.len(), told["tokens"].as_array().unwrap().len());
    for look in looks {
        let side = look["side"].as_u64().unwrap() as usize;
        let weights = look["weights"].as_array().unwrap();
        assert_eq!(weights.len(), side * side);
    }
}
