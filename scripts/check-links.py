#!/usr/bin/env python3
"""Checks every relative link of README.md, CONTRIBUTING.md, CHANGELOG.md and docs/: its file or folder is there, its #anchor is a
heading (by GitHub's rules), its image exists. Asks no network; links to other hosts are passed over.

It tries itself first on a page with mistakes, so that a pattern that finds nothing any more is noticed.
Usage: check-links.py [FILE…]; without files all of them.
"""
import pathlib
import re
import sys
import tempfile
import unicodedata
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
# [text](target "title") and ![text](target); [name]: target; <a href=…> and <img src=…>.
INLINE = re.compile(r"""\]\(\s*(?:<([^>]*)>|([^()\s]*(?:\([^()\s]*\)[^()\s]*)*))(?:\s+["'][^)]*["'])?\s*\)""")
DEFINED = re.compile(r"^ {0,3}\[[^\]]+\]:\s*(\S+)")
ATTRIBUTE = re.compile(r"""<(?:a|img)\b[^>]*\b(?:href|src)=["']([^"']+)["']""")


def prose(text):
    """The lines with their numbers, without fenced blocks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r" {0,3}(```+|~~~+)", line)
        if fence is None and mark:
            fence = mark.group(1)
        elif fence is not None:
            if mark and mark.group(1).startswith(fence) and line.strip() == mark.group(1):
                fence = None
        else:
            yield number, line


def slug(heading):
    """The anchor that GitHub gives a heading: lower case, spaces as hyphens, nothing but letters, digits, hyphens and underscores."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    kept = (c for c in heading if c in " -_" or unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "Mn")
    return "".join(kept).replace(" ", "-")


def anchors(path):
    found, counts = set(), {}
    for _, line in prose(path.read_text(encoding="utf-8")):
        heading = re.match(r" {0,3}#{1,6}\s+(.*?)\s*#*\s*$", line)
        if heading:
            name = slug(heading.group(1))
            number = counts.get(name, 0)
            counts[name] = number + 1
            found.add(f"{name}-{number}" if number else name)
        found.update(re.findall(r"""<\w+[^>]*\b(?:id|name)=["']([^"']+)["']""", line))
    return found


def links(path):
    for number, line in prose(path.read_text(encoding="utf-8")):
        # What stands in code is no link. Its text may be code: [`weir`](x).
        line = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "code", line)
        for match in INLINE.finditer(line):
            yield number, match.group(1) or match.group(2) or ""
        for pattern in (DEFINED, ATTRIBUTE):
            for match in pattern.finditer(line):
                yield number, match.group(1)


def check(pages, root):
    """The problems, and how many links were looked at."""
    problems, count, known = [], 0, {}
    for page in pages:
        for number, target in links(page):
            if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", target):
                continue
            count += 1
            where = f"{page.relative_to(root)}:{number}"
            name, _, anchor = target.partition("#")
            if not target:
                problems.append(f"{where}: a link without a target")
                continue
            file = (page.parent / urllib.parse.unquote(name)).resolve() if name else page
            if root not in [file, *file.parents]:
                problems.append(f"{where}: {target} lies outside of the repository")
            elif not file.exists():
                problems.append(f"{where}: there is no {name}")
            elif anchor and file.suffix == ".md":
                if file not in known:
                    known[file] = anchors(file)
                if urllib.parse.unquote(anchor) not in known[file]:
                    problems.append(f"{where}: {name or page.name} has no heading #{anchor}")
    return problems, count


def self_test():
    page = "\n".join([
        "# One & two: `three_four`", "## Twice", "## Twice", "[a](#one--two-three_four) [b](#twice-1) [c](other.md#über-uns)",
        "`[code](nowhere.md)`", "```text", "[block](nowhere.md)", "# no heading", "```", "[h](https://example.org/#x)",
        "![d](gone.png) [e](gone.md)", "[f](#twice-2) [g](other.md#one) [i](#no-heading)", "[`j`](../../x.md)", "[k]: gone.txt"])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        (folder / "page.md").write_text(page, encoding="utf-8")
        (folder / "other.md").write_text("# Über uns\n", encoding="utf-8")
        problems, count = check([folder / "page.md"], folder)
    lines = sorted(int(problem.split(":")[1]) for problem in problems)
    if lines != [11, 11, 12, 12, 12, 13, 14] or count != 10:
        raise SystemExit(f"check-links.py is broken: of its own page it says {problems}")


def main():
    self_test()
    pages = [pathlib.Path(name).resolve() for name in sys.argv[1:]]
    pages = pages or [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted((ROOT / "docs").rglob("*.md"))
    problems, count = check(pages, ROOT)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems and len(sys.argv) == 1 and count < 50:
        problems.append("")
        print(f"only {count} links: they are not found any more", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
