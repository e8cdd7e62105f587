#!/usr/bin/env bash
# Build mvrec and show what it does, from rating files to recommendations, on the small made-up dataset in
# fixtures/ml-mini. Everything it writes goes to a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo >/dev/null 2>&1 || {
    echo "cargo is missing: install Rust from https://rustup.rs" >&2
    exit 1
}
command -v cc >/dev/null 2>&1 || {
    echo "a C compiler is missing (Debian: apt-get install gcc); zstd is built with it" >&2
    exit 1
}

step() {
    echo
    echo "== $1"
}
# Shows a command as one would type it, then runs it.
run() {
    local shown=mvrec word
    for word in "$@"; do
        case $word in
        *\ *) shown+=" \"$word\"" ;;
        *) shown+=" $word" ;;
        esac
    done
    echo "\$ $shown"
    "$mvrec" "$@"
}

# PROFILE=release builds what is shipped: slower to build, the same output.
profile=${PROFILE:-quick}
step "Build (a few minutes the first time)"
cargo build --profile "$profile" --locked
mvrec=$PWD/target/$profile/mvrec
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp -r fixtures/ml-mini "$out/ml-mini"
cd "$out"

step "Read the rating files into a dataset: Parquet, sorted and checked"
run ingest ml-mini -o ml

step "Keep the ratings of 2019"
run filter --year 2019 ml -o ml-2019

step "Look at them"
run stats summary ml-2019 --format table
step "The best films with at least 20 ratings"
run stats top --min-ratings 20 -n 5 ml-2019 --format table
step "The films on which people disagree most"
run stats polarising --min-ratings 15 -n 5 ml-2019 --format table
step "The ratings over the years, as a chart"
run stats timeline --by year ml --chart
step "All of it as a page"
run stats report ml -o report.html

step "Train the models"
run train als ml-2019 -o als
run train nmf ml-2019 -o nmf
run train svd ml-2019 -o svd
run train ease ml-2019 -o ease
run train cosine ml-2019 -o cosine
run train popularity ml-2019 -o popularity

user=$("$mvrec" -q filter ml-2019 -o users.csv && sed -n 2p users.csv | cut -d, -f1)
step "Recommend for user $user, who is in the data"
run recommend als --user "$user" -n 5 --format table

step "Recommend for somebody new, who has just rated three films"
for model in als nmf svd ease cosine popularity; do
    echo
    run recommend "$model" --rate "Spirited Away=5" --rate "My Neighbor Totoro=5" --rate "Twilight=1" -n 5 --format table
done

step "Films like Alien"
run recommend cosine --similar-to Alien -n 5 --format table

step "Which model ranks what people went on to like? Hold a tenth of the ratings out and see"
run -q split --by random ml -o parts
run train popularity parts/train -o base
run train als --feedback implicit parts/train -o ials
run -q evaluate base ials --test parts/test -k 10 --compare --format table

step "The same as one pipeline, without files in between"
echo '$ mvrec ingest ml-mini | mvrec filter --year 2019 | mvrec stats top -n 3 --min-ratings 20 --movies ml-mini --format csv'
"$mvrec" -q ingest ml-mini | "$mvrec" -q filter --year 2019 |
    "$mvrec" -q stats top -n 3 --min-ratings 20 --movies ml-mini --format csv
