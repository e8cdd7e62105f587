#!/usr/bin/env python3
"""Measure what makes the code easy or hard to find one's way in, and refuse what was agreed not to be there.

usage: measure_code.py [--check] [SOURCE]

Counts, over the Rust files of SOURCE (src): types whose name is one word, type names that stand twice in the crate, functions called `of` or
`of_*`, comment lines over 100 columns, the longest functions, and the imports of the example in lib.rs. With --check, type names that stand twice,
functions called `of*`, wide comments, and subjects of the last commit over 72 columns (where git is there) are an error. Needs nothing but Python.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys

WIDEST = 100
SUBJECT = 72
TYPE = re.compile(r"^\s*(?:pub(?:\([a-z: ]+\))? )?(?:struct|enum|trait|type|union) ([A-Z]\w*)")
FUNCTION = re.compile(r"^\s*(?:pub(?:\([a-z: ]+\))? )?(?:const |unsafe |async )*fn (\w+)")


def without_tests(lines):
    """Yields the lines before the tests of a file, with their numbers."""
    for number, line in enumerate(lines, 1):
        if line.startswith("#[cfg(test)]"):
            return
        yield number, line


def items_of_impl(lines):
    """Returns the numbers of the lines in an implementation of a trait, whose associated types are no types of ours."""
    inside, found = False, set()
    for number, line in enumerate(lines, 1):
        if re.match(r"^(?:unsafe )?impl.* for ", line) or re.match(r"^(?:pub(?:\([a-z: ]+\))? )?trait ", line):
            inside = True
        elif line.startswith("}"):
            inside = False
        elif inside:
            found.add(number)
    return found


def functions(lines):
    """Yields the name, first line and length of each function."""
    for start, line in enumerate(lines):
        found = FUNCTION.match(line)
        if not found:
            continue
        indent = re.match(r"\s*", line).group()
        for end in range(start, len(lines)):
            if lines[end].rstrip().endswith(";") and not any("{" in line for line in lines[start : end + 1]):
                break  # a declaration without a body
            if lines[end].startswith(indent + "}") or (end == start and line.rstrip().endswith(("}", ";"))):
                yield found.group(1), start + 1, end - start + 1
                break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "src")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    types, of, wide, long = collections.defaultdict(list), [], [], []
    n_lines = 0
    for path in sorted(args.source.rglob("*.rs")):
        lines = path.read_text(encoding="utf-8").splitlines()
        n_lines += len(lines)
        skipped = items_of_impl(lines)
        for number, line in without_tests(lines):
            place = f"{path.relative_to(args.source.parent)}:{number}"
            found = TYPE.match(line)
            if found and number not in skipped:
                types[found.group(1)].append(place)
            found = FUNCTION.match(line)
            if found and re.fullmatch(r"of|of_\w+", found.group(1)):
                of.append(f"{place} {found.group(1)}")
        for number, line in enumerate(lines, 1):
            if re.match(r"\s*//(?!! \|)", line) and len(line) > WIDEST and "http" not in line:
                wide.append(f"{path.relative_to(args.source.parent)}:{number}")
        long += [(length, f"{path.relative_to(args.source.parent)}:{start} {name}") for name, start, length in functions(lines)]
    one_word = [name for name in types if len(re.findall(r"[A-Z]", name)) == 1]
    twice = {name: places for name, places in types.items() if len(places) > 1}
    library = (args.source / "lib.rs").read_text(encoding="utf-8")
    example = library.split("//! ```")[1] if "//! ```" in library else ""
    long.sort(reverse=True)
    print(f"lines                     {n_lines}")
    print(f"types                     {len(types)}")
    print(f"types of one word         {len(one_word)} ({100 * len(one_word) / max(1, len(types)):.0f} %)")
    print(f"type names used twice     {len(twice)}")
    print(f"functions `of`, `of_*`    {len(of)}")
    print(f"comments over {WIDEST} columns {len(wide)}")
    print(f"longest functions         {', '.join(f'{length} ({name})' for length, name in long[:3])}")
    print(f"imports of the example    {example.count('//! use ')}, {example.count(chr(10)) - 1} lines")
    if not args.check:
        return
    problems = [f"{name}: {', '.join(places)}" for name, places in twice.items()] + of + wide
    git = subprocess.run(["git", "log", "-1", "--format=%s"], cwd=args.source, capture_output=True, text=True)
    if git.returncode == 0 and len(git.stdout.strip()) > SUBJECT:
        problems.append(f"subject of the last commit is over {SUBJECT} columns: {git.stdout.strip()}")
    if problems:
        sys.exit("\n".join(["not agreed:"] + problems))


main()
