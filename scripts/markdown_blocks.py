#!/usr/bin/env python3
"""The fenced blocks of a Markdown file, for the checks that run what the documentation shows.

Usage: markdown_blocks.py LANGUAGE FILE prints what is in the blocks of that language, one after the other.
"""
import re
import sys
from typing import NamedTuple


class Block(NamedTuple):
    language: str
    text: str
    # The number of its first line in the file.
    line: int
    # The last line before it that is not empty.
    before: str


def blocks(path):
    """All fenced blocks of the file, in their order; one that is not closed is an error."""
    found, before, opened, content = [], "", None, []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if opened is None and line.startswith("```"):
                opened, content = (line[3:].strip(), number + 1), []
            elif opened is not None and line.rstrip() == "```":
                found.append(Block(opened[0], "".join(content), opened[1], before))
                opened, before = None, ""
            elif opened is not None:
                content.append(line)
            elif line.strip():
                before = line.strip()
    if opened is not None:
        raise SystemExit(f"{path}:{opened[1] - 1}: this block is not closed")
    return found


def output_pattern(expected):
    """A regular expression for an output that is shown: `…` is any text within a line, a line of nothing but `…` any number of lines."""
    lines = [r"(?:.*\n)*" if line == "…" else re.escape(line.rstrip()).replace("…", ".*") + r" *\n"
             for line in expected.splitlines()]
    return re.compile("".join(lines))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    for block in blocks(sys.argv[2]):
        if block.language == sys.argv[1]:
            sys.stdout.write(block.text)
