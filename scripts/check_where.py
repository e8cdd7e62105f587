#!/usr/bin/env python3
"""Compare what `mvrec filter --where` keeps with what DuckDB selects, for random expressions.

usage: check_where.py DATA [--mvrec target/release/mvrec] [-n 200] [--seed 1]

DATA is a MovieLens folder. A tenth of the timestamps are blanked and some movies left out, so that unknown values meet every operator. Random
expressions over all fields and operators, nested, are translated to SQL over the same files; the pairs of user and movie must be the same.
Needs: pip install duckdb
"""
import argparse
import csv
import pathlib
import random
import subprocess
import sys
import tempfile

import duckdb

DAY = 86_400_000
ORDERED = ["=", "!=", "<", "<=", ">", ">="]

ROWS = """
CREATE TABLE rows AS
SELECT user_id, movie_id, rating, epoch_ms(rating_timestamp) AS ms, title, release_year,
       CASE WHEN genres IS NULL THEN NULL ELSE str_split(lower(genres), '|') END AS genres,
       count(*) OVER (PARTITION BY user_id) AS user_ratings, count(*) OVER (PARTITION BY movie_id) AS movie_ratings
FROM read_parquet('{0}/ratings.parquet') AS ratings LEFT JOIN read_parquet('{0}/movies.parquet') AS movies USING (movie_id)
"""


def sql_text(text):
    return "'" + text.replace("'", "''") + "'"


class Expressions:
    """Random expressions, each with its translation."""

    def __init__(self, rng, db):
        self.rng = rng
        one = lambda query: [value for (value,) in db.execute(query).fetchall()]
        self.genres = one("SELECT DISTINCT unnest(str_split(genres, '|')) FROM read_parquet('ml/movies.parquet') ORDER BY 1")
        self.titles = one("SELECT DISTINCT title FROM rows WHERE title IS NOT NULL ORDER BY 1")
        self.users = one("SELECT DISTINCT user_id FROM rows ORDER BY 1")
        self.movies = one("SELECT DISTINCT movie_id FROM rows ORDER BY 1")
        self.times = one("SELECT DISTINCT ms FROM rows WHERE ms IS NOT NULL ORDER BY 1")

    def expression(self, depth=3):
        kind = self.rng.random()
        if depth == 0 or kind < 0.35:
            return self.test()
        if kind < 0.5:
            text, sql = self.expression(depth - 1)
            return self.rng.choice(["not ", "! ", "NOT "]) + f"({text})", f"NOT ({sql})"
        parts = [self.expression(depth - 1) for _ in range(self.rng.randint(2, 3))]
        word, sql_word = self.rng.choice([("and", "AND"), ("or", "OR"), ("&&", "AND"), ("||", "OR"), ("AND", "AND")])
        return f" {word} ".join(f"({text})" for text, _ in parts), f" {sql_word} ".join(f"({sql})" for _, sql in parts)

    def test(self):
        return self.rng.choice([self.number, self.number, self.time, self.genre, self.title])()

    def quoted(self, text):
        if self.rng.random() < 0.3:
            text = text.upper() if self.rng.random() < 0.5 else text.lower()
        for quote in self.rng.sample(["'", '"'], 2):
            if quote not in text:
                return f"{quote}{text}{quote}", text
        text = text.replace("'", " ").replace('"', " ")
        return f'"{text}"', text

    def listed(self, name, values):
        """`in` and `not in`."""
        inverse = self.rng.random() < 0.4
        return f"{name} {'not in' if inverse else 'in'} ({', '.join(values)})", inverse

    def number(self):
        name, column, draw = self.rng.choice([
            ("rating", "rating", lambda: self.rng.randint(1, 10) / 2),
            (self.rng.choice(["user", "user_id"]), "user_id", lambda: self.rng.choice(self.users)),
            (self.rng.choice(["movie", "Movie_ID"]), "movie_id", lambda: self.rng.choice(self.movies)),
            ("released", "release_year", lambda: self.rng.randint(1930, 2018)),
            ("user_ratings", "user_ratings", lambda: self.rng.choice([20, 50, 100, 300, 1000])),
            ("movie_ratings", "movie_ratings", lambda: self.rng.choice([1, 2, 5, 20, 100])),
        ])
        if self.rng.random() < 0.25:
            values = [str(draw()) for _ in range(self.rng.randint(1, 4))]
            text, inverse = self.listed(name, values)
            return text, f"{column} {'NOT ' if inverse else ''}IN ({', '.join(values)})"
        if self.rng.random() < 0.15:
            inverse, low, high = self.rng.choice(["", "not "]), draw(), draw()
            return f"{name} {inverse}between {low} AND {high}", f"{column} {inverse}BETWEEN {low} AND {high}"
        op, value = self.rng.choice(ORDERED), draw()
        return f"{name} {op} {value}", f"{column} {op} {value}"

    def time(self):
        import datetime
        moment = datetime.datetime.fromtimestamp(self.rng.choice(self.times) / 1000, datetime.timezone.utc)
        zero = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        ms = lambda at: int((at - zero).total_seconds() * 1000)
        form = self.rng.random()
        if form < 0.4:
            name, value = "year", str(moment.year)
            start, end = (ms(datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc)) for year in (moment.year, moment.year + 1))
        elif form < 0.8:
            name, value = "date", moment.strftime("%Y-%m-%d")
            start = ms(moment) // DAY * DAY
            end = start + DAY
        else:
            name, value = "date", moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            start, end = ms(moment), ms(moment) + 1000
            if self.rng.random() < 0.4:
                name, value = "timestamp", str(start // 1000)
        within = f"(ms >= {start} AND ms < {end})"
        if self.rng.random() < 0.15:
            text, inverse = self.listed(name, [value, value])
            return text, f"NOT {within}" if inverse else within
        op = self.rng.choice(ORDERED)
        sql = {"=": within, "!=": f"NOT {within}", "<": f"ms < {start}", "<=": f"ms < {end}",
               ">": f"ms >= {end}", ">=": f"ms >= {start}"}[op]
        return f"{name} {op} {value}", sql

    def genre(self):
        values = [self.rng.choice(self.genres) for _ in range(self.rng.randint(1, 3))]
        quoted = [self.quoted(value) for value in values]
        has = lambda value: f"list_contains(genres, {sql_text(value.lower())})"
        if self.rng.random() < 0.3:
            text, inverse = self.listed("genre", [text for text, _ in quoted])
            sql = " OR ".join(has(value) for _, value in quoted)
            return text, f"NOT ({sql})" if inverse else f"({sql})"
        text, value = quoted[0]
        op = self.rng.choice(["=", "!=", "~"])
        if op == "~":
            part = self.rng.choice(["dra", "o", "SCI", "-"])
            return f"genre ~ '{part}'", f"len(list_filter(genres, lambda g: contains(g, {sql_text(part.lower())}))) > 0"
        return f"genre {op} {text}", has(value) if op == "=" else f"NOT {has(value)}"

    def title(self):
        title = self.rng.choice(self.titles)
        if self.rng.random() < 0.5:
            words = [word for word in title.split() if len(word) > 2] or [title]
            text, value = self.quoted(self.rng.choice(words))
            return f"title ~ {text}", f"contains(lower(title), lower({sql_text(value)}))"
        if self.rng.random() < 0.5:
            pattern = list(title)
            pattern[self.rng.randrange(len(pattern))] = "_"
            cut = self.rng.randrange(len(pattern))
            pattern[cut:] = self.rng.choice([["%"], pattern[cut:], ["%"] + pattern[cut + 3:]])
            inverse = self.rng.choice(["", "not "])
            text, value = self.quoted("".join(pattern))
            return f"title {inverse}like {text}", f"title {inverse}ILIKE {sql_text(value)}"
        text, value = self.quoted(title)
        op = self.rng.choice(["=", "!="])
        return f"title {op} {text}", f"lower(trim(title)) {op} lower(trim({sql_text(value)}))"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    mvrec, data, rng = str(pathlib.Path(args.mvrec).resolve()), args.data.resolve(), random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        def run(*words):
            done = subprocess.run([mvrec, "-q", *words], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"mvrec {' '.join(words)}: {done.stderr}")

        for name in ("ratings", "movies"):
            with open(data / f"{name}.csv", newline="") as source, open(f"{folder}/{name}.csv", "w", newline="") as out:
                rows = csv.reader(source)
                to = csv.writer(out)
                to.writerow(next(rows))
                for row in rows:
                    if name == "ratings" and rng.random() < 0.1:
                        row[3] = ""
                    if name == "ratings" or rng.random() < 0.97:
                        to.writerow(row)
        run("ingest", ".", "-o", "ml")
        db = duckdb.connect()
        db.execute(f"SET file_search_path = '{folder}'")
        db.execute(ROWS.format("ml"))
        total = db.execute("SELECT count(*) FROM rows").fetchone()[0]
        expressions = Expressions(rng, db)
        nothing = everything = 0
        for _ in range(args.n):
            text, sql = expressions.expression()
            run("filter", "--where", text, "ml", "-o", "kept.parquet")
            ours = set(db.execute("SELECT user_id, movie_id FROM read_parquet('kept.parquet')").fetchall())
            theirs = set(db.execute(f"SELECT user_id, movie_id FROM rows WHERE {sql}").fetchall())
            if ours != theirs:
                example = next(iter(ours ^ theirs))
                sys.exit(f"{text}\n{sql}\nmvrec keeps {len(ours)}, DuckDB {len(theirs)}; only one of them keeps {example}")
            nothing += not ours
            everything += len(ours) == total
    print(f"{args.n} expressions keep what DuckDB selects ({nothing} nothing, {everything} everything of {total} ratings)")


if __name__ == "__main__":
    main()
