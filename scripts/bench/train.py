"""Train with mvrec beside its peers; see train.sh."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

THREADS = len(os.sched_getaffinity(0))
EXPLICIT = {"k": 50, "iterations": 15, "lambda": 0.05}
IMPLICIT = {"k": 64, "iterations": 15, "lambda": 10.0, "weight": 10.0}
NEIGHBORS = 100
FILLED = {"k": 20, "fill": 2.5}


def read(part):
    """Returns dense users and movies, stars, and the raw ids, of a part of the split."""
    import pyarrow.parquet as pq

    table = pq.read_table(f"{part}/ratings.parquet", columns=["user_id", "movie_id", "rating"])
    return [table.column(i).to_numpy() for i in range(3)]


def matrix(binary=False):
    import scipy.sparse

    users, movies, stars = read("parts/train")
    user_ids, rows = np.unique(users, return_inverse=True)
    movie_ids, columns = np.unique(movies, return_inverse=True)
    if binary:
        stars = np.full(len(stars), IMPLICIT["weight"], np.float32)
    shape = (len(user_ids), len(movie_ids))
    return user_ids, movie_ids, scipy.sparse.csr_matrix((stars, (rows, columns)), shape)


def places(ids, wanted):
    at = np.searchsorted(ids, wanted).clip(max=len(ids) - 1)
    return at, ids[at] == wanted


def rmse(user_ids, movie_ids, predict, r):
    """RMSE over the test part; what is cold is predicted by the user's mean, as mvrec does."""
    users, movies, stars = read("parts/test")
    u, known_user = places(user_ids, users)
    m, known_movie = places(movie_ids, movies)
    both = known_user & known_movie
    counts = np.diff(r.indptr)
    means = np.asarray(r.sum(axis=1), np.float64).ravel() / np.maximum(counts, 1)
    error = 0.0
    for part in np.array_split(np.arange(len(stars)), max(1, len(stars) // 1_000_000)):
        predicted = np.where(both[part], predict(u[part], m[part]), means[u[part]])
        error += np.sum((predicted - stars[part]) ** 2)
    return float(np.sqrt(error / len(stars)))


def inner(x, y, u, m):
    return np.einsum("ij,ij->i", x[u], y[m], dtype=np.float64)


def explicit_loss(r, x, y, b_u, b_i, mu, lam):
    """The objective that mvrec documents, summed up in parts."""
    coo = r.tocoo()
    total = 0.0
    for part in np.array_split(np.arange(coo.nnz), max(1, coo.nnz // 1_000_000)):
        u, m = coo.row[part], coo.col[part]
        total += np.sum((coo.data[part] - mu - b_u[u] - b_i[m] - inner(x, y, u, m)) ** 2)
    n_u, n_i = np.diff(r.indptr), np.diff(r.tocsc().indptr)
    square = lambda v: np.sum(np.square(v, dtype=np.float64), axis=1)
    return float(total + lam * np.sum(n_u * (square(x) + b_u**2)) + lam * np.sum(n_i * (square(y) + b_i**2)))


def implicit_loss(r, x, y, lam):
    """Hu's objective: w (1 - x.y)^2 over the liked, (x.y)^2 over all others, and the lengths."""
    coo = r.tocoo()
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    total = float(np.sum((x64.T @ x64) * (y64.T @ y64)))
    for part in np.array_split(np.arange(coo.nnz), max(1, coo.nnz // 1_000_000)):
        p = inner(x, y, coo.row[part], coo.col[part])
        total += float(np.sum(coo.data[part] * (1 - p) ** 2 - p**2))
    return total + lam * float(np.sum(x64**2) + np.sum(y64**2))


def peer_cmfrec(use_cg):
    from cmfrec import CMF

    user_ids, movie_ids, r = matrix()
    p = EXPLICIT
    model = CMF(k=p["k"], lambda_=p["lambda"], scale_lam=True, niter=p["iterations"], use_cg=use_cg,
                finalize_chol=False, nthreads=THREADS, precompute_for_predictions=False, verbose=False)
    begin = time.perf_counter()
    model.fit(r.tocoo().astype(np.float32))
    seconds = time.perf_counter() - begin
    x, y, b_u, b_i, mu = model.A_, model.B_, model.user_bias_, model.item_bias_, model.glob_mean_
    predict = lambda u, m: mu + b_u[u] + b_i[m] + inner(x, y, u, m)
    return seconds, explicit_loss(r, x, y, b_u, b_i, mu, p["lambda"]), rmse(user_ids, movie_ids, predict, r)


def peer_libmf(epochs, k=EXPLICIT["k"], lam=EXPLICIT["lambda"]):
    from libmf import mf

    user_ids, movie_ids, r = matrix()
    coo = r.tocoo()
    triples = np.column_stack([coo.row, coo.col, coo.data]).astype(np.float32)
    # This package's own defaults have an L1 penalty of 0.04.
    model = mf.MF(k=k, nr_iters=epochs, nr_threads=THREADS, eta=0.1, quiet=True,
                  lambda_p1=0.0, lambda_q1=0.0, lambda_p2=lam, lambda_q2=lam)
    begin = time.perf_counter()
    model.fit(triples)
    seconds = time.perf_counter() - begin
    # Its own predictions, since a movie beyond the largest of the training part has no factors. Its `predict` takes
    # all users first and then all movies, which is a matrix of pairs by columns.
    predict = lambda u, m: np.asarray(model.predict(np.asfortranarray(np.column_stack([u, m]), np.float32)))
    return seconds, None, rmse(user_ids, movie_ids, predict, r)


def peer_spark():
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import SparkSession

    p = EXPLICIT
    spark = SparkSession.builder.master(f"local[{THREADS}]").config("spark.driver.memory", "12g").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    train = spark.read.parquet("parts/train/ratings.parquet").select("user_id", "movie_id", "rating").cache()
    train.count()
    als = ALS(rank=20, maxIter=p["iterations"], regParam=0.05, userCol="user_id", itemCol="movie_id", ratingCol="rating", seed=1)
    begin = time.perf_counter()
    model = als.fit(train)
    seconds = time.perf_counter() - begin
    model.write().overwrite().save("spark-model")
    return seconds, None, evaluated("spark-model", "rmse")


def peer_implicit(use_cg=True):
    from implicit.als import AlternatingLeastSquares

    user_ids, movie_ids, r = matrix(binary=True)
    p = IMPLICIT
    model = AlternatingLeastSquares(factors=p["k"], regularization=p["lambda"], alpha=1.0, iterations=p["iterations"],
                                    use_cg=use_cg, num_threads=THREADS, random_state=1, use_gpu=False)
    begin = time.perf_counter()
    model.fit(r, show_progress=False)
    seconds = time.perf_counter() - begin
    return seconds, implicit_loss(r, model.user_factors, model.item_factors, p["lambda"]), lists_ndcg(model, user_ids, movie_ids, r)


def lists_ndcg(model, user_ids, movie_ids, r):
    import pyarrow
    import pyarrow.parquet as pq

    users = np.arange(min(len(user_ids), 20_000))
    movies, scores = model.recommend(users, r[users], N=10)
    ids = np.repeat(user_ids[users], 10)
    ranks = np.tile(np.arange(1, 11, dtype=np.int32), len(users))
    pq.write_table(pyarrow.table({"user_id": ids, "movie_id": movie_ids[movies.ravel()], "rank": ranks}), "lists.parquet")
    return evaluated("lists.parquet", "ndcg@10", "parts/first")


def peer_cosine():
    from implicit.nearest_neighbours import CosineRecommender

    user_ids, movie_ids, r = matrix()
    model = CosineRecommender(K=NEIGHBORS, num_threads=THREADS)
    begin = time.perf_counter()
    model.fit(r, show_progress=False)
    return time.perf_counter() - begin, None, lists_ndcg(model, user_ids, movie_ids, r)


def peer_sklearn(iterations):
    from sklearn.decomposition import NMF

    user_ids, movie_ids, r = matrix()
    dense = np.full(r.shape, FILLED["fill"], np.float32)
    coo = r.tocoo()
    dense[coo.row, coo.col] = coo.data
    model = NMF(n_components=FILLED["k"], init="nndsvda", max_iter=iterations, tol=0, random_state=1)
    begin = time.perf_counter()
    w = model.fit_transform(dense)
    seconds = time.perf_counter() - begin
    return seconds, float(np.sum((dense - w @ model.components_) ** 2, dtype=np.float64)), None


def evaluated(what, figure, test="parts/test"):
    command = [MVREC, "-q", "evaluate", what, "--test", test, "-k", "10", "--bootstrap", "0"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return report["systems"][0]["figures"][figure]["value"]


def mvrec(words, figure, test="parts/test", iterations=None):
    """Times the whole command: reading, building the matrix, fitting and writing; of an iteration, what one more of them costs."""
    times = {}
    for n in sorted({iterations and 1, iterations}, key=lambda n: n or 0):
        more = ["--iterations", str(n)] if n else []
        rounds = []
        # What takes little time is done three times.
        while not rounds or (len(rounds) < 3 and sum(rounds) < 3):
            begin = time.perf_counter()
            process = subprocess.Popen([MVREC, "-q", "train", *words, *more, "parts/train", "-o", "model"])
            _, status, usage = os.wait4(process.pid, 0)
            assert status == 0, words
            rounds.append(time.perf_counter() - begin)
        times[n], peak = float(np.median(rounds)), usage.ru_maxrss // 1024
    info = json.loads(subprocess.run([MVREC, "info", "model", "--format", "json"], check=True, capture_output=True).stdout)
    loss = (info.get("loss") or [None])[-1]
    each = (times[iterations] - times[1]) / (iterations - 1) if (iterations or 0) > 1 else None
    score = evaluated("model", figure, test) if figure else None
    return {"seconds": times[iterations], "each": each, "loss": loss, "score": score, "peak": peak}


def shown(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


def row(name, result, digits=4):
    loss = "–" if result.get("loss") is None else f"{result['loss']:.6e}"
    print(f"| {name} | {shown(result['seconds'], 2)} | {shown(result.get('each'), 4)} | {shown(result['peak'], 0)} | {loss} | "
          f"{shown(result.get('score'), digits)} |", flush=True)


def peer(name, *arguments, iterations=None):
    """Runs a peer in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-W", "ignore", __file__, MVREC, "--peer", name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"| {name} | failed: {(done.stderr.strip() or 'no word')[-100:]!r} | | | | |", flush=True)
        return
    result = json.loads(done.stdout.strip().splitlines()[-1])
    if iterations:
        result["each"] = result["seconds"] / iterations
    row(" ".join([name, *map(str, arguments)]), result)
    return result


def header(title, score):
    print(f"\n{title}\n\n| system | seconds | an iteration | peak MB | loss | {score} |\n|---|---|---|---|---|---|", flush=True)


def explicit():
    p = EXPLICIT
    n = p["iterations"]
    header(f"explicit ALS, k={p['k']}, lambda {p['lambda']} x n, {n} iterations", "test RMSE")
    words = ["als", "--factors", str(p["k"]), "--regularization", str(p["lambda"])]
    row("mvrec", mvrec(words, "rmse", iterations=n))
    row("mvrec --solver cg", mvrec([*words, "--solver", "cg"], "rmse", iterations=n))
    peer("cmfrec", "cholesky", iterations=n)
    peer("cmfrec", "cg", iterations=n)
    peer("libmf", 30, iterations=30)


def reach():
    """Seconds until a test RMSE is reached, by the passes made: ALS beside LIBMF's gradient descent."""
    header("time to a test RMSE", "test RMSE")
    for k in [16, 50]:
        for lam in [0.05, 0.08]:
            for n in [3, 5, 10, 15]:
                words = ["als", "--factors", str(k), "--regularization", str(lam)]
                row(f"mvrec {n} {k} {lam}", {**mvrec(words, "rmse", iterations=n), "loss": None})
            for n in [5, 10, 20, 30]:
                peer("libmf", n, k, lam, iterations=n)


def spark():
    n = EXPLICIT["iterations"]
    header(f"explicit ALS, k=20, no biases, lambda 0.05 x n, {n} iterations", "test RMSE")
    words = ["als", "--no-biases", "--factors", "20", "--regularization", "0.05"]
    row("mvrec", mvrec(words, "rmse", iterations=n))
    peer("spark", iterations=n)


def ones():
    """Writes the training part with 1 for each rating."""
    import pyarrow
    import pyarrow.parquet as pq

    table = pq.read_table("parts/stars/ratings.parquet", columns=["user_id", "movie_id", "rating"])
    os.makedirs("parts/train")
    rating = pyarrow.array(np.ones(len(table), np.float32))
    pq.write_table(table.set_column(2, "rating", rating), "parts/train/ratings.parquet")


def implicit():
    p = IMPLICIT
    n = p["iterations"]
    header(f"implicit ALS after Hu, k={p['k']}, weight {p['weight']}, lambda {p['lambda']}, {n} iterations", "NDCG@10")
    # The ratings are all 1 here, and mvrec's weight is 1 + alpha.
    words = ["als", "--feedback", "implicit", "--factors", str(p["k"]), "--alpha", str(p["weight"] - 1), "--exponent", "0",
             "--positive-from", "0.5", "--regularization", str(p["lambda"])]
    os.rename("parts/train", "parts/stars")
    ones()
    for solver in ["cg", "cholesky"]:
        row(f"mvrec --solver {solver}", mvrec([*words, "--solver", solver], "ndcg@10", "parts/first", n))
    peer("implicit", "cg", iterations=n)
    peer("implicit", "cholesky", iterations=n)
    subprocess.run(["rm", "-r", "parts/train"], check=True)
    os.rename("parts/stars", "parts/train")


def cosine():
    header(f"cosine between movies, {NEIGHBORS} neighbours", "NDCG@10")
    row("mvrec", mvrec(["cosine", "--neighbors", str(NEIGHBORS)], "ndcg@10", "parts/first"))
    peer("cosine")


def nmf():
    """scikit-learn makes 42 iterations; mvrec as many as it takes to reach the same loss. Its fitting alone is what it takes longer than
    `train popularity`, which reads and writes the same."""
    p = FILLED
    header(f"NMF, filled with {p['fill']}, k={p['k']}, nndsvda, until scikit-learn's loss after 42 iterations", "–")
    theirs = peer("sklearn", 42, iterations=42)
    words = ["nmf", "--fill", str(p["fill"]), "--factors", str(p["k"])]
    mvrec([*words, "--iterations", "42"], None)
    with open("model/model.json") as file:
        losses = json.load(file)["loss"]
    n = next((n for n, loss in enumerate(losses, 1) if theirs and loss <= theirs["loss"]), 42)
    whole = mvrec(words, None, iterations=n)
    alone = {**whole, "seconds": whole["seconds"] - mvrec(["popularity"], None)["seconds"], "peak": None}
    row(f"mvrec, {n} iterations", whole)
    row("mvrec, fitting alone", alone)
    if theirs:
        each = theirs["each"] / whole["each"] if whole["each"] else float("nan")
        print(f"\nto the same loss: fitting {theirs['seconds'] / alone['seconds']:.1f}x, whole command {theirs['seconds'] / whole['seconds']:.1f}x; "
              f"an iteration {each:.1f}x", flush=True)


def scaling():
    """Seconds of an iteration of explicit ALS, k = 64, at 1 thread and at more."""
    print("\n| threads | an iteration | faster |\n|---|---|---|", flush=True)
    alone = None
    for threads in [1, THREADS]:
        result = mvrec(["als", "--threads", str(threads)], "rmse", "parts/first", 6)
        alone = alone or result["each"]
        print(f"| {threads} | {result['each']:.3f} | {alone / result['each']:.2f}x |", flush=True)


PEERS = {
    "cmfrec": lambda kind: peer_cmfrec(kind == "cg"),
    "libmf": lambda epochs, *setting: peer_libmf(int(epochs), *map(json.loads, setting)),
    "spark": peer_spark,
    "implicit": lambda kind: peer_implicit(kind == "cg"),
    "cosine": peer_cosine,
    "sklearn": lambda n: peer_sklearn(int(n)),
}


def main():
    global MVREC
    MVREC = sys.argv[1]
    if sys.argv[2] == "--peer":
        seconds, loss, score = PEERS[sys.argv[3]](*sys.argv[4:])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"seconds": seconds, "loss": loss, "score": score, "peak": peak}))
        return
    data, tasks = sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        subprocess.run([MVREC, "-q", "ingest", data, "-o", "ml"], check=True)
        subprocess.run([MVREC, "-q", "split", "--by", "random", "--test", "0.1", "ml", "-o", "parts"], check=True)
        # Ranking is measured on the first users: it costs the same for each.
        subprocess.run([MVREC, "-q", "filter", "--where", "user <= 20000", "parts/test", "-o", "parts/first"], check=True)
        users, movies, _ = read("parts/train")
        print(f"{os.path.basename(data)}: {len(users)} training ratings, {len(np.unique(users))} users, "
              f"{len(np.unique(movies))} movies; {THREADS} threads")
        for task in tasks:
            globals()[task]()


if __name__ == "__main__":
    main()
