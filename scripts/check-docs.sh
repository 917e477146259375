#!/bin/sh
# Checks that the tests that docs/reliability.md names are there. check-links.py looks at its links.
set -eu
cd "$(dirname "$0")/.."
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

# shellcheck disable=SC2016 # backquotes of Markdown
grep '^| [0-9]' docs/reliability.md | grep -oE '`[A-Za-z0-9]+`' | tr -d '`' | sort -u | while read -r name; do
    grep -Rqw "func $name" Tests || echo "docs/reliability.md: there is no test $name" >>"$problems"
done
if [ -s "$problems" ]; then
    cat "$problems" >&2
    exit 1
fi
