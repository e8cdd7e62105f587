#!/usr/bin/env python3
"""Open mvrec's models in Spark and a model of Spark's in mvrec, and compare the predictions.

usage: check_spark.py RATINGS_CSV [--mvrec target/release/mvrec]

ALS (with and without biases) and NMF are trained by mvrec, opened with `ALSModel.load`, and Spark's `transform` must predict
what mvrec recommends, to 1e-4. Then Spark trains ALS, explicit and implicit, saves it, and mvrec must rank and predict what
Spark's own model does, for its users and for somebody new with the ratings of one. Needs a Java 17 and: pip install 'pyspark==3.5.*' pyarrow
"""

import argparse
import csv
import os
import subprocess
import tempfile

import pyarrow.parquet
from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import SparkSession

TOLERANCE = 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    args = parser.parse_args()
    spark = (SparkSession.builder.master("local[2]").appName("mvrec").config("spark.ui.enabled", "false")
             .config("spark.sql.shuffle.partitions", "4").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")

    def predictions(model, folder):
        """What mvrec predicts for every user and movie."""
        out = os.path.join(folder, "lists.parquet")
        subprocess.run([args.mvrec, "-q", "recommend", model, "--all-users", "--include-seen", "-n", "1000000",
                        "-o", out], check=True)
        table = pyarrow.parquet.read_table(out).to_pydict()
        # A model that ranks by something else tells the prediction beside it.
        value = [p if p is not None else s for p, s in zip(table["predicted_rating"], table["score"])]
        return {(u, m): v for u, m, v in zip(table["user_id"], table["movie_id"], value)}

    def compare(what, model, ours):
        pairs = spark.createDataFrame(list(ours), ["user_id", "movie_id"])
        users, items = model.getUserCol(), model.getItemCol()
        pairs = pairs.withColumnRenamed("user_id", users).withColumnRenamed("movie_id", items)
        theirs = model.transform(pairs).collect()
        assert len(theirs) == len(ours), what
        worst = max(abs(row.prediction - ours[row[users], row[items]]) for row in theirs)
        assert worst <= TOLERANCE, f"{what}: predictions differ by {worst}"
        print(f"ok: {what}: {len(theirs)} predictions, largest difference {worst:.1e}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        # A fifth of the users, so that all their predictions fit one comparison.
        ratings = os.path.join(folder, "ratings.parquet")
        subprocess.run([args.mvrec, "-q", "filter", "--sample", "0.2", "--sample-of", "users",
                        "--min-movie-ratings", "2", args.ratings, "-o", ratings], check=True)
        for command in ["als", "als --no-biases", "nmf", "nmf --fill 2.5"]:
            model = os.path.join(folder, command.replace(" ", "_").replace(".", "_"))
            subprocess.run([args.mvrec, "-q", "train", *command.split(), "--rank", "20", ratings, "-o", model],
                           check=True)
            compare(f"mvrec train {command}, ALSModel.load", ALSModel.load(model), predictions(model, folder))

        rows = spark.read.parquet(ratings)
        for feedback in ["explicit", "implicit"]:
            als = ALS(userCol="user_id", itemCol="movie_id", ratingCol="rating", rank=20, maxIter=5, seed=1,
                      implicitPrefs=feedback == "implicit")
            path = os.path.join(folder, feedback)
            model = als.fit(rows)
            model.write().overwrite().save(path)
            parts = [name for name in os.listdir(os.path.join(path, "itemFactors")) if name.endswith(".parquet")]
            compare(f"Spark's {feedback} ALS ({len(parts)} part files), mvrec recommend", model, predictions(path, folder))
            # Spark solves the users last: somebody new with a user's ratings has that user's factors.
            user = rows.first()["user_id"]
            own = [f"{row.movie_id}={row.rating}" for row in rows.filter(rows.user_id == user).collect()]
            words = [word for rating in own for word in ("--rate", rating)]
            out = os.path.join(folder, "new.csv")
            subprocess.run([args.mvrec, "-q", "recommend", path, *words, "--include-seen", "-n", "1000000", "-o", out], check=True)
            with open(out, newline="", encoding="utf-8") as file:
                new = {(user, int(row["movie_id"])): float(row["predicted_rating"] or row["score"]) for row in csv.DictReader(file)}
            compare(f"somebody new with the {len(own)} ratings of user {user}, folded in ({feedback})", model, new)

    spark.stop()


main()
