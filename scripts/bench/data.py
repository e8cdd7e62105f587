"""Time mvrec beside DuckDB and Polars; see data.sh."""

import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time

TASKS = ["ingest", "filter", "summary"]


def polars(task, csv_dir, year):
    import polars as pl

    started = time.perf_counter()
    ratings, start = "polars.parquet", pl.datetime(year, 1, 1, time_zone="UTC")
    of_year = (pl.col("rating_timestamp") >= start) & (
        pl.col("rating_timestamp") < pl.datetime(year + 1, 1, 1, time_zone="UTC")
    )
    if task == "ingest":
        pl.scan_csv(f"{csv_dir}/ratings.csv").select(
            user_id=pl.col("userId").cast(pl.Int32),
            movie_id=pl.col("movieId").cast(pl.Int32),
            rating=pl.col("rating").cast(pl.Float32),
            rating_timestamp=pl.from_epoch("timestamp", time_unit="s").cast(pl.Datetime("ms", "UTC")),
        ).sink_parquet(ratings)
    elif task == "filter":
        pl.scan_parquet(ratings).filter(of_year).sink_parquet("polars-year.parquet")
    else:
        movies = pl.scan_csv(f"{csv_dir}/movies.csv")
        rows = (
            pl.scan_parquet(ratings)
            .filter(of_year)
            .group_by("movie_id")
            .agg(avg_rating=pl.col("rating").cast(pl.Float64).mean(), total_ratings=pl.len())
            .join(movies, left_on="movie_id", right_on="movieId")
            .select("movie_id", "title", "genres", "avg_rating", "total_ratings")
            .sort(["total_ratings", "avg_rating"], descending=True)
            .collect(engine="streaming")
        )
        rows.write_csv("polars.csv")
    return time.perf_counter() - started


def duckdb(task, csv_dir, year):
    import duckdb as db

    started = time.perf_counter()
    ratings = "duckdb.parquet"
    db.execute("set TimeZone = 'UTC'")
    of_year = f"rating_timestamp >= timestamptz '{year}-01-01' and rating_timestamp < timestamptz '{year + 1}-01-01'"
    if task == "ingest":
        db.execute(
            f"""copy (select userId::int user_id, movieId::int movie_id, rating::float rating,
                to_timestamp("timestamp") rating_timestamp from '{csv_dir}/ratings.csv')
                to '{ratings}' (compression zstd)"""
        )
    elif task == "filter":
        db.execute(f"copy (from '{ratings}' where {of_year}) to 'duckdb-year.parquet' (compression zstd)")
    else:
        db.execute(
            f"""copy (select movie_id, title, genres, avg(rating) avg_rating, count(*) total_ratings
                from '{ratings}' join '{csv_dir}/movies.csv' on movie_id = movieId where {of_year}
                group by all order by total_ratings desc, avg_rating desc) to 'duckdb.csv' (header)"""
        )
    return time.perf_counter() - started


def mvrec(binary, task, csv_dir, year):
    return {
        "ingest": f"{binary} -q ingest {csv_dir}/ratings.csv -o mvrec",
        "ingest from stdin": f"{binary} -q ingest - -o mvrec-stdin <{csv_dir}/ratings.csv",
        "filter": f"{binary} -q filter --year {year} mvrec -o mvrec-year",
        "summary": f"{binary} -q filter --year {year} mvrec"
        f" | {binary} -q stats movies --movies {csv_dir}/movies.csv -o mvrec.csv",
    }[task]


def written(who, task):
    if task == "summary":
        return f"{who}.csv"
    name = who + {"ingest": "", "ingest from stdin": "-stdin", "filter": "-year"}[task]
    return f"{name}/ratings.parquet" if who == "mvrec" else f"{name}.parquet"


def measure(argv, inner):
    """Run a command; return wall seconds, processor seconds and peak memory in MB of it and its children."""
    started = time.perf_counter()
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    told = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    if status:
        sys.exit(f"failed: {argv}")
    # Neither the start of Python nor its imports are the peer's work.
    wall = float(told) if inner else wall
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def check(year):
    """Make sure that all found the same movies, counts and averages."""
    read = {}
    for who in ["mvrec", "duckdb", "polars"]:
        with open(f"{who}.csv", newline="") as file:
            rows = csv.DictReader(file)
            read[who] = {row["movie_id"]: (int(row["total_ratings"]), float(row["avg_rating"])) for row in rows}
    for who in ["duckdb", "polars"]:
        assert read[who].keys() == read["mvrec"].keys(), f"{who} has other movies"
        for movie, (n, mean) in read[who].items():
            own = read["mvrec"][movie]
            assert own[0] == n and abs(own[1] - mean) < 1e-9, f"{who}: {movie} {n} {mean}, mvrec {own}"
    print(f"\nAll three list the same {len(read['mvrec'])} movies of {year}, averages equal to 1e-9.")


def main():
    if sys.argv[1] == "--peer":
        peer, task, csv_dir, year = sys.argv[2:]
        print(globals()[peer](task, csv_dir, int(year)))
        return
    binary, csv_dir, year, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with open("/proc/cpuinfo") as file:
        model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    import duckdb as db
    import polars as pl

    size = os.path.getsize(f"{csv_dir}/ratings.csv") / 1e6
    print(f"{os.cpu_count()} cores, {model}; DuckDB {db.__version__}, Polars {pl.__version__}; ratings.csv {size:.0f} MB")
    print(f"medians of {rounds} rounds in which all take turns\n")
    script = os.path.abspath(__file__)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open(f"{csv_dir}/ratings.csv", "rb") as file:
            while file.read(1 << 24):  # the disk is not what is measured
                pass
        print("| task | who | wall, s | mvrec is faster | processor, s | peak memory, MB | output, MB |")
        print("|---|---|---|---|---|---|---|")
        for task in TASKS:
            runs = {}
            tasks = [task, "ingest from stdin"] if task == "ingest" else [task]
            for _ in range(rounds):
                for own in tasks:
                    shell = ["bash", "-c", "set -o pipefail; " + mvrec(binary, own, csv_dir, year)]
                    runs.setdefault(("mvrec", own), []).append(measure(shell, False))
                for peer in ["polars", "duckdb"]:
                    argv = [sys.executable, script, "--peer", peer, task, csv_dir, str(year)]
                    runs.setdefault((peer, task), []).append(measure(argv, True))
            base = statistics.median(run[0] for run in runs["mvrec", task])
            for (who, what), measured in runs.items():
                wall, cpu, memory = (statistics.median(column) for column in zip(*measured))
                output = os.path.getsize(written(who, what)) / 1e6
                faster = "" if who == "mvrec" else f"{wall / base:.1f}×"
                print(f"| {what} | {who} | {wall:.2f} | {faster} | {cpu:.2f} | {memory:.0f} | {output:.1f} |", flush=True)
        check(year)


main()
