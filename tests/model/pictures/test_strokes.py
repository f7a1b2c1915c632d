"""Strokes as JSON: what is read, and what is refused in one line that says what to do."""

import json

import numpy as np
import pytest

from model.errors import BadImage
from model.pictures.strokes import LONGEST, read


def said(*points: object, **more: object) -> str:
    return json.dumps([{"width": 7, "points": list(points), **more}])


def test_lines_dots_pressure_and_erasers_are_read() -> None:
    text = json.dumps(
        [
            {"width": 7, "points": [[1, 2], [3.5, -4]]},
            {"width": 0.5, "points": [[9, 9]]},
            {"width": 40, "points": [[1, 2, 0.5], [3, 4, 1.5]], "erase": True},
        ]
    )
    line, dot, eraser = read(text)
    assert line.points.tolist() == [[1, 2], [3.5, -4]]
    assert line.pressure.tolist() == [1, 1]
    assert line.width == 7
    assert not line.erase
    assert dot.points.tolist() == [[9, 9]]
    assert dot.width == 0.5
    assert eraser.erase
    assert eraser.pressure.tolist() == [0.5, 1.5]
    assert read("[]") == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no valid JSON"),
        ("[{]", "no valid JSON"),
        ("[" * 100_000, "no valid JSON"),
        ('[{"width": ' + "9" * 5000 + "}]", "no valid JSON"),
        ("7", "no list"),
        ('{"width": 7, "points": [[1, 2]]}', "no list"),
        ("[[[1, 2], [3, 4]]]", "stroke 1 is not like"),
        ('[{"points": [[1, 2]]}]', "stroke 1 has no `width`"),
        (said([1, 2], colour="red"), "stroke 1 is not like"),
        (said([1, 2], width=0), "width must be"),
        (said([1, 2], width=-3), "width must be"),
        (said([1, 2], width=float("nan")), "width must be"),
        (said([1, 2], width=float("inf")), "width must be"),
        (said([1, 2], width=True), "width must be"),
        (said([1, 2], width="7"), "width must be"),
        (said([1, 2], erase="yes"), "`erase` must be"),
        (said(), "points must all be"),
        (said([]), "points must all be"),
        (said([1]), "points must all be"),
        (said([1, 2], [1, 2, 1]), "points must all be"),
        (said([1, 2, 1, 1]), "points must all be"),
        (said(["1", "2"]), "points must all be"),
        (said([1, None]), "points must all be"),
        (said([True, False]), "points must all be"),
        (said([10**400, 2]), "points must all be"),
        (said([[1, 2]]), "points must all be"),
        (json.dumps([{"width": 7, "points": {"x": 1}}]), "points must all be"),
        (said([1, float("nan")]), "coordinate must be"),
        (said([1, float("inf")]), "coordinate must be"),
        (said([1e300, 2]), "coordinate must be"),
        (said([1, 2049]), "coordinate must be"),
        (said([1, 2, 0]), "pressure must be"),
        (said([1, 2, -1]), "pressure must be"),
        (said([1, 2, float("nan")]), "pressure must be"),
        (said([1, 2, 5]), "pressure must be"),
        (said(*([[1, 2]] * 10_001)), "10001 points; at most 10000"),
        (said(*([[0, 0], [2000, 2000]] * 200), width=100), "cover the paper many times"),
        (
            json.dumps([json.loads(said([1, 1], erase=turn % 2 == 1))[0] for turn in range(300)]),
            "cover the paper",
        ),
        (" " * LONGEST + "[]", "characters; at most"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(BadImage, match=reason) as refused:
        read(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_the_stroke_that_is_wrong_is_named() -> None:
    with pytest.raises(BadImage, match=r"^stroke 2: "):
        read(json.dumps([{"width": 7, "points": [[1, 2]]}, {"width": 7, "points": [[1, "x"]]}]))


def test_as_much_as_is_allowed_is_read() -> None:
    chance = np.random.default_rng(0)
    points = chance.integers(240, 270, (10_000, 2)).tolist()
    (stroke,) = read(said(*points).replace(" ", ""))
    assert len(stroke.points) == 10_000
