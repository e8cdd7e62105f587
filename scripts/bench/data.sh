#!/usr/bin/env bash
# Time mvrec beside DuckDB and Polars: ingest of ratings.csv, filter of one year, the SQL summary of that year.
#
# usage: scripts/bench/data.sh MOVIELENS_FOLDER [YEAR] [ROUNDS]
#
# The peers are installed from PyPI into target/bench-venv. All take turns in each round; the medians are told, with
# what each needed of processor time, memory and disk, and that all found the same.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$(cd "${1:?usage: scripts/bench/data.sh MOVIELENS_FOLDER [YEAR] [ROUNDS]}" && pwd)
venv=$root/target/bench-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'duckdb==1.4.*' 'polars==1.*' pytz
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml"
exec "$venv/bin/python" "$root/scripts/bench/data.py" "$root/target/release/mvrec" "$data" "${2:-2019}" "${3:-5}"
