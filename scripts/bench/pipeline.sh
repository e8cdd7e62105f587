#!/usr/bin/env bash
# Time the whole pipeline on a MovieLens folder: wall time, processor time and peak memory of each command.
#
# usage: scripts/bench/pipeline.sh MOVIELENS_FOLDER [YEAR]
#
# Times on a shared machine are not for quoting without a peer in the same run; memory and output are.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$(cd "${1:?usage: scripts/bench/pipeline.sh MOVIELENS_FOLDER [YEAR]}" && pwd)
year=${2:-2018}
[ -x /usr/bin/time ] || {
    echo "/usr/bin/time is missing (Debian: apt-get install time)" >&2
    exit 1
}
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
cat "$data/ratings.csv" >/dev/null # the disk is not what is measured

echo "machine: $(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)"
echo "commit:  $(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo none)"
echo "data:    $(basename "$data"), $(wc -c <"$data/ratings.csv") bytes of ratings.csv"
echo
echo "| command | wall, s | processor, s | peak memory, MB |"
echo "|---|---|---|---|"
bench() {
    /usr/bin/time -f '%e %U %S %M' -o time.txt "$root/target/release/mvrec" -q "$@" >/dev/null
    read -r wall user system memory <time.txt
    echo "| \`mvrec ${*//$data/DATA}\` | $wall | $(echo "$user $system" | awk '{print $1 + $2}') | $((memory / 1024)) |"
}
bench ingest "$data" -o all
bench filter --year "$year" all -o year
bench stats movies year -o movies.csv
bench train popularity all -o popularity
bench train als --iterations 5 all -o als
bench train als --feedback implicit --iterations 5 all -o ials
bench train nmf --iterations 5 all -o nmf
bench train nmf --fill 2.5 --iterations 5 all -o filled
bench train cosine year -o cosine
