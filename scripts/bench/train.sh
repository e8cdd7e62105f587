#!/usr/bin/env bash
# Train with mvrec beside cmfrec, implicit, scikit-learn, LIBMF and Spark: same data, split, factors and iterations.
#
# usage: scripts/bench/train.sh MOVIELENS_FOLDER [TASK...]
#
# Tasks: explicit implicit cosine nmf scaling reach (default: explicit implicit cosine), and spark. Each run is a process of its own; told are
# seconds of fitting, peak memory, the objective where it is the same one, and the test RMSE or NDCG@10 as `mvrec evaluate` or the same formula
# finds it. The peers are installed from PyPI into target/bench-venv; Spark needs Java 17.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$(cd "${1:?usage: scripts/bench/train.sh MOVIELENS_FOLDER [TASK...]}" && pwd)
shift
tasks=("$@")
[ ${#tasks[@]} -gt 0 ] || tasks=(explicit implicit cosine)
venv=${BENCH_VENV:-$root/target/bench-venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" numpy scipy pyarrow 'cmfrec==3.5.1.post14' 'implicit==0.7.3' 'scikit-learn==1.9.*' 'libmf==0.9.2' threadpoolctl
[[ " ${tasks[*]} " != *" spark "* ]] || "${pip[@]}" 'pyspark==3.5.*'
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml"
export OPENBLAS_NUM_THREADS=1 # their own threads are faster than those within BLAS
exec "$venv/bin/python" "$root/scripts/bench/train.py" "$root/target/release/mvrec" "$data" "${tasks[@]}"
