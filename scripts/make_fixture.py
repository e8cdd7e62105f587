#!/usr/bin/env python3
"""Write the made-up ratings, tags and links of fixtures/ml-mini beside its hand-written movies.csv.

usage: make_fixture.py [fixtures/ml-mini]

200 people in eight groups of taste rate films of the list from 2016 to 2019. Fame falls with the place in
the list. What a group likes is a matter of genres and decades, so that a recommendation can be judged by
eye. The standard library's generator with a fixed seed: the same files everywhere.
"""

import csv
import math
import os
import random
import sys

USERS = 200
START, END = 1_451_606_400, 1_577_836_799  # 2016-01-01 to 2019-12-31, UTC

# Per group: stars added for a genre, then for films older than and newer than a year.
GROUPS = {
    "space": ({"Sci-Fi": 1.0, "Action": 0.3, "Adventure": 0.3, "Romance": -0.9, "Musical": -1.0}, {}),
    "hearts": ({"Romance": 1.0, "Musical": 0.4, "Comedy": 0.2, "Horror": -1.3, "War": -0.6, "Western": -0.8}, {}),
    "screams": ({"Horror": 1.2, "Thriller": 0.3, "Children": -1.0, "Musical": -1.0, "Romance": -0.4}, {}),
    "cartoons": ({"Animation": 1.1, "Children": 0.4, "Fantasy": 0.2, "Horror": -1.0, "Western": -0.8}, {}),
    "classics": ({"Film-Noir": 0.7, "Drama": 0.1, "Sci-Fi": -0.3}, {"before": (1965, 1.2), "after": (1995, -0.7)}),
    "gangsters": ({"Crime": 0.8, "Thriller": 0.4, "Mystery": 0.3, "Children": -1.0, "Musical": -0.9}, {}),
    "world": ({"Drama": 0.6, "War": 0.4, "Documentary": 0.6, "Action": -0.8, "Sci-Fi": -0.3}, {}),
    "frontier": ({"Western": 1.3, "War": 0.8, "Adventure": 0.3, "Animation": -0.9, "Romance": -0.4}, {}),
}

# IMDb and TMDb numbers of some films, by place in the list.
LINKS = {
    1: ("0111161", 278), 2: ("0109830", 13), 3: ("0110912", 680), 4: ("0133093", 603), 5: ("0076759", 11),
    6: ("0114709", 862), 7: ("0102926", 274), 8: ("0468569", 155), 9: ("0120737", 120), 10: ("0068646", 238),
    11: ("0137523", 550), 12: ("1375666", 27205), 13: ("0245429", 129), 14: ("0120338", 597), 15: ("0107290", 329),
    16: ("0108052", 424), 17: ("0080684", 1891), 18: ("0167260", 122), 19: ("0110357", 8587), 20: ("0266543", 12),
    28: ("0078748", 348), 47: ("0083658", 78), 54: ("0034583", 289), 56: ("0054215", 539),
}

TAGS = [
    (13, "Ghibli"), (13, "beautiful"), (82, "Ghibli"), (83, "Ghibli"), (28, "slow burn"), (47, "neo-noir"),
    (49, "vampires"), (49, "so bad it's good"), (300, "so bad it's good"), (296, "so bad it's good"),
    (3, "quotable, very"), (45, "quotable, very"), (54, "black and white"), (4, "\"red pill\""),
]


def liking(movie, taste):
    genres, years = taste
    stars = sum(genres.get(genre, 0.0) for genre in movie["genres"])
    if "before" in years and movie["year"] < years["before"][0]:
        stars += years["before"][1]
    if "after" in years and movie["year"] > years["after"][0]:
        stars += years["after"][1]
    return max(-2.5, min(1.4, stars))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "fixtures/ml-mini"
    rng = random.Random(20190101)
    movies = []
    with open(os.path.join(folder, "movies.csv"), newline="", encoding="utf-8") as file:
        for place, row in enumerate(csv.DictReader(file)):
            movies.append({
                "id": int(row["movieId"]),
                "year": int(row["title"].rstrip(")")[-4:]),
                "genres": row["genres"].split("|"),
                "fame": 1 / (place + 25) ** 0.6,
                "quality": rng.gauss(0.25 if place < 60 else 0.0, 0.35),
            })
    movies[-1]["quality"] = movies[295]["quality"] = -1.6  # The Room, Plan 9 from Outer Space

    ratings = []
    tastes = list(GROUPS.values())
    for user in range(1, USERS + 1):
        taste = tastes[user % len(tastes)]
        mood = rng.gauss(0, 0.3)
        wanted = int(min(190, max(20, rng.lognormvariate(4.0, 0.55))))
        # People choose mostly what they expect to like (weights of exponential races: without replacement).
        order = sorted(
            movies,
            key=lambda m: rng.expovariate(1) / (m["fame"] * math.exp(0.9 * liking(m, taste))),
        )
        begin = rng.randint(START, END - 86_400)
        clock = begin
        for movie in order[:wanted]:
            stars = 3.3 + mood + movie["quality"] + liking(movie, taste) + rng.gauss(0, 0.45)
            stars = min(5.0, max(0.5, round(stars * 2) / 2))
            # One long evening, with some later returns.
            clock += rng.randint(5, 90) if rng.random() > 0.03 else rng.randint(86_400, 20_000_000)
            ratings.append((user, movie["id"], stars, min(clock, END)))
    ratings.sort()

    def write(name, header, rows):
        with open(os.path.join(folder, name), "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(header)
            out.writerows(rows)

    write("ratings.csv", ["userId", "movieId", "rating", "timestamp"], ratings)
    write("links.csv", ["movieId", "imdbId", "tmdbId"], [
        (movie["id"], *LINKS.get(movie["id"], ("", ""))) for movie in movies
    ])
    raters = {}
    for user, movie, _, time in ratings:
        raters.setdefault(movie, []).append((user, time))
    tags = [(*rng.choice(raters[movie]), movie, tag) for movie, tag in TAGS]
    write("tags.csv", ["userId", "movieId", "tag", "timestamp"], sorted(
        (user, movie, tag, time + 60) for user, time, movie, tag in tags
    ))
    print(f"{len(ratings)} ratings by {USERS} users of {len({r[1] for r in ratings})} movies in {folder}")


main()
