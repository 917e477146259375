"""What a right loader must take or pass over although it is odd: the same frame again, what other recognizers write, hostile
texts, unknown keys, and files of every kind. Each kind has a name."""
import json

from alpr_injector import encoded, kind


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
