#!/usr/bin/env python3
"""Computes the ALPR datasets from the logs with Python's own json, and compares them with what stands in a lake.

Shares no code with Weir: it reads the files one by one, decides by the rules of the recognizer's logs which records count
and why others do not, and compares columns, types and every value. Usage: alpr_expected.py LANDING LAKE DUCKDB DAY.
Prints the row counts, or each difference, and exits 1 when there is one.
"""
import hashlib
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta

KEY = [("plateIndex", "INTEGER"), ("sourceId", "VARCHAR"), ("sourceFile", "VARCHAR")]
COLUMNS = {
    "bodyStyle": [("bodyStyle_id", "BIGINT"), ("frame_id", "BIGINT"), ("Name", "VARCHAR"), ("Confidence", "DOUBLE"),
                  ("createDateTime", "TIMESTAMP")] + KEY,
    "car": [("car_id", "BIGINT"), ("frame_id", "BIGINT"), ("color", "VARCHAR"), ("bodyStyle", "VARCHAR"),
            ("plateText", "VARCHAR"), ("make", "VARCHAR"), ("warpedBoxV1", "DOUBLE"), ("warpedBoxV2", "DOUBLE"),
            ("warpedBoxV3", "DOUBLE"), ("warpedBoxV4", "DOUBLE"), ("createDateTime", "TIMESTAMP")] + KEY,
    "color": [("color_id", "BIGINT"), ("frame_id", "BIGINT"), ("Name", "VARCHAR"), ("Confidence", "DOUBLE"),
              ("createDateTime", "TIMESTAMP")] + KEY,
    "country": [("country_id", "BIGINT"), ("frame_id", "BIGINT"), ("country", "VARCHAR"), ("countryState", "VARCHAR"),
                ("countryCode", "VARCHAR"), ("countryConfidence", "DOUBLE"), ("createDateTime", "TIMESTAMP")] + KEY,
    "makeModelYear": [("makeModelYear_id", "BIGINT"), ("frame_id", "BIGINT"), ("model", "VARCHAR"), ("make", "VARCHAR"),
                      ("year", "VARCHAR"), ("Confidence", "DOUBLE"), ("createDateTime", "TIMESTAMP")] + KEY,
    "plate": [("plate_id", "BIGINT"), ("frame_id", "BIGINT"), ("countryName", "VARCHAR"), ("plateText", "VARCHAR"),
              ("warpedBoxV0", "DOUBLE"), ("warpedBoxV1", "DOUBLE"), ("warpedBoxV4", "DOUBLE"), ("warpedBoxV5", "DOUBLE"),
              ("globalConfidencev1", "DOUBLE"), ("globalConfidencev2", "DOUBLE"), ("createDateTime", "TIMESTAMP")] + KEY,
    "frame": [("frame_id", "BIGINT"), ("durationMs", "BIGINT"), ("plateCount", "INTEGER"),
              ("createDateTime", "TIMESTAMP"), ("sourceId", "VARCHAR"), ("sourceFile", "VARCHAR")],
    "candidate": [("frame_id", "BIGINT"), ("createDateTime", "TIMESTAMP"), ("sourceId", "VARCHAR"),
                  ("sourceFile", "VARCHAR"), ("plateIndex", "INTEGER"), ("class", "VARCHAR"), ("rank", "INTEGER"),
                  ("klass", "BIGINT"), ("name", "VARCHAR"), ("code", "VARCHAR"), ("state", "VARCHAR"),
                  ("make", "VARCHAR"), ("model", "VARCHAR"), ("year", "VARCHAR"), ("confidence", "DOUBLE")],
}


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
BOX = {"type": "array", "items": NUMBER, "minItems": 8, "maxItems": 8}


YEAR = {"type": "string or integer"}


def candidates(optional=(), **names):
    """A class list: each candidate has a class, a confidence and these names."""
    properties = {"klass": {"type": "integer"}, "confidence": PERCENT, **names}
    return {"type": "array", "items": {
        "type": "object", "required": list(properties), "properties": {**properties, **{name: TEXT for name in optional}}}}


# What the recognizer's documentation and real logs allow; whatever is not named here is allowed, too.
SCHEMA = {"type": "object", "required": ["frame_id", "timestamp"], "properties": {
    "frame_id": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}, "timestamp": TEXT,
    "duration": {"type": "integer", "minimum": 0}, "latency": {"type": "integer"}, "lantency": {"type": "integer"},
    "plates": {"type": "array", "items": {"type": "object", "properties": {
        "text": TEXT, "confidences": {"type": "array", "items": PERCENT}, "warpedBox": BOX,
        "country": candidates(("state", "other"), code=TEXT, name=TEXT),
        "car": {"type": "object", "required": ["confidence", "warpedBox"], "properties": {
            "confidence": PERCENT, "warpedBox": BOX, "color": candidates(name=TEXT),
            "bodyStyle": candidates(name=TEXT), "makeModelYear": candidates(make=TEXT, model=TEXT, year=YEAR)}}}}}}}
TYPES = {
    "object": lambda value: isinstance(value, dict), "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str), "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float), "string or integer": lambda value: type(value) in (str, int)}
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|([+-])(\d\d):?(\d\d))?", re.A)
NAME_DATE = re.compile(r"_(\d\d)\.(\d\d)\.(\d{4})\.", re.A)


class Bad(Exception):
    """Why a record is set aside."""


def hold(value, schema):
    """Raises the reason why a value is not what the schema says. A member that is null counts as missing."""
    if not TYPES[schema["type"]](value):
        raise Bad("wrong_type")
    if isinstance(value, dict):
        for name in schema.get("required", ()):
            if value.get(name) is None:
                raise Bad("missing_field")
        for name, inner in schema.get("properties", {}).items():
            if value.get(name) is not None:
                hold(value[name], inner)
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            raise Bad("wrong_type")
        for element in value:
            hold(element, schema["items"])
    elif type(value) is not str:
        if isinstance(value, float) and not math.isfinite(value):
            raise Bad("not_finite")
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            raise Bad("out_of_range")


def moment(text):
    """The time of an event in UTC, which is the zone of those that name none."""
    match = MOMENT.fullmatch(text)
    if not match:
        raise Bad("bad_timestamp")
    try:
        time = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S")
        if match[4]:
            if int(match[5]) > 23 or int(match[6]) > 59:
                raise ValueError("no offset")
            east = timedelta(hours=int(match[5]), minutes=int(match[6]))
            time -= east if match[4] == "+" else -east
    except (ValueError, OverflowError):
        raise Bad("bad_timestamp") from None
    return time + timedelta(microseconds=int(((match[2] or "") + "000000")[:6]))


def members(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise Bad("duplicate_key")
    return dict(pairs)


def refuse_constant(text):
    raise ValueError(text)


def document(data):
    """The frame in a file or a line, and its time; raises the reason why it has to be set aside."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("not_utf8") from None
    if not text.strip(" \t\r\n"):
        raise Bad("empty")
    try:
        value = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=members)
        if "\\u" in text:
            # Half of a surrogate pair is no character.
            json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        raise Bad("broken_json") from None
    if value is None or value == "":
        raise Bad("no_result")
    hold(value, SCHEMA)
    return value, moment(value["timestamp"])


class Record:
    """What a file or a line is, and what must become of it: loaded, duplicate, superseded or quarantined."""

    def __init__(self, source, folder, data):
        self.source, self.folder, self.data = source, folder, data
        self.reason, self.outcome, self.document, self.time = "", "", None, None
        self.sha256 = hashlib.sha256(data or b"").hexdigest()
        try:
            if data is None:
                raise Bad("not_a_file")
            self.document, self.time = document(data)
        except Bad as error:
            self.reason, self.outcome = str(error), "quarantined"

    @property
    def day(self):
        """The day that it counts for: that of its time, or of its file's name."""
        if self.time:
            return f"{self.time:%Y-%m-%d}"
        match = NAME_DATE.search(self.source.rsplit("/", 1)[-1])
        return f"{match[3]}-{match[1]}-{match[2]}" if match else ""

    @property
    def key(self):
        return self.folder, self.time, self.document["frame_id"]


def records(landing, below=""):
    """Every record that a loader has to look at, in order of name."""
    for name in sorted(os.listdir(os.path.join(landing, below))):
        source = f"{below}/{name}" if below else name
        path = os.path.join(landing, source)
        if name.startswith(".") or name.endswith((".tmp", ".part")):
            continue
        if name.endswith((".json", ".jsonl", ".ndjson")):
            if os.path.islink(path) or not os.path.isfile(path):
                yield Record(source, below, None)
                continue
            with open(path, "rb") as file:
                data = file.read()
            if name.endswith(".json"):
                yield Record(source, below, data)
                continue
            for number, line in enumerate(data.split(b"\n"), 1):
                if line.strip(b" \t\r"):
                    yield Record(f"{source}#{number}", below, line)
        elif os.path.isdir(path) and not os.path.islink(path):
            yield from records(landing, source)


def settle(some):
    """Says of each record what must become of it; the frames that count, by their key."""
    best, contents = {}, set()
    for record in some:
        if record.outcome == "quarantined":
            continue
        content = (record.key, record.sha256)
        if content in contents:
            record.outcome = "duplicate"
            continue
        contents.add(content)
        record.outcome = "loaded"
        other = best.get(record.key)

        def order(one):
            return -len(one.document.get("plates") or []), one.sha256

        if other is None or order(record) < order(other):
            best[record.key] = record
        loser = None if other is None else other if best[record.key] is record else record
        if loser:
            loser.outcome = "superseded"
    return best


def read(landing, day):
    """The frames of a day, the better one of each that came more than once."""
    best = settle(list(records(landing)))
    return {key: ((), record.document, record.source) for key, record in best.items() if record.day == day}


def datasets(frames):
    rows = {name: [] for name in COLUMNS}
    for (source, time, number), (_, document, file) in sorted(frames.items(), key=lambda item: item[0]):
        plates = document.get("plates") or []
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.%f")
        rows["frame"].append([number, document.get("duration"), len(plates), stamp, source, file])
        for index, plate in enumerate(plates):
            natural = f"{source}|{stamp}|{number}|{index}"
            ident = int.from_bytes(hashlib.sha256(natural.encode()).digest()[:8], "big") & 0x7FFFFFFFFFFFFFFF
            tail = [stamp, index, source, file]
            car = plate.get("car") or {}

            def top(holder, name):
                return (holder.get(name) or [{}])[0]

            style, color, model = top(car, "bodyStyle"), top(car, "color"), top(car, "makeModelYear")
            country = top(plate, "country")
            corners = car.get("warpedBox") or [None] * 8
            own = plate.get("warpedBox") or [None] * 8
            scores = (plate.get("confidences") or []) + [None, None]
            year = model.get("year")
            rows["bodyStyle"].append([ident, number, style.get("name"), style.get("confidence")] + tail)
            rows["color"].append([ident, number, color.get("name"), color.get("confidence")] + tail)
            rows["car"].append([ident, number, color.get("name"), style.get("name"), plate.get("text"),
                                model.get("make"), corners[0], corners[1], corners[4], corners[5]] + tail)
            rows["country"].append([ident, number, country.get("name"), country.get("state"), country.get("code"),
                                    country.get("confidence")] + tail)
            rows["makeModelYear"].append([ident, number, model.get("model"), model.get("make"),
                                          None if year is None else str(year), model.get("confidence")] + tail)
            rows["plate"].append([ident, number, country.get("name"), plate.get("text"), own[0], own[1], own[4], own[5],
                                  scores[0], scores[1]] + tail)
            for kind, holder in [("bodyStyle", car), ("color", car), ("country", plate), ("makeModelYear", car)]:
                for rank, item in enumerate(holder.get(kind) or []):
                    year = item.get("year")
                    rows["candidate"].append([
                        number, stamp, source, file, index, kind, rank, item["klass"], item.get("name"),
                        item.get("code"), item.get("state"), item.get("make"), item.get("model"),
                        None if year is None else str(year), item["confidence"]])
    return rows


def ask(duckdb, statement):
    done = subprocess.run([duckdb, "-no-init", "-json", "-c", statement], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"DuckDB: {done.stderr}")
    return json.loads(done.stdout or "[]")


def canonical(rows):
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def main():
    landing, lake, duckdb, day = sys.argv[1:5]
    expected = datasets(read(landing, day))
    problems, counts = [], []
    for name, columns in COLUMNS.items():
        files = f"read_parquet('{lake}/lakestorage/{name}/dt={day}/*.parquet', hive_partitioning = false)"
        described = [(row["column_name"], row["column_type"]) for row in ask(duckdb, f"DESCRIBE SELECT * FROM {files}")]
        if described != columns:
            problems.append(f"{name}: columns are {described}, not {columns}")
            continue
        found = ask(duckdb, f"SELECT * REPLACE (strftime(\"createDateTime\", '%Y-%m-%dT%H:%M:%S.%f') AS \"createDateTime\") FROM {files}")
        found = canonical([[row[column] for column, _ in columns] for row in found])
        wanted = canonical([[float(value) if kind == "DOUBLE" and value is not None else value
                             for value, (_, kind) in zip(row, columns)] for row in expected[name]])
        found = canonical([[float(value) if kind == "DOUBLE" and value is not None else value
                            for value, (_, kind) in zip(row, columns)] for row in found])
        counts.append(f"{name} {len(wanted)}")
        if found != wanted:
            problems.append(f"{name}: {len(found)} rows, expected {len(wanted)}")
            left, right = (Counter(json.dumps(row) for row in rows) for rows in (found, wanted))
            for who, rows in ("only the lake has", left - right), ("it lacks", right - left):
                problems += [f"  {who} {row}" for row in list(rows.elements())[:3]]
    print(", ".join(counts))
    print("\n".join(problems) or "equal", end="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
