"""Recommend with mvrec beside implicit; see recommend.sh."""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

FACTORS = 64
ROUNDS = 7

# What a script with implicit does for one query: load the model and the user's row, ask, and print.
COLD = """
import numpy as np, scipy.sparse as sp, sys
from implicit.cpu.als import AlternatingLeastSquares
model = AlternatingLeastSquares.load("implicit.npz")
seen = sp.load_npz("seen.npz")
row = int(sys.argv[1])
movies, scores = model.recommend(row, seen[row], N=10)
print(list(zip(movies.tolist(), scores.tolist())))
"""

BATCH = """
import numpy as np, resource, scipy.sparse as sp, time
from implicit.cpu.als import AlternatingLeastSquares
model = AlternatingLeastSquares.load("implicit.npz")
seen = sp.load_npz("seen.npz")
begin = time.perf_counter()
movies, scores = model.recommend(np.arange(seen.shape[0]), seen, N=10)
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def run(command, **more):
    """Runs a command; returns its seconds and its peak memory in megabytes."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - begin, usage.ru_maxrss // 1024


def prepare_peer():
    """Fits implicit on the same ratings, those from 4 stars on, and leaves its files; in a process of its own, for one that
    is forked from a large one counts its memory as its own."""
    import numpy as np
    import pyarrow.parquet as pq
    import scipy.sparse as sp
    from implicit.als import AlternatingLeastSquares

    table = pq.read_table("ml/ratings.parquet", columns=["user_id", "movie_id", "rating"])
    users, movies = table["user_id"].to_numpy(), table["movie_id"].to_numpy()
    user_ids, u = np.unique(users, return_inverse=True)
    movie_ids, m = np.unique(movies, return_inverse=True)
    seen = sp.csr_matrix((np.ones(len(u), np.float32), (u, m)), shape=(len(user_ids), len(movie_ids)))
    keep = table["rating"].to_numpy() >= 4
    liked = sp.csr_matrix((np.ones(keep.sum(), np.float32), (u[keep], m[keep])), shape=seen.shape)
    model = AlternatingLeastSquares(factors=FACTORS, iterations=2, use_gpu=False, random_state=1)
    model.fit(liked, show_progress=False)
    model.save("implicit.npz")
    sp.save_npz("seen.npz", seen, compressed=False)
    with open("middle.json", "w") as file:
        json.dump([len(user_ids) // 2, int(user_ids[len(user_ids) // 2])], file)


def cold():
    """One query of a user, of a new person by id, and of a new person by title; medians of rounds in which all take turns."""
    with open("ml/movie.txt") as file:
        movie_id, title = file.read().split("\t")
    with open("middle.json") as file:
        row, user = json.load(file)
    commands = {
        "mvrec, a user": [MVREC, "-q", "recommend", "als", "--user", str(user)],
        "mvrec, a new person by id": [MVREC, "-q", "recommend", "als", "--rate", f"{movie_id}=5"],
        "mvrec, a new person by title": [MVREC, "-q", "recommend", "als", "--rate", f"{title}=5"],
        "Python with implicit, a user": [sys.executable, "-W", "ignore", "-c", COLD, str(row)],
    }
    times = {name: [] for name in commands}
    peaks = {}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            seconds, peaks[name] = run(command)
            times[name].append(seconds)
    peer = statistics.median(times["Python with implicit, a user"])
    print(f"\none query from a cold start, medians of {ROUNDS}\n\n| who | ms | faster | peak MB |\n|---|---|---|---|")
    for name, all_times in times.items():
        seconds = statistics.median(all_times)
        print(f"| {name} | {seconds * 1000:.0f} | {peer / seconds:.1f}× | {peaks[name]} |", flush=True)


def batch():
    """Ten movies for every user; mvrec's time is that of the whole command, with reading and writing."""
    print("\nten movies for each user\n\n| who | seconds | faster | peak MB |\n|---|---|---|---|")
    rounds = {}
    for _ in range(3):
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", BATCH], check=True, capture_output=True, text=True)
        rounds.setdefault("implicit, recommend() alone", []).append(tuple(map(float, done.stdout.split())))
        for name, words in {
            "mvrec als --feedback implicit, to Parquet": ["ials", "-o", "lists.parquet"],
            "mvrec als, to Parquet": ["als", "-o", "lists.parquet"],
            "mvrec als, to JSON lines": ["als", "-o", "lists.jsonl"],
        }.items():
            rounds.setdefault(name, []).append(run([MVREC, "-q", "recommend", "--all-users", *words]))
    peer = statistics.median(seconds for seconds, _ in rounds["implicit, recommend() alone"])
    for name, results in rounds.items():
        seconds, peak = statistics.median(s for s, _ in results), max(p for _, p in results)
        print(f"| {name} | {seconds:.2f} | {peer / seconds:.1f}× | {peak:.0f} |", flush=True)


def queries(n, movies):
    draw = random.Random(1)
    lines = []
    for at in range(n):
        rated = draw.sample(movies, 10)
        ratings = {str(movie): draw.randint(1, 10) / 2 for movie in rated}
        lines.append(json.dumps({"id": at, "ratings": ratings}) + "\n")
    return lines


def stream():
    """JSON lines of ten ratings each: as many as it can, and the time to an answer at a given rate."""
    done = subprocess.run([MVREC, "-q", "stats", "movies", "ml"], check=True, capture_output=True)
    movies = [movie["movie_id"] for movie in json.loads(done.stdout)]
    n = 100_000
    lines = queries(n, movies)
    with open("queries.jsonl", "w") as file:
        file.writelines(lines)
    print(f"\n{n} people of 10 ratings each, {len(movies)} movies, {FACTORS} factors\n")
    print("| queries a second | p50, ms | p99, ms |\n|---|---|---|")
    command = [MVREC, "-q", "recommend", "als", "--ratings", "-"]
    with open("queries.jsonl") as file:
        seconds, _ = run(command, stdin=file)
    # What a process costs that answers one line.
    with open("one.jsonl", "w") as file:
        file.write(lines[0])
    with open("one.jsonl") as file:
        start, _ = run(command, stdin=file)
    print(f"| {n / (seconds - start):.0f}, all that it can | – | – |", flush=True)
    for rate in [1_000, 5_000, 10_000]:
        p50, p99 = latency(command, lines, rate)
        print(f"| {rate}, at a steady rate | {p50 * 1000:.2f} | {p99 * 1000:.2f} |", flush=True)


def latency(command, lines, rate, seconds=4):
    """Sends lines at a steady rate and measures the time from a line's turn to its answer."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    n, step = rate * seconds, 0.001
    each = max(1, int(rate * step))
    sent, waited = [0.0] * n, []

    def read():
        rest, at = b"", 0
        while at < n:
            chunk = os.read(process.stdout.fileno(), 1 << 20)
            now = time.perf_counter()
            rest += chunk
            *whole, rest = rest.split(b"\n")
            for _ in whole:
                waited.append(now - sent[at])
                at += 1

    # The first answer comes when the model is open.
    process.stdin.write(lines[0].encode())
    process.stdout.readline()
    reader = threading.Thread(target=read)
    begin = time.perf_counter()
    reader.start()
    at = 0
    while at < n:
        due = begin + at / rate
        now = time.perf_counter()
        if due > now:
            time.sleep(due - now)
        end = min(n, at + each)
        for place in range(at, end):
            sent[place] = due
        process.stdin.write("".join(lines[place % len(lines)] for place in range(at, end)).encode())
        at = end
    reader.join()
    process.stdin.close()
    process.wait()
    waited.sort()
    return waited[len(waited) // 2], waited[int(len(waited) * 0.99)]


def main():
    global MVREC
    MVREC = sys.argv[1]
    data, tasks = sys.argv[2], sys.argv[3:]
    if tasks == ["--prepare"]:
        prepare_peer()
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        quiet = [MVREC, "-q"]
        subprocess.run([*quiet, "ingest", data, "-o", "ml"], check=True)
        subprocess.run([*quiet, "train", "als", "--factors", str(FACTORS), "--iterations", "5", "ml", "-o", "als"], check=True)
        if "batch" in tasks:
            words = ["als", "--feedback", "implicit", "--factors", str(FACTORS), "--iterations", "5"]
            subprocess.run([*quiet, "train", *words, "ml", "-o", "ials"], check=True)
        top = json.loads(subprocess.run([*quiet, "stats", "movies", "ml"], check=True, capture_output=True).stdout)[0]
        with open("ml/movie.txt", "w") as file:
            file.write(f"{top['movie_id']}\t{top['title']}")
        summary = json.loads(subprocess.run([*quiet, "stats", "summary", "ml"], check=True, capture_output=True).stdout)
        print(f"{os.path.basename(data)}: {summary['ratings']} ratings, {summary['users']} users, {summary['movies']} movies")
        if {"cold", "batch"} & set(tasks):
            subprocess.run([sys.executable, "-W", "ignore", __file__, MVREC, data, "--prepare"], check=True)
        for task in tasks:
            globals()[task]()


if __name__ == "__main__":
    main()
