#!/usr/bin/env python3
"""Measures the lake: logs to datasets by Weir, against the same SQL by DuckDB alone in the same run, and prints JSON.

Four things: 266,440 plates (about 885,000 frames, 560 MB of NDJSON, one day) through load, convert and transform; the same day
4 and 16 times as large, by the same logs of more cameras; 20,000 single files through load and convert; and a second load that finds
nothing new. CPU seconds are those of a command with all
processes that it started; memory is the largest of them. The baseline reads the same files with DuckDB's read_json and the
declared columns into one Parquet file, and runs the same SQL files over it: what has to be done at the least, without
validation, duplicates, quarantine, counts, checksums and publishing.

Usage: lake.py [--scale SHARE] [--growth TIMES,…] [--repeat N] [--weir PROGRAM] [--duckdb PROGRAM] [--out FILE]
"""
import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import bench
import report

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLATES = 266_440
FILES = 20_000
DAY = "2022-05-02"
PR_SET_CHILD_SUBREAPER = 36
# At most so many times what the same SQL takes by hand.
TARGET = 1.25


def measured(command, environment, given=None):
    """Runs a command and waits for all that it started: what they used, and what it printed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        # A process of its own, so that the figures are those of this command only; it inherits orphans, such as
        # supervisors, and so can wait for them.
        os.close(reading)
        try:
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            begin = time.perf_counter()
            done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True)
            while True:
                try:
                    os.wait()
                except ChildProcessError:
                    break
            wall = time.perf_counter() - begin
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            answer = {"status": done.returncode, "out": done.stdout, "err": done.stderr[-2000:], "usage": {
                "cpu_seconds": round(used.ru_utime + used.ru_stime, 2), "wall_seconds": round(wall, 2),
                "peak_mib": round(used.ru_maxrss / 1024, 1)}}
            os.write(writing, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    answer = json.loads(text or '{"status": -1, "err": "no answer"}')
    if answer["status"] != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {answer['status']}\n{answer['err']}")
    return answer


def total(parts):
    """What several commands used, one after the other."""
    return {"cpu_seconds": round(sum(part["cpu_seconds"] for part in parts), 2),
            "wall_seconds": round(sum(part["wall_seconds"] for part in parts), 2),
            "peak_mib": max(part["peak_mib"] for part in parts)}


class Home:
    """A WEIR_HOME where each task of the pipeline is a DAG of its own, so that each can be measured by itself."""

    def __init__(self, weir, duckdb):
        self.weir = weir
        self.path = tempfile.mkdtemp(prefix="weir-lake-bench-")
        self.landing = self.path + "/state/landing"
        os.makedirs(self.landing)
        shutil.copytree(ROOT + "/dags/alpr", self.path + "/dags/alpr")
        with open(ROOT + "/dags/alpr_daily.json") as file:
            dag = json.load(file)
        for task in dag["tasks"]:
            if task["id"] in ("load", "convert", "transform"):
                alone = {key: value for key, value in task.items() if key != "after"}
                with open(f"{self.path}/dags/{task['id']}.json", "w") as file:
                    json.dump({"id": task["id"], "schedule": "daily", "start": "2020-01-01", "params": dag["params"],
                               "tasks": [alone]}, file)
        self.env = dict(os.environ, WEIR_HOME=self.path, WEIR_DUCKDB=duckdb)

    def generate(self, *words):
        subprocess.run([sys.executable, ROOT + "/scripts/generate-logs.py", "--out", self.landing, "--from", DAY,
                        "--expect", self.path + "/expected.json", *map(str, words)], check=True, stderr=subprocess.DEVNULL)
        with open(self.path + "/expected.json") as file:
            return json.load(file)[DAY]

    def multiply(self, times):
        """The same logs from so many times the cameras."""
        for camera in os.listdir(self.landing):
            for number in range(1, times):
                shutil.copytree(f"{self.landing}/{camera}", f"{self.landing}/{camera}-{number}", copy_function=os.link)

    def logs(self):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.landing) for name in names)

    def task(self, name, *words):
        return measured([self.weir, "backfill", name, "--from", DAY, *words], self.env)["usage"]

    def rows(self, partition):
        with open(f"{self.path}/state/lake/{partition}/dt={DAY}/_manifest.json") as file:
            return json.load(file)["rows"]

    def remove(self):
        bench.remove_home(self.path)


def column_type(field):
    """A field of the declared schema in DuckDB's words."""
    kind = field["type"]
    if kind == "object":
        return "STRUCT(" + ", ".join(f'"{one["name"]}" {column_type(one)}' for one in field["fields"]) + ")"
    if kind == "array":
        return column_type(field["items"]) + "[]"
    return {"integer": "BIGINT", "number": "DOUBLE"}.get(kind, "VARCHAR")


def duckdb_alone(home, duckdb):
    """The same SQL files by hand: what each of the two steps used, and the rows of each dataset."""
    with open(ROOT + "/dags/alpr/record_schema.json") as file:
        fields = json.load(file)["fields"]
    columns = ", ".join(f"\"{field['name']}\": '{column_type(field)}'" for field in fields)
    others = ", ".join(f'"{field["name"]}"' for field in fields if field["name"] != "timestamp")
    folder = home.path + "/by-hand"
    os.makedirs(folder)
    # The folder below the landing folder is the camera.
    place = len(home.landing) + 2
    convert = f"""
        COPY (
            SELECT regexp_extract(substr(filename, {place}), '^(.*)/', 1) AS "sourceId",
                substr(filename, {place}) AS "sourceFile", "timestamp"::TIMESTAMP AS "createDateTime", {others}
            FROM read_json(
                '{home.landing}/*/*.ndjson', format = 'newline_delimited', filename = true, columns = {{{columns}}})
        ) TO '{folder}/staging.parquet' (FORMAT parquet, COMPRESSION zstd);"""
    sql = ROOT + "/dags/alpr/sql"
    transform = f"CREATE TEMP TABLE staging AS SELECT * FROM read_parquet('{folder}/staging.parquet');\n"
    names = sorted(name[:-4] for name in os.listdir(sql) if name.endswith(".sql") and not name.endswith(".spark.sql"))
    # Those that begin with an underscore run first.
    for name in sorted(names, key=lambda name: not name.startswith("_")):
        with open(f"{sql}/{name}.sql") as file:
            text = file.read().strip().rstrip(";")
        if name.startswith("_"):
            transform += text + ";\n"
        else:
            transform += f"COPY ({text}\n) TO '{folder}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd);\n"
    datasets = [name for name in names if not name.startswith("_")]
    counts = ", ".join(f"(SELECT count(*) FROM '{folder}/{name}.parquet') AS \"{name}\"" for name in datasets)
    command = [duckdb, "-no-init", "-bail", "-json", ":memory:"]
    steps = {}
    for step, script in ("convert", convert), ("transform", transform):
        steps[step] = measured(command, home.env, "SET TimeZone = 'UTC';\n" + script)["usage"]
    rows = json.loads(measured(command, home.env, f"SELECT {counts};")["out"])[0]
    shutil.rmtree(folder)
    return steps, rows


def middle(measure, times):
    """The measurement whose CPU seconds are the middle of several."""
    return sorted((measure() for _ in range(times)), key=lambda usage: usage["cpu_seconds"])[times // 2]


def large(weir, duckdb, plates, repeat=1):
    home = Home(weir, duckdb)
    try:
        expected = home.generate("--plates", plates, "--cameras", 4, "--runs", 24, "--format", "ndjson")
        alone = [duckdb_alone(home, duckdb) for _ in range(repeat)]
        rows = alone[0][1]
        steps = {step: middle(iter([one[0][step] for one in alone]).__next__, repeat) for step in alone[0][0]}
        own = {"load": home.task("load")}
        for name in "convert", "transform":
            own[name] = middle(lambda: home.task(name, "--reprocess", "completed"), repeat)
        for name, count in rows.items():
            if home.rows("lakestorage/" + name) != count:
                raise SystemExit(f"{name}: Weir has {home.rows('lakestorage/' + name)} rows, DuckDB alone {count}")
        if rows["plate"] != expected["plates"] or rows["frame"] != expected["loaded"]:
            raise SystemExit(f"{rows} are not the {expected} that were generated")
        again = home.task("load", "--reprocess", "completed")
        weirs, alone = total(own.values()), total(steps.values())
        ratio = {key: round(weirs[key] / alone[key], 2) for key in weirs}
        return {
            "plates": expected["plates"], "frames": expected["loaded"],
            "megabytes": round(sum(os.path.getsize(path) for path in home.logs()) / 1e6, 1), "files": len(home.logs()),
            "weir": {**weirs, **own}, "duckdb_alone": {**alone, **steps},
            "ratio": ratio, "target": TARGET, "met": {key: value <= TARGET for key, value in ratio.items()},
            "frames_per_cpu_second": round(expected["loaded"] / weirs["cpu_seconds"]),
            "second_load": again,
        }
    finally:
        home.remove()


def growth(weir, duckdb, plates, sizes):
    """Seconds and memory of a day so many times as large: linear means that the seconds of a plate stay the same."""
    rows = []
    for times in sizes:
        home = Home(weir, duckdb)
        try:
            expected = home.generate("--plates", plates, "--cameras", 4, "--runs", 24, "--format", "ndjson")
            home.multiply(times)
            own = {name: home.task(name) for name in ("load", "convert", "transform")}
            if home.rows("lakestorage/plate") != expected["plates"] * times:
                raise SystemExit(f"{home.rows('lakestorage/plate')} plates, not {expected['plates'] * times}")
            used = total(own.values())
            rows.append({"times": times, "plates": expected["plates"] * times, **used, **own,
                         "cpu_us_a_plate": round(used["cpu_seconds"] * 1e6 / expected["plates"] / times, 1),
                         "wall_us_a_plate": round(used["wall_seconds"] * 1e6 / expected["plates"] / times, 1)})
        finally:
            home.remove()
    first, last = rows[0], rows[-1]
    return {"sizes": rows, "ratio": {key: round(last[key] / first[key], 2) for key in ("cpu_us_a_plate", "wall_us_a_plate", "peak_mib")}}


def small_files(weir, duckdb, count):
    home = Home(weir, duckdb)
    try:
        expected = home.generate("--frames", count // 4, "--cameras", 4, "--runs", 24)
        own = {name: home.task(name) for name in ("load", "convert")}
        if home.rows("ultimatealpr_staging") != expected["loaded"]:
            raise SystemExit(f"{home.rows('ultimatealpr_staging')} rows of {expected['loaded']} files")
        sums = total(own.values())
        return {"files": expected["loaded"], **sums, **own,
                "cpu_ms_a_file": round(sums["cpu_seconds"] * 1000 / expected["loaded"], 3),
                "second_load": home.task("load", "--reprocess", "completed")}
    finally:
        home.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=ROOT + "/.build/release/weir")
    parser.add_argument("--duckdb", default=ROOT + "/.tools/duckdb")
    parser.add_argument("--scale", type=float, default=1, help="share of the plates and files, for a short run")
    parser.add_argument("--repeat", type=int, default=3, help="so often each step, but load; the middle counts (3)")
    parser.add_argument("--growth", default="1,4,16", type=lambda text: [int(word) for word in text.split(",") if word],
                        help="sizes of the day, in times of the first (1,4,16); nothing: none")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    result = {
        **report.about(),
        "scale": arguments.scale,
        "large": large(arguments.weir, arguments.duckdb, max(1, round(PLATES * arguments.scale)),
                       arguments.repeat),
        "growth": growth(arguments.weir, arguments.duckdb, max(1, round(PLATES * arguments.scale)), arguments.growth)
                  if arguments.growth else None,
        "small_files": small_files(arguments.weir, arguments.duckdb, max(4, round(FILES * arguments.scale))),
    }
    report.give(result, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
