//! The peers' cases, where they are at hand.

#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use flamingo_kernels::Device;
use flamingo_parity::{VerifyOptions, verify};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/goldens")
}

/// Cases of what this version does not compute yet: the scores of benchmarks.
const NOT_YET: [&str; 1] = ["metrics2"];

#[test]
fn every_case_agrees_with_its_peer() {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        println!("skipped: no cases at {}", folder().display());
        return;
    };
    let mut verified = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        if NOT_YET.iter().any(|name| path.ends_with(name)) {
            println!("skipped: {} is not computed yet", path.display());
            continue;
        }
        let options = VerifyOptions {
            tolerance: 1e-4,
            gradients: path.join("grads.safetensors").is_file(),
            device: Device::flex(),
        };
        let (report, _) = verify(&path, &options).unwrap();
        assert!(report.agrees, "{}:\n{report}", path.display());
        assert!(report.largest_relative < 1e-4);
        verified += 1;
    }
    println!("{verified} cases agree");
}
