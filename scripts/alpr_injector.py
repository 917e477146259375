"""How faults and variants get into a recognizer's logs, and how what must become of them is counted.

A kind is a function that adds records to a run of a camera, under frame numbers that no other frame of that run has, and
counts for each what must become of it: loaded, a duplicate, superseded by a better one, set aside with a reason, or never
looked at. `KINDS` lists them by name, from alpr_faults.py and alpr_variants.py.
"""
import json
from collections import Counter

import alpr_frames

KINDS = {}


class Day:
    """What a right loader must end with for one day."""

    def __init__(self):
        self.loaded = self.copies = self.superseded = self.plates = 0
        self.reasons, self.drift, self.faults = Counter(), Counter(), Counter()

    def expectation(self):
        quarantined = sum(self.reasons.values())
        duplicates = self.copies + self.superseded
        return {"seen": self.loaded + duplicates + quarantined, "loaded": self.loaded, "duplicates": duplicates,
                "superseded": self.superseded, "quarantined": quarantined,
                "reasons": dict(sorted(self.reasons.items())), "plates": self.plates,
                "drift": dict(sorted(self.drift.items())), "faults": dict(sorted(self.faults.items()))}


class Item:
    """Something to write: a record, or a file of its own with a name; `kind` is file, directory or link."""

    def __init__(self, fault, data, name=None, kind="file", folder=None):
        self.fault, self.data, self.name, self.kind, self.folder = fault, data, name, kind, folder


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def file_name(number, moment, suffix=".json"):
    # Month first, as the recognizer's logger writes it.
    return f"{number}_{moment.strftime('%m.%d.%Y.%H.%M.%S.%f')}{suffix}"


def encoded(document):
    return json.dumps(document).encode()


class Injector:
    """Adds faults to one run of a camera: `items` is what to write, `days` what must come of it."""

    def __init__(self, rng, moment, first, days, neighbour=None):
        self.rng, self.moment, self.days, self.neighbour = rng, moment, days, neighbour
        self.next = first
        self.items = []
        self.name = ""

    # What kinds are made of.

    def day(self, moment=None):
        return self.days[f"{moment or self.moment:%Y-%m-%d}"]

    def number(self):
        self.next += 1
        return self.next - 1

    def document(self, plates=1, moment=None, **members):
        """A good frame with a number of its own and so many plates, or with that as its plates; members are added or
        replaced, one that is None is taken out."""
        count = plates if isinstance(plates, int) else 0
        text = alpr_frames.frame(self.rng, self.number(), stamp(moment or self.moment), count)
        document = dict(json.loads(text), **members)
        if not isinstance(plates, int):
            document["plates"] = plates
        return {key: value for key, value in document.items() if value is not None}

    def plate(self, **members):
        return dict(json.loads(alpr_frames.plate(self.rng)), **members)

    def car(self, **members):
        return dict(self.plate()["car"], **members)

    def note(self, moment=None, count=1):
        self.day(moment).faults[self.name] += count

    def record(self, data, moment=None):
        """Adds a record where the run's records stand."""
        self.items.append(Item(self.name, data if isinstance(data, bytes) else encoded(data)))
        self.note(moment)

    def file(self, data, suffix=".json", prefix="", kind="file", folder=None):
        """Adds a file of its own, also where the run's records are lines of one file."""
        name = prefix + file_name(self.number(), self.moment, suffix)
        self.items.append(Item(self.name, data if isinstance(data, bytes) else encoded(data), name, kind, folder))

    def lines(self, lines, end=b"\n", last=True):
        """Adds a file with a record a line."""
        data = end.join(line if isinstance(line, bytes) else encoded(line) for line in lines)
        self.file(data + (end if last else b""), ".jsonl", "lines-")

    def loaded(self, document, moment=None, as_record=True):
        """Counts a frame that is good, and adds it."""
        day = self.day(moment)
        day.loaded += 1
        day.plates += len(document.get("plates") or [])
        if as_record:
            self.record(document, moment)

    def aside(self, reason, data=None):
        """Counts a record that is set aside, and adds it."""
        self.day().reasons[reason] += 1
        if data is not None:
            self.record(data)


def kind(function):
    KINDS[function.__name__] = function
    return function
