#!/usr/bin/env bash
# DataFusion 55 without its default features still compiles its readers of CSV and JSON and all packages of functions.
#
# Expected: `default-features = false, features = ["parquet", "sql"]` leaves the packages of functions out (they are
# features of their own, such as `regex_expressions`), and the readers of formats that nobody asked for.
# Seen: the crate depends on datafusion-functions with that crate's default features, and on the readers of CSV, JSON
# and Arrow files always. Its own features for functions so change nothing but `crypto_expressions`.
#
# Only names and features are resolved; nothing is compiled.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
touch src/lib.rs
cat >Cargo.toml <<'TOML'
[package]
name = "without-default-features"
version = "0.0.0"
edition = "2024"

[dependencies]
datafusion = { version = "=55.0.0", default-features = false, features = ["parquet", "sql"] }
# Pinned: the facade asks for any 55 of its parts.
datafusion-datasource-csv = "=55.2.0"
datafusion-datasource-json = "=55.2.0"
datafusion-functions = { version = "=55.2.0", default-features = false }
TOML

compiled() { # all that the package brings, with features
    cargo tree --quiet --edges normal --prefix none --format '{p} [{f}]' --package "$1" | sed 's/ (\*)$//' | sort -u
}
tree=$(compiled datafusion@55.0.0)

echo "$(cargo --version), datafusion 55.0.0 with features parquet and sql only"
echo "packages compiled: $(wc -l <<<"$tree")"
changed=0
for wanted in \
    'datafusion-datasource-csv v55.2.0' \
    'datafusion-datasource-json v55.2.0' \
    'datafusion-functions v55.2.0 \[.*datetime_expressions.*regex_expressions.*\]' \
    'chrono-tz v'; do
    if grep --quiet "^$wanted" <<<"$tree"; then
        echo "compiled all the same: $(grep --max-count=1 "^$wanted" <<<"$tree")"
    else
        echo "no longer compiled: $wanted"
        changed=1
    fi
done
exit "$changed"
