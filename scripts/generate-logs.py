#!/usr/bin/env python3
"""Writes logs as the ultimateALPR recognizer does, one JSON document per camera frame.

The same arguments give the same bytes. Each camera has a folder of its own and one run of the recognizer a day, whose
frames share the run's start as their timestamp. About three frames in four show no plate; a plate has a car with ranked
candidates of country, colour, body style and model. With --faults each day also holds what goes wrong in practice, and
--expect writes down what a right loader must end with.
"""
import argparse
import json
import os
import random
import sys
from datetime import datetime, timedelta

EMPTY_SHARE = 0.74

COLORS = ["black", "blue", "brown", "gold", "gray", "green", "orange", "purple", "red", "silver", "tan", "white", "yellow"]
COLOR_WEIGHTS = [14, 13, 3, 1, 12, 4, 3, 1, 12, 22, 2, 18, 2]
STYLES = [(2, "convertible"), (3, "coupe"), (4, "hatchback"), (7, "mpv"), (8, "pickup"), (9, "sedan"), (10, "suv"),
          (11, "van")]
STYLE_WEIGHTS = [4, 10, 20, 12, 5, 30, 25, 6]
COUNTRIES = [
    (10, "AUS", "Australia", None), (11, "AUT", "Austria", None), (13, "BEL", "Belgium", None),
    (18, "CAN", "Canada", "Alberta"), (21, "CAN", "Canada", "New Brunswick"), (31, "CZE", "Czechia", None),
    (32, "DEU", "Germany", None), (34, "ESP", "Spain", None), (37, "FRA", "France", None),
    (38, "GBR", "United Kingdom of Great Britain and Northern Ireland", None), (43, "IND", "India", None),
    (47, "ITA", "Italy", None), (60, "NLD", "Netherlands", None), (61, "NOR", "Norway", None),
    (70, "SWE", "Sweden", None), (74, "TWN", "Taiwan", None), (80, "USA", "United States of America", "California"),
    (84, "USA", "United States of America", "Florida"), (97, "USA", "United States of America", "Michigan"),
    (118, "USA", "United States of America", "Texas")]
COUNTRY_WEIGHTS = [2, 6, 5, 2, 1, 4, 40, 5, 12, 8, 2, 7, 8, 2, 3, 2, 4, 3, 2, 4]
MODELS = [
    (67, "audi", "100"), (74, "audi", "a5"), (75, "audi", "a6"), (108, "audi", "s5"), (117, "audi", "tt"),
    (166, "bmw", "1series"), (168, "bmw", "3series"), (170, "bmw", "5series"), (193, "bmw", "x3"), (195, "bmw", "x5"),
    (375, "chevrolet", "suburban"), (618, "fiat", "pulse"), (682, "ford", "focus"), (698, "ford", "mondeo"),
    (794, "honda", "accord"), (820, "honda", "hr"), (1065, "kia", "sportage"), (1296, "mercedes benz", "slc"),
    (1485, "opel", "astra"), (1860, "toyota", "corolla"), (1901, "toyota", "rav4"), (2047, "volvo", "v40")]
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
LENGTHS, LENGTH_WEIGHTS = [1, 2, 3, 4, 5, 6, 7, 8], [3, 2, 3, 4, 5, 13, 26, 6]


def single(value):
    """A number with the seven digits that the recognizer's 32-bit floats have."""
    return float("%.7g" % value)


def ranked(rng, items, weights, count=5):
    """Different candidates, best first, with falling confidences whose sum stays under 100."""
    chosen = []
    while len(chosen) < count:
        item = rng.choices(items, weights)[0]
        if item not in chosen:
            chosen.append(item)
    left, confidences = 100.0, []
    for _ in chosen:
        share = rng.choice([0.999999, 0.97, 0.9, 0.66, 0.51])
        confidences.append(single(left * share))
        left *= 1 - share
    return list(zip(chosen, confidences))


def box(left, top, right, bottom):
    return [single(v) for v in (left, top, right, top, right, bottom, left, bottom)]


def plate(rng):
    length = rng.choices(LENGTHS, LENGTH_WEIGHTS)[0]
    split = min(length, rng.randint(1, 4))
    text = "".join(rng.choice(LETTERS) for _ in range(split))
    text += "".join(rng.choice("0123456789") for _ in range(length - split))
    characters = [single(rng.uniform(83, 91)) for _ in text]
    left, top = rng.uniform(1, 600), rng.uniform(1, 300)
    width, height = rng.uniform(200, 900), rng.uniform(120, 500)
    at, down = left + width * rng.uniform(0.2, 0.5), top + height * rng.uniform(0.4, 0.7)
    country = []
    for (klass, code, name, state), confidence in ranked(rng, COUNTRIES, COUNTRY_WEIGHTS):
        entry = {"code": code, "confidence": confidence, "klass": klass, "name": name}
        if state:
            entry["state"] = state
        country.append(entry)
    return {
        "car": {
            "bodyStyle": [{"confidence": c, "klass": k, "name": n} for (k, n), c in ranked(rng, STYLES, STYLE_WEIGHTS)],
            "color": [{"confidence": c, "klass": COLORS.index(n), "name": n} for n, c in ranked(rng, COLORS, COLOR_WEIGHTS)],
            "confidence": single(rng.uniform(89, 100)),
            "makeModelYear": [
                {"confidence": c, "klass": k, "make": make, "model": model, "year": "0-9"}
                for (k, make, model), c in ranked(rng, MODELS, [1] * len(MODELS))],
            "warpedBox": box(left, top, left + width, top + height)},
        "confidences": [min(characters), single(rng.uniform(38, 100))] + characters,
        "country": country,
        "text": text,
        "warpedBox": box(at, down, at + width * 0.25, down + height * 0.12)}


def frame(rng, number, timestamp):
    count = 0 if rng.random() < EMPTY_SHARE else rng.choices([1, 2, 3], [90, 8, 2])[0]
    base = rng.uniform(300, 1300) if number < 3 else rng.gauss(77 if count else 33, 8)
    document = {"duration": max(25, round(base)), "frame_id": number}
    if count:
        document["plates"] = [plate(rng) for _ in range(count)]
    document["timestamp"] = timestamp.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return document


class Day:
    """What a right loader must end with for one day."""

    def __init__(self):
        self.loaded = self.duplicates = self.plates = 0
        self.reasons = {}

    def aside(self, reason):
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def expectation(self):
        quarantined = sum(self.reasons.values())
        return {"seen": self.loaded + self.duplicates + quarantined, "loaded": self.loaded,
                "duplicates": self.duplicates, "quarantined": quarantined,
                "reasons": dict(sorted(self.reasons.items())), "plates": self.plates}


def name_of(number, timestamp):
    # Month first, as the recognizer's logger writes it.
    return f"{number}_{timestamp.strftime('%m.%d.%Y.%H.%M.%S.%f')}.json"


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def write_faults(rng, folder, timestamp, documents, day):
    """One of each kind of fault, under frame numbers that no good frame has."""
    number = len(documents)

    def path():
        nonlocal number
        number += 1
        return f"{folder}/{name_of(number, timestamp)}"

    def broken(reason, data):
        write(path(), data)
        day.aside(reason)

    def changed(**members):
        document = dict(frame(rng, number + 1, timestamp), **members)
        return json.dumps({key: value for key, value in document.items() if value is not None}).encode()

    broken("broken_json", json.dumps(dict(frame(rng, number + 1, timestamp), plates=[plate(rng)])).encode()[:-40])
    broken("empty", b"")
    broken("no_result", b"null")
    broken("not_utf8", b'{"frame_id": 1, "timestamp": "\xff\xfe"}')
    broken("broken_json", changed(plates=[dict(plate(rng), confidences=[float("nan"), 1.0])]))
    broken("wrong_type", changed(plates={"text": "not a list"}))
    broken("missing_field", changed(frame_id=None))
    broken("bad_timestamp", changed(timestamp="yesterday"))
    broken("out_of_range", changed(plates=[dict(plate(rng), confidences=[101.5, 50.0])]))
    os.makedirs(path(), exist_ok=True)
    day.aside("not_a_file")
    # The same frame twice, byte for byte: one of them counts.
    write(path(), json.dumps(documents[0]).encode())
    day.duplicates += 1
    # The same frame again with one more plate: the richer one wins.
    richer = dict(documents[1], plates=documents[1].get("plates", []) + [plate(rng)])
    write(path(), json.dumps(richer).encode())
    day.duplicates += 1
    day.plates += 1
    # Legal variants of other versions of the recognizer: loaded like any other.
    number += 1
    old = plate(rng)
    old["confidences"] = old["confidences"][:2]
    for model in old["car"]["makeModelYear"]:
        model["year"] = 2012
    del old["car"]["bodyStyle"]
    variant = {"frame_id": number, "lantency": 12, "plates": [old, {"car": plate(rng)["car"]}],
               "timestamp": timestamp.strftime("%Y-%m-%dT%H:%M:%S.%f")}
    write(f"{folder}/{name_of(number, timestamp)}", json.dumps(variant).encode())
    day.loaded += 1
    day.plates += 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="landing folder, made when missing")
    parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="first day, such as 2022-05-02")
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--frames", type=int, default=240, help="per camera and day")
    parser.add_argument("--format", choices=["files", "ndjson"], default="files",
                        help="one file per frame, as the recognizer logs, or one file per camera and day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", action="store_true", help="mix in what goes wrong in practice, on the first camera")
    parser.add_argument("--expect", metavar="FILE", help="write the counts that a right loader must end with")
    arguments = parser.parse_args()
    try:
        first = datetime.strptime(arguments.first, "%Y-%m-%d")
    except ValueError:
        parser.error(f"--from is '{arguments.first}'; it must be a date such as 2022-05-02")
    if min(arguments.days, arguments.cameras) < 1 or arguments.frames < (2 if arguments.faults else 1):
        parser.error("--days and --cameras must be 1 or more, --frames too (2 with --faults)")
    if arguments.faults and arguments.format != "files":
        parser.error("--faults needs --format files")

    expected = {}
    for offset in range(arguments.days):
        date = first + timedelta(days=offset)
        day = Day()
        for camera in range(1, arguments.cameras + 1):
            # Seeded by what it is about, so that a longer span begins with the same days.
            rng = random.Random(f"{arguments.seed}|{date:%Y-%m-%d}|{camera}")
            timestamp = date + timedelta(microseconds=rng.randrange(6 * 3600 * 10**6, 20 * 3600 * 10**6))
            folder = f"{arguments.out}/camera-{camera}"
            os.makedirs(folder, exist_ok=True)
            documents = [frame(rng, number, timestamp) for number in range(arguments.frames)]
            day.loaded += len(documents)
            day.plates += sum(len(document.get("plates", [])) for document in documents)
            if arguments.format == "ndjson":
                lines = "".join(json.dumps(document) + "\n" for document in documents)
                write(f"{folder}/{date:%Y-%m-%d}.ndjson", lines.encode())
            else:
                for document in documents:
                    write(f"{folder}/{name_of(document['frame_id'], timestamp)}", json.dumps(document).encode())
            if arguments.faults and camera == 1:
                write_faults(rng, folder, timestamp, documents, day)
        expected[f"{date:%Y-%m-%d}"] = day.expectation()
    if arguments.expect:
        write(arguments.expect, (json.dumps(expected, indent=2) + "\n").encode())
    total = sum(day["seen"] for day in expected.values())
    print(f"{total} frames of {arguments.days} days and {arguments.cameras} cameras in {arguments.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
