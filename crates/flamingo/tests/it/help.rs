use crate::Workplace;

#[test]
fn help_of_the_program_and_of_every_verb() {
    let place = Workplace::new();
    let help = |verb: &[&str]| place.ok(&[verb, &["--help"]].concat());
    let whole = if cfg!(feature = "serve") {
        "help"
    } else {
        "help-lean"
    };
    insta::assert_snapshot!(whole, help(&[]));
    #[cfg(feature = "serve")]
    insta::assert_snapshot!("help-serve", help(&["serve"]));
    for verb in [
        "demo",
        "ask",
        "score",
        "label",
        "train",
        "ablate",
        "describe",
        "fetch",
        "weights",
        "eval",
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
        "run",
        "report",
        "diff",
        "versus-fine-tuned",
        "contamination",
        "check-data",
        "score",
        "verify-metrics",
    ] {
        insta::assert_snapshot!(format!("help-eval-{verb}"), help(&["eval", verb]));
    }
    for verb in ["extract", "plan", "evaluate", "fetch"] {
        insta::assert_snapshot!(format!("help-corpus-{verb}"), help(&["corpus", verb]));
    }
    #[cfg(feature = "corpus")]
    for verb in ["build", "dedup", "stats", "card"] {
        insta::assert_snapshot!(format!("help-corpus-{verb}"), help(&["corpus", verb]));
    }
    #[cfg(feature = "cluster")]
    for node in ["scheduler", "executor"] {
        let help = help(&["corpus", "cluster", node]);
        insta::assert_snapshot!(format!("help-corpus-cluster-{node}"), help);
    }
}

/// The lean program names the verbs that it lacks, so that nobody looks for them in vain.
#[test]
fn help_of_the_corpus_says_what_is_not_built_in() {
    let help = Workplace::new().ok(&["corpus", "--help"]);
    if cfg!(feature = "cluster") {
        insta::assert_snapshot!("help-corpus", help);
    } else if cfg!(feature = "corpus") {
        assert!(help.contains("lacks the feature `cluster`"), "{help}");
        assert!(!help.contains("lacks the feature `corpus`"), "{help}");
    } else {
        insta::assert_snapshot!("help-corpus-lean", help);
    }
}

#[cfg(not(feature = "corpus"))]
#[test]
fn a_verb_that_is_not_built_in_names_the_command_that_adds_it() {
    let place = Workplace::new();
    let told = place.refused(&[
        "corpus",
        "build",
        "--config",
        "corpus.toml",
        "--output",
        "corpus",
    ]);
    assert!(told.contains("without the feature `corpus`"), "{told}");
    let command =
        "cargo run --features corpus -- corpus build --config corpus.toml --output corpus";
    assert!(told.contains(command), "{told}");
    let told = place.refused(&["corpus", "stats", "my corpus", "--json"]);
    assert!(
        told.contains("-- corpus stats 'my corpus' --json"),
        "{told}"
    );
    let told = place.refused(&["corpus", "cluster", "scheduler", "--port", "50050"]);
    assert!(
        told.contains("--features cluster -- corpus cluster scheduler --port 50050"),
        "{told}"
    );
}

#[cfg(not(feature = "serve"))]
#[test]
fn a_server_that_is_not_built_in_names_the_command_that_adds_it() {
    let told = Workplace::new().refused(&["serve", "--port", "8080"]);
    assert!(told.contains("without the feature `serve`"), "{told}");
    let command = "cargo run --features serve -- serve --port 8080";
    assert!(told.contains(command), "{told}");
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
