#!/usr/bin/env python3
"""Measure for each model how well its lists rank, and how much of what they list people turn out to dislike.

usage: check_dislikes.py DATA [--mvrec BINARY]... [--seeds 1,2,3] [--most-loss 0.01]

DATA is a dataset or MovieLens folder. For each seed a tenth of its ratings is held out at random, and every model lists ten movies for every user:

NDCG@10       relevant are test ratings of 4 and more; mean over users with one
disliked      share of the listed movies with a test rating whose rating is 2 or less
below mean    share of the listed movies that are predicted below the mean of the user's own ratings

With two binaries, the one before a change and the one after it, it fails if a model loses more than --most-loss of its NDCG@10 by the change, or
lists more movies that are disliked. Needs nothing but Python.
"""

import argparse
import collections
import csv
import math
import os
import statistics
import subprocess
import sys
import tempfile

MODELS = ["als", "als --no-biases", "als --feedback implicit", "nmf", "nmf --fill 2.5", "svd", "ease", "cosine", "cosine --between users", "popularity"]


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ratings(path):
    found = collections.defaultdict(dict)
    for row in rows(path):
        found[row["user_id"]][row["movie_id"]] = float(row["rating"])
    return found


def measure(lists, train, test):
    """Returns NDCG@10, share disliked and share below the own mean."""
    mean = {user: statistics.fmean(rated.values()) for user, rated in train.items()}
    ndcg, disliked, below, n_predicted, n_rated = [], 0, 0, 0, 0
    listed = collections.defaultdict(list)
    for row in lists:
        user, movie = row["user_id"], row["movie_id"]
        listed[user].append(movie)
        rating = test.get(user, {}).get(movie)
        if rating is not None:
            n_rated += 1
            disliked += rating <= 2
        if row["predicted_rating"]:
            n_predicted += 1
            below += float(row["predicted_rating"]) < mean[user] - 1e-4
    for user, rated in test.items():
        relevant = {movie for movie, rating in rated.items() if rating >= 4}
        if relevant:
            gain = sum(1 / math.log2(at + 2) for at, movie in enumerate(listed[user][:10]) if movie in relevant)
            ndcg.append(gain / sum(1 / math.log2(at + 2) for at in range(min(10, len(relevant)))))
    return statistics.fmean(ndcg), disliked / max(1, n_rated), below / n_predicted if n_predicted else math.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--mvrec", action="append")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--most-loss", type=float, default=0.01)
    args = parser.parse_args()
    binaries = [os.path.abspath(path) for path in args.mvrec or ["target/release/mvrec"]]
    data, failed = os.path.abspath(args.data), 0
    print("| model | binary | NDCG@10 | disliked | below mean |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        def run(binary, *words):
            subprocess.run([binary, "-q", "--no-sync", *words], cwd=folder, check=True)

        parts = {}
        run(binaries[-1], "ingest", data, "-o", "data")
        for seed in args.seeds.split(","):
            run(binaries[-1], "split", "--by", "random", "--test", "0.1", "--seed", seed, "data", "-o", f"parts{seed}")
            for part in ("train", "test"):
                run(binaries[-1], "ingest", f"parts{seed}/{part}", "-o", f"{part}{seed}.csv")
            parts[seed] = ratings(f"{folder}/train{seed}.csv"), ratings(f"{folder}/test{seed}.csv")
        for model in MODELS:
            results = []
            for at, binary in enumerate(binaries):
                figures = []
                for seed, (train, test) in parts.items():
                    name = f"model{at}"
                    subprocess.run(["rm", "-rf", f"{folder}/{name}"], check=True)
                    run(binary, "train", *model.split(), f"parts{seed}/train", "-o", name)
                    run(binary, "recommend", name, "--all-users", "-n", "10", "-o", f"{name}.csv")
                    figures.append(measure(rows(f"{folder}/{name}.csv"), train, test))
                results.append([statistics.fmean(values) for values in zip(*figures)])
                shown = " | ".join("–" if math.isnan(value) else f"{value:.4f}" for value in results[-1])
                print(f"| {model} | {at + 1} | {shown} |", flush=True)
            if len(results) == 2:
                (before, disliked_before, _), (after, disliked_after, _) = results
                is_worse = after < (1 - args.most_loss) * before or disliked_after > disliked_before + 0.002
                failed += is_worse
                if is_worse:
                    print(f"{model}: NDCG@10 {before:.4f} to {after:.4f}, disliked {disliked_before:.4f} to {disliked_after:.4f}", file=sys.stderr)
    sys.exit(1 if failed else 0)


main()
