#!/bin/sh
# Checks that what the documentation names is there: links between its files, and the tests of docs/reliability.md.
set -eu
cd "$(dirname "$0")/.."
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

for file in README.md CONTRIBUTING.md CHANGELOG.md docs/*.md docs/decisions/*.md; do
    folder=$(dirname "$file")
    grep -oE '\]\([^)# ]+' "$file" | cut -c3- | sort -u | while read -r link; do
        case $link in http*) continue ;; esac
        [ -e "$folder/$link" ] || echo "$file: there is no $link" >>"$problems"
    done
done
# shellcheck disable=SC2016 # backquotes of Markdown
grep '^| [0-9]' docs/reliability.md | grep -oE '`[A-Za-z0-9]+`' | tr -d '`' | sort -u | while read -r name; do
    grep -Rqw "func $name" Tests || echo "docs/reliability.md: there is no test $name" >>"$problems"
done
if [ -s "$problems" ]; then
    cat "$problems" >&2
    exit 1
fi
