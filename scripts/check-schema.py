#!/usr/bin/env python3
"""Checks docs/dag.schema.json with the validator `jsonschema`, which `scripts/setup.sh verify` puts into .tools/jsonschema.

- The schema itself is valid under the metaschema of 2020-12, and is what `weir schema` prints.
- It accepts dags/*.json, the example of `weir init`, each DAG in README.md and docs/ and Tests/SchemaFiles/valid, and
  `weir validate` does so too.
- Both refuse each file of Tests/SchemaFiles/invalid.

Usage: .tools/jsonschema/bin/python scripts/check-schema.py [--weir PROGRAM]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

from markdown_blocks import blocks, example, file_of

ROOT = pathlib.Path(__file__).resolve().parent.parent


def weir(program, *words):
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60)


def documented(folder):
    """The DAGs that the documentation shows, each as a file, but for those that show what is wrong."""
    for page in [ROOT / "README.md"] + sorted((ROOT / "docs").rglob("*.md")):
        for block in blocks(page):
            if block.language == "json" and file_of(block) != "wrong.json" and (text := example(block)):
                file = folder / f"home/dags/{page.stem}-{block.line}.json"
                file.write_text(text)
                yield file


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    program = parser.parse_args().weir
    problems = []

    written = (ROOT / "docs/dag.schema.json").read_text()
    if weir(program, "schema").stdout != written:
        problems.append("docs/dag.schema.json is not what `weir schema` prints; run: weir schema >docs/dag.schema.json")
    schema = json.loads(written)
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        problems.append(f"docs/dag.schema.json is no valid schema: {error.message} at {error.json_path}")
    validator = jsonschema.Draft202012Validator(schema)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        weir(program, "init", folder / "home")
        examples = list(documented(folder))
        if len(examples) < 20:
            problems.append(f"the documentation shows only {len(examples)} DAGs")
        valid = sorted(ROOT.glob("dags/*.json")) + [folder / "home/dags/hello.json"] + examples
        valid += sorted(ROOT.glob("Tests/SchemaFiles/valid/*.json"))
        invalid = sorted(ROOT.glob("Tests/SchemaFiles/invalid/*.json"))
        if len(invalid) < 25:
            problems.append(f"only {len(invalid)} invalid files")
        for file in valid + invalid:
            wanted = file not in invalid
            document = json.loads(file.read_text())
            error = jsonschema.exceptions.best_match(validator.iter_errors(document))
            if wanted and error:
                problems.append(f"{file}: the schema refuses it: {error.message[:300]} at {error.json_path}")
            elif not wanted and not error:
                problems.append(f"{file}: the schema accepts it")
            result = weir(program, "validate", file)
            if result.returncode != (0 if wanted else 3):
                problems.append(f"{file}: `weir validate` exits with {result.returncode}: {result.stdout.strip()}")
            if wanted and isinstance(document, dict) and "$schema" in document:
                if not (file.parent / document["$schema"]).is_file():
                    problems.append(f"{file}: there is no {document['$schema']}")

    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"schema: {len(problems)} problems", file=sys.stderr)
        return 1
    print(f"schema: {len(valid) + len(invalid)} files as expected, {len(invalid)} of them wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
