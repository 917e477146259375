"""Every fault and variant of recognizer logs that is known, each kind with a name, and what a right loader makes of it.

A kind is a function that adds records to a run of a camera, under frame numbers that no other frame of that run has, and
counts for each what must become of it: loaded, a duplicate, superseded by a better one, set aside with a reason, or never
looked at. `KINDS` lists them by name.
"""
import json
from collections import Counter
from datetime import datetime, timedelta

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


# ---- Nothing, or no JSON ------------------------------------------------------------------------------------------


@kind
def empty_file(i):
    i.aside("empty")
    i.file(b"")
    i.note()


@kind
def blank_file(i):
    i.aside("empty")
    i.file(b" \r\n\t\n")
    i.note()


@kind
def result_null(i):
    i.aside("no_result", b"null")


@kind
def result_empty_string(i):
    i.aside("no_result", b'""')


@kind
def truncated(i):
    i.aside("broken_json", encoded(i.document())[:-40])


@kind
def truncated_in_text(i):
    data = encoded(i.document())
    i.aside("broken_json", data[:data.index(b'"text"') + 9])


@kind
def trailing_comma(i):
    i.aside("broken_json", encoded(i.document())[:-1] + b",}")


@kind
def two_documents(i):
    i.aside("broken_json")
    i.file(encoded(i.document()) + b"\n" + encoded(i.document()) + b"\n")
    i.note()


@kind
def invalid_utf8(i):
    i.aside("not_utf8", encoded(i.document(1)).replace(b'"text": "', b'"text": "\xff\xfe'))


@kind
def utf16(i):
    i.aside("not_utf8")
    i.file(encoded(i.document()).decode().encode("utf-16"))
    i.note()


@kind
def byte_order_mark(i):
    i.aside("broken_json", b"\xef\xbb\xbf" + encoded(i.document()))


@kind
def raw_control_character(i):
    i.aside("broken_json", encoded(i.document(1)).replace(b'"text": "', b'"text": "\x01'))


@kind
def lone_surrogate(i):
    i.aside("broken_json", i.document(plates=[i.plate(text="AB\ud800C")]))


@kind
def number_nan(i):
    i.aside("broken_json", i.document(plates=[i.plate(confidences=[float("nan"), 50.0])]))


@kind
def number_infinity(i):
    i.aside("broken_json", i.document(plates=[i.plate(confidences=[50.0, float("inf")])]))


@kind
def number_overflow(i):
    document = encoded(i.document(plates=[i.plate(confidences=[50.0, 77.5])]))
    i.aside("not_finite", document.replace(b"77.5]", b"9e999]"))


@kind
def number_overflow_in_box(i):
    document = encoded(i.document(plates=[i.plate(warpedBox=[1, 2, 3, 4, 5, 6, 7, 8])]))
    i.aside("not_finite", document.replace(b"6, 7, 8]", b"6, 7, -9e999]"))


@kind
def duplicate_key(i):
    i.aside("duplicate_key", encoded(i.document(0)).replace(b'"duration"', b'"duration": 1, "duration"'))


@kind
def duplicate_key_inside(i):
    i.aside("duplicate_key", encoded(i.document()).replace(b'"text": "', b'"text": "OTHER", "text": "'))


# ---- Types, ranges, missing fields --------------------------------------------------------------------------------


@kind
def record_array(i):
    i.aside("wrong_type", [i.document()])


@kind
def record_number(i):
    i.aside("wrong_type", b"42")


@kind
def plates_object(i):
    i.aside("wrong_type", i.document(plates=i.plate()))


@kind
def plates_string(i):
    i.aside("wrong_type", i.document(plates="AB123"))


@kind
def plates_of_strings(i):
    i.aside("wrong_type", i.document(plates=["AB123"]))


@kind
def plates_of_null(i):
    i.aside("wrong_type", encoded(i.document(plates=["X"])).replace(b'["X"]', b"[null]"))


@kind
def frame_id_string(i):
    document = i.document()
    i.aside("wrong_type", dict(document, frame_id=str(document["frame_id"])))


@kind
def frame_id_float(i):
    document = i.document()
    i.aside("wrong_type", dict(document, frame_id=document["frame_id"] + 0.5))


@kind
def frame_id_true(i):
    i.aside("wrong_type", i.document(frame_id=True))


@kind
def frame_id_too_large(i):
    i.aside("out_of_range", i.document(frame_id=2**63))


@kind
def frame_id_huge(i):
    i.aside("out_of_range", i.document(frame_id=10**30))


@kind
def frame_id_negative(i):
    document = i.document()
    i.aside("out_of_range", dict(document, frame_id=-document["frame_id"]))


@kind
def frame_id_largest(i):
    i.loaded(i.document(frame_id=2**63 - 1 - i.number()))


@kind
def frame_id_missing(i):
    i.aside("missing_field", i.document(frame_id=None))


@kind
def frame_id_null(i):
    i.aside("missing_field", encoded(i.document(0, frame_id="X")).replace(b'"X"', b"null"))


@kind
def timestamp_missing(i):
    i.aside("missing_field", i.document(timestamp=None))


@kind
def timestamp_number(i):
    i.aside("wrong_type", i.document(timestamp=1651475749))


@kind
def empty_object(i):
    i.aside("missing_field", b"{}")


@kind
def duration_negative(i):
    i.aside("out_of_range", i.document(duration=-5))


@kind
def duration_string(i):
    i.aside("wrong_type", i.document(duration="33 ms"))


@kind
def text_number(i):
    i.aside("wrong_type", i.document(plates=[i.plate(text=12345)]))


@kind
def confidence_above_100(i):
    i.aside("out_of_range", i.document(plates=[i.plate(confidences=[100.5, 50.0])]))


@kind
def confidence_below_0(i):
    i.aside("out_of_range", i.document(plates=[i.plate(confidences=[50.0, -0.1])]))


@kind
def confidence_of_car_above_100(i):
    i.aside("out_of_range", i.document(plates=[i.plate(car=i.car(confidence=100.00001))]))


@kind
def confidence_of_candidate_below_0(i):
    car = i.car()
    car["color"][4]["confidence"] = -1e-9
    i.aside("out_of_range", i.document(plates=[i.plate(car=car)]))


@kind
def confidence_string(i):
    i.aside("wrong_type", i.document(plates=[i.plate(confidences=["97", "50"])]))


@kind
def klass_string(i):
    car = i.car()
    car["bodyStyle"][0]["klass"] = "9"
    i.aside("wrong_type", i.document(plates=[i.plate(car=car)]))


@kind
def box_of_seven(i):
    i.aside("wrong_type", i.document(plates=[i.plate(warpedBox=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])]))


@kind
def box_of_nine_around_car(i):
    i.aside("wrong_type", i.document(plates=[i.plate(car=i.car(warpedBox=[1.0] * 9))]))


@kind
def car_array(i):
    i.aside("wrong_type", i.document(plates=[i.plate(car=[i.car()])]))


@kind
def car_without_confidence(i):
    car = i.car()
    del car["confidence"]
    i.aside("missing_field", i.document(plates=[i.plate(car=car)]))


@kind
def country_without_code(i):
    plate = i.plate()
    del plate["country"][2]["code"]
    i.aside("missing_field", i.document(plates=[plate]))


@kind
def model_without_year(i):
    car = i.car()
    del car["makeModelYear"][0]["year"]
    i.aside("missing_field", i.document(plates=[i.plate(car=car)]))


@kind
def year_float(i):
    car = i.car()
    car["makeModelYear"][0]["year"] = 2012.5
    i.aside("wrong_type", i.document(plates=[i.plate(car=car)]))


# ---- Timestamps ---------------------------------------------------------------------------------------------------


@kind
def timestamp_bad(i):
    day = f"{i.moment:%Y-%m-%d}"
    for text in ["yesterday", "", day, f"{day} 07:15:49", f"{day}T24:00:00", f"{day}T25:00:00", f"{day}T23:59:60",
                 f"{day}T07:15:49.",
                 f"{day}T07:15:49.1234567890", f"{i.moment:%m.%d.%Y.%H.%M.%S.%f}", f"{day[:5]}13-01T07:15:49",
                 f"{day[:5]}02-30T07:15:49", f"{day}T07:15:49 UTC", f"{day}T07:15:49+25:00", f" {day}T07:15:49"]:
        i.aside("bad_timestamp", i.document(timestamp=text))


@kind
def timestamp_without_seconds(i):
    i.aside("bad_timestamp", i.document(timestamp=f"{i.moment:%Y-%m-%dT%H:%M}"))


@kind
def timestamp_after_the_last_year(i):
    i.aside("bad_timestamp", i.document(timestamp="9999-12-31T23:15:49.999546-02:00"))


@kind
def timestamp_utc(i):
    i.loaded(i.document(timestamp=stamp(i.moment) + "Z"))


@kind
def timestamp_offset(i):
    for hours, minutes, text in [(2, 0, "+02:00"), (-3, -30, "-03:30"), (0, 0, "-00:00"), (14, 0, "+14:00")]:
        local = i.moment + timedelta(hours=hours, minutes=minutes)
        i.loaded(i.document(timestamp=stamp(local) + text))


@kind
def timestamp_offset_without_colon(i):
    i.loaded(i.document(timestamp=stamp(i.moment + timedelta(hours=5, minutes=30)) + "+0530"))
    i.loaded(i.document(timestamp=stamp(i.moment - timedelta(hours=8)) + "-0800"))


@kind
def timestamp_offset_of_another_day(i):
    # Tomorrow where the camera stands, still today in UTC.
    moment = i.moment.replace(hour=23, minute=45)
    i.loaded(i.document(moment=moment, timestamp=stamp(moment + timedelta(hours=2)) + "+02:00"))


@kind
def timestamp_fraction(i):
    digits = f"{i.moment.microsecond:06d}987"
    for count in range(10):
        text = f"{i.moment:%Y-%m-%dT%H:%M:%S}" + ("." + digits[:count] if count else "")
        i.loaded(i.document(timestamp=text))


@kind
def late_frame(i):
    moment = i.moment - timedelta(days=1)
    i.loaded(i.document(moment=moment), moment)


@kind
def future_frame(i):
    moment = i.moment + timedelta(days=1)
    i.loaded(i.document(moment=moment), moment)


@kind
def clock_reset(i):
    # A camera that has lost the time.
    moment = datetime(1970, 1, 1) + timedelta(microseconds=i.rng.randrange(10**10))
    i.loaded(i.document(moment=moment), moment)


# ---- The same frame again -----------------------------------------------------------------------------------------


@kind
def same_frame_same_bytes(i):
    document = i.document()
    i.loaded(document)
    i.record(document)
    i.day().copies += 1


def several_contents(i, documents):
    """Several contents of one frame, in any order; the last of them has the most plates, or as many as any."""
    i.loaded(documents[-1], as_record=False)
    i.rng.shuffle(documents)
    for document in documents:
        i.record(document)
    i.day().superseded += len(documents) - 1


@kind
def same_frame_more_plates(i):
    document = i.document(1)
    several_contents(i, [document, dict(document, plates=document["plates"] + [i.plate()])])


@kind
def same_frame_with_plates_and_without(i):
    document = i.document(1)
    several_contents(i, [{key: document[key] for key in document if key != "plates"}, document])


@kind
def same_frame_as_many_plates(i):
    document = i.document(1)
    several_contents(i, [document, dict(document, plates=[i.plate()]), dict(document, duration=99)])


@kind
def same_frame_written_otherwise(i):
    document = i.document(1)
    i.loaded(document)
    i.record(json.dumps(document, separators=(",", ":"), sort_keys=True).encode())
    i.day().superseded += 1


@kind
def same_frame_four_times(i):
    document = i.document(1)
    other = dict(document, plates=[i.plate()])
    several_contents(i, [{key: document[key] for key in document if key != "plates"}, document, other])
    i.record(other)
    i.day().copies += 1


@kind
def two_cameras_same_frame(i):
    if not i.neighbour:
        return
    number = i.next
    for folder in (None, i.neighbour):
        i.next = number
        document = i.document()
        i.loaded(document, as_record=False)
        i.next = number
        i.file(document, folder=folder)
        i.note()


@kind
def two_cameras_same_empty_file(i):
    if not i.neighbour:
        return
    number = i.number()
    for folder in (None, i.neighbour):
        i.next = number
        i.aside("empty")
        i.file(b"", folder=folder)
        i.note()


# ---- What other recognizers and settings write --------------------------------------------------------------------


@kind
def year_integer(i):
    car = i.car()
    for model in car["makeModelYear"]:
        model["year"] = 2012
    i.loaded(i.document(plates=[i.plate(car=car)]))


@kind
def lantency(i):
    i.loaded(i.document(lantency=12))


@kind
def latency(i):
    i.loaded(i.document(latency=12))


@kind
def no_duration(i):
    i.loaded(i.document(duration=None))


@kind
def old_recognizer(i):
    plate = i.plate()
    plate["confidences"] = plate["confidences"][:2]
    del plate["car"]["bodyStyle"]
    for model in plate["car"]["makeModelYear"]:
        model["year"] = 2019
    i.loaded(i.document(plates=[plate], duration=None, lantency=7))


@kind
def class_list_missing(i):
    for name in ["country", "color", "bodyStyle", "makeModelYear"]:
        plate = i.plate()
        del (plate if name == "country" else plate["car"])[name]
        i.loaded(i.document(plates=[plate]))


@kind
def class_lists_empty(i):
    plate = i.plate(country=[])
    plate["car"].update(color=[], bodyStyle=[], makeModelYear=[])
    i.loaded(i.document(plates=[plate]))


@kind
def class_list_of_one(i):
    plate = i.plate()
    plate["country"] = plate["country"][:1]
    i.loaded(i.document(plates=[plate]))


@kind
def no_car(i):
    plate = i.plate()
    del plate["car"]
    i.loaded(i.document(plates=[plate]))


@kind
def car_without_plate(i):
    i.loaded(i.document(plates=[{"car": i.car()}, i.plate()]))


@kind
def two_confidences(i):
    i.loaded(i.document(plates=[i.plate(confidences=[88.5, 97.25])]))


@kind
def one_confidence(i):
    i.loaded(i.document(plates=[i.plate(confidences=[88.5])]))


@kind
def plates_null(i):
    document = i.document(plates="X")
    i.loaded(dict(document, plates=[]), as_record=False)
    i.record(encoded(document).replace(b'"X"', b"null"))


@kind
def plates_empty(i):
    i.loaded(i.document(plates=[]))


@kind
def country_other_and_state(i):
    plate = i.plate()
    plate["country"][0] = {"code": "RUS", "confidence": 99.5, "klass": 66, "name": "Russian Federation",
                           "other": "Police", "state": "Moscow Oblast"}
    i.loaded(i.document(plates=[plate]))


@kind
def quadrilateral_boxes(i):
    box = [101.5, 99.25, 211.125, 120.5, 205.75, 160.0, 95.0, 140.375]
    i.loaded(i.document(plates=[i.plate(warpedBox=box, car=i.car(warpedBox=[-3.5] + box[1:]))]))


@kind
def whole_numbers(i):
    plate = i.plate(confidences=[100, 0, 100], warpedBox=[1, 2, 3, 2, 3, 4, 1, 4])
    plate["country"][0]["confidence"] = 100
    i.loaded(i.document(plates=[plate]))


@kind
def tiny_confidences(i):
    car = i.car()
    for candidate, value in zip(car["color"][1:], [8.9e-13, 1e-40, 5e-324, 0]):
        candidate["confidence"] = value
    i.loaded(i.document(plates=[i.plate(car=car)]))


# ---- Hostile and foreign texts ------------------------------------------------------------------------------------


def texts(i, some):
    for text in some:
        i.loaded(i.document(plates=[i.plate(text=text)]))


@kind
def text_not_ascii(i):
    texts(i, ["\u4eacA\u00b712345", "\uc11c\uc6b812\uac003456", "\u00c4\u00d6 123 \u00df", "e\u0301\u202eABC", "\U0001F697"])


@kind
def text_not_ascii_unescaped(i):
    document = i.document(plates=[i.plate(text="\u4eacA12345 \u2028 \U0001F697")])
    i.loaded(document, as_record=False)
    i.record(json.dumps(document, ensure_ascii=False).encode())


@kind
def text_with_star(i):
    texts(i, ["AB123*", "***", "AB12**"])


@kind
def text_of_csv_formula(i):
    texts(i, ["=HYPERLINK(\"http://example.org\",\"x\")", "+1+1", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0"])


@kind
def text_of_sql(i):
    texts(i, ["'); DROP TABLE plates; --", "x' OR '1'='1", "NULL", "\\'; SELECT 1; --", "$$", "{{ ds }}"])


@kind
def text_of_markup(i):
    texts(i, ["<script>alert(1)</script>", "&amp;", "a,b;c\t\"d\"", "../../etc/passwd"])


@kind
def text_of_control_characters(i):
    texts(i, ["A\r\nB", "A\tB", "\u0007\u001b[31mRED", "\u007f\u0085", "\b\f"])


@kind
def text_with_nul(i):
    texts(i, ["AB\u0000CD", "\u0000"])


@kind
def text_long(i):
    texts(i, ["A" * 5000])


@kind
def text_of_spaces(i):
    texts(i, [" AB 12 ", " "])


# ---- Keys that nobody has declared --------------------------------------------------------------------------------


@kind
def unknown_keys(i):
    plate = i.plate(speed={"value": 51.5, "unit": "km/h"})
    plate["car"]["tilt"] = -0.5
    i.loaded(i.document(plates=[plate], sdk_version="3.9.0"))
    i.day().drift.update(["sdk_version", "plates[].speed", "plates[].car.tilt"])


@kind
def unknown_keys_in_each_plate(i):
    i.loaded(i.document(plates=[i.plate(lane=1), i.plate(lane=2)]))
    i.day().drift.update(["plates[].lane"])


@kind
def unknown_keys_in_other_case(i):
    i.loaded(i.document(plates=[i.plate(Text="WRONG")], Duration=1, PLATES=[]))
    i.day().drift.update(["plates[].Text", "Duration", "PLATES"])


@kind
def unknown_keys_only_in_other_case(i):
    # The declared field is missing, and a key that is not it looks like it.
    plate = i.plate(TEXT="WRONG")
    del plate["text"]
    i.loaded(i.document(plates=[plate], duration=None, DURATION=7))
    i.day().drift.update(["plates[].TEXT", "DURATION"])


# ---- Files --------------------------------------------------------------------------------------------------------


@kind
def directory_named_like_a_log(i):
    i.aside("not_a_file")
    i.file(b"", kind="directory")
    i.note()


@kind
def link_to_a_file(i):
    i.aside("not_a_file")
    i.file(b"/etc/hostname", kind="link")
    i.note()


@kind
def link_to_nothing(i):
    i.aside("not_a_file")
    i.file(b"nowhere.json", kind="link")
    i.note()


@kind
def unfinished_files(i):
    i.file(encoded(i.document())[:200], ".json.tmp")
    i.file(encoded(i.document())[:200], ".json.part")
    i.file(encoded(i.document())[:200], ".jsonl.tmp")
    i.note(count=3)


@kind
def hidden_files(i):
    i.file(i.document(), prefix=".")
    i.file(i.document(), prefix=".", suffix=".ndjson")
    i.note(count=2)


@kind
def files_of_other_kinds(i):
    i.file(b"not a log\n", ".txt")
    i.file(b"\x89PNG\r\n", ".json.png")
    i.note(count=2)


@kind
def file_with_crlf(i):
    document = i.document()
    i.loaded(document, as_record=False)
    i.file(encoded(document) + b"\r\n")
    i.note()


@kind
def file_of_many_lines(i):
    document = i.document()
    i.loaded(document, as_record=False)
    i.file(json.dumps(document, indent=2).replace("\n", "\r\n").encode() + b"\n\n")
    i.note()


def good_lines(i, count):
    documents = [i.document(1 - number % 2) for number in range(count)]
    for document in documents:
        i.loaded(document, as_record=False)
    i.note(count=count)
    return documents


@kind
def lines_with_crlf(i):
    i.lines(good_lines(i, 3), end=b"\r\n")


@kind
def lines_without_last_end(i):
    i.lines(good_lines(i, 3), last=False)


@kind
def lines_with_blanks(i):
    good = good_lines(i, 3)
    i.lines([b"", good[0], b"", b"  ", good[1], b"\t", b"", good[2], b""])


@kind
def lines_with_a_broken_one(i):
    good = good_lines(i, 2)
    i.lines([good[0], encoded(i.document())[:-30], good[1], b"null"])
    i.note(count=2)
    i.aside("broken_json")
    i.aside("no_result")


@kind
def lines_after_a_byte_order_mark(i):
    good = good_lines(i, 1)
    i.lines([b"\xef\xbb\xbf" + encoded(i.document()), good[0]])
    i.note()
    i.aside("broken_json")


@kind
def lines_none(i):
    i.lines([], last=False)
    i.note()
