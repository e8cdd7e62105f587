#!/usr/bin/env python3
"""Measure how well each model predicts and ranks, on a fixed random 90/10 split.

usage: quality.py RATINGS_CSV [--mvrec target/release/mvrec] [--seed 1] [--only NAME] [--train "NAME=ARGS"]

Everything goes through the command: `train` on the 90 %, then `recommend --all-users`. The metrics are
computed here, independently of mvrec:

RMSE      over the test ratings; a movie that is not in the training part is predicted by the user's mean.
NDCG@10   relevant are test ratings of 4 and more (gain 1, discount 1/log2(rank + 1), ideal cut at 10); candidates
          are all movies that the user has not rated in the training part; mean over users with a relevant row.
Recall@20 hits in the first 20 over relevant rows.
"""

import argparse
import os
import subprocess
import tempfile
import time

import numpy as np
import pyarrow.csv
import pyarrow.parquet

MODELS = {
    "als": "als",
    "als, no biases": "als --no-biases",
    "als, implicit": "als --feedback implicit",
    "nmf": "nmf",
    "nmf, filled 2.5": "nmf --fill 2.5",
    "svd": "svd",
    "ease": "ease",
    "cosine, movies": "cosine",
    "cosine, users": "cosine --between users",
    "popularity": "popularity",
}


def split(ratings, seed):
    """Returns a mask of the training rows: 90 % of all, chosen by a seeded permutation."""
    order = np.random.default_rng(seed).permutation(len(ratings))
    train = np.zeros(len(ratings), bool)
    train[order[: int(0.9 * len(ratings))]] = True
    return train


def recommend(mvrec, model, folder, *args):
    out = os.path.join(folder, "lists.parquet")
    command = [mvrec, "-q", "recommend", model, "--all-users", "-o", out, *args]
    subprocess.run(command, check=True)
    return pyarrow.parquet.read_table(out).to_pydict()


def rmse(lists, test, user_mean, mean):
    if lists["predicted_rating"][0] is None:
        return None
    predicted = {}
    for u, m, p in zip(lists["user_id"], lists["movie_id"], lists["predicted_rating"]):
        predicted[u, m] = p
    error = [predicted.get((u, m), user_mean.get(u, mean)) - r for u, m, r in test]
    return float(np.sqrt(np.mean(np.square(error))))


def ranking(lists, test):
    relevant = {}
    for u, m, r in test:
        if r >= 4:
            relevant.setdefault(u, set()).add(m)
    top = {}
    for u, m in zip(lists["user_id"], lists["movie_id"]):
        top.setdefault(u, []).append(m)
    ndcg, recall = [], []
    for u, wanted in relevant.items():
        ranked = top.get(u, [])
        gain = sum(1 / np.log2(i + 2) for i, m in enumerate(ranked[:10]) if m in wanted)
        ideal = sum(1 / np.log2(i + 2) for i in range(min(10, len(wanted))))
        ndcg.append(gain / ideal)
        recall.append(len(wanted & set(ranked[:20])) / len(wanted))
    return float(np.mean(ndcg)), float(np.mean(recall))


def check(results):
    """Holds the promises: explicit ALS beats biases alone, masked NMF has an RMSE of at most 0.92, and
    everything ranks better than popularity."""
    biases, floor = results["popularity"]
    assert results["als"][0] < biases, "als predicts no better than biases alone"
    assert results["nmf"][0] <= 0.92, "nmf predicts worse than it should"
    for name, (_, ndcg) in results.items():
        assert name == "popularity" or ndcg > floor, f"{name} ranks no better than popularity"
    print("\nok: als beats biases alone, nmf is at most 0.92, all rank better than popularity")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--check", action="store_true", help="fail where a model is worse than it should be")
    parser.add_argument("--train", action="append", default=[], metavar="NAME=ARGS")
    args = parser.parse_args()
    models = dict(entry.split("=", 1) for entry in args.train) or MODELS

    table = pyarrow.csv.read_csv(args.ratings)
    columns = [table.column(i).to_numpy() for i in range(4)]
    rows = list(zip(*(column.tolist() for column in columns[:3])))
    in_train = split(rows, args.seed)
    train = [row for row, kept in zip(rows, in_train) if kept]
    test = [row for row, kept in zip(rows, in_train) if not kept]
    mean = float(np.mean([r for _, _, r in train]))
    sums = {}
    for u, _, r in train:
        total, n = sums.get(u, (0.0, 0))
        sums[u] = total + r, n + 1
    user_mean = {u: total / n for u, (total, n) in sums.items()}
    known = {m for _, m, _ in train}
    cold = sum(m not in known for _, m, _ in test)
    print(f"{len(train)} training and {len(test)} test ratings (seed {args.seed}), {cold} of them cold\n")
    print("| model | RMSE | NDCG@10 | Recall@20 | training, s |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.csv")
        with open(path, "w") as out:
            out.write("userId,movieId,rating\n")
            out.writelines(f"{u},{m},{r}\n" for u, m, r in train)
        results = {}
        for name, command in models.items():
            if args.only and args.only not in name:
                continue
            model = os.path.join(folder, "model")
            begin = time.time()
            subprocess.run([args.mvrec, "-q", "train", *command.split(), path, "-o", model], check=True)
            seconds = time.time() - begin
            everything = recommend(args.mvrec, model, folder, "--include-seen", "-n", str(len(known)))
            error = rmse(everything, test, user_mean, mean)
            ndcg, recall = ranking(recommend(args.mvrec, model, folder, "-n", "20"), test)
            shown = "–" if error is None else f"{error:.4f}"
            print(f"| {name} | {shown} | {ndcg:.4f} | {recall:.4f} | {seconds:.2f} |", flush=True)
            results[name] = error, ndcg
    if args.check:
        check(results)


main()
