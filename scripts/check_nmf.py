#!/usr/bin/env python3
"""Compare `train nmf --fill` with scikit-learn's NMF on the dense filled matrix, from the same start.

usage: check_nmf.py RATINGS_CSV [--mvrec target/release/mvrec] [--iterations 100]

The start is what `--iterations 0` saves. The loss after the last iteration, which mvrec tells, must equal scikit-learn's,
computed here on the dense matrix, to a relative 1e-3. mvrec then solves each user once more to the end, as it does for
a new person, so that the factors that it saves must be as good or better. Needs: pip install scikit-learn pyarrow
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import pyarrow.csv
import pyarrow.parquet
from sklearn.decomposition import NMF

FILL = 2.5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--factors", type=int, default=20)
    args = parser.parse_args()

    table = pyarrow.csv.read_csv(args.ratings)
    users, rows = np.unique(table.column(0).to_numpy(), return_inverse=True)
    movies, columns = np.unique(table.column(1).to_numpy(), return_inverse=True)
    dense = np.full((len(users), len(movies)), FILL)
    dense[rows, columns] = table.column(2).to_numpy()

    def factors(folder):
        def read(side, ids):
            table = pyarrow.parquet.read_table(os.path.join(folder, side)).to_pydict()
            assert table["id"] == ids.tolist(), side
            return np.array(table["features"], dtype=np.float64)
        return read("userFactors", users), read("itemFactors", movies).T

    def loss(w, h):
        return float(np.square(dense - w @ h).sum())

    for init in ["random", "nndsvda"]:
        with tempfile.TemporaryDirectory() as folder:
            def train(iterations):
                model = os.path.join(folder, f"nmf-{iterations}")
                begin = time.time()
                subprocess.run([args.mvrec, "-q", "train", "nmf", "--fill", str(FILL), "--init", init,
                                "--factors", str(args.factors), "--iterations", str(iterations),
                                args.ratings, "-o", model], check=True)
                return model, time.time() - begin
            start, _ = train(0)
            w, h = factors(start)
            model, ours_seconds = train(args.iterations)
            with open(os.path.join(model, "model.json")) as file:
                told = json.load(file)["loss"][-1]
            ours = loss(*factors(model))
            begin = time.time()
            peer = NMF(args.factors, init="custom", solver="cd", tol=0, max_iter=args.iterations)
            peer_w = peer.fit_transform(dense, W=w.copy(), H=h.copy())
            seconds = time.time() - begin
            theirs = loss(peer_w, peer.components_)
        print(f"{init} start: loss {loss(w, h):.6e}; after {args.iterations} iterations mvrec {told:.6e} "
              f"(as saved {ours:.6e}), scikit-learn {theirs:.6e}; mvrec {ours_seconds:.1f} s with reading and writing, "
              f"scikit-learn {seconds:.1f} s")
        assert abs(told - theirs) < 1e-3 * theirs, "the losses differ"
        assert ours < theirs * (1 + 1e-3), "the saved factors are worse"


main()
