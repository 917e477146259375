#!/bin/sh
# A week of a licence-plate recognizer's logs, faults included, goes through the lake: `make demo`.
#
# Works in state/demo, which is made anew each time; nothing else is touched.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
WEIR_HOME=$root/state/demo
# The report is shown here, so it is written to a file even where the machine can send mail.
WEIR_SENDMAIL=outbox
export WEIR_HOME WEIR_SENDMAIL
PATH=$root/.build/release:$PATH
from=2022-05-02
to=2022-05-08

step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
[ -t 1 ] || step() { printf '\n== %s\n' "$1"; }
show() {
    echo "\$ $*"
    "$@"
}

rm -rf "$WEIR_HOME"
mkdir -p "$WEIR_HOME/state/landing"
cp -r dags "$WEIR_HOME/dags"

step "A week of logs: two cameras, a JSON file per frame, and more than a hundred kinds of faults and variants"
scripts/generate-logs.py --out "$WEIR_HOME/state/landing" --from $from --days 7 --faults --expect "$WEIR_HOME/expected.json"

step "Seven days through load, convert, transform, quality and notify"
cd "$WEIR_HOME"
show weir backfill alpr_daily --from $from --to $to

step "The runs"
show weir runs alpr_daily

step "The quality report of $from, as mailed"
python3 - "$WEIR_HOME/state/outbox" $from <<'PYTHON'
import email, email.policy, glob, sys

for path in glob.glob(sys.argv[1] + "/*.eml"):
    with open(path, "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    if sys.argv[2] in message["Subject"]:
        print(f"From: {message['From']}\nTo: {message['To']}\nSubject: {message['Subject']}\n")
        print(message.get_body(("plain",)).get_content())
        for file in message.iter_attachments():
            print(f"Attached: {file.get_filename()}, {len(file.get_content())} characters")
PYTHON

step "Plates by country and day"
"$root/.tools/duckdb" -no-init -box -c "
    WITH plates AS (
        SELECT strftime(\"createDateTime\", '%m-%d') AS day, country, count(*) OVER (PARTITION BY country) AS week
        FROM read_parquet('$WEIR_HOME/state/lake/lakestorage/country/*/*.parquet'))
    PIVOT plates ON day USING count(*) GROUP BY country, week ORDER BY week DESC, country LIMIT 10"

step "What came out, held against what the generator wrote down"
python3 - <<'PYTHON'
import json, sys

expected = json.load(open("expected.json"))
wrong = 0
for day, wanted in expected.items():
    counts = json.load(open(f"state/lake/ultimatealpr/dt={day}/_manifest.json"))["counts"]
    found = {key: counts[key] for key in ("seen", "loaded", "duplicates", "superseded", "quarantined", "reasons")}
    plates = "a late frame's day, which has not run"
    # Days that only late or early frames belong to are outside of the backfill: there is raw data of them, and no dataset.
    if not wanted.get("outside"):
        found["plates"] = json.load(open(f"state/lake/lakestorage/plate/dt={day}/_manifest.json"))["rows"]
        plates = f"{found['plates']} plates"
    flat = {key: value for key, value in found.items() if key != "reasons"} | found["reasons"]
    right = {key: wanted[key] for key in flat if key in wanted} | wanted["reasons"]
    different = [f"{key} is {flat.get(key, 0)}, expected {right.get(key, 0)}" for key in sorted({*flat, *right})
                 if flat.get(key, 0) != right.get(key, 0)]
    wrong += bool(different)
    print(f"  {day}: {found['seen']} files seen = {found['loaded']} loaded + {found['duplicates']} duplicates + "
          f"{found['quarantined']} set aside; {plates}: {'WRONG: ' + '; '.join(different) if different else 'as expected'}")
sys.exit(1 if wrong else 0)
PYTHON

# Its data are years old: the monthly DAG of a daemon would put the raw data into archives at once.
weir pause alpr_monthly >/dev/null

step "What to try next (in $WEIR_HOME)"
next() { printf '  %-64s %s\n' "$1" "$2"; }
echo "  export WEIR_HOME=$WEIR_HOME PATH=$root/.build/release:\$PATH"
next "weir dags" "what there is"
next "weir tasks alpr_daily $from" "the tasks of a day, with their times"
next "weir logs alpr_daily $from load" "what a task printed"
next "ls \$WEIR_HOME/state/lake/quarantine/dt=$from" "what was set aside, each with its reason"
next "weir backfill alpr_daily --from $from --reprocess completed" "the same day again: not a row twice"
next "weir quality report alpr_daily $from" "the checks of a day, with rows that fail"
next "weir quality history alpr_daily" "each check by day"
next "ls \$WEIR_HOME/state/lake/reports/alpr_daily/*" "a page for each day, for a browser"
next "weir backfill alpr_weekly --from 2022-05-01" "the week by mail"
next "weir daemon" "run the schedule from now on"
next "weir unpause alpr_monthly" "and let it archive raw data over a month old"
