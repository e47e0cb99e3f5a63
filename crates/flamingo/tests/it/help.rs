use crate::Workplace;

#[test]
fn help_of_the_program_and_of_every_verb() {
    let place = Workplace::new();
    let help = |verb: &[&str]| place.ok(&[verb, &["--help"]].concat());
    insta::assert_snapshot!("help", help(&[]));
    for verb in [
        "demo",
        "ask",
        "score",
        "train",
        "describe",
        "weights",
        "corpus",
        "bench",
        "doctor",
        "completions",
    ] {
        insta::assert_snapshot!(format!("help-{verb}"), help(&[verb]));
    }
    for verb in ["inspect", "convert", "quality", "verify"] {
        insta::assert_snapshot!(format!("help-weights-{verb}"), help(&["weights", verb]));
    }
    for verb in [
        "extract", "build", "dedup", "stats", "card", "plan", "evaluate", "fetch",
    ] {
        insta::assert_snapshot!(format!("help-corpus-{verb}"), help(&["corpus", verb]));
    }
    #[cfg(feature = "cluster")]
    for node in ["scheduler", "executor"] {
        let help = help(&["corpus", "cluster", node]);
        insta::assert_snapshot!(format!("help-corpus-cluster-{node}"), help);
    }
}

#[test]
fn version_names_the_program() {
    assert!(Workplace::new().ok(&["--version"]).starts_with("flamingo "));
}

#[test]
fn completions_know_the_verbs() {
    let script = Workplace::new().ok(&["completions", "bash"]);
    assert!(script.contains("score") && script.contains("--max-tokens"));
}

#[test]
fn the_manual_has_a_page_for_the_program_and_for_every_verb() {
    let place = Workplace::new();
    let page = place.ok(&["man"]);
    assert!(page.contains(".TH flamingo 1"), "{page}");
    assert_eq!(place.ok(&["man", "--dir", "manual/man1"]), "");
    let pages = place.path().join("manual/man1");
    let written = std::fs::read_to_string(pages.join("flamingo.1")).unwrap();
    assert_eq!(written, page);
    for verb in ["ask", "weights-convert", "corpus-build"] {
        assert!(pages.join(format!("flamingo-{verb}.1")).is_file(), "{verb}");
    }
}
