#!/usr/bin/env python3
"""Look up all titles of a catalogue in eight spellings, and films that it does not have.

usage: check_titles.py RATINGS

RATINGS is a MovieLens folder. Each spelling must find at least 99 % of the movies; of 1,000 films that were left out of the
catalogue, at most 5 may be taken for another one, whether their year is given or not.
"""

import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unicodedata

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MVREC = os.path.abspath(os.environ.get("MVREC", os.path.join(ROOT, "target", "release", "mvrec")))
ARTICLE = re.compile(r"^(.*), (The|A|An)$")
ROMAN = {"II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6", "VII": "7", "VIII": "8"}
WORDS = {"Two": "2", "Three": "3", "Four": "4", "Five": "5", "Seven": "7", "Ten": "10", "Eleven": "11", "Twelve": "12"}


def mvrec(*argv, **more):
    done = subprocess.run([MVREC, "-q", *argv], capture_output=True, text=True, **more)
    assert done.returncode in (0, 1), done.stderr
    return done


def look_up(titles):
    """Return the title that each typed one was taken for; None if it was refused."""
    lines = "".join(json.dumps({"ratings": [{"title": title, "rating": 5}]}) + "\n" for title in titles)
    answers = mvrec("recommend", "als", "--ratings", "-", "-n", "1", "--explain=1", input=lines).stdout.splitlines()
    assert len(answers) == len(titles)
    found = []
    for answer in map(json.loads, answers):
        rows = answer.get("recommendations")
        found.append(rows[0]["because"][0]["title"] if rows and rows[0]["because"] else None)
    return found


def split(title):
    """Return the title as people write it, and its year in parentheses or nothing."""
    year = re.search(r" \(\d{4}[^()]*\)$", title.rstrip())
    name = title[:year.start()] if year else title
    main = name.split(" (")[0]
    moved = ARTICLE.match(main)
    return (f"{moved[2]} {moved[1]}" if moved else main), (year[0] if year else "")


def without_article(name):
    return re.sub(r"^(The|A|An) ", "", name)


def spellings(title):
    name, year = split(title)
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    bare = re.sub(r"\s+", " ", re.sub(r"[^\w\s&']", " ", name)).strip().replace("'", "")
    numbers = " ".join(ROMAN.get(w.rstrip(":,"), WORDS.get(w.rstrip(":,"), w)) if at else w for at, w in enumerate(name.split(" ")))
    swapped = name.replace(" & ", " and ") if " & " in name else name.replace(" and ", " & ")
    return {
        "as in the catalogue": title,
        "article in front": name + year,
        "lower case": (name + year).lower(),
        "no punctuation": (bare or name) + year,
        "no accents": plain + year,
        "& and `and` exchanged": swapped + year,
        "numerals as digits": numbers + year,
        "article left out": without_article(name) + year,
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = os.path.abspath(sys.argv[1])
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        mvrec("ingest", data, "-o", "ml").check_returncode()
        mvrec("train", "als", "ml", "--factors", "4", "--iterations", "1", "-o", "als").check_returncode()
        mvrec("filter", "ml", "-o", "ml.csv").check_returncode()
        with open("ml.csv") as file:
            rated = {row["movie_id"] for row in csv.DictReader(file)}
        with open(os.path.join(data, "movies.csv"), newline="") as file:
            movies = {row["movieId"]: row["title"].strip() for row in csv.DictReader(file) if row["movieId"] in rated}
        titles = [title for title in movies.values() if list(movies.values()).count(title) == 1]
        print(f"{len(titles)} titles\n\n{'spelling':24} {'found':>8} {'refused':>8} {'wrong':>6}")
        for spelling in spellings("x"):
            typed = [spellings(title)[spelling] for title in titles]
            found = look_up(typed)
            right = sum(b is not None and a.split() == b.split() for a, b in zip(titles, found))
            refused = found.count(None)
            failed |= right < 0.99 * len(titles)
            print(f"{spelling:24} {right / len(titles):8.2%} {refused:8} {len(titles) - right - refused:6}")
            if "-v" in os.environ.get("TITLES", ""):
                for a, t, b in zip(titles, typed, found):
                    if a != b:
                        print("   ", t, "->", b)
        absent = set(random.Random(5).sample(sorted(movies), 1000))
        with open("left.txt", "w") as file:
            file.writelines(f"{movie}\n" for movie in movies if movie not in absent)
        mvrec("filter", "ml", "--movies-in", "left.txt", "-o", "fewer").check_returncode()
        mvrec("train", "als", "fewer", "--factors", "4", "--iterations", "1", "-o", "als").check_returncode()
        names = [movies[movie] for movie in sorted(absent)]
        for what, typed in [("with year", ["".join(split(name)) for name in names]), ("without year", [split(name)[0] for name in names])]:
            found = look_up(typed)
            # The same title is that title, as far as anybody can tell who was given no year, with or without its article.
            plain = lambda name: re.sub(r"\W", "", without_article(name).lower())
            wrong = [(t, b) for t, b in zip(typed, found) if b is not None and plain("".join(split(b)) if "(" in t else split(b)[0]) != plain(t)]
            failed |= len(wrong) > 5
            print(f"\nof {len(names)} absent films {what}, {len(wrong)} were taken for another:")
            for one in wrong[:12]:
                print("   ", *one, sep="  ")
        os.chdir(ROOT)
    sys.exit(1 if failed else 0)


main()
