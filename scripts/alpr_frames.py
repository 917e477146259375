"""Frames as the ultimateALPR recognizer logs them, as text: what generate-logs.py writes and the kinds of faults break.

Texts are filled into prepared patterns, because a month of logs is a million frames. All confidences have the seven digits
of the recognizer's 32-bit floats, so a whole one stands without a fraction, as it does in real logs.
"""
import random

EMPTY_SHARE = 0.74
# How many plates a frame has that has any.
PLATES, PLATE_WEIGHTS = [1, 2, 3], [86, 12, 2]

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
DIGITS = "0123456789"
LENGTHS, LENGTH_WEIGHTS = [1, 2, 3, 4, 5, 6, 7, 8], [3, 2, 3, 4, 5, 13, 26, 6]


def _ranked(rng, items, weights, pattern):
    """A list of five different candidates as text, with a place for each confidence."""
    chosen = []
    while len(chosen) < 5:
        item = rng.choices(items, weights)[0]
        if item not in chosen:
            chosen.append(item)
    return "[" + ", ".join(pattern(item) for item in chosen) + "]"


def _country(item):
    klass, code, name, state = item
    return (f'{{"code": "{code}", "confidence": %.7g, "klass": {klass}, "name": "{name}"'
            + (f', "state": "{state}"' if state else "") + "}")


def _lists(items, weights, pattern):
    # From a source of their own: the choice of a list is the frame's, what lists there are is not.
    rng = random.Random(len(items))
    return [_ranked(rng, items, weights, pattern) for _ in range(200)]


_COUNTRY_LISTS = _lists(COUNTRIES, COUNTRY_WEIGHTS, _country)
_COLOR_LISTS = _lists(
    list(enumerate(COLORS)), COLOR_WEIGHTS, lambda item: f'{{"confidence": %.7g, "klass": {item[0]}, "name": "{item[1]}"}}')
_STYLE_LISTS = _lists(
    STYLES, STYLE_WEIGHTS, lambda item: f'{{"confidence": %.7g, "klass": {item[0]}, "name": "{item[1]}"}}')
_MODEL_LISTS = _lists(
    MODELS, [1] * len(MODELS), lambda item: f'{{"confidence": %.7g, "klass": {item[0]}, "make": "{item[1]}", '
                                            f'"model": "{item[2]}", "year": "0-9"}}')
_BOX = "[%.7g, %.7g, %.7g, %.7g, %.7g, %.7g, %.7g, %.7g]"
_CONFIDENCES = ["[" + ", ".join(["%.7g"] * (2 + length)) + "]" for length in range(9)]
_LENGTHS = [length for length, weight in zip(LENGTHS, LENGTH_WEIGHTS) for _ in range(weight)]
_COUNTS = [count for count, weight in zip(PLATES, PLATE_WEIGHTS) for _ in range(weight)]
# What the best candidate takes of the whole, and the next one of what is left: more than half, so that they fall.
_SHARES = [0.51, 0.66, 0.9, 0.97, 0.999]


def _confidences(draw):
    """Five falling confidences whose sum stays under 100."""
    left, result = 100.0, []
    for _ in range(5):
        share = _SHARES[int(draw() * 5)]
        share += (1 - share) * 0.9 * draw()
        result.append(left * share)
        left -= left * share
    return result


def plate(rng):
    """One element of `plates`, as JSON text."""
    draw = rng.random
    length = _LENGTHS[int(draw() * len(_LENGTHS))]
    split = min(length, 1 + int(draw() * 4))
    text = "".join(rng.choices(LETTERS, k=split) + rng.choices(DIGITS, k=length - split))
    characters = [83 + 8 * draw() for _ in range(length)]
    left, top = 1 + 599 * draw(), 1 + 299 * draw()
    right, bottom = left + 200 + 700 * draw(), top + 120 + 380 * draw()
    at, down = left + (right - left) * (0.2 + 0.3 * draw()), top + (bottom - top) * (0.4 + 0.3 * draw())
    end, low = at + (right - left) * 0.25, down + (bottom - top) * 0.12
    pattern = "".join((
        '{"car": {"bodyStyle": ', _STYLE_LISTS[int(draw() * 200)], ', "color": ', _COLOR_LISTS[int(draw() * 200)],
        ', "confidence": %.7g, "makeModelYear": ', _MODEL_LISTS[int(draw() * 200)], ', "warpedBox": ', _BOX,
        '}, "confidences": ', _CONFIDENCES[length], ', "country": ', _COUNTRY_LISTS[int(draw() * 200)],
        ', "text": "%s", "warpedBox": ', _BOX, "}"))
    return pattern % (
        *_confidences(draw), *_confidences(draw), 89 + 11 * draw(), *_confidences(draw),
        left, top, right, top, right, bottom, left, bottom,
        min(characters), 38 + 62 * draw(), *characters, *_confidences(draw), text,
        at, down, end, down, end, low, at, low)


def plate_count(rng, empty=EMPTY_SHARE):
    """How many plates a frame shows."""
    return 0 if rng.random() < empty else _COUNTS[int(rng.random() * 100)]


def frame(rng, number, stamp, plates):
    """One frame as JSON text; its first three are slow, because the recognizer warms up."""
    base = 300 + 1000 * rng.random() if number < 3 else rng.gauss(77 if plates else 33, 8)
    duration = base if base > 25 else 25
    if not plates:
        return '{"duration": %d, "frame_id": %d, "timestamp": "%s"}' % (duration, number, stamp)
    shown = ", ".join([plate(rng) for _ in range(plates)])
    return '{"duration": %d, "frame_id": %d, "plates": [%s], "timestamp": "%s"}' % (duration, number, shown, stamp)
