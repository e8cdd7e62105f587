#!/usr/bin/env python3
"""Compare `train nmf --fill` with plain NMF on the dense filled matrix, from the same start.

usage: check_nmf.py RATINGS_CSV [--mvrec target/release/mvrec] [--iterations 40]

The start is what `--iterations 0` saves. After few iterations the loss that mvrec tells must be what numpy finds with the same steps on the
dense matrix, to a relative 1e-7, vectors kept in single precision as mvrec keeps them (later on, rounding leads to other optima), and after more of them no
worse than scikit-learn's after 2.5 times as many, since scikit-learn steps once where mvrec steps four times. mvrec then solves each user once more to the end, as
it does for a new person, so that the factors that it saves must be as good or better. Needs: pip install scikit-learn pyarrow
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
FEW = [1, 3]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--iterations", type=int, default=40)
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

    def improve(x, y, products):
        """Four sweeps over the coordinates of all rows of x."""
        a = y.T @ y
        for _ in range(4):
            for i in np.flatnonzero(np.diag(a) > 0):
                x[:, i] = np.maximum(0, x[:, i] - (x @ a[:, i] - products[:, i]) / a[i, i])

    def plain(w, h, iterations):
        single = lambda x: x.astype(np.float32).astype(np.float64)
        w, y = w.copy(), h.T.copy()
        for _ in range(iterations):
            y = single(y)
            improve(w, y, dense @ y)
            w = single(w)
            improve(y, w, dense.T @ w)
        return loss(w, y.T)

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
                losses = json.load(file)["loss"]
            told, same = losses[-1], [plain(w, h, n) for n in FEW]
            ours = loss(*factors(model))
            begin = time.time()
            longer = args.iterations * 5 // 2
            peer = NMF(args.factors, init="custom", solver="cd", tol=0, max_iter=longer)
            peer_w = peer.fit_transform(dense, W=w.copy(), H=h.copy())
            seconds = time.time() - begin
            theirs = loss(peer_w, peer.components_)
        print(f"{init} start: loss {loss(w, h):.6e}; after {FEW} iterations mvrec {[losses[n - 1] for n in FEW]}, numpy {same}; "
              f"after {args.iterations} mvrec {told:.6e} (as saved {ours:.6e}), scikit-learn after {longer} {theirs:.6e}; "
              f"mvrec {ours_seconds:.1f} s with reading and writing, scikit-learn {seconds:.1f} s")
        for n, theirs_then in zip(FEW, same):
            assert abs(losses[n - 1] - theirs_then) < 1e-7 * theirs_then, f"the losses differ after {n} iterations"
        assert told < theirs * (1 + 1e-3), "scikit-learn's loss is better"
        assert ours <= told, "the saved factors are worse"


main()
