#!/usr/bin/env python3
"""Compare mvrec's figures with what DuckDB computes from the CSV files by itself.

usage: check_stats.py MOVIELENS_FOLDER [--mvrec target/release/mvrec] [--year 2018]

Checks, through the real binary: every report of `mvrec stats` on ratings, row by row and in order (`landing` by its rule, written anew on DuckDB's
figures), `stats movies` of one year. Counts must be equal, averages to 1e-9. Also opens every file that mvrec writes in DuckDB, Polars and PyArrow, checks the documented types, and runs the original project's SQL on
them. Needs: pip install duckdb polars pyarrow
"""

import argparse
import json
import math
import os
import subprocess
import tempfile

import duckdb
import polars
import pyarrow.parquet

TOLERANCE = 1e-9

# The query of the original project, over its tables.
ORIGINAL_SQL = """
SELECT movies.movie_id, title, genres, AVG(rating) AS avg_rating, COUNT(rating) AS total_ratings
FROM {ratings} AS ratings JOIN {movies} AS movies ON ratings.movie_id = movies.movie_id
WHERE EXTRACT(YEAR FROM rating_timestamp) = {year}
GROUP BY movies.movie_id, title, genres
ORDER BY total_ratings DESC, avg_rating DESC, movies.movie_id
"""

TYPES = {
    "ratings.parquet": {
        "user_id": "int32", "movie_id": "int32", "rating": "float", "rating_timestamp": "timestamp[ms, tz=UTC]",
    },
    "movies.parquet": {"movie_id": "int32", "title": "string", "release_year": "int16", "genres": "string"},
    "links.parquet": {"movie_id": "int32", "imdb_id": "string", "tmdb_id": "int32"},
    "tags.parquet": {
        "user_id": "int32", "movie_id": "int32", "tag": "string", "tag_timestamp": "timestamp[ms, tz=UTC]",
    },
}


def same(what, ours, theirs, tolerance=TOLERANCE):
    assert len(ours) == len(theirs), f"{what}: {len(ours)} rows where DuckDB has {len(theirs)}"
    for place, (a, b) in enumerate(zip(ours, theirs)):
        for x, y in zip(a, b, strict=True):
            close = abs(x - y) <= tolerance if isinstance(x, float) and y is not None else x == y
            assert close, f"{what}, row {place + 1}: {a} where DuckDB has {b}"
    print(f"ok: {what}: {len(ours)} rows")


def check_reports(db, rows, report, whole):
    """Users, genres, time, selections and single movies."""
    db.execute("CREATE VIEW per_user AS SELECT count(*) AS n FROM csv_ratings GROUP BY user_id")
    users = report("stats", "users", whole)
    same("stats users, totals", [(users["users"], users["ratings"], users["mean"])],
         db.execute("SELECT count(*), sum(n)::INT, avg(n) FROM per_user").fetchall())
    same("stats users, quantiles", [(row["ratings"],) for row in users["quantiles"]],
         [(value,) for value in db.execute(f"SELECT quantile_cont(n, {[r['share'] for r in users['quantiles']]}) FROM per_user").fetchone()[0]])
    same("stats users, shares", [tuple(row.values()) for row in users["top"]], [db.execute(
        f"""WITH top AS (SELECT n FROM per_user ORDER BY n DESC LIMIT (SELECT ceil(count(*) * {percent} / 100)::INT FROM per_user))
            SELECT {percent}, count(*), sum(n)::INT, sum(n) / (SELECT sum(n) FROM per_user) FROM top""").fetchone()
        for percent in range(10, 101, 10)])
    same("stats users, bins", [tuple(row.values()) for row in users["bins"]], db.execute(
        """SELECT (2 ** floor(log2(n)))::INT AS f, (2 ** floor(log2(n)) * 2 - 1)::INT, count(*) FROM per_user
           GROUP BY ALL ORDER BY f""").fetchall())
    db.execute("CREATE VIEW by_genre AS SELECT movieId AS movie_id, title, genres, unnest(string_split(genres, '|')) AS genre FROM csv_movies")
    same("stats genres", rows("stats", "genres", whole), db.execute(
        """SELECT genre, count(DISTINCT movie_id), count(*) AS n, avg(rating), count(*) / (SELECT count(*) FROM csv_ratings)
           FROM csv_ratings JOIN by_genre USING (movie_id) GROUP BY genre ORDER BY n DESC, genre""").fetchall())
    for period in ["day", "week", "month", "year"]:
        for words, condition in [
            ([], "true"),
            (["--genre", "Western"], "movie_id IN (SELECT movie_id FROM by_genre WHERE genre = 'Western')"),
            (["--movie", "1"], "movie_id = 1"),
        ]:
            ours = [row for row in report("stats", "timeline", "--by", period, *words, whole) if row["total_ratings"]]
            ours = [(r["period"], r["total_ratings"], r["avg_rating"], r["cumulative_ratings"], r["cumulative_avg"]) for r in ours]
            same(f"stats timeline by {period}, {condition}", ours, db.execute(
                f"""SELECT strftime(p, '%Y-%m-%d'), n, s / n, sum(n) OVER (ORDER BY p)::INT, sum(s) OVER (ORDER BY p) / sum(n) OVER (ORDER BY p)
                    FROM (SELECT date_trunc('{period}', time) AS p, count(*) AS n, sum(rating) AS s FROM csv_ratings
                          WHERE {condition} GROUP BY p) ORDER BY p""").fetchall())
    figures = "SELECT movie_id, avg(rating) AS a, count(*) AS n, stddev_samp(rating) AS s FROM csv_ratings GROUP BY movie_id"
    same("stats popular, comedies", rows("stats", "popular", "--genre", "Comedy", "-n", "100", whole), db.execute(
        f"""SELECT movie_id, title, genres, a, n FROM ({figures}) JOIN by_genre USING (movie_id)
            WHERE genre = 'Comedy' AND n >= 50 ORDER BY n DESC, a DESC, movie_id LIMIT 100""").fetchall())
    same("stats best-by-genre", rows("stats", "best-by-genre", "-n", "3", "--min-ratings", "20", whole), db.execute(
        f"""SELECT genre, movie_id, title, genres, a, n FROM ({figures}) JOIN by_genre USING (movie_id) WHERE n >= 20
            QUALIFY row_number() OVER (PARTITION BY genre ORDER BY a DESC, n DESC, movie_id) <= 3
            ORDER BY genre, a DESC, n DESC, movie_id""").fetchall())
    for movie in [1, 318, 5618, 193609]:
        one = report("stats", "movie", str(movie), whole)
        same(f"stats movie {movie}", [(one["total_ratings"], one["avg_rating"], one["stddev_rating"], one["count_percentile"], one["mean_percentile"])],
             db.execute(f"""WITH f AS ({figures}), m AS (FROM f WHERE movie_id = {movie})
                 SELECT m.n, m.a, m.s, (SELECT count(*) FROM f WHERE n < m.n) / (SELECT count(*) FROM f),
                        (SELECT count(*) FROM f WHERE a < m.a) / (SELECT count(*) FROM f) FROM m""").fetchall())
        same(f"stats movie {movie}, years", [tuple(row.values()) for row in one["years"] if row["total_ratings"]], db.execute(
            f"""SELECT strftime(p, '%Y-%m-%d'), n, s / n, sum(n) OVER (ORDER BY p)::INT, sum(s) OVER (ORDER BY p) / sum(n) OVER (ORDER BY p)
                FROM (SELECT date_trunc('year', time) AS p, count(*) AS n, sum(rating) AS s FROM csv_ratings WHERE movie_id = {movie} GROUP BY p)
                ORDER BY p""").fetchall())
        same(f"stats movie {movie}, histogram", [(float(stars), n) for stars, n in one["histogram"].items()], db.execute(
            f"SELECT rating, count(*) FROM csv_ratings WHERE movie_id = {movie} GROUP BY rating ORDER BY rating").fetchall())


def check_landing(db, rows, whole):
    """The rule as `--help` states it, on DuckDB's figures."""
    pool = db.execute("""SELECT movie_id, title, genres, avg(rating) AS a, count(*) AS n, stddev_samp(rating) AS s FROM csv_ratings
                         JOIN csv_movies ON movie_id = movieId GROUP BY ALL ORDER BY n DESC, a DESC, movie_id LIMIT 200""").fetchall()
    known, divided = max(math.log1p(row[4]) for row in pool), max(row[5] for row in pool)
    genres = {row[0]: set(row[2].split("|")) - {"(no genres listed)"} for row in pool}
    overlap = lambda a, b: len(genres[a] & genres[b]) / (len(genres[a] | genres[b]) or 1)
    chosen = []
    while len(chosen) < 10:
        value = lambda row: math.log1p(row[4]) / known + row[5] / divided - max((overlap(row[0], other[0]) for other in chosen), default=0)
        chosen.append(max((row for row in pool if row not in chosen), key=value))
    same("stats landing", rows("stats", "landing", whole), chosen)
    print("     ", "; ".join(row[1] for row in chosen))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--year", type=int, default=2018)
    args = parser.parse_args()
    year, top_min, polar_min = args.year, 50, 50

    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute(f"CREATE VIEW csv_movies AS FROM read_csv('{args.folder}/movies.csv')")
    db.execute(f"""
        CREATE VIEW csv_ratings AS
        SELECT userId AS user_id, movieId AS movie_id, rating, to_timestamp("timestamp") AS time
        FROM read_csv('{args.folder}/ratings.csv')""")

    def mvrec(*words):
        return subprocess.run([args.mvrec, "-q", *words], check=True, stdout=subprocess.PIPE).stdout

    def rows(*words):
        table = json.loads(mvrec(*words, "--format", "json"))
        return [tuple(row.values()) for row in table]

    with tempfile.TemporaryDirectory() as folder:
        whole, part = os.path.join(folder, "whole"), os.path.join(folder, "year")
        mvrec("ingest", args.folder, "-o", whole)
        mvrec("filter", "--year", str(year), whole, "-o", part)

        summary = json.loads(mvrec("stats", "summary", whole, "--format", "json"))
        counts = db.execute("""SELECT count(*), count(DISTINCT user_id), count(DISTINCT movie_id), avg(rating)
                               FROM csv_ratings""").fetchall()
        same("summary", [(summary["ratings"], summary["users"], summary["movies"], summary["mean_rating"])], counts)
        print("    ", summary["ratings"], "ratings,", summary["users"], "users,", summary["movies"], "rated movies")

        movies = f"""
            SELECT movieId, title, genres, avg(rating) AS a, count(*) AS n, stddev_samp(rating) AS s
            FROM csv_ratings JOIN csv_movies ON movie_id = movieId
            WHERE year(time) = {year} GROUP BY ALL"""
        same(f"stats movies, {year}", rows("stats", "movies", part), db.execute(
            f"SELECT movieId, title, genres, a, n FROM ({movies}) ORDER BY n DESC, a DESC, movieId").fetchall())
        everything = movies.replace(f"WHERE year(time) = {year}", "")
        same("stats top", rows("stats", "top", "--min-ratings", str(top_min), "-n", "100000", whole), db.execute(
            f"""SELECT movieId, title, genres, a, n FROM ({everything}) WHERE n >= {top_min}
                ORDER BY a DESC, n DESC, movieId""").fetchall())
        # Deviations that are equal in truth differ in the last bits: the order is checked on rounded ones.
        ours = rows("stats", "polarising", "--min-ratings", str(polar_min), "-n", "100000", whole)
        theirs = db.execute(f"""SELECT movieId, title, genres, a, n, s FROM ({everything})
                                WHERE n >= {polar_min}""").fetchall()
        order = lambda row: (-round(row[5], 9), -row[4], row[0])
        assert [r[0] for r in ours] == [r[0] for r in sorted(ours, key=order)], "polarising: order"
        same("stats polarising", sorted(ours, key=order), sorted(theirs, key=order))

        check_reports(db, rows, lambda *words: json.loads(mvrec(*words, "--format", "json")), whole)

        check_landing(db, rows, whole)

        for name, types in TYPES.items():
            path = os.path.join(whole, name)
            if not os.path.exists(path):
                continue
            schema = pyarrow.parquet.read_schema(path)
            found = {field.name: str(field.type) for field in schema}
            assert found == types, f"{name}: {found}"
            n = pyarrow.parquet.read_table(path).num_rows
            assert polars.read_parquet(path).height == n, name
            assert db.execute(f"SELECT count(*) FROM '{path}'").fetchone()[0] == n, name
            print(f"ok: {name}: {n} rows in PyArrow, Polars and DuckDB, types as documented")

        sql = ORIGINAL_SQL.format(ratings=f"'{whole}/ratings.parquet'", movies=f"'{whole}/movies.parquet'", year=year)
        same("the original's SQL on mvrec's Parquet", rows("stats", "movies", part), db.execute(sql).fetchall())
        context = polars.SQLContext(
            ratings=polars.scan_parquet(f"{whole}/ratings.parquet"),
            movies=polars.scan_parquet(f"{whole}/movies.parquet"),
        )
        sql = ORIGINAL_SQL.format(ratings="ratings", movies="movies", year=year)
        # Polars averages a 32-bit column in 32 bits.
        same("the same SQL in Polars", rows("stats", "movies", part), context.execute(sql).collect().rows(), 1e-6)


main()
