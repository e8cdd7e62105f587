#!/usr/bin/env bash
# Check everything: format, lints, all tests, documentation. Needs nothing but Rust.
set -euo pipefail
cd "$(dirname "$0")/.."

need() {
    command -v "$1" >/dev/null 2>&1 || {
        echo "$1 is missing: $2" >&2
        exit 1
    }
}
need cargo "install Rust from https://rustup.rs"
need cc "install a C compiler (Debian: apt-get install gcc), which zstd is built with"
cargo fmt --version >/dev/null 2>&1 || { echo "rustfmt is missing: rustup component add rustfmt" >&2; exit 1; }
cargo clippy --version >/dev/null 2>&1 || { echo "clippy is missing: rustup component add clippy" >&2; exit 1; }

step() {
    echo
    echo "== $1"
    shift
    "$@"
}
step "format" cargo fmt --check
step "lints" cargo clippy --quiet --locked --all-targets -- -D warnings
step "unit and integration tests" cargo test --quiet --locked --all-targets
step "documentation tests" cargo test --quiet --locked --doc
step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps --document-private-items
if command -v python3 >/dev/null 2>&1; then
    step "names and comments" python3 scripts/measure_code.py --check
else
    echo "skipped: names and comments (scripts/measure_code.py needs python3)"
fi
step "scripts" bash -n scripts/*.sh scripts/bench/*.sh .ci/run
echo
echo "all checks passed"
