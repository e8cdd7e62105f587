#!/usr/bin/env bash
# Time the reports of `mvrec stats` beside the same queries in DuckDB, over the same Parquet files.
#
# usage: scripts/bench/stats.sh MOVIELENS_FOLDER [ROUNDS]
#
# mvrec's times are those of the whole command, DuckDB's of the query alone, in a process that is already there. All take turns; told are
# medians. DuckDB is installed from PyPI into target/bench-venv.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$(cd "${1:?usage: scripts/bench/stats.sh MOVIELENS_FOLDER [ROUNDS]}" && pwd)
venv=${BENCH_VENV:-$root/target/bench-venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'duckdb==1.4.*' pytz
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml"
exec "$venv/bin/python" "$root/scripts/bench/stats.py" "$root/target/release/mvrec" "$data" "${2:-5}"
