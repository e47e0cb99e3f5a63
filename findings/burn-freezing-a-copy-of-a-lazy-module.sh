#!/usr/bin/env bash
# burn 0.22.1: to freeze a copy of a module freezes the module itself, as long as no parameter has been read.
#
# Expected: `no_grad` on a clone leaves the original alone, as the documentation of `Param` says of clones (what is shared is
# the lazy initialisation; transformations do not propagate), and as it does once the parameters have been read.
# Seen: the original's parameters are drawn without a gradient from then on; a training of it learns nothing, without an error.
#
# Compiles burn with its processor backend, two minutes on two cores. Another version: `bash THIS_FILE =0.22.2`.
set -euo pipefail

version=${1:-=0.22.1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<TOML
[package]
name = "lazy-copy"
version = "0.0.0"
edition = "2024"

[dependencies]
burn = { version = "$version", default-features = false, features = ["std", "flex", "autodiff"] }

[profile.dev]
debug = false
TOML
cat >src/main.rs <<'RUST'
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;

fn learns(linear: &Linear) -> bool {
    linear.weight.val().is_require_grad()
}

fn main() {
    let device = Device::flex().autodiff();
    let read = LinearConfig::new(2, 2).init(&device);
    let _ = read.weight.val();
    drop(read.clone().no_grad());
    let unread = LinearConfig::new(2, 2).init(&device);
    drop(unread.clone().no_grad());
    println!("after a copy was frozen: a module that was read learns: {}, one that was not: {}", learns(&read), learns(&unread));
}
RUST
told=$(cargo run --quiet)
echo "$(cargo --version), $(cargo tree --quiet --depth 1 --prefix none | grep '^burn v')"
echo "$told"
[ "$told" = "after a copy was frozen: a module that was read learns: true, one that was not: false" ]
