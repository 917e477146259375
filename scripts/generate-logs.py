#!/usr/bin/env python3
"""Writes logs as the ultimateALPR recognizer does, one JSON document per camera frame.

The same arguments give the same bytes. Each camera has a folder of its own and several runs of the recognizer a day, most
frames by day and in the rush hours; all frames of a run share its start as their timestamp, and their numbers begin with 0.
About three frames in four show no plate; a plate has a car with ranked candidates of country, colour, body style and model.

With --faults each day also holds, on the first camera, at least one of each kind of what goes wrong in practice
(--list-faults names them), and --fault-rate adds more on all cameras. They come beside the good frames, under numbers of
their own. --expect writes down per day what a right loader must end with; a day with "outside": true is one that only
late or early frames belong to.
"""
import argparse
import json
import os
import random
import sys
from collections import defaultdict
from datetime import datetime, timedelta

import alpr_faults  # noqa: F401 (adds its kinds to KINDS)
import alpr_frames
import alpr_variants  # noqa: F401
from alpr_injector import KINDS, Day, Injector, file_name, stamp

# How many of a day's frames fall into each hour.
HOURS = [2, 1, 1, 1, 2, 8, 30, 70, 80, 50, 40, 42, 45, 42, 42, 50, 75, 85, 70, 40, 25, 15, 8, 4]


def shares(total, weights):
    """Whole numbers in proportion to weights that add up to a total."""
    whole, used, done = sum(weights), 0, 0
    result = []
    for weight in weights:
        used += weight
        result.append(total * used // whole - done)
        done += result[-1]
    return result


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


class Generator:
    """Writes days of logs, and counts in `days` what must come of them."""

    def __init__(self, arguments, first):
        self.arguments, self.first = arguments, first
        self.days = defaultdict(Day)
        # The kind of fault of each odd file or line, by its name below the landing folder.
        self.sources = {}
        span = 24 // arguments.runs
        self.weights = [sum(HOURS[start:start + span]) for start in range(0, 24, span)]
        self.span = span
        # Plates that each camera and day shows, when their number is given instead of that of the frames.
        places = arguments.days * arguments.cameras
        self.plates = shares(arguments.plates, [1] * places) if arguments.plates is not None else None

    def generate(self):
        for offset in range(self.arguments.days):
            for camera in range(1, self.arguments.cameras + 1):
                self.camera(offset, camera)

    def camera(self, offset, camera):
        """One camera's day."""
        arguments = self.arguments
        date = self.first + timedelta(days=offset)
        folder = f"{arguments.out}/camera-{camera}"
        os.makedirs(folder, exist_ok=True)
        if self.plates is None:
            quotas = shares(arguments.frames, self.weights)
        else:
            quotas = shares(self.plates[offset * arguments.cameras + camera - 1], self.weights)
        runs = [run for run, quota in enumerate(quotas) if quota > 0]
        kinds = list(KINDS) if arguments.faults and camera == 1 else []
        for place, run in enumerate(runs):
            # Seeded by what it is about, so that a longer span begins with the same days.
            rng = random.Random(f"{arguments.seed}|{date:%Y-%m-%d}|{camera}|{run}")
            # A recognizer is started within the first ten minutes of its hours.
            moment = date + timedelta(hours=run * self.span, microseconds=rng.randrange(600 * 10**6))
            lines = self.run(rng, date, moment, quotas[run])
            number = len(lines)
            items = []
            if arguments.faults:
                more = round(number * arguments.fault_rate)
                chosen = kinds[place::len(runs)] + rng.choices(list(KINDS), k=more)
                neighbour = f"{arguments.out}/camera-{camera + 1}" if camera < arguments.cameras else None
                items = self.faults(chosen, Injector(rng, moment, number, self.days, neighbour))
            self.write_run(rng, folder, moment, lines, items)

    def run(self, rng, date, moment, quota):
        """The frames of one run of the recognizer, as text."""
        day, text = self.days[f"{date:%Y-%m-%d}"], stamp(moment)
        lines, shown = [], 0
        while (len(lines) if self.plates is None else shown) < quota:
            count = alpr_frames.plate_count(rng, self.arguments.empty)
            if self.plates is not None:
                count = min(count, quota - shown)
            lines.append(alpr_frames.frame(rng, len(lines), text, count))
            shown += count
        day.loaded += len(lines)
        day.plates += shown
        return lines

    def faults(self, chosen, injector):
        for name in chosen:
            injector.name = name
            KINDS[name](injector)
        return injector.items

    def write_run(self, rng, folder, moment, lines, items):
        for item in items:
            if item.name is not None:
                self.write_item(item, item.folder or folder)
        records = [item for item in items if item.name is None]
        if self.arguments.format == "files":
            for number, line in enumerate(lines):
                write(f"{folder}/{file_name(number, moment)}", line.encode())
            for number, item in enumerate(records):
                # Some of these share a frame number, which a retry's name does not.
                item.name = file_name(f"odd-{number}", moment)
                self.write_item(item, folder)
            return
        all_lines = [line.encode() for line in lines]
        for item in records:
            all_lines.insert(rng.randrange(len(all_lines) + 1), item)
        path = f"{folder}/{file_name('run', moment, '.ndjson')}"
        for number, item in enumerate(all_lines):
            if not isinstance(item, bytes):
                self.sources[f"{self.relative(path)}#{number + 1}"] = item.fault
                all_lines[number] = item.data
        write(path, b"\n".join(all_lines) + b"\n")

    def write_item(self, item, folder):
        os.makedirs(folder, exist_ok=True)
        path = f"{folder}/{item.name}"
        self.sources[self.relative(path)] = item.fault
        if item.kind == "directory":
            os.makedirs(path, exist_ok=True)
        elif item.kind == "link":
            if not os.path.lexists(path):
                os.symlink(item.data, path)
        else:
            write(path, item.data)

    def relative(self, path):
        return os.path.relpath(path, self.arguments.out)

    def expectation(self):
        """What must come of each day; of days that were asked for also when nothing was written."""
        asked = {f"{self.first + timedelta(days=offset):%Y-%m-%d}" for offset in range(self.arguments.days)}
        return {name: dict(self.days[name].expectation(), **({} if name in asked else {"outside": True}))
                for name in sorted(asked | set(self.days))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", help="landing folder, made when missing")
    parser.add_argument("--from", dest="first", metavar="DATE", help="first day, such as 2022-05-02")
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--frames", type=int, default=240, help="per camera and day (%(default)s)")
    parser.add_argument("--plates", type=int, metavar="N",
                        help="so many plates in all, and as many frames as it takes, in place of --frames")
    parser.add_argument("--empty", type=float, default=alpr_frames.EMPTY_SHARE, metavar="SHARE",
                        help="of the frames that show no plate (%(default)s)")
    parser.add_argument("--runs", type=int, default=4, choices=[1, 2, 3, 4, 6, 8, 12, 24],
                        help="of the recognizer, per camera and day (%(default)s)")
    parser.add_argument("--format", choices=["files", "ndjson"], default="files",
                        help="one file per frame, as the recognizer logs, or one file per camera and run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", action="store_true", help="mix in what goes wrong in practice")
    parser.add_argument("--fault-rate", type=float, default=0, metavar="SHARE",
                        help="with --faults: more of them, on all cameras, as a share of the frames")
    parser.add_argument("--list-faults", action="store_true", help="print the names of the kinds of faults, and end")
    parser.add_argument("--expect", metavar="FILE", help="write the counts that a right loader must end with")
    parser.add_argument("--fault-sources", metavar="FILE",
                        help="write which file, or line of a file (NAME#3), is of which kind of fault")
    arguments = parser.parse_args()
    if arguments.list_faults:
        print("\n".join(KINDS))
        return
    if not arguments.out or not arguments.first:
        parser.error("--out and --from are needed")
    try:
        first = datetime.strptime(arguments.first, "%Y-%m-%d")
    except ValueError:
        parser.error(f"--from is '{arguments.first}'; it must be a date such as 2022-05-02")
    if min(arguments.days, arguments.cameras, arguments.frames) < 1 or (arguments.plates or 1) < 1:
        parser.error("--days, --cameras, --frames and --plates must be 1 or more")
    if not 0 <= arguments.empty < 1 or not 0 <= arguments.fault_rate <= 1:
        parser.error("--empty and --fault-rate are shares from 0 to 1, and some frame must show a plate")
    if arguments.fault_rate and not arguments.faults:
        parser.error("--fault-rate needs --faults")

    generator = Generator(arguments, first)
    generator.generate()
    expected = generator.expectation()
    if arguments.expect:
        write(arguments.expect, (json.dumps(expected, indent=2) + "\n").encode())
    if arguments.fault_sources:
        write(arguments.fault_sources, (json.dumps(generator.sources, indent=0) + "\n").encode())
    total = sum(day["seen"] for day in expected.values())
    print(f"{total} frames of {arguments.days} days and {arguments.cameras} cameras in {arguments.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
