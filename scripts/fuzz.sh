#!/usr/bin/env bash
# Fuzz every reader and the parser of expressions: a million inputs each, or RUNS.
#
# usage: scripts/fuzz.sh [RUNS] [TARGET...]
#
# Needs a nightly compiler and cargo-fuzz (cargo install cargo-fuzz). The first build takes long: all of Arrow and
# Parquet is compiled once more, with counters at its branches. Findings end it, and lie in fuzz/artifacts.
set -euo pipefail
export RAYON_NUM_THREADS=1 # inputs are small: more threads would only wait for each other
cd "$(dirname "$0")/.."
runs=${1:-1000000}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(expression tables ratings_text archive parquet)
cargo +nightly fuzz --version >/dev/null 2>&1 || {
    echo "cargo-fuzz is missing: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
    exit 1
}
cargo build --release --locked --quiet
mvrec=$PWD/target/release/mvrec
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
mkdir "$seeds"/{expression,tables,ratings_text,archive,parquet}
cp --backup=numbered fixtures/layouts/*/u* fixtures/layouts/*/*.dat "$seeds/ratings_text"
find fixtures/foreign fixtures/broken -type f -size -4k -exec cp --backup=numbered {} "$seeds/ratings_text" \;
find fixtures -type f \( -name '*.zip' -o -name '*.gz' \) -exec cp --backup=numbered {} "$seeds/archive" \;
at=0
for file in fixtures/foreign/books-titles.csv fixtures/layouts/*/{movies.dat,tags.dat,u.item}; do
    [ -f "$file" ] || continue
    for choice in 0 1 2 3 4 5 6; do
        { printf "\\x0$choice" && head -c 600 "$file"; } >"$seeds/tables/$((at += 1))"
    done
done
for file in blanks.txt ml.inter reviews.jsonl; do
    "$mvrec" -q ingest "fixtures/foreign/$file" -o "$seeds/parquet/$file.parquet"
done
cat >"$seeds/expression/1" <<<'rating >= 4 and released >= 1990 and genre = "Drama"'
cat >"$seeds/expression/2" <<<"not (title ~ 'x' or user in (1, 2)) && date <= 2019-07-01T12:00:00Z"
cat >"$seeds/expression/3" <<<'year != 2019 || movie not in (3) and user_ratings > 20 and movie_ratings < 5e3'
for target in "${targets[@]}"; do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target"
    cargo +nightly fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "$seeds/$target" -- \
        -runs="$runs" -max_len=1500 -timeout=120 -rss_limit_mb=4096 -print_final_stats=1 2>&1 |
        grep -E 'panicked|ERROR|SUMMARY|assertion|Test unit|stat::number_of_executed_units|stat::average_exec|Done|x:[0-9]' | head -20
    [ "${PIPESTATUS[0]}" = 0 ] || exit 1
done
