#!/bin/sh
# Checks the arrows of docs/architecture.md: which module may import which, and what only one file may do.
set -eu
cd "$(dirname "$0")/.."
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

# MODULE: what it may import of the project. Swift's own modules are checked below.
allowed() {
    case $1 in
        JSONText) echo "" ;;
        SchedulerCore) echo "JSONText" ;;
        Observability) echo "JSONText" ;;
        Spawn) echo "JSONText CPosix CDigest" ;;
        Store) echo "SchedulerCore" ;;
        Simulation) echo "Store SchedulerCore JSONText" ;;
        SQLite) echo "Store CSQLite" ;;
        Access) echo "SQLite Store SchedulerCore CSodium" ;;
        SQLiteStore) echo "SQLite Store SchedulerCore JSONText CSQLite" ;;
        Engine) echo "Store Spawn SchedulerCore Observability JSONText CPosix" ;;
        Lake) echo "ObjectStore Spawn SchedulerCore JSONText CPosix CZstd" ;;
        ObjectStore) echo "Spawn JSONText CCurl CExpat" ;;
        Mail) echo "Spawn" ;;
        TaskKinds) echo "Lake Mail Spawn SchedulerCore Observability JSONText" ;;
        HTTPServer) echo "CMicroHTTPD CZlib CZstd" ;;
        Web) echo "HTTPServer CWeb" ;;
        API) echo "Access HTTPServer Engine Lake TaskKinds Spawn Store SchedulerCore JSONText" ;;
        Commands) echo "API Access Engine HTTPServer Web Lake ObjectStore Mail Simulation SQLiteStore Store TaskKinds Spawn SchedulerCore Observability JSONText CPosix" ;;
        weir) echo "Commands" ;;
        weir-supervise) echo "Spawn" ;;
        *) echo "?" ;;
    esac
}

# The system's own modules: none in the core, no Foundation in what must start fast or stay small.
system() {
    case $1 in
        SchedulerCore | Store | Simulation) echo "" ;;
        JSONText) echo "Glibc" ;;
        HTTPServer) echo "Glibc Synchronization Dispatch" ;;
        *) echo "Glibc Synchronization" ;;
    esac
}

for folder in Sources/*/; do
    module=$(basename "$folder")
    case $module in C[A-Z]*) continue ;; esac
    may="$(allowed "$module") $(system "$module")"
    [ "$(allowed "$module")" != "?" ] || echo "Sources/$module: a module that scripts/check-imports.sh does not know" >>"$problems"
    grep -RnoE '^(@[a-z]+ )?((public|internal|package|private) )?import [A-Za-z.]+' "$folder" --include='*.swift' |
        while IFS=: read -r file line text; do
            name=${text##* }
            case " $may " in
                *" $name "*) ;;
                *) echo "$file:$line: $module may not import $name" >>"$problems" ;;
            esac
        done
done

# One file reads the wall clock; one module speaks SQL to SQLite; nothing traps on purpose.
grep -RnE 'CLOCK_REALTIME|gettimeofday|[^.a-zA-Z]time\(nil\)' Sources --include='*.swift' |
    grep -vE '^Sources/(Observability/WallClock|Spawn/BootClock|Engine/Mailbox)\.swift:' >>"$problems" || true
grep -RnE 'fatalError\(|try!|as!' Sources --include='*.swift' >>"$problems" || true
# What the compiler cannot check needs its reason, on the line or just above or below.
grep -RnE '@unchecked Sendable|nonisolated\(unsafe\)' Sources --include='*.swift' |
    while IFS=: read -r file line text; do
        sed -n "$((line > 2 ? line - 2 : 1)),$((line + 2))p" "$file" | grep -q '//' ||
            echo "$file:$line: say why this is safe" >>"$problems"
    done

if [ -s "$problems" ]; then
    cat "$problems" >&2
    echo "lint: $(wc -l <"$problems") problems; docs/architecture.md draws the arrows" >&2
    exit 1
fi
