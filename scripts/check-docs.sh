#!/bin/sh
# Checks that the tests that docs/reliability.md names are there, that the figures of docs/README.md stand in performance.md, and that
# CHANGELOG.md begins with the version of scripts/version.sh, where the packages have theirs from.
set -eu
cd "$(dirname "$0")/.."
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

# shellcheck disable=SC2016 # backquotes of Markdown
grep '^| [0-9]' docs/reliability.md | grep -oE '`[A-Za-z0-9]+`' | tr -d '`' | sort -u | while read -r name; do
    grep -Rqw "func $name" Tests || echo "docs/reliability.md: there is no test $name" >>"$problems"
done
figures=$(sed -n '/^### How much one machine takes/,/^## /p' docs/README.md | grep '^|' | grep -oE '[0-9][0-9,.]*[0-9]|[0-9]+' | sort -u)
[ "$(echo "$figures" | wc -l)" -ge 20 ] || echo "docs/README.md: its figures are not found any more" >>"$problems"
for figure in $figures; do
    grep -qE "(^|[^0-9,.])$(echo "$figure" | sed 's/[.]/[.]/g')([^0-9,.]|[.,][^0-9]|[.,]?$)" docs/performance.md ||
        echo "docs/README.md: docs/performance.md has no $figure" >>"$problems"
done
version=$(scripts/version.sh)
newest=$(sed -n 's/^## //p' CHANGELOG.md | head -n 1)
[ "${newest%% *}" = "$version" ] || echo "CHANGELOG.md: begins with '$newest', and Program.swift says $version" >>"$problems"
if [ -s "$problems" ]; then
    cat "$problems" >&2
    exit 1
fi
