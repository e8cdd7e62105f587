#!/usr/bin/env python3
"""Use the page of `mvrec stats report` in a real browser, as a person would.

usage: check_report.py MOVIELENS_FOLDER [--mvrec target/release/mvrec] [--browser /usr/bin/chromium] [--pictures FOLDER]

At desktop and phone width, light and dark: the page opens, has nothing wider than the window and says nothing in the console; a
table is sorted and searched, a movie is picked by its title and from a table, the pointer tells a figure; what is shown equals what
mvrec's own reports say. The pages of `--plot FILE.html` open, too. --pictures keeps screenshots. Needs: pip install playwright, and Chromium.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile

from playwright.sync_api import sync_playwright

# Without these, a browser as root does not start, or looks for its maker's hosts.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
VIEWS = [("desktop-light", 1280, "light"), ("desktop-dark", 1280, "dark"), ("phone-light", 390, "light"), ("phone-dark", 390, "dark")]


def watched(context, requests, words):
    page = context.new_page()
    page.on("console", lambda message: words.append(message.text))
    page.on("pageerror", lambda error: words.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    return page


def spoken(title):
    """Returns a title as people write it: the article in front, and without other titles in parentheses."""
    stem, year = re.fullmatch(r"(.*?)(\s*\(\d{4}[-–]?\d*\))?\s*", title).groups()
    article = re.compile(r"(.*), (The|A|An|Le|La|Les|L'|Il|El|Los|Las|Der|Die|Das|Un|Une)", re.IGNORECASE)
    while alias := re.fullmatch(r"(.*\S)\s*\((?:[^()]|\([^()]*\))*\)", stem):
        if alias.group(1).split()[-1].lower() in ("or", "and", "of", "the", "&", "in") and not article.fullmatch(alias.group(1)):
            break
        stem = alias.group(1)
    if moved := article.fullmatch(stem):
        rest, word = moved.groups()
        stem = word + rest if word.endswith("'") else f"{word} {rest}"
    return f"{stem} {year.strip()}" if year else stem


def cells(page, section, column):
    return page.locator(f"{section} tbody td:nth-child({column})").all_inner_texts()


def use(page, report):
    """Clicks through the report; `report` asks mvrec."""
    facts = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts()))
    summary = report("summary")
    assert facts["ratings"] == f"{summary['ratings']:,}" and facts["average rating"] == f"{summary['mean_rating']:.3f}", facts

    best = report("top", "-n", "50")
    assert cells(page, "#best", 1) == [spoken(row["title"]) for row in best], "best rated"
    page.locator("#best th button", has_text="ratings").click()
    counts = [int(text.replace(",", "")) for text in cells(page, "#best", 3)]
    assert counts == sorted((row["total_ratings"] for row in best), reverse=True), "sorted, most first"
    page.locator("#best th button", has_text="ratings").click()
    assert [int(text.replace(",", "")) for text in cells(page, "#best", 3)] == sorted(counts), "sorted, fewest first"
    page.locator("#best th button", has_text="title").click()
    titles = cells(page, "#best", 1)
    assert titles != [spoken(row["title"]) for row in best] and titles[0].lower() < titles[-1].lower(), "sorted by title"

    page.locator("#popular input").fill("horror")
    horrors = [spoken(row["title"]) for row in report("popular", "-n", "50") if "horror" in (spoken(row["title"]) + row["genres"]).lower()]
    assert horrors and cells(page, "#popular", 1) == horrors, "searched"
    page.locator("#popular input").fill("")

    page.locator("#picker input").fill("spirited aw")
    page.locator("#picker li", has_text="Spirited Away").click()
    movie = report("movie", "spirited away")
    note = page.locator("#movie p.note").first.inner_text()
    assert f"{movie['total_ratings']} ratings" in note and f"{movie['avg_rating']:.3f}" in note, note
    stars = [float(text) for text in cells(page, "#movie", 2)]
    assert len(stars) == movie["total_ratings"] and abs(sum(stars) / len(stars) - movie["avg_rating"]) < 1e-9, "its ratings"
    dates = cells(page, "#movie", 3)
    assert dates == sorted(dates, reverse=True), "the latest first"
    page.locator("#movie th button", has_text="rating").click()
    assert [float(text) for text in cells(page, "#movie", 2)] == sorted(stars, reverse=True), "its ratings sorted"

    page.locator("#polarising td button").first.click()
    picked = page.locator("#movie h3").inner_text()
    assert picked == spoken(report("polarising")[0]["title"]), "picked from a table"

    page.locator(".chart svg").nth(1).hover()
    tip = page.locator(".chart").nth(1).locator(".tip")
    assert tip.is_visible() and len(tip.inner_text().split()) >= 2, "the pointer tells"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--mvrec", default="target/release/mvrec")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--pictures")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        data, path = os.path.join(folder, "ml"), os.path.join(folder, "report.html")
        run = lambda *words: subprocess.run([args.mvrec, "-q", *words], check=True, stdout=subprocess.PIPE).stdout
        report = lambda *words: json.loads(run("stats", *words, data, "--format", "json"))
        run("ingest", args.folder, "-o", data)
        run("stats", "report", data, "-o", path)
        size = os.path.getsize(path)
        assert size < 2 << 20, f"{size} bytes"
        print(f"ok: the page has {size} bytes")
        plots = {}
        for words in [["summary"], ["timeline"], ["genres"], ["timeline", "--movie", "1", "--movie", "318"]]:
            plots["-".join(words)] = os.path.join(folder, "-".join(words) + ".html")
            run("stats", *words, data, "--plot", plots["-".join(words)])

        browser = play.chromium.launch(executable_path=args.browser, args=FLAGS)
        for name, width, scheme in VIEWS:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            requests, words = [], []
            page = watched(context, requests, words)
            page.goto(f"file://{path}")
            page.wait_for_selector("html[data-ready=yes]")
            page.wait_for_function("document.querySelectorAll('.chart svg > *').length > 100")
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{name}: {wider} pixels wider than the window"
            if args.pictures:
                os.makedirs(args.pictures, exist_ok=True)
                page.screenshot(path=os.path.join(args.pictures, f"report-{name}.png"), full_page=True)
            use(page, report)
            for plot, file in plots.items():
                page.goto(f"file://{file}")
                page.wait_for_selector(".chart svg > *", state="attached")
                if args.pictures:
                    page.screenshot(path=os.path.join(args.pictures, f"{plot}-{name}.png"), full_page=True)
            assert not words, f"{name}: the console says {words}"
            outside = [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
            assert not outside, f"{name}: {outside}"
            context.close()
            print(f"ok: {name}: opened, sorted, searched, picked; the console is silent, nothing was fetched")
        browser.close()


main()
