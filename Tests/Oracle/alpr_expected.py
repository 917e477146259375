#!/usr/bin/env python3
"""Computes the ALPR datasets from the logs with Python's own json, and compares them with what stands in a lake.

Shares no code with Weir: it reads the files one by one, decides for itself which frames count, and compares columns,
types and every value. Usage: alpr_expected.py LANDING LAKE DUCKDB DAY. Prints the row counts, or each difference, and
exits 1 when there is one.
"""
import hashlib
import json
import math
import os
import subprocess
import sys
from datetime import datetime

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


def refuse_constant(text):
    raise ValueError(text)


def usable(document):
    """What the declared schema allows, told in other words: the parts that the datasets read."""
    if not isinstance(document, dict) or not isinstance(document.get("frame_id"), int):
        return None
    try:
        time = datetime.strptime(document["timestamp"], "%Y-%m-%dT%H:%M:%S.%f")
    except (KeyError, ValueError, TypeError):
        return None
    plates = document.get("plates") or []
    if not isinstance(plates, list):
        return None
    for plate in plates:
        if any(not math.isfinite(value) or not 0 <= value <= 100 for value in plate.get("confidences", [])):
            return None
    return time


def read(landing, day):
    """The frames of a day, the better one of each that came more than once."""
    best = {}
    for folder, folders, names in os.walk(landing):
        folders[:] = [name for name in folders if not name.startswith(".") and not name.endswith(".json")]
        for name in sorted(names):
            path = os.path.join(folder, name)
            data = open(path, "rb").read()
            try:
                document = json.loads(data.decode("utf-8"), parse_constant=refuse_constant)
            except ValueError:
                continue
            time = usable(document)
            if time is None or f"{time:%Y-%m-%d}" != day:
                continue
            source = os.path.relpath(folder, landing)
            source = "" if source == "." else source
            digest = hashlib.sha256(data).hexdigest()
            file = os.path.relpath(path, landing)
            order = (-len(document.get("plates") or []), digest, file)
            key = (source, time, document["frame_id"])
            if key not in best or order < best[key][0]:
                best[key] = (order, document, file)
    return best


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
            for left, right in zip(found, wanted):
                if left != right:
                    problems.append(f"  first difference: lake has {left}, expected {right}")
                    break
    print(", ".join(counts))
    print("\n".join(problems) or "equal", end="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
