#!/usr/bin/env python3
"""Measures whether a backfill of many years costs as much a run as one of a year, and prints JSON.

Each size is a backfill of so many days of six `true` tasks in a fresh home, with a store, processes and files; bench.py measures
the planning of ten years alone. The growth is the seconds for a run of the largest size over those of the smallest, as they
are and in starts of /bin/true, which are measured beside each size: a machine that is slower at the end is not a growth.
On ext4 creating files slows down with those that were removed lately: TMPDIR=/dev/shm puts the homes into memory.

Usage: growth.py [--days N,N…] [--embedded] [--repeat N] [--weir PROGRAM] [--out FILE]
"""
import argparse
import statistics
import sys

import bench
import report

TARGET = 1.25


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=bench.ROOT + "/.build/release/weir")
    parser.add_argument("--days", default="365,730,1460,2920", help="the sizes; 3652 are ten years")
    parser.add_argument("--embedded", action="store_true", help="no daemon: the command does it")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    sizes = sorted(int(size) for size in arguments.days.split(","))
    took, limits = {size: [] for size in sizes}, {size: [] for size in sizes}
    # One after the other and then again, so that a slow minute of the machine does not meet one size only.
    for _ in range(arguments.repeat):
        for size in sizes:
            before = bench.bare_rate(1000)
            took[size].append(bench.backfill(arguments.weir, size, not arguments.embedded))
            limits[size].append((before + bench.bare_rate(1000)) / 2)
    figures = []
    for size in sizes:
        seconds, limit = statistics.median(took[size]), statistics.median(limits[size])
        figures.append({
            "days": size, "tasks": size * 6, "wall_seconds": round(seconds, 2), "runs_per_second": round(size / seconds, 1),
            "ms_per_run": round(seconds / size * 1000, 2), "bare_starts_per_second": round(limit, 1),
            "bare_starts_per_run": round(seconds / size * limit, 1), "ratio": round(size * 6 / seconds / limit, 3),
        })
    first, last = figures[0], figures[-1]
    growth = last["ms_per_run"] / first["ms_per_run"]
    report.give({
        **report.about(), "daemon": not arguments.embedded, "repeat": arguments.repeat, "sizes": figures,
        "growth": {
            "from_days": first["days"], "to_days": last["days"], "seconds_per_run": round(growth, 3),
            "in_bare_starts": round(last["bare_starts_per_run"] / first["bare_starts_per_run"], 3),
            "target": TARGET, "met": growth <= TARGET,
        },
    }, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
