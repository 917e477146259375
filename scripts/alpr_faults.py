"""Faults of recognizer logs that a right loader sets aside, each kind with a name, and the many forms of timestamps."""
from datetime import datetime, timedelta

from alpr_injector import encoded, kind, stamp


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
