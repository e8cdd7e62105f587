#!/usr/bin/env python3
"""Check that the scale of the ratings does not change how models rank, and that unary feedback goes all the way.

usage: check_scales.py DATA [--mvrec target/release/mvrec] [--most 0.02]

DATA is a MovieLens folder. Its ratings are written times 2 (on a scale 1..10), times 20 (10..100) and as 0..1; every model is trained on
the same split of each, and its NDCG@10 may differ from that on the ratings as they are by --most of it. Then the pairs of user and movie alone
go from ingest to evaluate. Needs nothing but Python.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

MODELS = {
    "als": "als",
    "als --no-biases": "als --no-biases",
    "als --feedback implicit": "als --feedback implicit",
    "nmf": "nmf",
    "cosine": "cosine",
    "cosine --center": "cosine --center",
    "cosine --between users": "cosine --between users",
    "popularity": "popularity",
}
SCALES = {
    "0.5..5": lambda r: r,
    "1..10": lambda r: 2 * r,
    "10..100": lambda r: 20 * r,
    "0..1": lambda r: (r - 0.5) / 4.5,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--most", type=float, default=0.02)
    args = parser.parse_args()
    mvrec = str(pathlib.Path(args.mvrec).resolve())
    ratings = [(r["userId"], r["movieId"], float(r["rating"]), r["timestamp"])
               for r in csv.DictReader(open(args.data / "ratings.csv"))]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def run(*words):
            done = subprocess.run([mvrec, "-q", *words], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"mvrec {' '.join(words)}: {done.stderr}")
            return done.stdout

        def ndcg(model, test):
            figures = json.loads(run("evaluate", model, "--test", test, "-k", "10", "--bootstrap", "0", "--format", "json"))
            return figures["systems"][0]["figures"]["ndcg@10"]["value"]

        figures = {}
        for at, (scale, of) in enumerate(SCALES.items()):
            with open(folder / "r.csv", "w") as out:
                out.write("userId,movieId,rating,timestamp\n")
                out.writelines(f"{u},{m},{of(r):.9g},{t}\n" for u, m, r, t in ratings)
            run("ingest", "r.csv", "--scale", scale, "-o", "ml")
            run("split", "--by", "random", "--seed", "1", "ml", "-o", f"parts{at}")
            extra = {"nmf --fill": f"nmf --fill {of(2.5):.9g}"}
            for name, words in (MODELS | extra).items():
                run("train", *words.split(), f"parts{at}/train", "-o", "model")
                figures[name, scale] = ndcg("model", f"parts{at}/test")
        names = sorted({name for name, _ in figures})
        print("NDCG@10".ljust(26), *(scale.rjust(9) for scale in SCALES))
        for name in names:
            row = [figures[name, scale] for scale in SCALES]
            off = max(abs(value / row[0] - 1) for value in row)
            failed += off > args.most
            print(name.ljust(26), *(f"{value:9.4f}" for value in row), "" if off <= args.most else f" off by {off:.1%}")

        with open(folder / "plays.csv", "w") as out:
            out.write("user,item\n")
            out.writelines(f"{u},{m}\n" for u, m, _, _ in ratings)
        run("ingest", "plays.csv", "-o", "plays")
        run("split", "--by", "random", "--seed", "1", "plays", "-o", "plays-parts")
        floor = 0.0
        for words in ("popularity", "cosine", "als --feedback implicit"):
            run("train", *words.split(), "plays-parts/train", "-o", "model")
            value = ndcg("model", "plays-parts/test")
            floor = floor or value
            failed += not value >= floor
            print(f"unary: {words}".ljust(36), f"{value:.4f}")
    print(f"{len(names)} models on {len(SCALES)} scales")
    if failed:
        sys.exit(f"{failed} figures are off")


if __name__ == "__main__":
    main()
