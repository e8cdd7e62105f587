#!/usr/bin/env bash
# Recommend with mvrec beside implicit: one query from a cold start, a batch for all users, and a stream of queries.
#
# usage: scripts/bench/recommend.sh MOVIELENS_FOLDER [TASK...]
#
# Tasks: cold batch stream (default: all). The peer is installed from PyPI into target/bench-venv. Both use a model of 64 factors of the
# same ratings; fitting is not timed.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$(cd "${1:?usage: scripts/bench/recommend.sh MOVIELENS_FOLDER [TASK...]}" && pwd)
shift
tasks=("$@")
[ ${#tasks[@]} -gt 0 ] || tasks=(cold batch stream)
venv=${BENCH_VENV:-$root/target/bench-venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy scipy pyarrow 'implicit==0.7.3' threadpoolctl
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml"
export OPENBLAS_NUM_THREADS=1 # implicit's own threads are faster than those within BLAS
exec "$venv/bin/python" "$root/scripts/bench/recommend.py" "$root/target/release/mvrec" "$data" "${tasks[@]}"
