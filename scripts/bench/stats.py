"""Time the reports of mvrec beside DuckDB; see stats.sh."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb

FIGURES = "SELECT movie_id, avg(rating) AS a, count(*) AS n, stddev_samp(rating) AS s FROM ratings GROUP BY movie_id"
BY_GENRE = "SELECT movie_id, title, genres, unnest(string_split(genres, '|')) AS genre FROM movies"
MOVIE = "SELECT movie_id FROM ratings GROUP BY movie_id ORDER BY count(*) DESC, movie_id LIMIT 1"


def timeline(period, condition="true"):
    return f"""SELECT p, n, s / n, sum(n) OVER (ORDER BY p), sum(s) OVER (ORDER BY p) / sum(n) OVER (ORDER BY p)
               FROM (SELECT date_trunc('{period}', rating_timestamp) AS p, count(*) AS n, sum(rating) AS s FROM ratings
                     WHERE {condition} GROUP BY p) ORDER BY p"""


def tasks(movie):
    """Words of mvrec, DuckDB's queries, and how many rows both have, where that is the same."""
    return [
        (["summary"], ["""SELECT count(*), count(DISTINCT user_id), count(DISTINCT movie_id), avg(rating), min(rating), max(rating),
                          min(rating_timestamp), max(rating_timestamp) FROM ratings""",
                       "SELECT rating, count(*) FROM ratings GROUP BY rating ORDER BY rating"]),
        (["users"], ["""WITH per_user AS (SELECT count(*) AS n FROM ratings GROUP BY user_id),
                             ranked AS (SELECT n, row_number() OVER (ORDER BY n DESC) AS r, count(*) OVER () AS c FROM per_user)
                        SELECT ceil(10 * r / c) AS tenth, count(*), sum(n) FROM ranked GROUP BY tenth ORDER BY tenth"""]),
        (["genres"], [f"""SELECT genre, count(*), sum(n) AS t, sum(a * n) / sum(n) FROM ({FIGURES}) JOIN ({BY_GENRE}) USING (movie_id)
                          GROUP BY genre ORDER BY t DESC"""]),
        (["timeline"], [timeline("month")]),
        (["timeline", "--by", "day"], [timeline("day")]),
        (["timeline", "--genre", "Drama"], [timeline("month", f"movie_id IN (SELECT movie_id FROM ({BY_GENRE}) WHERE genre = 'Drama')")]),
        (["timeline", "--movie", movie], [timeline("month", f"movie_id = {movie}")]),
        (["movies"], [f"SELECT movie_id, title, genres, a, n FROM ({FIGURES}) JOIN movies USING (movie_id) ORDER BY n DESC, a DESC, movie_id"]),
        (["top"], [f"SELECT movie_id, title, genres, a, n FROM ({FIGURES}) JOIN movies USING (movie_id) WHERE n >= 50 ORDER BY a DESC, n DESC, movie_id LIMIT 10"]),
        (["polarising"], [f"SELECT movie_id, title, genres, a, n, s FROM ({FIGURES}) JOIN movies USING (movie_id) WHERE n >= 50 ORDER BY s DESC, n DESC, movie_id LIMIT 10"]),
        (["best-by-genre"], [f"""SELECT genre, movie_id, title, a, n FROM ({FIGURES}) JOIN ({BY_GENRE}) USING (movie_id) WHERE n >= 50
                                 QUALIFY row_number() OVER (PARTITION BY genre ORDER BY a DESC, n DESC, movie_id) <= 1 ORDER BY genre"""]),
        (["movie", movie], [f"""WITH f AS ({FIGURES}), m AS (FROM f WHERE movie_id = {movie}) SELECT m.n, m.a, m.s,
                                (SELECT count(*) FROM f WHERE n < m.n) / (SELECT count(*) FROM f), (SELECT count(*) FROM f WHERE a < m.a) / (SELECT count(*) FROM f) FROM m""",
                            f"SELECT rating, count(*) FROM ratings WHERE movie_id = {movie} GROUP BY rating ORDER BY rating",
                            timeline("year", f"movie_id = {movie}")]),
    ]


def main():
    mvrec, data, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        ml = os.path.join(folder, "ml")
        subprocess.run([mvrec, "-q", "ingest", data, "-o", ml], check=True)
        db = duckdb.connect()
        db.execute(f"SET threads = {len(os.sched_getaffinity(0))}; SET TimeZone = 'UTC'")
        for name in ["ratings", "movies"]:
            db.execute(f"CREATE VIEW {name} AS FROM '{ml}/{name}.parquet'")
        movie = str(db.execute(MOVIE).fetchone()[0])
        n = db.execute("SELECT count(*) FROM ratings").fetchone()[0]
        print(f"{os.path.basename(data)}: {n} ratings; DuckDB {duckdb.__version__}; medians of {rounds} rounds\n")
        print("| report | mvrec, s | DuckDB, s | mvrec is faster |\n|---|---|---|---|")
        for words, queries in tasks(movie):
            ours, theirs = [], []
            for _ in range(rounds):
                begin = time.perf_counter()
                shown = subprocess.run([mvrec, "-q", "stats", *words, ml, "--format", "json"], check=True, capture_output=True).stdout
                ours.append(time.perf_counter() - begin)
                begin = time.perf_counter()
                rows = [db.execute(query).fetchall() for query in queries]
                theirs.append(time.perf_counter() - begin)
            if words[0] in ["genres", "movies", "top", "polarising", "best-by-genre"]:
                assert len(json.loads(shown)) == len(rows[0]), words
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"| {' '.join(words)} | {a:.3f} | {b:.3f} | {b / a:.1f}× |", flush=True)


main()
