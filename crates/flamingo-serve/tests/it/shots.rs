//! Shots that the server holds.

use flamingo_shots::ShotSet;

use super::*;

/// A folder with a picture in a folder for each of some classes.
fn folder() -> (tempfile::TempDir, ShotSet) {
    let folder = tempfile::tempdir().unwrap();
    for (seed, class) in ["ant", "bee", "cat", "dog", "eel"].iter().enumerate() {
        let path = folder.path().join(class);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("1.png"), picture(seed as u8 * 20).to_png()).unwrap();
    }
    let set = ShotSet::read("animals", folder.path(), "Output:").unwrap();
    (folder, set)
}

fn ask(shots: Value) -> Value {
    json!({"parts": [{"image": png(60)}, {"text": "Output:"}], "max_tokens": 3, "shots": shots})
}

#[tokio::test]
async fn all_random_and_nearest_shots_stand_before_the_prompt() {
    let (_folder, set) = folder();
    let served = Served::new(Setup {
        shots: vec![("animals".into(), set)],
        ..Setup::default()
    });
    let prompt = |shots: Value| {
        let served = &served;
        async move { served.ok("/ask?echo_prompt", &ask(shots)).await }
    };
    let all = prompt(json!({"set": "animals", "choose": "all"})).await;
    assert_eq!(all["shots"], json!([0, 1, 2, 3, 4]));
    assert_eq!(all["parts"].as_array().unwrap().len(), 5 * 3 + 2);
    assert_eq!(all["parts"][1]["text"], "Output: ant");
    let random = prompt(json!({"set": "animals", "choose": "random", "count": 3, "seed": 1})).await;
    assert_eq!(random["shots"].as_array().unwrap().len(), 3);
    let nearest = prompt(json!({"set": "animals", "choose": "nearest", "count": 2})).await;
    // The picture of the fourth is the prompt's own: the most similar stands last.
    assert_eq!(nearest["shots"].as_array().unwrap().last().unwrap(), 3);
    let answered = served
        .post("/ask", &ask(json!({"set": "animals", "count": 2})))
        .await;
    assert_eq!(answered.status, StatusCode::OK);
    assert!(
        answered.headers["x-flamingo-shots"]
            .to_str()
            .unwrap()
            .ends_with(",3")
    );
}

#[tokio::test]
async fn an_answer_behind_shots_is_that_of_the_same_document() {
    let (_folder, set) = folder();
    let served = Served::new(Setup {
        shots: vec![("animals".into(), set)],
        ..Setup::default()
    });
    let told = served
        .ok("/ask", &ask(json!({"set": "animals", "choose": "all"})))
        .await;
    let mut parts = Vec::new();
    for (seed, class) in ["ant", "bee", "cat", "dog", "eel"].iter().enumerate() {
        parts.extend([
            image(seed as u8 * 20),
            text(&format!("Output: {class}")),
            Part::End,
        ]);
    }
    parts.extend([image(60), text("Output:")]);
    let decoding = Decoding {
        max_new_tokens: 3,
        ..Decoding::default()
    };
    let expected = answered(&parts, &decoding).remove(0);
    assert_eq!(told["text"], expected.text);
    assert_eq!(told["tokens"], written(&expected.tokens));
}

#[tokio::test]
async fn a_set_can_be_sent_listed_seen_and_named() {
    let served = Served::new(Setup::default());
    let shot = |seed: u8, word: &str| json!({"parts": [{"image": png(seed)}, {"text": format!("Output: {word}")}, {"end": true}]});
    let body = json!({"documents": [shot(1, "one"), shot(2, "two"), shot(60, "three")]});
    let told = served.ok("/shots/mine", &body).await;
    assert_eq!(told, json!({"name": "mine", "shots": 3}));
    let list = served.get("/shots").await.json();
    assert_eq!(list["sets"], json!([{"name": "mine", "shots": 3}]));
    let one = served.get("/shots/mine").await.json();
    let place = one["shots"][1]["parts"][0]["image"]
        .as_str()
        .unwrap()
        .to_owned();
    let seen = served.get(&place).await;
    assert_eq!(seen.headers["content-type"], "image/png");
    assert!(seen.body.starts_with(b"\x89PNG"));
    let told = served
        .ok("/ask?echo_prompt", &ask(json!({"set": "mine", "count": 1})))
        .await;
    assert_eq!(told["shots"], json!([2]));
}

#[tokio::test]
async fn shots_that_are_not_there_or_cannot_be_chosen_are_named() {
    let (_folder, set) = folder();
    let served = Served::new(Setup {
        shots: vec![("animals".into(), set)],
        ..Setup::default()
    });
    let without_picture = json!({"parts": [{"text": "Output:"}], "shots": {"set": "animals"}});
    for (body, status, param, says) in [
        (
            ask(json!({"set": "plants"})),
            404,
            "shots.set",
            "there are animals",
        ),
        (ask(json!({})), 400, "shots.set", "missing"),
        (
            ask(json!({"set": "animals", "count": 9})),
            400,
            "shots.count",
            "from 0 to 5",
        ),
        (
            ask(json!({"set": "animals", "choose": "best"})),
            400,
            "shots.choose",
            "nearest",
        ),
        (
            ask(json!({"set": "animals", "size": 3})),
            400,
            "shots.size",
            "unknown",
        ),
        (without_picture, 400, "shots.choose", "which has none"),
    ] {
        let refused = served.post("/ask", &body).await;
        assert_eq!(refused.status.as_u16(), status, "{body}");
        let error = &refused.json()["error"];
        assert_eq!(error["param"], param, "{error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
    let own = served
        .post(
            "/shots/animals",
            &json!({"documents": [{"parts": [{"end": true}]}]}),
        )
        .await;
    assert_eq!(own.status, StatusCode::CONFLICT);
    for name in ["a%20b", "..%2fx", &"x".repeat(65)] {
        let refused = served
            .post(&format!("/shots/{name}"), &json!({"documents": []}))
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name}");
    }
}

#[tokio::test]
async fn shots_whose_files_are_gone_are_the_servers_fault_and_their_place_is_not_told() {
    let (folder, set) = folder();
    let served = Served::new(Setup {
        shots: vec![("animals".into(), set)],
        ..Setup::default()
    });
    let place = folder.path().display().to_string();
    drop(folder);
    for choose in ["all", "nearest"] {
        let told = served
            .post("/ask", &ask(json!({"set": "animals", "choose": choose})))
            .await;
        assert_eq!(told.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(told.json()["error"]["code"], "shots_unreadable");
        assert!(!told.json().to_string().contains(&place));
    }
    let without = json!({"parts": [{"image": png(60)}, {"text": "Output:"}], "max_tokens": 2});
    served.ok("/ask", &without).await;
}

#[tokio::test]
async fn answers_are_streamed_while_the_vectors_of_a_set_are_made() {
    let shots: Vec<Value> = (0..40)
        .map(|seed| json!({"parts": [{"image": png(seed)}, {"text": "Output: x"}, {"end": true}]}))
        .collect();
    let served = Served::new(Setup::default());
    served.ok("/shots/mine", &json!({"documents": shots})).await;
    let body = json!({"parts": [{"text": "Output:"}], "max_tokens": 30, "min_tokens": 30});
    let alone = served.ok("/ask", &body).await;
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let choice = ask(json!({"set": "mine", "count": 3}));
    let (nearest, beside) = tokio::join!(
        served.ok("/ask?echo_prompt", &choice),
        served.post("/ask", &streamed),
    );
    assert_eq!(nearest["shots"].as_array().unwrap().len(), 3);
    let events = beside.events();
    let whole: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!(whole["answers"][0]["tokens"], alone["tokens"]);
    // Once made, they are used as they are.
    let again = served.ok("/ask?echo_prompt", &choice).await;
    assert_eq!(again["shots"], nearest["shots"]);
}
