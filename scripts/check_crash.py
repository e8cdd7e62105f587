#!/usr/bin/env python3
"""Kill mvrec at random moments, fill its disk, lock its folder: no output may ever be half there.

usage: check_crash.py RATINGS [TIMES]

RATINGS is a MovieLens folder. TIMES (100) runs of ingest and filter are killed by SIGKILL; each time, the output that
stood before must stand still, or the whole new one. A full disk and a read-only one are small tmpfs mounts, which need
root; without, those two are reported as skipped.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MVREC = os.path.join(ROOT, "target", "release", "mvrec")


def run(*argv, **more):
    return subprocess.run([MVREC, *argv], capture_output=True, text=True, **more)


def content(path):
    """Return the ratings at a path, as text; fails if they cannot be read."""
    read = run("-q", "filter", path, "-o", "content.csv")
    assert read.returncode == 0, f"damaged output {path}: {read.stderr}"
    with open("content.csv") as file:
        return file.read()


def killed(command, output, old, new, delay):
    """Run a command over an output and kill it; return which content the output has then."""
    child = subprocess.Popen([MVREC, "-q", *command, "-o", output], stderr=subprocess.DEVNULL)
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    child.wait()
    if old is None and not os.path.exists(output):
        return "none"
    found = content(output)
    assert found in (old, new), f"{output} is neither the old nor the new one"
    return "new" if found == new else "old"


def kill(data, times):
    rng = random.Random(7)
    run("ingest", data, "-o", "ml").check_returncode()
    run("filter", "--rating", "4..", "ml", "-o", "liked").check_returncode()
    whole, liked = content("ml"), content("liked")
    commands = [(["ingest", data], whole, liked), (["filter", "--rating", "4..", "ml"], liked, whole)]
    took = {}
    for command, _, _ in commands:
        started = time.perf_counter()
        run(*command, "-o", "timed").check_returncode()
        took[command[0]] = time.perf_counter() - started
    told = {}
    for at in range(times):
        command, new, other = commands[at % len(commands)]
        output = ["out", "out.parquet", "out.csv"][at // 2 % 3]
        old = None
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(output) if os.path.isdir(output) else os.remove(output)
        if at % 4 < 2:  # an older output, of the other content, stands there already
            source = "liked" if new == whole else "ml"
            run("filter", source, "-o", output).check_returncode()
            old = other
        left = killed(command, output, old, new, rng.uniform(0, 1.6 * took[command[0]]))
        told[left] = told.get(left, 0) + 1
        run(*command, "-o", output).check_returncode()  # what a crash leaves behind is in nobody's way
        assert content(output) == new
    print(f"killed {times} times: " + ", ".join(f"{n} left {what}" for what, n in sorted(told.items())))
    assert len(told) == 3, "some outcome never came about: the moments are badly chosen"


@contextlib.contextmanager
def tmpfs(options):
    folder = tempfile.mkdtemp()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    try:
        yield folder if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


def disk(data):
    for what, options, message in [("full", "size=400k", "No space left"), ("read-only", "ro", "read-only")]:
        with tmpfs(options) as folder:
            if folder is None:
                print(f"skipped: a {what} disk (mounting one needs root)")
                continue
            for output in ["out", "out.parquet", "out.csv"]:
                for command in [["ingest", data], ["filter", "ml"]]:
                    tried = run(*command, "-o", os.path.join(folder, output))
                    assert tried.returncode == 1, f"{what} disk: exit code {tried.returncode}"
                    assert message in tried.stderr and "tmp-" not in tried.stderr, tried.stderr
                    assert os.listdir(folder) == [], f"{what} disk: left {os.listdir(folder)}"
        print(f"a {what} disk: {tried.stderr.strip().replace(folder, 'DISK')}")


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    data = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        kill(data, int(sys.argv[2]) if len(sys.argv) == 3 else 100)
        disk(data)
        os.chdir(ROOT)


main()
