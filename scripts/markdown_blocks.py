#!/usr/bin/env python3
"""The fenced blocks of a Markdown file, for the checks that run what the documentation shows.

Usage: markdown_blocks.py LANGUAGE FILE prints what is in the blocks of that language, one after the other.
"""
import json
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
    """A regular expression for an output that is shown: `…` is any text within a line, a line of nothing but it any number of lines."""
    lines = [r"(?:.*\n)*" if line == "…" else re.escape(line.rstrip()).replace("…", ".*") + r" *\n"
             for line in expected.splitlines()]
    return re.compile("".join(lines))


def file_of(block):
    """The file that a block is to be written to, or None."""
    name = re.search(r"\b(?:Write|Change) `([^`]+)`:$", block.before)
    return name and name[1]


def example(block):
    """The DAG that a ```json block shows, as text: a whole one, or one made of a task; None for other JSON."""
    if (file_of(block) or "").endswith(".ndjson"):
        for line in block.text.splitlines():
            json.loads(line)
        return None
    text = block.text if block.text.lstrip()[:1] in "[{" else "{" + block.text + "}"
    value = json.loads(text)
    if not isinstance(value, dict) or "id" not in value:
        return None
    if "tasks" in value:
        return text
    if "kind" in value:
        value.pop("after", None)
        return json.dumps({"id": "example", "tasks": [value]})
    return None


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    for block in blocks(sys.argv[2]):
        if block.language == sys.argv[1]:
            sys.stdout.write(block.text)
