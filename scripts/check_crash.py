#!/usr/bin/env python3
"""End mvrec at bad moments: no output may ever be half there, none lost, and nothing left behind.

usage: check_crash.py RATINGS [TIMES]

RATINGS is a MovieLens folder. TIMES (2000) runs of all commands that write are ended by SIGTERM, SIGINT, SIGHUP and
SIGKILL, most of them near the commit; each time the old output or the whole new one must stand, and after the next run for
the same place no temporary. A model is replaced while it is read. Then the power is cut (an ext4 file system in a file is shut down without flushing), and the
disk is full or read-only. Those need root; without, they are reported as skipped.
"""

import contextlib
import fcntl
import hashlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MVREC = os.path.abspath(os.environ.get("MVREC", os.path.join(ROOT, "target", "release", "mvrec")))
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]


def run(*argv, **more):
    return subprocess.run([MVREC, *argv], capture_output=True, text=True, **more)


def digest(path):
    """Return a hash of a file, or of a folder with all in it; None where there is nothing."""
    if not os.path.lexists(path):
        return None
    found = hashlib.sha256()
    files = [path] if os.path.isfile(path) else sorted(
        os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    for file in files:
        found.update(os.path.relpath(file, path).encode())
        with open(file, "rb") as content:
            found.update(content.read())
    return found.hexdigest()


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def jobs(data):
    """Return pairs of commands that write other content to the same place."""
    quick = ["train", "als", "ml", "--factors", "4", "--iterations", "2"]
    return [
        ("dataset", ["ingest", data], ["filter", "--rating", "4..", "ml"]),
        ("ratings.parquet", ["filter", "ml"], ["filter", "--rating", "4..", "ml"]),
        ("ratings.csv", ["ingest", data], ["filter", "--rating", "4..", "ml"]),
        ("ratings.csv.gz", ["filter", "--rating", "4.5..", "ml"], ["filter", "--rating", "4..", "ml"]),
        ("parts", ["split", "--by", "random", "--seed", "1", "ml"], ["split", "--by", "random", "--seed", "2", "ml"]),
        ("folds", ["split", "--by", "random", "--folds", "2", "ml"], ["split", "--by", "random", "--folds", "3", "ml"]),
        ("als", [*quick, "--seed", "1"], [*quick, "--seed", "2"]),
        ("cosine", ["train", "cosine", "ml", "--neighbors", "3"], ["train", "cosine", "ml", "--neighbors", "4"]),
        ("popularity", ["train", "popularity", "ml"], ["train", "popularity", "liked"]),
        ("lists.json", ["recommend", "model", "--all-users", "-n", "3"], ["recommend", "model", "--all-users", "-n", "4"]),
        ("lists.parquet", ["recommend", "model", "--all-users", "-n", "3"], ["recommend", "model", "--all-users", "-n", "4"]),
        ("report.html", ["stats", "report", "ml"], ["stats", "report", "liked"]),
        ("top.csv", ["stats", "top", "ml"], ["stats", "top", "liked"]),
        ("figures.json", ["evaluate", "model", "--test", "held/test", "-k", "5", "--bootstrap", "0"],
         ["evaluate", "model", "--test", "held/test", "-k", "6", "--bootstrap", "0"]),
    ]


def prepare(data):
    for command in [
        ["ingest", data, "-o", "ml"],
        ["filter", "--rating", "4..", "ml", "-o", "liked"],
        ["split", "--by", "random", "ml", "-o", "held"],
        ["train", "als", "held/train", "--factors", "4", "--iterations", "2", "-o", "model"],
    ]:
        run("-q", *command).check_returncode()


def ends(data, times):
    prepare(data)
    rng = random.Random(7)
    known, took = {}, {}
    for output, *commands in jobs(data):
        for at, command in enumerate(commands):
            started = time.perf_counter()
            run("-q", *command, "-o", output).check_returncode()
            took[output, at] = time.perf_counter() - started
            known[output, at] = digest(output)
        assert known[output, 0] != known[output, 1], output
    told = {number: {} for number in SIGNALS}
    for n in range(times):
        output, *commands = jobs(data)[n % len(jobs(data))]
        number = SIGNALS[n // len(jobs(data)) % len(SIGNALS)]
        if rng.random() < 0.2:
            remove(output)
        old = digest(output)
        at = 1 if old == known[output, 0] else 0
        child = subprocess.Popen([MVREC, "-q", *commands[at], "-o", output], stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0.5, 1.05) * took[output, at] if n % 5 else rng.uniform(0, took[output, at]))
        child.send_signal(number)
        _, said = child.communicate()
        code, left = child.returncode, digest(output)
        outcome = "new" if left == known[output, at] else "old" if left == old else None
        assert outcome, f"{output}: neither old nor new after {number.name} (exit code {code})"
        # Before the first line of mvrec's own, a signal ends the process in the system's way.
        ended = (-number,) if number == signal.SIGKILL else (128 + number, -number)
        assert code in ended or (code == 0 and outcome == "new"), f"{output}: {number.name}: exit code {code}: {said}"
        told[number][outcome] = told[number].get(outcome, 0) + 1
    for output, *commands in jobs(data):
        run("-q", *commands[0], "-o", output).check_returncode()
        assert digest(output) == known[output, 0], output
    left = [name for name in os.listdir(".") if name.startswith(".")]
    assert not left, f"temporaries that nobody removes: {left}"
    for number, outcomes in told.items():
        assert len(outcomes) == 2, f"{number.name}: {outcomes}: the moments are badly chosen"
        print(f"{number.name}: " + ", ".join(f"{n} left the {what} output" for what, n in sorted(outcomes.items())))


def replaced(data, seconds=12):
    """Ask a model that is trained anew all the time: the lists are those of one model or the other, or an error says why not."""
    def train(seed):
        return ["train", "als", "ml", "--factors", "4", "--iterations", "2", "--seed", str(seed), "-o", "swapped"]

    ask = ["recommend", "swapped", "--all-users", "-n", "5", "-o", "swapped.json"]
    known = {}
    for seed in (1, 2):
        run("-q", *train(seed)).check_returncode()
        run("-q", *ask).check_returncode()
        known[digest("swapped.json")] = seed
    assert len(known) == 2
    stop = threading.Event()

    def swap():
        seed = 1
        while not stop.is_set():
            run("-q", "--no-sync", *train(seed)).check_returncode()
            seed = 3 - seed

    swapping = threading.Thread(target=swap)
    swapping.start()
    told = {}
    started = time.perf_counter()
    try:
        while time.perf_counter() - started < seconds:
            remove("swapped.json")
            asked = run("-q", *ask)
            if asked.returncode == 0:
                outcome = f"model {known[digest('swapped.json')]}"  # fails if it is neither
            else:
                assert asked.returncode == 1 and ("was replaced" in asked.stderr or "No such file" in asked.stderr), asked.stderr
                outcome = "error"
            told[outcome] = told.get(outcome, 0) + 1
    finally:
        stop.set()
        swapping.join()
    print("asked while the model was replaced: " + ", ".join(f"{n} {what}" for what, n in sorted(told.items())))


@contextlib.contextmanager
def mounted(*arguments):
    folder = tempfile.mkdtemp()
    mount = subprocess.run(["mount", *arguments, folder], capture_output=True)
    try:
        yield folder if mount.returncode == 0 else None
    finally:
        if mount.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


def cut_power(folder):
    """Shut a file system down at once: what has not reached the disk, its journal included, is lost."""
    shutdown, without_flush = 0x8004587D, struct.pack("I", 2)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(handle, shutdown, without_flush)
    finally:
        os.close(handle)


def power(data, times=24):
    image = "disk.img"
    with open(image, "wb") as file:
        file.truncate(256 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", image], capture_output=True) if shutil.which("mkfs.ext4") else None
    if made is None or made.returncode != 0:
        print("skipped: a power cut (needs mkfs.ext4)")
        return
    rng = random.Random(9)
    told = {}
    all_jobs = [job for job in jobs(data) if job[0] in ("dataset", "ratings.csv", "als", "parts", "report.html")]
    for n in range(times):
        output, *commands = all_jobs[n % len(all_jobs)]
        unsynced = ["--no-sync"] if n >= times * 3 // 4 else []
        with mounted("-o", "loop", image) as folder:
            if folder is None:
                print("skipped: a power cut (mounting a file system needs root)")
                return
            place = os.path.join(folder, output)
            remove(place)
            run("-q", *commands[0], "-o", place).check_returncode()
            old = digest(place)
            subprocess.run(["sync"], check=True)
            reference = run("-q", *commands[1], "-o", "reference-" + output)
            reference.check_returncode()
            new = digest("reference-" + output)
            child = subprocess.Popen([MVREC, "-q", *unsynced, *commands[1], "-o", place], stderr=subprocess.DEVNULL)
            if n % 2:
                time.sleep(rng.uniform(0.0, 0.06))
            else:
                child.wait()
            cut_power(folder)
            child.wait()
            finished = child.returncode == 0
        with mounted("-o", "loop", image) as folder:
            left = digest(os.path.join(folder, output))
            outcome = {old: "old", new: "new"}.get(left, "lost")
            if not unsynced:
                assert outcome == "new" or (outcome == "old" and not finished), f"{output}: {outcome} after a power cut"
            kind = ("--no-sync" if unsynced else "synced", "after the end" if finished else "while it ran", outcome)
            told[kind] = told.get(kind, 0) + 1
            remove(os.path.join(folder, output))
    print(f"power cut {times} times: " + ", ".join(f"{n} {' '.join(kind)}" for kind, n in sorted(told.items())))


def disk(data):
    for what, options, message in [("full", "size=400k", "No space left"), ("read-only", "ro", "read-only")]:
        with mounted("-t", "tmpfs", "-o", options, "tmpfs") as folder:
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
        ends(data, int(sys.argv[2]) if len(sys.argv) == 3 else 2000)
        replaced(data)
        power(data)
        disk(data)
        os.chdir(ROOT)


main()
