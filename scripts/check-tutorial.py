#!/usr/bin/env python3
"""Follows docs/tutorial.md literally, in an empty folder, as one shell would: every ```sh block in its order.

A ```json block after a line that ends in a file's name, as in "Write `dags/x.json`:", is written to that file. A ```text block is what
the ```sh block before it prints on both of its channels; in it, `…` stands for any text within a line, and a line that is nothing
but `…` for any number of lines. A block must end with exit status 0, and no process may be left over at the end.

Usage: check-tutorial.py [FILE]
"""
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

from markdown_blocks import blocks, output_pattern

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIME_LIMIT = 60


class Mistake(Exception):
    """What the tutorial says and what happened are two things."""


def steps(page):
    """The commands as (block, shell text, expected output or None), and at least ten of them."""
    found = []
    for block in blocks(page):
        where = f"{page}:{block.line}"
        if block.language == "sh":
            found.append([block, block.text, None])
        elif block.language == "json":
            name = re.search(r"`([^`]+)`:$", block.before)
            if not name:
                raise Mistake(f"{where}: the line before a json block must end in the name of its file, as in `dags/x.json`:")
            target = shlex.quote(name[1])
            found.append([block, f"cat >{target} <<'END OF BLOCK'\n{block.text}END OF BLOCK\n", None])
        elif block.language == "text":
            if not found or found[-1][0].language != "sh" or found[-1][2] is not None:
                raise Mistake(f"{where}: a text block must follow the sh block that prints it")
            found[-1][2] = block
        else:
            raise Mistake(f"{where}: a block must be sh, json or text, not '{block.language}'")
    if len(found) < 10:
        raise Mistake(f"{page}: has no commands to follow")
    return found


def follow(page, folder):
    found = steps(page)
    script = "set -eu\n"
    for index, (_, text, _) in enumerate(found):
        script += f"exec >{folder}/{index}.out 2>&1\n{text}"
    home = folder + "/home"
    os.mkdir(home)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
    environment["PATH"] = ROOT + "/.build/release:" + environment["PATH"]
    shell = subprocess.Popen(["sh", "-c", script], cwd=home, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        status = shell.wait(TIME_LIMIT)
    except subprocess.TimeoutExpired:
        status = f"none within {TIME_LIMIT} seconds"
    left = True
    try:
        os.killpg(shell.pid, signal.SIGKILL)
    except ProcessLookupError:
        left = False
    shell.wait()

    for index, (block, text, expected) in enumerate(found):
        path = f"{folder}/{index}.out"
        last = not os.path.exists(f"{folder}/{index + 1}.out")
        output = open(path, encoding="utf-8", errors="replace").read()
        if last and status != 0:
            raise Mistake(f"{page}:{block.line}: exit status {status} of\n{text}\nwhich printed\n{output}")
        if expected and not output_pattern(expected.text).fullmatch(output):
            raise Mistake(f"{page}:{expected.line}: this is expected\n{expected.text}\nof\n{text}\nwhich printed\n{output}")
    if left:
        raise Mistake(f"{page}: a process was left over")
    return found


def main():
    page = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "docs/tutorial.md")
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = follow(page, folder)
        except Mistake as mistake:
            raise SystemExit(str(mistake))
    compared = sum(1 for _, _, expected in found if expected)
    print(f"{os.path.relpath(page, ROOT)}: {len(found)} blocks followed, {compared} outputs as expected")


main()
