#!/usr/bin/env python3
"""Train every model with its defaults and measure it: a row of figures for each.

usage: models.py DATASET [--mvrec target/release/mvrec]

The split is `mvrec split --by random --test 0.1 --seed 1`, the figures are those of `mvrec evaluate` (up to 20,000 users), the query is a new
person's with two ratings, from the start of the process to its end, the median of seven.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

MODELS = ["als", "als --no-biases", "als --feedback implicit", "nmf", "nmf --fill 2.5", "svd", "ease", "cosine", "cosine --between users",
          "popularity"]
FIGURES = ["rmse", "ndcg@10", "recall@20", "coverage@10"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    args = parser.parse_args()
    mvrec = os.path.abspath(args.mvrec)

    with tempfile.TemporaryDirectory() as folder:
        def run(*words):
            return subprocess.run([mvrec, "-q", *words], cwd=folder, check=True, capture_output=True).stdout

        def seconds(*words):
            begin = time.perf_counter()
            run(*words)
            return time.perf_counter() - begin

        run("ingest", os.path.abspath(args.data), "-o", "ml")
        run("split", "--by", "random", "--test", "0.1", "--seed", "1", "ml", "-o", "parts")
        run("filter", "--where", "user <= 20000", "parts/test", "-o", "some")
        popular = json.loads(run("stats", "movies", "ml", "--format", "json"))[:2]
        rated = [word for movie in popular for word in ("--rate", f"{movie['movie_id']}=5")]
        print("| model | RMSE | NDCG@10 | Recall@20 | coverage@10 | training, s | query, ms |")
        print("|---|---|---|---|---|---|---|")
        for words in MODELS:
            training = seconds("train", *words.split(), "parts/train", "-o", "model")
            report = json.loads(run("evaluate", "model", "--test", "some", "--bootstrap", "0"))
            figures = report["systems"][0]["figures"]
            shown = ["–" if figures[name]["value"] is None else f"{figures[name]['value']:.4f}" for name in FIGURES]
            query = statistics.median(seconds("recommend", "model", *rated) for _ in range(7))
            print(f"| {words} | {' | '.join(shown)} | {training:.2f} | {1000 * query:.0f} |", flush=True)


main()
