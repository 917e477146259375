#!/usr/bin/env python3
"""Sends real and generated logs through the lake, and holds what comes out against what others say of them.

Every row and column of the eight datasets must equal what Tests/Oracle/alpr_expected.py computes from the logs alone, and
every record must be counted as it says; the generator's own account must agree. pyarrow, pandas, DuckDB's Python module and
Spark must read the lake as plain Parquet with Hive's partitions and agree on it. The checks of the quality task must fail when a
single row or value is tampered with. Usage: check-lake.py [--month]; with --month also thirty days of 200,000 frames and
thousands of faults, whose counts must be right to the frame.

It needs .tools/lake and .tools/spark, which `scripts/setup.sh verify` makes, and the recognizer's own logs: those of the folder WEIR_SAMPLES,
or ../shared/samples; without them that part is skipped.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import duckdb
import pandas
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests/Oracle"))
import alpr_expected as oracle  # noqa: E402

ARROW = {"BIGINT": pyarrow.int64(), "INTEGER": pyarrow.int32(), "VARCHAR": pyarrow.string(), "DOUBLE": pyarrow.float64(),
         "TIMESTAMP": pyarrow.timestamp("us")}
FIRST = "2022-05-02"


class Checks:
    """Counts what holds, and tells what does not."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, problems):
        """`problems` is a list of what is wrong, empty when all is well."""
        self.passed += not problems
        self.failed += bool(problems)
        if problems:
            print(f"FAILED: {what}", file=sys.stderr)
            # One cause fails many checks: the first ones tell it.
            shown = 6 if self.failed <= 12 else 0
            for problem in problems[:shown]:
                print(f"    {problem}"[:500], file=sys.stderr)
            if len(problems) > shown > 0:
                print(f"    and {len(problems) - shown} more", file=sys.stderr)

    def equal(self, what, found, wanted):
        self.that(what, [] if found == wanted else [f"found {found}", f"expected {wanted}"])


class Home:
    """A WEIR_HOME with the project's DAGs."""

    def __init__(self, folder, weir):
        self.path, self.weir = pathlib.Path(folder), weir
        shutil.copytree(ROOT / "dags", self.path / "dags")
        self.landing = self.path / "state/landing"
        self.landing.mkdir(parents=True)
        self.lake = self.path / "state/lake"
        self.faults = {}

    def run(self, *words):
        environment = dict(os.environ, WEIR_HOME=str(self.path), WEIR_SENDMAIL="outbox")
        environment.setdefault("WEIR_DUCKDB", str(ROOT / ".tools/duckdb"))
        return subprocess.run([self.weir, *words], capture_output=True, text=True, env=environment)

    def generate(self, *words):
        subprocess.run(
            [sys.executable, ROOT / "scripts/generate-logs.py", "--out", self.landing, "--from", FIRST,
             "--expect", self.path / "expected.json", "--fault-sources", self.path / "sources.json", *words],
            check=True, stderr=subprocess.DEVNULL)
        self.faults = json.loads((self.path / "sources.json").read_text())
        return json.loads((self.path / "expected.json").read_text())

    def fault(self, source):
        """The kind of fault that a record is of, as the generator says; nothing for a good one."""
        return self.faults.get(source) or self.faults.get(source.split("#")[0], "")

    def manifest(self, partition):
        file = self.lake / partition / "_manifest.json"
        return json.loads(file.read_text()) if file.exists() else {"counts": {}, "rows": None}

    def data(self, dataset, day):
        return self.lake / f"lakestorage/{dataset}/dt={day}/data.parquet"


def differences(found, wanted):
    """Rows that only one of two lists has."""
    left, right = (collections.Counter(map(tuple, rows)) for rows in (found, wanted))
    return [f"only in the lake: {row}" for row in (left - right).elements()] + [
        f"not in the lake: {row}" for row in (right - left).elements()]


def rows(table):
    """An Arrow table's rows, in the form of the oracle's."""
    columns = []
    for column in table.columns:
        if pyarrow.types.is_timestamp(column.type):
            column = [value.strftime("%Y-%m-%dT%H:%M:%S.%f") for value in column.to_pylist()]
        else:
            column = column.to_pylist()
        columns.append(column)
    return list(zip(*columns))


# ---- What must come out -------------------------------------------------------------------------------------------


def backfilled(checks, home, first, last):
    done = home.run("backfill", "alpr_daily", "--from", first, "--to", last)
    runs = json.loads(home.run("runs", "alpr_daily", "--json").stdout or "[]")
    bad = [f"run {run['run_id']} is {run['state']}" for run in runs if run["state"] != "success"]
    if done.returncode != 0:
        bad += [f"exit {done.returncode}", *done.stderr.splitlines()[-3:]]
    checks.that(f"the backfill of {first} to {last} succeeds", bad)


def outcomes(checks, home, records):
    """Each record is counted as the oracle says: for the right day, once, with the right reason. A check for each kind of
    fault, and one for the good ones."""
    wanted, found = collections.defaultdict(list), collections.defaultdict(list)
    for record in records:
        wanted[home.fault(record.source)].append((record.source, record.day, record.outcome, record.reason))
    for index in (home.lake / "ultimatealpr").glob("dt=*/_index.ndjson"):
        for line in index.read_text().splitlines():
            entry = json.loads(line)
            if isinstance(entry, list):
                # A record of the file that was named last: line, SHA-256, number, rank, and the outcome when it is another one.
                source, outcome, reason = f"{file}#{entry[0]}", (entry[4:] or ["loaded"])[0], ""
            elif "sha256" not in entry:
                file = entry["file"]
                continue
            else:
                source, outcome, reason = entry["source"], entry["outcome"], entry.get("reason", "")
            found[home.fault(source)].append((source, index.parent.name[3:], outcome, reason))
    for kind in sorted({*wanted, *found}):
        checks.that(f"{kind or 'good frames'}: each record is counted as the logs say",
                    differences(found[kind], wanted[kind]))


def datasets(checks, home, best, days):
    """Every row and column of every dataset is as the oracle computes it."""
    by_day = collections.defaultdict(dict)
    for key, record in best.items():
        by_day[record.day][key] = ((), record.document, record.source)
    for day in days:
        expected = oracle.datasets(by_day[day])
        for name, columns in oracle.COLUMNS.items():
            file = home.data(name, day)
            if not file.exists():
                checks.that(f"{day}: {name} is there", [f"there is no {file}"])
                continue
            # One file, read as it is: the folder's dt is none of its columns.
            table = pyarrow.parquet.ParquetFile(file).read()
            schema = pyarrow.schema([(column, ARROW[kind]) for column, kind in columns])
            checks.equal(f"{day}: {name} has its columns and types", table.schema.remove_metadata(), schema)
            checks.that(f"{day}: {name} has its rows", differences(rows(table), expected[name]))
            checks.equal(f"{day}: {name}'s manifest counts its rows",
                         home.manifest(f"lakestorage/{name}/dt={day}")["rows"], table.num_rows)


def account(checks, home, expected):
    """The generator's own account of each day: it wrote the faults, so it knows."""
    for day, wanted in expected.items():
        counts = home.manifest(f"ultimatealpr/dt={day}")["counts"]
        names = ["seen", "loaded", "duplicates", "superseded", "quarantined", "reasons"]
        checks.equal(f"{day}: the counts are the generator's", {name: counts.get(name) for name in names},
                     {name: wanted[name] for name in names})
        if wanted.get("outside"):
            continue
        checks.equal(f"{day}: unknown fields are told with the number of their records",
                     home.manifest(f"ultimatealpr_staging/dt={day}")["counts"].get("drift"), wanted["drift"])
        checks.equal(f"{day}: each plate is a row", home.manifest(f"lakestorage/plate/dt={day}")["rows"], wanted["plates"])


def quarantine(checks, home, expected):
    """What was set aside stands there with its reason, a file each."""
    for day, wanted in expected.items():
        reasons = collections.Counter(
            json.loads(file.read_text())["reason"] for file in (home.lake / f"quarantine/dt={day}").glob("*.reason.json"))
        checks.equal(f"{day}: each record that was set aside can be looked at", dict(sorted(reasons.items())),
                     wanted["reasons"])


# ---- Others read it -----------------------------------------------------------------------------------------------


def readers(checks, home, days):
    """Programs that know nothing of Weir read all days of a dataset as one table, and agree."""
    for name, columns in oracle.COLUMNS.items():
        folder = str(home.lake / "lakestorage" / name)
        names = [column for column, _ in columns]
        arrow = pyarrow.dataset.dataset(folder, format="parquet", partitioning="hive")
        checks.equal(f"{name}: pyarrow finds the columns and the partition", arrow.schema.names, [*names, "dt"])
        table = arrow.to_table()
        found = rows(table)
        checks.equal(f"{name}: pyarrow finds each day", sorted(set(table["dt"].to_pylist())), days)
        several = [pyarrow.parquet.ParquetFile(home.data(name, day)).schema_arrow for day in days]
        checks.that(f"{name}: each day has the same schema", [f"{one}" for one in several if one != several[0]])

        frame = pandas.read_parquet(folder)
        checks.equal(f"{name}: pandas finds the columns and the partition", list(frame.columns), [*names, "dt"])
        frame["dt"] = frame["dt"].astype(str)
        as_table = pyarrow.Table.from_pandas(frame, schema=table.schema, preserve_index=False)
        checks.that(f"{name}: pandas reads what pyarrow reads", differences(rows(as_table), found))

        with duckdb.connect() as connection:
            relation = connection.sql(
                f"SELECT * REPLACE (dt::VARCHAR AS dt) FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)")
            described, other = relation.columns, relation.to_arrow_table()
        checks.equal(f"{name}: DuckDB finds the columns and the partition", described, [*names, "dt"])
        checks.equal(f"{name}: DuckDB finds the types", [str(kind) for kind in other.schema.types],
                     [str(kind) for kind in table.schema.types])
        checks.that(f"{name}: DuckDB reads what pyarrow reads", differences(rows(other), found))
        inside = pyarrow.compute.strftime(table["createDateTime"], format="%Y-%m-%d").to_pylist()
        checks.that(f"{name}: each row lies in the day of its event",
                    [f"{one} in {two}" for one, two in zip(inside, table["dt"].to_pylist()) if one != two])
    spark(checks, home)


def spark(checks, home):
    """Spark, in a process of its own, writes what it has read of each dataset: the same rows and types."""
    lake, out = home.lake / "lakestorage", home.path / "spark"
    done = subprocess.run(
        [ROOT / ".tools/spark/bin/python", ROOT / "scripts/spark-reader.py", lake, out, *oracle.COLUMNS],
        capture_output=True, text=True)
    checks.that("Spark reads the lake", done.stderr.splitlines()[-6:] if done.returncode else [])
    if done.returncode:
        return
    for name in oracle.COLUMNS:
        wanted = pyarrow.dataset.dataset(str(lake / name), format="parquet", partitioning="hive").to_table()
        found = pyarrow.parquet.read_table(out / name)
        checks.equal(f"{name}: Spark finds the columns, the partition and the types",
                     [(field.name, str(field.type)) for field in found.schema],
                     [(field.name, str(field.type)) for field in wanted.schema])
        checks.that(f"{name}: Spark reads what pyarrow reads", differences(rows(found), rows(wanted)))


# ---- Tampering ----------------------------------------------------------------------------------------------------


def quality(home, day):
    """Runs the quality task again; its state and the names of the checks that fail."""
    home.run("clear", "alpr_daily", day, "quality", "--only")
    runs = [run["run_id"] for run in json.loads(home.run("runs", "alpr_daily", "--json").stdout) if day in run["run_id"]]
    tasks = json.loads(home.run("tasks", "alpr_daily", runs[0], "--json").stdout)
    state = next(task["state"] for task in tasks if task["task_id"] == "quality")
    folder = home.lake / f"quality/alpr_daily/dt={day}"
    report = json.loads((folder / (runs[0].replace(":", "-") + ".json")).read_text())
    return state, [check["name"] for check in report["checks"] if check["status"] == "fail"]


def without(home, dataset, day, row):
    """Runs the quality task with a row taken out of a dataset's file; `row` finds it in the table."""
    file = home.data(dataset, day)
    whole = file.read_bytes()
    table = pyarrow.parquet.ParquetFile(file).read()
    place = row(table)
    pyarrow.parquet.write_table(pyarrow.concat_tables([table.slice(0, place), table.slice(place + 1)]), file)
    try:
        return quality(home, day)
    finally:
        file.write_bytes(whole)


def tampering(checks, home, day):
    """The quality task passes, fails for a reason when one row or value was changed by hand, and passes again after."""
    def fails(what, answer, wanted):
        state, failing = answer
        missing = [f"the check '{check}' does not fail, only {failing}" for check in wanted if check not in failing]
        checks.that(f"{what} fails the quality task", missing + ([] if state == "failed" else [f"the task is {state}"]))

    def rows_of(dataset):
        return f"{dataset} has as many rows as frame.plateCount counts"

    def joins(dataset):
        return f"{dataset} joins plate one to one" + (" with equal plateText" if dataset == "car" else "")

    checks.equal("the quality task passes", quality(home, day), ("success", []))
    six = [name for name in oracle.COLUMNS if name not in ("frame", "candidate")]
    for name in six:
        wanted = [joins(other) for other in six if other != "plate"] if name == "plate" else [joins(name)]
        fails(f"a row that is missing in {name}", without(home, name, day, lambda table: table.num_rows // 2),
              [rows_of(name), *wanted])
    for count, wanted in (1, [rows_of(name) for name in six]), (0, ["every loaded record is a frame"]):
        fails(f"a frame with {count} plates that is missing",
              without(home, "frame", day, lambda table: table["plateCount"].to_pylist().index(count)), wanted)
    file = home.data("car", day)
    whole = file.read_bytes()
    table = pyarrow.parquet.ParquetFile(file).read()
    texts = table["plateText"].to_pylist()
    texts[next(place for place, text in enumerate(texts) if text)] = "TAMPERED"
    place = table.schema.get_field_index("plateText")
    pyarrow.parquet.write_table(table.set_column(place, "plateText", pyarrow.array(texts, pyarrow.string())), file)
    fails("a plate's text that differs between two datasets", quality(home, day), [joins("car")])
    file.write_bytes(whole)
    checks.equal("the quality task passes once all is mended", quality(home, day), ("success", []))


# ---- The parts ----------------------------------------------------------------------------------------------------


def samples(checks, home, folder):
    for file in folder.iterdir():
        shutil.copyfile(file, home.landing / file.name)
    records = list(oracle.records(home.landing))
    best = oracle.settle(records)
    days = sorted({record.day for record in records})
    backfilled(checks, home, days[0], days[-1])
    outcomes(checks, home, records)
    datasets(checks, home, best, days)
    readers(checks, home, days)
    print(f"{len(records)} real logs, {len(best)} frames")


def week(checks, home):
    expected = home.generate("--days", "7", "--faults", "--frames", "120")
    days = [day for day in expected if not expected[day].get("outside")]
    records = list(oracle.records(home.landing))
    best = oracle.settle(records)
    backfilled(checks, home, days[0], days[-1])
    outcomes(checks, home, records)
    account(checks, home, expected)
    quarantine(checks, home, expected)
    datasets(checks, home, best, days)
    readers(checks, home, days)
    tampering(checks, home, days[1])
    kinds = collections.Counter()
    for day in expected.values():
        kinds.update(day["faults"])
    print(f"a week: {len(records)} records, {len(best)} frames, {len(kinds)} kinds of faults and variants")


def pieces(checks, home):
    """A day whose files arrive in several parts and in another order comes to the same, but for the names of the files that
    one content had."""
    whole = home.generate("--faults", "--frames", "60", "--cameras", "3")[FIRST]
    records = list(oracle.records(home.landing))
    expected = oracle.datasets({key: ((), record.document, record.source)
                                for key, record in oracle.settle(records).items() if record.day == FIRST})
    store = home.path / "store"
    home.landing.rename(store)
    files = sorted(path.relative_to(store) for path in store.rglob("*") if path.parent != store)
    random.Random(1).shuffle(files)
    for part in range(4):
        for file in files[part::4]:
            (home.landing / file.parent).mkdir(parents=True, exist_ok=True)
            (store / file).rename(home.landing / file)
        done = home.run("backfill", "alpr_daily", "--from", FIRST, "--reprocess", "completed")
        checks.equal(f"part {part + 1} of a day is loaded", done.returncode, 0)
    counts = home.manifest(f"ultimatealpr/dt={FIRST}")["counts"]
    names = ["seen", "loaded", "duplicates", "superseded", "quarantined", "reasons"]
    checks.equal("a day in pieces has the counts of the whole", [counts.get(name) for name in names],
                 [whole[name] for name in names])
    for name, columns in oracle.COLUMNS.items():
        place = [column for column, _ in columns].index("sourceFile")
        table = rows(pyarrow.parquet.ParquetFile(home.data(name, FIRST)).read())
        checks.that(f"a day in pieces: {name} has its rows", differences(
            [row[:place] + row[place + 1:] for row in table], [row[:place] + row[place + 1:] for row in expected[name]]))


def month(checks, home):
    """Thirty days; what each record is counted as says which kind of fault went wrong."""
    expected = home.generate(
        "--days", "30", "--frames", "3400", "--faults", "--fault-rate", "0.01", "--format", "ndjson", "--runs", "24")
    days = [day for day in expected if not expected[day].get("outside")]
    names = subprocess.run([sys.executable, ROOT / "scripts/generate-logs.py", "--list-faults"], capture_output=True,
                           text=True, check=True).stdout.split()
    kinds = collections.Counter()
    for day in expected.values():
        kinds.update(day["faults"])
    checks.equal("each kind of fault was injected", sorted(kinds), sorted(names))
    backfilled(checks, home, days[0], days[-1])
    records = list(oracle.records(home.landing))
    best = oracle.settle(records)
    checks.equal("the generator and the oracle agree on what was seen", sum(day["seen"] for day in expected.values()),
                 len(records))
    checks.equal("no frame is lost between the generator and the datasets",
                 sum(home.manifest(f"lakestorage/frame/dt={day}")["rows"] or 0 for day in days),
                 sum(expected[day]["loaded"] for day in days))
    outcomes(checks, home, records)
    account(checks, home, expected)
    datasets(checks, home, best, days[:1] + days[-1:])
    print(f"a month: {len(records)} records, {len(best)} frames, {sum(kinds.values())} faults and variants")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    parser.add_argument("--month", action="store_true", help="also thirty days with 200,000 frames")
    arguments = parser.parse_args()
    checks = Checks()
    real = pathlib.Path(os.environ.get("WEIR_SAMPLES") or ROOT.parent / "shared/samples")
    parts = [week, pieces] + ([month] if arguments.month else [])
    if real.is_dir():
        parts.insert(0, lambda checks, home: samples(checks, home, real))
    else:
        print(f"skipped: the recognizer's own logs are not in {real}; set WEIR_SAMPLES to their folder")
    for part in parts:
        begin = datetime.datetime.now()
        with tempfile.TemporaryDirectory(prefix="weir-lake-") as folder:
            part(checks, Home(f"{folder}/home", arguments.weir))
        print(f"  {(datetime.datetime.now() - begin).total_seconds():.1f} s")
    print(f"{checks.passed} checks passed" + (f", {checks.failed} failed" if checks.failed else ""))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
