#!/usr/bin/env bash
# Print the top ten of each model for ten people of a clear taste, to be read: do the lists make sense?
#
# usage: scripts/profiles.sh MOVIELENS_FOLDER [MODEL...]
#
# MODEL is any of als ials svd ease nmf cosine users popularity (default: the first six).
set -euo pipefail
data=$(cd "${1:?usage: scripts/profiles.sh MOVIELENS_FOLDER [MODEL...]}" && pwd)
shift
models=("$@")
[ ${#models[@]} -gt 0 ] || models=(als ials svd ease nmf cosine)
root=$(cd "$(dirname "$0")/.." && pwd)
mvrec=${MVREC:-$root/target/release/mvrec}
[ -x "$mvrec" ] || cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$mvrec" -q ingest "$data" -o ml
for model in "${models[@]}"; do
    case $model in
        ials) words="als --feedback implicit" ;;
        users) words="cosine --between users" ;;
        *) words=$model ;;
    esac
    # shellcheck disable=SC2086 # the words are several arguments
    "$mvrec" -q train $words ml -o "$model"
done
show() {
    local name=$1
    shift
    echo "## $name"
    local movie person=()
    for movie in "$@"; do person+=(--like "$movie"); done
    printf '%s\n\n' "likes: $(printf '%s; ' "$@")"
    for model in "${models[@]}"; do
        printf '**%s**: ' "$model"
        "$mvrec" -q recommend "$model" "${person[@]}" --fields title --format csv | tail -n +2 | tr -d '"' | paste -sd '|' | sed 's/|/ · /g'
        echo
    done
}
show Ghibli "Spirited Away" "Princess Mononoke" "My Neighbor Totoro" "Howl's Moving Castle"
show "1940s noir" "Double Indemnity" "The Maltese Falcon (1941)" "The Big Sleep (1946)" "Laura (1944)"
show "Star Wars" "Star Wars: Episode IV - A New Hope" "Star Wars: Episode V - The Empire Strikes Back" "Star Wars: Episode VI - Return of the Jedi"
show Horror "The Exorcist" "Halloween (1978)" "A Nightmare on Elm Street (1984)" "The Texas Chainsaw Massacre (1974)"
show Pixar "Toy Story" "Finding Nemo" "Up (2009)" "Ratatouille"
show Nolan "Inception" "Memento" "The Prestige" "The Dark Knight"
show Westerns "The Good, the Bad and the Ugly" "Once Upon a Time in the West" "Unforgiven (1992)" "High Noon"
show Romance "Notting Hill" "Pretty Woman" "You've Got Mail" "Sleepless in Seattle"
show Documentaries "Bowling for Columbine" "Super Size Me" "March of the Penguins" "Fahrenheit 9/11"
show Bond "Goldfinger" "Dr. No" "From Russia with Love" "GoldenEye"
