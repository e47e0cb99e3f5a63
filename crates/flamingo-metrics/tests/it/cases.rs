use std::fs;
use std::path::{Path, PathBuf};

use flamingo_metrics::{PerceptronTagger, VerifyResources, WordNet, verify_file};

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn our_own_cases_agree() {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let report = verify_file(&file, &VerifyResources::default()).expect("a file of cases");
        assert!(report.agrees(), "{report}");
    }
}

#[test]
fn a_case_with_another_value_is_told_by_its_line_and_field() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cases.jsonl");
    let right = r#"{"id": 7, "labels": [0, 1], "scores": [0.1, 0.2], "roc_auc": 1.0}"#;
    let wrong = r#"{"id": 8, "labels": [1, 0], "scores": [0.1, 0.2], "roc_auc": 0.00001}"#;
    let unknown = r#"{"id": 9, "kind": "chrf"}"#;
    fs::write(&file, [right, wrong, unknown].join("\n")).expect("a file of cases");
    let report = verify_file(&file, &VerifyResources::default()).expect("a file of cases");
    assert_eq!((report.cases, report.agree, report.not_computed), (3, 1, 1));
    let first = report.first.clone().expect("the second case differs");
    assert_eq!((first.line, first.field.as_str()), (2, "roc_auc"));
    assert!(!report.agrees());
    assert!(report.to_string().contains("chrf"), "{report}");
}

#[test]
fn cases_that_the_official_code_computed_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files(&root.join("../../../shared/goldens/metrics2"));
    if files.is_empty() {
        println!("skipped: the cases that the official code computed are not here");
        return;
    }
    let wordnet = WordNet::read(Path::new("/usr/share/wordnet")).ok();
    let data = std::env::var_os("NLTK_DATA").unwrap_or_default();
    let tagger = PerceptronTagger::read(Path::new(&data)).ok();
    let resources = VerifyResources {
        wordnet: wordnet.as_ref(),
        tagger: tagger.as_ref(),
    };
    for file in files {
        let report = verify_file(&file, &resources).expect("a file of cases");
        if report.not_computed > 0 {
            println!("skipped: {report}");
        }
        assert_eq!(report.agree + report.not_computed, report.cases, "{report}");
        // Only the cases of WUPS need anything beside themselves.
        let needs = file.ends_with("wups.jsonl");
        assert!(needs || report.not_computed == 0, "{report}");
    }
}
