#!/usr/bin/env python3
"""Measures `convert` and `transform` on Spark, with all cores of this machine, against the same on DuckDB over the same day, and prints JSON.

CPU seconds are those of the command with all that it starts, the JVM included; memory is the largest of the processes.

Usage: spark.py [--scale SHARE] [--repeat N] [--weir PROGRAM] [--out FILE]
It needs .tools/spark, which `make setup-spark` installs.
"""
import argparse
import json
import os
import sys

import lake
import report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=lake.ROOT + "/.build/release/weir")
    parser.add_argument("--duckdb", default=lake.ROOT + "/.tools/duckdb")
    parser.add_argument("--scale", type=float, default=1, help="share of the 266,440 plates, for a short run")
    parser.add_argument("--repeat", type=int, default=1, help="so often each engine; the middle counts (1)")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    home = lake.Home(arguments.weir, arguments.duckdb)
    try:
        home.env["SPARK_LOCAL_IP"] = "127.0.0.1"
        plates = max(1, round(lake.PLATES * arguments.scale))
        home.generate("--plates", plates, "--cameras", 4, "--runs", 24, "--format", "ndjson")
        home.task("load")
        for name in "convert", "transform":
            with open(f"{home.path}/dags/{name}.json") as file:
                dag = json.load(file)
            dag["id"] = "spark_" + name
            dag["tasks"][0]["with"]["engine"] = "spark"
            with open(f"{home.path}/dags/spark_{name}.json", "w") as file:
                json.dump(dag, file)
        measured, rows = {"duckdb": {}, "spark": {}}, {}
        for engine, prefix in ("duckdb", ""), ("spark", "spark_"):
            for name in "convert", "transform":
                measured[engine][name] = lake.middle(lambda: home.task(prefix + name, "--reprocess", "completed"), arguments.repeat)
            rows[engine] = {part: home.rows("lakestorage/" + part) for part in os.listdir(home.path + "/state/lake/lakestorage")}
        if rows["spark"] != rows["duckdb"]:
            raise SystemExit(f"Spark has made {rows['spark']}, DuckDB {rows['duckdb']}")
        totals = {engine: lake.total(parts.values()) for engine, parts in measured.items()}
        result = {
            **report.about(),
            "plates": plates, **{engine: {**totals[engine], **parts} for engine, parts in measured.items()},
            "ratio": {key: round(totals["spark"][key] / totals["duckdb"][key], 2) for key in totals["spark"]},
        }
    finally:
        home.remove()
    report.give(result, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
