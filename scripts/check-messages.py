#!/usr/bin/env python3
"""Checks that the program can say what docs/troubleshooting.md quotes: in its tables, the first column under "it says" is the program's
own words, with `…` for what differs. Each stretch of 12 characters or more, between these and its colons, semicolons and commas (where
messages are put together), must stand in a text of Sources/.

Usage: check-messages.py
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The words of others: SQLite, DuckDB, curl.
FOREIGN = ["database disk image is malformed", "Out of Memory Error", "Couldn't connect to server"]


def sources():
    """All texts of the sources, those that are put together of several joined, and `…` where a value is put in."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "Sources").rglob("*.swift")))
    text = re.sub(r'"\s*\+\s*"', "", text)
    text = re.sub(r'\\\((?:[^()"]|"[^"]*"|\((?:[^()]|\([^()]*\))*\))*\)', "…", text)
    return text.replace('\\"', '"')


def messages(text):
    """(line, message) of the tables under "it says"."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("| it says |"):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside:
            cell = re.match(r"\| (`+)(.+?)\1(?!`)", line)
            if cell:
                yield number, cell.group(2)


def missing(message, said):
    for part in re.split(r"…|[:;,] ", message):
        part = part.strip()
        if len(part) >= 12 and part not in said and not any(words in part for words in FOREIGN):
            return part
    return None


def main():
    said = sources()
    found = list(messages((ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")))
    problems = [(number, part) for number, message in found for part in [missing(message, said)] if part]
    for number, part in problems:
        print(f"docs/troubleshooting.md:{number}: the program does not say '{part}'", file=sys.stderr)
    if len(found) < 25 or missing("nobody says such a thing …", said) is None:
        print(f"check-messages.py is broken: it sees {len(found)} messages", file=sys.stderr)
        return 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
