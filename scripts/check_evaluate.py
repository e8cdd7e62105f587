#!/usr/bin/env python3
"""Hold `mvrec evaluate` against ranx, SciPy and a plain computation.

usage: check_evaluate.py DATASET_FOLDER [--mvrec target/release/mvrec]

Ranking metrics of two models on a random split equal those that ranx computes from the lists of `mvrec recommend`, per
user, to 1e-9, where the definitions agree: NDCG, precision, recall, reciprocal rank, hit rate. Average precision is divided
by the smaller of k and the relevant movies here and by all relevant ones there: it is held against a plain sum. RMSE
and MAE are recomputed from the predictions; the Wilcoxon test is SciPy's.
"""

import argparse
import json
import os
import subprocess
import tempfile

import numpy as np
import pyarrow.parquet as pq
import ranx
import scipy.stats

K = 10
SAME = {"ndcg": "ndcg", "precision": "precision", "recall": "recall", "mrr": "mrr", "hit_rate": "hit_rate"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    args = parser.parse_args()
    mvrec = os.path.abspath(args.mvrec)

    with tempfile.TemporaryDirectory() as folder:
        def run(*words):
            return subprocess.run([mvrec, "-q", *words], cwd=folder, check=True, capture_output=True).stdout

        run("ingest", os.path.abspath(args.data), "-o", "ml")
        run("split", "--by", "random", "--test", "0.1", "ml", "-o", "parts")
        run("train", "als", "parts/train", "-o", "als")
        run("train", "cosine", "parts/train", "-o", "cosine")
        test = pq.read_table(f"{folder}/parts/test/ratings.parquet").to_pydict()
        rows = list(zip(test["user_id"], test["movie_id"], test["rating"]))
        relevant = {}
        for user, movie, stars in rows:
            if stars >= 4:
                relevant.setdefault(str(user), {})[str(movie)] = 1
        train = pq.read_table(f"{folder}/parts/train/ratings.parquet").to_pydict()
        means = {}
        for user, stars in zip(train["user_id"], train["rating"]):
            means.setdefault(user, []).append(stars)
        per_user = {}
        worst = 0.0
        for model in ["als", "cosine"]:
            report = json.loads(run("evaluate", model, "--test", "parts/test", "-k", str(K), "--per-user", "u.parquet"))
            figures = {name: entry["value"] for name, entry in report["systems"][0]["figures"].items()}
            ours = pq.read_table(f"{folder}/u.parquet").to_pydict()
            per_user[model] = ours
            at = {str(user): row for row, user in enumerate(ours["user_id"])}
            run("recommend", model, "--all-users", "-n", str(K), "-o", "lists.parquet")
            lists = pq.read_table(f"{folder}/lists.parquet").to_pydict()
            runs = {}
            for user, movie, rank in zip(lists["user_id"], lists["movie_id"], lists["rank"]):
                if str(user) in relevant:
                    runs.setdefault(str(user), {})[str(movie)] = 1.0 / rank
            qrels, run_ = ranx.Qrels(relevant), ranx.Run(runs)
            for ours_name, theirs in SAME.items():
                values = ranx.evaluate(qrels, run_, f"{theirs}@{K}", return_mean=False)
                users = list(qrels.keys())
                mine = [ours[f"{ours_name}@{K}"][at[user]] for user in users]
                worst = max(worst, float(np.max(np.abs(np.array(mine) - values))))
                worst = max(worst, abs(float(np.mean(values)) - figures[f"{ours_name}@{K}"]))
            precision = []
            for user, wanted in relevant.items():
                ranked = sorted(runs[user], key=lambda movie: -runs[user][movie])
                hits = [place + 1 for place, movie in enumerate(ranked) if movie in wanted]
                precision.append(sum((n + 1) / rank for n, rank in enumerate(hits)) / min(K, len(wanted)))
            worst = max(worst, abs(float(np.mean(precision)) - figures[f"map@{K}"]))
            if model == "als":
                run("recommend", model, "--all-users", "--include-seen", "-n", "1000000", "-o", "all.parquet")
                table = pq.read_table(f"{folder}/all.parquet").to_pydict()
                predicted = dict(zip(zip(table["user_id"], table["movie_id"]), table["predicted_rating"]))
                errors = np.array(
                    [predicted.get((u, m), np.mean(np.array(means[u], np.float64))) - r for u, m, r in rows]
                )
                worst = max(worst, abs(float(np.sqrt(np.mean(errors**2))) - figures["rmse"]))
                worst = max(worst, abs(float(np.mean(np.abs(errors))) - figures["mae"]))
        report = json.loads(run("evaluate", "als", "cosine", "--test", "parts/test", "-k", str(K), "--compare"))
        tested = 0
        for row in report["comparisons"]:
            a, b = (np.array(per_user[m][row["metric"]], dtype=float) for m in ["als", "cosine"])
            both = np.isfinite(a) & np.isfinite(b)
            difference = (b - a)[both]
            if not np.any(difference):
                continue
            theirs = scipy.stats.wilcoxon(difference, method="approx").pvalue
            assert abs(theirs - row["wilcoxon_p"]) < 1e-9 * max(1, theirs), (row["metric"], theirs, row["wilcoxon_p"])
            tested += 1
        assert tested >= 5, "too few comparisons"
        assert worst < 1e-9, f"largest difference {worst}"
        print(f"ok: all figures as ranx and plain sums have them (largest difference {worst:.1e}), {tested} Wilcoxon tests as SciPy")


main()
