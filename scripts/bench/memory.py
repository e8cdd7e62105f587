#!/usr/bin/env python3
"""Compare the peak memory of every command with --max-memory.

usage: memory.py MOVIELENS_FOLDER

Each command runs without a limit, then with one of four fifths of its peak and with one of a quarter more: it finishes
within the limit, or ends with an error that names it. At no time may the peak be above the limit. Needs /usr/bin/time, and
PyArrow for a Parquet file of one row group.
"""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MVREC = os.path.abspath(os.environ.get("MVREC", os.path.join(ROOT, "target", "release", "mvrec")))
MIB = 1 << 20


def run(command, limit=None):
    """Return the exit code, the peak in bytes and what was said."""
    shutil.rmtree("x", ignore_errors=True)
    limits = ["--max-memory", str(limit)] if limit else []
    done = subprocess.run(["/usr/bin/time", "-f", "%M", MVREC, "-q", "--no-sync", *limits, *command],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    *said, peak = done.stderr.strip().splitlines()
    return done.returncode, int(peak.split()[-1]) << 10, " ".join(line for line in said if "Command exited" not in line)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", ".")) as folder:
        os.chdir(folder)
        for command in [
            ["ingest", data, "-o", "ml"],
            ["filter", "ml", "--sample", "0.02", "--sample-of", "users", "-o", "few"],
            ["train", "als", "ml", "--iterations", "1", "--factors", "32", "-o", "als"],
        ]:
            code, _, said = run(command)
            assert code == 0, said
        import pyarrow.parquet as parquet
        table = parquet.read_table("ml/ratings.parquet")
        parquet.write_table(table, "one-group.parquet", row_group_size=len(table))
        rows, movie = len(table), str(table["movie_id"][0])
        del table
        commands = [
            ["ingest", data, "-o", "x"],
            ["ingest", "one-group.parquet", "-o", "x"],
            ["filter", "--year", "2010", "ml", "-o", "x"],
            ["filter", "--min-movie-ratings", "50", "ml", "-o", "x"],
            ["filter", "--min-user-ratings", "50", "--min-movie-ratings", "50", "--core", "ml", "-o", "x"],
            ["filter", "ml", "-o", "x.csv"],
            ["split", "--by", "random", "ml", "-o", "x"],
            ["split", "--by", "random", "--folds", "3", "ml", "-o", "x"],
            ["split", "--by", "time", "ml", "-o", "x"],
            ["train", "als", "ml", "--iterations", "1", "-o", "x"],
            ["train", "als", "ml", "--feedback", "implicit", "--iterations", "1", "-o", "x"],
            ["train", "nmf", "ml", "--iterations", "1", "-o", "x"],
            ["train", "cosine", "ml", "--neighbors", "20", "-o", "x"],
            ["train", "popularity", "ml", "-o", "x"],
            ["recommend", "als", "--user", "1"],
            ["recommend", "als", "--all-users", "-o", "x.parquet"],
            ["recommend", "als", "--similar-to", movie],
            ["search", "als", "a"],
            ["evaluate", "als", "--test", "few", "--bootstrap", "0"],
            ["stats", "summary", "ml"],
            ["stats", "summary", "one-group.parquet"],
            ["stats", "top", "ml"],
            ["stats", "users", "ml"],
            ["stats", "timeline", "ml"],
            ["stats", "report", "ml", "-o", "x.html"],
            ["info", "als"],
        ]
        print(f"{rows} ratings; all figures in MiB\n")
        print(f"| {'command':84} | peak | limit | peak | ends | limit | peak | ends |")
        over = []
        for command in commands:
            code, free, said = run(command)
            assert code == 0, f"{command}: {said}"
            cells = []
            for limit in [free * 4 // 5, free * 5 // 4 + 32 * MIB]:
                code, peak, said = run(command, limit)
                cells.append(f"{limit // MIB:5} | {peak // MIB:4} | {code:4}")
                if peak > limit or code not in (0, 1) or (code == 1 and "--max-memory" not in said):
                    over.append((command, limit // MIB, peak // MIB, code, said))
            print(f"| {' '.join(command).replace(data, 'FOLDER'):84} | {free // MIB:4} | {' | '.join(cells)} |", flush=True)
        os.chdir(ROOT)
    for one in over:
        print(*one)
    sys.exit(1 if over else 0)


main()
