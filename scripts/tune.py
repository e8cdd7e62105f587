#!/usr/bin/env python3
"""Search the parameters of every model on a validation part, and hold the defaults against the best ones on a test part.

usage: tune.py DATASET [--mvrec target/release/mvrec] [--model NAME] [--rounds 2] [--splits 3]

The ratings are split 90/10 into training and test (seed 1), and the training part again into fit and validation, several times
(seeds from 2 on), over which the figure is averaged.
Each parameter in turn takes the value that is best on validation, given the others, for some rounds (coordinate search). Models of
stars are judged by RMSE, those that rank by NDCG@10, both as `mvrec evaluate` has them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

# For each model: command, figure, and the values that its parameters may take, the default first.
MODELS = {
    "als": ("als", "rmse", {
        "--regularization": [1.2, 0.8, 1, 1.4, 1.7],
        "--implicit-weight": [1, 0, 0.5, 2],
        "--factors": [32, 16, 64],
        "--exponent": [0.5, 1],
        "--iterations": [15, 10, 25],
    }),
    "als --feedback implicit": ("als --feedback implicit", "ndcg@10", {
        "--unobserved-weight": [0.2, 0.05, 0.1, 0.4],
        "--regularization": [0.01, 0.005, 0.02],
        "--factors": [128, 64, 192],
        "--exponent": [1, 0.5, 0.75],
        "--positive-from": [4, 0.5, 3, 3.5],
        "--iterations": [15, 8, 25],
    }),
    "nmf": ("nmf", "rmse", {
        "--regularization": [0.12, 0.08, 0.1, 0.15, 0.2],
        "--factors": [32, 8, 16, 64],
        "--iterations": [30, 15, 60, 100],
    }),
    "nmf --fill 2.5": ("nmf --fill 2.5", "ndcg@10", {
        "--factors": [20, 10, 30, 40, 60],
        "--iterations": [40, 20, 60, 100],
        "--regularization": [0, 0.0001, 0.001],
    }),
    "svd": ("svd", "ndcg@10", {
        "--factors": [128, 64, 192],
        "--exponent": [0.2, 0.15, 0.25],
    }),
    "ease": ("ease", "ndcg@10", {"--regularization": [80, 40, 120, 200, 400]}),
    "cosine": ("cosine", "ndcg@10", {
        "--neighbors": [20, 10, 30, 50, 100],
        "--shrinkage": [10, 0, 5, 20, 50],
    }),
    "cosine --between users": ("cosine --between users", "ndcg@10", {
        "--neighbors": [50, 20, 30, 80, 120, 200],
        "--shrinkage": [0, 5, 10, 20],
    }),
    "popularity": ("popularity", "rmse", {"--damping": [5, 1, 2, 10]}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("-v", "--verbose", action="store_true", help="show every trial")
    args = parser.parse_args()
    mvrec = os.path.abspath(args.mvrec)

    with tempfile.TemporaryDirectory() as folder:
        def run(*words):
            return subprocess.run([mvrec, "-q", *words], cwd=folder, check=True, capture_output=True).stdout

        def measure(command, values, figure, train, test):
            words = [word for pair in values.items() for word in map(str, pair)]
            run("train", *command.split(), *words, train, "-o", "model")
            report = json.loads(run("evaluate", "model", "--test", test, "-k", "10", "--bootstrap", "0"))
            return report["systems"][0]["figures"][figure]["value"]

        run("ingest", os.path.abspath(args.data), "-o", "ml")
        run("split", "--by", "random", "--test", "0.1", "--seed", "1", "ml", "-o", "outer")
        inner = [f"inner-{split}" for split in range(args.splits)]
        for seed, name in enumerate(inner, 2):
            run("split", "--by", "random", "--test", "0.1", "--seed", str(seed), "outer/train", "-o", name)
        print("| model | figure | defaults, test | best found, test | best on validation |\n|---|---|---|---|---|")
        for name in args.model or MODELS:
            command, figure, grid = MODELS[name]
            better = min if figure == "rmse" else max
            known = {}

            def trial(values):
                key = tuple(values.values())
                if key not in known:
                    figures = [measure(command, values, figure, f"{i}/train", f"{i}/test") for i in inner]
                    known[key] = sum(figures) / len(figures)
                    if args.verbose:
                        print(name, values, known[key], file=sys.stderr)
                return known[key]

            defaults = {option: choices[0] for option, choices in grid.items()}
            best = dict(defaults)
            for _ in range(args.rounds):
                before = dict(best)
                for option, choices in grid.items():
                    best[option] = better(choices, key=lambda value: trial({**best, option: value}))
                if best == before:
                    break
            of_default = measure(command, defaults, figure, "outer/train", "outer/test")
            of_best = measure(command, best, figure, "outer/train", "outer/test")
            shown = ", ".join(f"`{option} {value}`" for option, value in best.items() if value != defaults[option])
            print(f"| {name} | {figure} | {of_default:.4f} | {of_best:.4f} | {shown or 'the defaults'} |", flush=True)


main()
