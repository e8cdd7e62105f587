#!/usr/bin/env bash
# Check that two splits under one seed give three disjoint parts of the sizes asked for, in files and in pipes.
#
# usage: check_split.sh DATA [MVREC]       DATA is a MovieLens folder or a dataset
set -euo pipefail
data=$(realpath "$1") mvrec=$(realpath "${2:-target/release/mvrec}")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"

pairs() { "$mvrec" -q filter "$1" -o pairs.csv && tail -n +2 pairs.csv | cut -d, -f1,2 | sort; }
"$mvrec" -q ingest "$data" -o ml
"$mvrec" -q split --by random --test 0.1 ml -o outer
"$mvrec" -q split --by random --test 0.1 outer/train -o inner
"$mvrec" -q filter outer/train | "$mvrec" -q split --by random --test 0.1 - -o piped
for part in ml outer/test inner/test inner/train piped/test piped/train; do pairs "$part" >"$(tr / - <<<"$part").pairs"; done

sort -m outer-test.pairs inner-test.pairs inner-train.pairs >parts.pairs
cmp parts.pairs ml.pairs # together the whole, and so disjoint
cmp inner-test.pairs piped-test.pairs
cmp inner-train.pairs piped-train.pairs
share() { # part, whole, share
    awk -v a="$(wc -l <"$1")" -v b="$(wc -l <"$2")" -v s="$3" 'BEGIN {
        printf "%d of %d ratings: %.4f where %.2f was asked for\n", a, b, a / b, s
        exit (a / b - s > 0.01 || s - a / b > 0.01)
    }'
}
share outer-test.pairs ml.pairs 0.1
cat inner-test.pairs inner-train.pairs | sort >outer-train.pairs
share inner-test.pairs outer-train.pairs 0.1
echo "train, valid and test: $(wc -l <inner-train.pairs), $(wc -l <inner-test.pairs), $(wc -l <outer-test.pairs) ratings, in files and in pipes"
