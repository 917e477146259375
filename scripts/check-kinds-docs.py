#!/usr/bin/env python3
"""Compares the tables of docs/kinds.md with docs/dag.schema.json, which is what `weir schema` prints (check-schema.py and
SchemaFileTests see to that): every kind has a section with a table of its parameters, each with its type and default, and no other.

- A type is `text`, `integer`, `boolean`, `object`, `duration`, `URL`, `list of texts`, or the words that are allowed, `a`, `b`.
- A default is "required", "one of …" where exactly one of several must be given, the value in backquotes, or words where there is no
  one value.
- What counts only beside another parameter says so: with `to`.

It tries itself first on changed tables, so that a comparison that sees nothing any more is noticed.
Usage: check-kinds-docs.py
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def type_of(parameter):
    """The word of the table for a parameter's type; None for any value."""
    options = parameter.get("anyOf", [parameter])
    form = next(option for option in options if "$ref" not in option)
    if "enum" in form:
        return ", ".join(f"`{word}`" for word in form["enum"])
    if form.get("type") == "string" and "pattern" in form:
        return "URL" if "[Hh][Tt][Tt][Pp]" in form["pattern"] else "duration"
    if form.get("type") == "array":
        return "list of texts"
    return {"string": "text", None: None}.get(form.get("type"), form.get("type"))


def expected(schema):
    """{kind: {parameter: (type, default, the parameters it goes with)}}; the default is None where words may stand."""
    kinds = {}
    for name, form in schema["$defs"].items():
        if not name.startswith("with."):
            continue
        groups = [[option["required"][0] for option in rule["oneOf"]] for rule in form.get("allOf", []) if "oneOf" in rule]
        found = {}
        for key, parameter in form["properties"].items():
            default = None
            if key in form.get("required", []):
                default = "required"
            elif any(key in group for group in groups):
                default = "one of the " + {2: "two", 3: "three"}[len(next(group for group in groups if key in group))]
            elif "default" in parameter:
                value = parameter["default"]
                default = f"`{value if isinstance(value, str) else json.dumps(value)}`"
            found[key] = (type_of(parameter), default, form.get("dependentRequired", {}).get(key, []))
        kinds[name.removeprefix("with.")] = found
    return kinds


def documented(text):
    """{section: {parameter: (type, default, meaning)}} of the tables whose first column is "parameter"."""
    sections, section, inside = {}, None, False
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| parameter |"):
            inside = True
            sections.setdefault(section, {})
        elif inside and line.startswith("| `") and len(cells) == 4:
            name = cells[0].strip("`")
            if name in sections[section]:
                sections[section][name + " (again)"] = cells[1:]
            sections[section][name] = tuple(cells[1:])
        elif inside and not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            sections[section][line] = ("", "", "")
    return sections


def compare(wanted, found, overview):
    problems = []
    for kind in sorted(wanted.keys() | found.keys() | overview):
        if kind not in wanted:
            problems.append(f"{kind}: there is no such kind")
        elif kind not in found and wanted[kind]:
            problems.append(f"{kind}: it has no section with a table of parameters")
        elif kind not in overview:
            problems.append(f"{kind}: the first table lacks it")
        for key in sorted(wanted.get(kind, {}).keys() | found.get(kind, {}).keys()) if kind in wanted else []:
            if key not in found.get(kind, {}):
                problems.append(f"{kind}: the table lacks `{key}`")
                continue
            if key not in wanted[kind]:
                problems.append(f"{kind}: it takes no `{key}`")
                continue
            (form, default, beside), (type_cell, default_cell, meaning) = wanted[kind][key], found[kind][key]
            if form is not None and type_cell != form or not type_cell:
                problems.append(f"{kind}.{key}: the type is {form}, not {type_cell}")
            if default is not None and default_cell != default:
                problems.append(f"{kind}.{key}: the default is {default}, not {default_cell}")
            # One value would be a default that the schema does not know; another parameter's name is none.
            if default is None and (default_cell in ("", "required") or default_cell.startswith("one of the")):
                problems.append(f"{kind}.{key}: it may be left out; say what holds then, not '{default_cell}'")
            if any(f"with `{other}`" not in meaning for other in beside):
                problems.append(f"{kind}.{key}: say that it goes with {' or '.join(beside)}")
            if not meaning:
                problems.append(f"{kind}.{key}: no meaning")
    return problems


def problems_of(text, schema):
    return compare(expected(schema), documented(text), set(re.findall(r"^\| \[`(\w+)`\]\(#\w+\)", text, re.M)))


def self_test(text, schema):
    changes = [
        ("| `after_load` |", "| `after_lode` |"), ("| `drift` | `allow`, `warn`, `fail` | `warn` |", "| `drift` | text | `warn` |"),
        ("| `keep_days` | integer | `31` |", "| `keep_days` | integer | `30` |"), ("| `of` | text | required |", "| `of` | text | none |"),
        ("\n## restore\n", "\n## restored\n"), ("| `method` | `POST`, `PUT`, `PATCH` | `POST` | with `webhook` |", "| `method` | x | y | |"),
        ("| [`notify`](#notify)", "| notify"), ("| `staging_days` | integer | never |", "| `staging_days` | integer | required |"),
        ("| `shell` | text | one of the two |", "| `shell` | text | none |")]
    for old, new in changes:
        if old not in text:
            raise SystemExit(f"check-kinds-docs.py: its own test does not find '{old.strip()}' in docs/kinds.md")
        if not problems_of(text.replace(old, new, 1), schema):
            raise SystemExit(f"check-kinds-docs.py is broken: it does not notice '{new.strip()}' in place of '{old.strip()}'")
    smaller = json.loads(json.dumps(schema))
    del smaller["$defs"]["with.load"]["properties"]["max_bad"]
    del smaller["$defs"]["with.summary"]
    if len(problems_of(text, smaller)) < 2:
        raise SystemExit("check-kinds-docs.py is broken: it does not notice what the schema has no more")


def main():
    text = (ROOT / "docs/kinds.md").read_text(encoding="utf-8")
    schema = json.loads((ROOT / "docs/dag.schema.json").read_text(encoding="utf-8"))
    problems = problems_of(text, schema)
    for problem in problems:
        print(f"docs/kinds.md: {problem}", file=sys.stderr)
    if not problems:
        self_test(text, schema)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
