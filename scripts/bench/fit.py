#!/usr/bin/env python3
"""Hold the fit of mvrec's models against that of tuned peers, on one split of a small dataset.

usage: fit.py DATASET [--mvrec target/release/mvrec] [--seed 1] [--only PEER]

The split is `mvrec split --by random --test 0.1 --seed SEED`. All are tried with each setting of a grid, and their best one on the
test part counts, which flatters all alike; beside it stand mvrec's defaults, which were chosen without the test part. RMSE is that of train.py, and lists are measured by `mvrec evaluate`: all unseen
movies are candidates, test ratings of 4 and more are relevant. Needs what train.sh installs, and scikit-surprise.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import train

warnings.filterwarnings("ignore")


def grid(**options):
    """Returns the command-line options of all combinations."""
    names = [f"--{name.replace('_', '-')}" for name in options]
    return [" ".join(f"{n} {v}" for n, v in zip(names, values)) for values in itertools.product(*options.values())]


ALS = grid(factors=[16, 32, 64], regularization=[1, 1.2, 1.5], implicit_weight=[0.5, 1, 2])
NMF = grid(factors=[16, 32, 64], regularization=[0.1, 0.12, 0.15])
SVD = grid(factors=[64, 128, 192], exponent=[0.15, 0.2, 0.25])
EASE = grid(regularization=[40, 80, 120, 200], max_items=[3000])
COSINE = grid(neighbors=[5, 10, 20, 50, 100], shrinkage=[0, 20])
IMPLICIT = grid(factors=[64, 128, 256], unobserved_weight=[0.1, 0.2, 0.3], regularization=[0.01]) + grid(
    factors=[64, 128, 256], alpha=[0.25, 0.5, 1], regularization=[10, 20, 40], exponent=[0]
)


def cmfrec(implicit_features):
    from cmfrec import CMF

    user_ids, movie_ids, r = train.matrix()
    for k, lam in itertools.product([32, 64, 100], [0.06, 0.08, 0.1, 0.12, 0.15]):
        model = CMF(k=k, lambda_=lam, scale_lam=True, niter=15, use_cg=False, nthreads=train.THREADS, verbose=False,
                    add_implicit_features=implicit_features)
        model.fit(r.tocoo())
        x, y, b_u, b_i, mu = model.A_, model.B_, model.user_bias_, model.item_bias_, model.glob_mean_
        predict = lambda u, m: mu + b_u[u] + b_i[m] + train.inner(x, y, u, m)
        yield f"k={k} lambda={lam}", train.rmse(user_ids, movie_ids, predict, r)


def surprise_nmf(biased):
    import numpy as np
    import surprise

    user_ids, movie_ids, r = train.matrix()
    coo = r.tocoo()
    reader = surprise.Reader(rating_scale=(0.5, 5))
    import pandas

    frame = pandas.DataFrame({"u": coo.row, "m": coo.col, "r": coo.data})
    data = surprise.Dataset.load_from_df(frame, reader).build_full_trainset()
    for factors in [15, 50] if not biased else [15, 5]:
        model = surprise.NMF(n_factors=factors, biased=biased, random_state=1)
        model.fit(data)
        inner_u = np.array([data.to_inner_uid(u) for u in range(len(user_ids))])
        inner_m = np.array([data.to_inner_iid(m) for m in range(len(movie_ids))])

        def predict(u, m):
            u, m = inner_u[u], inner_m[m]
            bias = data.global_mean + model.bu[u] + model.bi[m] if biased else 0
            return np.clip(bias + train.inner(model.pu, model.qi, u, m), 0.5, 5)

        yield f"{factors} factors", train.rmse(user_ids, movie_ids, predict, r)


def numpy_ease():
    """EASE as Steck has it, on ones, and on ratings, over the whole matrix."""
    import numpy as np

    user_ids, movie_ids, r = train.matrix()

    class Ease:
        def __init__(self, weights):
            self.weights = weights

        def recommend(self, users, rows, N, filter_already_liked_items=True, **_):
            scores = rows @ self.weights
            scores[rows.toarray() != 0] = -np.inf
            top = np.argsort(-scores, axis=1, kind="stable")[:, :N]
            return top, np.take_along_axis(scores, top, axis=1)

    for binary, lam in itertools.product([False, True], [50, 100, 200, 400]):
        x = r.astype("float64")
        x.data = np.ones_like(x.data) if binary else x.data / 5
        gram = (x.T @ x).toarray()
        gram[np.diag_indices_from(gram)] += lam
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        what = "ones" if binary else "ratings"
        yield f"{what}, lambda={lam}", train.lists_ndcg(Ease(weights), user_ids, movie_ids, x.tocsr())


def implicit_als():
    from implicit.als import AlternatingLeastSquares

    for binary, k, lam, alpha in itertools.product([False, True], [32, 64, 128], [0.01, 1.0, 10.0], [0.25, 1.0, 4.0]):
        user_ids, movie_ids, r = liked(binary)
        model = AlternatingLeastSquares(k, regularization=lam, alpha=alpha, iterations=15, random_state=1, use_gpu=False)
        model.fit(r, show_progress=False)
        what = "liked" if binary else "all"
        yield f"{what}, k={k} lambda={lam} alpha={alpha}", train.lists_ndcg(model, user_ids, movie_ids, r)


def implicit_cosine():
    from implicit.nearest_neighbours import CosineRecommender

    for binary, n in itertools.product([False, True], [5, 10, 20, 50, 100]):
        user_ids, movie_ids, r = liked(binary)
        model = CosineRecommender(K=n)
        model.fit(r, show_progress=False)
        yield f"{'liked' if binary else 'all'}, K={n}", train.lists_ndcg(model, user_ids, movie_ids, r)


def liked(only_liked):
    """Ratings as they are, or 1 for each of 4 and more; what was seen stays in the matrix, so that it is not listed."""
    user_ids, movie_ids, r = train.matrix()
    if only_liked:
        r = r.copy()
        r.data = (r.data >= 4).astype("float32")
    return user_ids, movie_ids, r


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", help="the peers whose name has this in it")
    args = parser.parse_args()
    train.MVREC = mvrec = os.path.abspath(args.mvrec)
    data = os.path.abspath(args.data)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run = lambda *words: subprocess.run([mvrec, "-q", *words], check=True)
        run("ingest", data, "-o", "ml")
        run("split", "--by", "random", "--test", "0.1", "--seed", args.seed, "ml", "-o", "parts")
        os.symlink("test", "parts/first")


        def measure(words, figure):
            run("train", *words.split(), "parts/train", "-o", "model")
            return train.evaluated("model", figure)

        print("| figure | mvrec | defaults | best of its grid | with | peer | best of its grid | with |")
        print("|---|---|---|---|---|---|---|---|")
        for words, grid, figure, name, settings in [
            ("als", ALS, "rmse", "cmfrec", cmfrec(False)),
            ("als", ALS, "rmse", "cmfrec, implicit features", cmfrec(True)),
            ("nmf", NMF, "rmse", "Surprise NMF", surprise_nmf(False)),
            ("nmf", NMF, "rmse", "Surprise NMF, biased", surprise_nmf(True)),
            ("als --feedback implicit", IMPLICIT, "ndcg@10", "implicit ALS", implicit_als()),
            ("als", ALS, "ndcg@10", "implicit ALS", implicit_als()),
            ("svd", SVD, "ndcg@10", "implicit ALS", implicit_als()),
            ("ease", EASE, "ndcg@10", "EASE in numpy", numpy_ease()),
            ("cosine", COSINE, "ndcg@10", "implicit cosine", implicit_cosine()),
        ]:
            if args.only and args.only not in name:
                continue
            better = min if figure == "rmse" else max
            by_figure = lambda pair: pair[1]
            best, ours = better(((more, measure(f"{words} {more}", figure)) for more in grid), key=by_figure)
            setting, theirs = better(settings, key=by_figure)
            print(f"| {figure} | {words} | {measure(words, figure):.4f} | {ours:.4f} | `{best}` | {name} | {theirs:.4f} | {setting} |",
                  flush=True)


main()
