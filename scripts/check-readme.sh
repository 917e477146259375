#!/bin/sh
# Runs every command of README.md: the lines of its ```sh blocks, in their order, as one script in a copy of the project.
# What CI runs by itself anyway (make build, test, verify, demo, bench) is passed over.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scripts/markdown_blocks.py sh README.md |
    grep -vE '^make (build|test|verify|demo|bench)' >"$work/commands.sh"
[ "$(wc -l <"$work/commands.sh")" -ge 10 ] || {
    echo "README.md has no commands to run" >&2
    exit 1
}
mkdir -p "$work/project/.build"
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$work/project"
ln -s "$root/.build/release" "$work/project/.build/release"
ln -s "$root/.tools" "$work/project/.tools"
cd "$work/project"
WEIR_SENDMAIL=outbox
export WEIR_SENDMAIL
sh -eux "$work/commands.sh" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    echo "a command of README.md failed" >&2
    exit 1
}
echo "README.md: $(wc -l <"$work/commands.sh") lines of commands ran"
