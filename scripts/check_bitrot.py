#!/usr/bin/env python3
"""Flip a bit in each kind of file that mvrec writes: it must be noticed, or make no difference.

usage: check_bitrot.py RATINGS [FLIPS]

RATINGS is a MovieLens folder. In each file of a dataset, a split and two models, FLIPS (500) bits are flipped, one at a time,
and a command reads all of it; where it succeeds, its output must be the same as before. The same is tried on ratings in files
of DuckDB and PyArrow, with and without checksums of pages, for comparison.
"""

import concurrent.futures
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile

import duckdb
import pyarrow.parquet as parquet

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MVREC = os.path.abspath(os.environ.get("MVREC", os.path.join(ROOT, "target", "release", "mvrec")))


def mvrec(*argv):
    return subprocess.run([MVREC, "-q", "--no-sync", *argv], capture_output=True)


def digest(path):
    found = hashlib.sha256()
    files = [path] if os.path.isfile(path) else sorted(
        os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    for file in files:
        with open(file, "rb") as content:
            found.update(os.path.relpath(file, path).encode() + content.read())
    return found.hexdigest()


def read_by(command, output):
    """Return a function that reads a folder by a command: what came out, or None after an error."""
    def read(place):
        target = os.path.join(os.path.dirname(place), output)
        done = mvrec(*[place if word == "PLACE" else word for word in command], "-o", target)
        assert done.returncode in (0, 1), f"exit code {done.returncode}: {done.stderr}"
        return digest(target) if done.returncode == 0 else None
    return read


def shown(command):
    def read(place):
        done = mvrec(*[place if word == "PLACE" else word for word in command])
        assert done.returncode in (0, 1), f"exit code {done.returncode}: {done.stderr}"
        return done.stdout if done.returncode == 0 else None
    return read


def quietly(read):
    def try_to(place):
        try:
            return read(place)
        except Exception:
            return None
    return try_to


def of_arrow(checked):
    def read(place):
        table = parquet.read_table(os.path.join(place, "ratings.parquet"), page_checksum_verification=checked)
        return hashlib.sha256(str(table.to_pydict()).encode()).hexdigest()
    return quietly(read)


def of_duckdb(place):
    file = os.path.join(place, "ratings.parquet")
    return duckdb.connect().execute(f"SELECT * FROM read_parquet('{file}')").fetchall()


def of_database(place):
    with duckdb.connect(os.path.join(place, "ratings.db"), read_only=True) as database:
        return database.execute("SELECT * FROM ratings").fetchall()


def flip(folder, file, read, flips, seed):
    """Return how many flipped bits of a file were noticed, made no difference, and made one."""
    rng = random.Random(f"{seed} {folder} {file}")
    size = os.path.getsize(os.path.join(folder, file))
    bits = [rng.randrange(size * 8) for _ in range(flips)]

    def work(part):
        with tempfile.TemporaryDirectory(dir=".") as scratch:
            place = os.path.join(os.path.abspath(scratch), os.path.basename(folder))
            shutil.copytree(folder, place)
            path = os.path.join(place, file)
            with open(path, "rb") as content:
                whole = content.read()
            expected = read(place)
            assert expected is not None, f"{folder}/{file} cannot be read as it is"
            counts = [0, 0, 0]
            for bit in part:
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                with open(path, "wb") as content:
                    content.write(changed)
                found = read(place)
                counts[0 if found is None else 1 if found == expected else 2] += 1
            return counts

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(work, [bits[::2], bits[1::2]]))
    return [sum(counts) for counts in zip(*parts)]


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    data, flips = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 500
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for command in [
            ["ingest", data, "-o", "raw"],
            ["filter", "--min-user-ratings", "300", "raw", "-o", "ml"],
            ["split", "--by", "random", "ml", "-o", "parts"],
            ["train", "als", "ml", "--factors", "8", "--iterations", "2", "-o", "als"],
            ["train", "cosine", "ml", "--neighbors", "10", "-o", "cosine"],
        ]:
            mvrec(*command).check_returncode()
        lists = ["recommend", "PLACE", "--all-users", "-n", "50"]
        plan = [("ml", name, read_by(["filter", "PLACE"], "copy")) for name in sorted(os.listdir("ml"))]
        plan += [("parts", "split.json", shown(["info", "PLACE"]))]
        plan += [("als", name, read_by(lists, "lists.json")) for name in [
            "model.json", "movies.parquet", "seen.parquet", "userFactors/part-00000.parquet",
            "itemFactors/part-00000.parquet", "itemEmbeddings/part-00000.parquet"]]
        plan += [("cosine", name, read_by(lists, "lists.json")) for name in ["model.json", "neighbors.parquet"]]
        print(f"{'file':40} {'bytes':>9} {'noticed':>8} {'harmless':>9} {'silent':>7}")
        silent = 0
        for place, file, read in plan:
            counts = flip(place, file, read, flips, 1)
            silent += counts[2]
            size = os.path.getsize(os.path.join(place, file))
            print(f"{place + '/' + file:40} {size:9} {counts[0]:8} {counts[1]:9} {counts[2]:7}", flush=True)
        os.mkdir("arrow")
        table = parquet.read_table("ml/ratings.parquet")
        parquet.write_table(table, "arrow/ratings.parquet", write_page_checksum=True)
        os.mkdir("duckdb")
        duckdb.execute("COPY (SELECT * FROM 'ml/ratings.parquet') TO 'duckdb/ratings.parquet'")
        with duckdb.connect("duckdb/ratings.db") as database:
            database.execute("CREATE TABLE ratings AS SELECT * FROM 'ml/ratings.parquet'")
        for what, place, file, read in [
            ("PyArrow, page checksums", "arrow", "ratings.parquet", of_arrow(True)),
            ("PyArrow, as it is", "arrow", "ratings.parquet", of_arrow(False)),
            ("DuckDB, Parquet", "duckdb", "ratings.parquet", quietly(of_duckdb)),
            ("DuckDB, its own file", "duckdb", "ratings.db", quietly(of_database)),
        ]:
            counts = flip(place, file, read, min(flips, 500), 1)
            size = os.path.getsize(os.path.join(place, file))
            print(f"{what:40} {size:9} {counts[0]:8} {counts[1]:9} {counts[2]:7}", flush=True)
        os.chdir(ROOT)
    if silent:
        sys.exit(f"{silent} flipped bits changed what was read, and nobody said so")


main()
