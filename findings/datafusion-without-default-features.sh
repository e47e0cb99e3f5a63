#!/usr/bin/env bash
# DataFusion 55 without its default features still compiles its readers of CSV and JSON and all packages of functions.
#
# Expected: `default-features = false, features = ["parquet", "sql"]` leaves the packages of functions out (they are
# features of their own, such as `regex_expressions`), and the readers of formats that nobody asked for.
# Seen: the crate depends on datafusion-functions with that crate's default features, and on the readers of CSV, JSON
# and Arrow files always.
#
# Only names and features are resolved; nothing is compiled. Another version: `bash THIS_FILE 56`.
set -euo pipefail

version=${1:-=55.0.0}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
touch src/lib.rs
cat >Cargo.toml <<TOML
[package]
name = "without-default-features"
version = "0.0.0"
edition = "2024"

[dependencies]
datafusion = { version = "$version", default-features = false, features = ["parquet", "sql"] }
TOML

compiled() { # all that the package brings, with features
    cargo tree --quiet --edges normal --prefix none --format '{p} [{f}]' --package "$1" | sed 's/ (\*)$//' | sort -u
}
tree=$(compiled datafusion)

echo "$(cargo --version), $(grep --max-count=1 '^datafusion v' <<<"$tree"), asked for parquet and sql only"
echo "packages compiled: $(wc -l <<<"$tree")"
changed=0
for wanted in \
    'datafusion-datasource-arrow v' \
    'datafusion-datasource-csv v' \
    'datafusion-datasource-json v' \
    'datafusion-functions v.* \[.*datetime_expressions.*regex_expressions.*\]' \
    'chrono-tz v'; do
    if grep --quiet "^$wanted" <<<"$tree"; then
        echo "compiled all the same: $(grep --max-count=1 "^$wanted" <<<"$tree")"
    else
        echo "no longer compiled: $wanted"
        changed=1
    fi
done
exit "$changed"
