#!/bin/sh
# Prints which version of Weir this is, as Sources/Commands/Program.swift says it, the only place that does.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/.*static let version = "\(.*\)"$/\1/p' Sources/Commands/Program.swift)
[ -n "$version" ] || {
    echo "Sources/Commands/Program.swift says no version" >&2
    exit 1
}
echo "$version"
