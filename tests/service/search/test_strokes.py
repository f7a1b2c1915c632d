"""Searches by strokes over HTTP, through the Python client, and by the command."""

import json
from io import BytesIO

import httpx
import pytest

from model.pictures.painting import painted
from model.pictures.strokes import LONGEST, read
from service.client import Client
from service.search.parameters.parts import STROKES as PARAMETER
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import LiveServer

LINES = [
    {"width": 7, "points": [[100, 120], [180, 90], [300, 140]]},
    {"width": 7, "points": [[300, 300], [120, 320]]},
]
STROKES = json.dumps(LINES)


def searched(server: LiveServer, **fields: str) -> httpx.Response:
    with server.client() as client:
        return client.post("/search", files={name: (None, value) for name, value in fields.items()})


def picture() -> bytes:
    saved = BytesIO()
    painted(read(STROKES)).save(saved, "PNG")
    return saved.getvalue()


def ids(answer: httpx.Response) -> list[tuple[str, float]]:
    assert answer.status_code == 200, answer.text
    return [(one["id"], one["score"]) for one in answer.json()["results"]]


def test_strokes_find_what_the_picture_of_them_finds(live_server: LiveServer) -> None:
    with live_server.client() as client:
        by_picture = ids(client.post("/search", files={"sketch": picture()}))
        assert ids(client.get("/search", params={"strokes": STROKES})) == by_picture
    assert ids(searched(live_server, strokes=STROKES)) == by_picture
    with Client(live_server.url) as known:
        found = known.search(strokes=STROKES).results
    assert [(one.id, one.score) for one in found] == by_picture


def test_strokes_are_mixed_and_weighted_like_a_sketch(live_server: LiveServer) -> None:
    like = ids(searched(live_server, strokes=STROKES))[2][0]
    weighted = {"like": like, "sketch_weight": "0.3", "k": "5"}
    with live_server.client() as client:
        by_picture = ids(client.post("/search", files={"sketch": picture()}, data=weighted))
    assert ids(searched(live_server, strokes=STROKES, **weighted)) == by_picture


@pytest.mark.parametrize(
    ("strokes", "code", "says"),
    [
        ("[]", "empty_drawing", "draw at least one line"),
        (json.dumps([{**LINES[0], "erase": True}]), "empty_drawing", "draw at least one line"),
        (
            json.dumps([LINES[0], {"width": 200, "points": [[0, 100], [512, 100]], "erase": True}]),
            "empty_drawing",
            "nothing stands out",
        ),
        ("no", "invalid_request", "strokes: no valid JSON; send a list such as"),
        (
            '[{"width": 7, "points": [[1, NaN]]}]',
            "invalid_request",
            "strokes: stroke 1: each coordinate must be",
        ),
        (
            json.dumps([{"width": 1, "points": [[1, 2]] * 10_001}]).replace(" ", ""),
            "invalid_request",
            "strokes: 10001 points; at most 10000 are possible: draw less, or send a picture",
        ),
        ("x" * 140_000, "bad_request", "cannot read the form"),
    ],
)
def test_what_cannot_be_drawn_is_refused(live_server: LiveServer, strokes: str, code: str, says: str) -> None:
    answer = searched(live_server, strokes=strokes)
    assert says in problem(answer, 400 if code == "bad_request" else 422, code)


def test_a_search_has_a_sketch_or_strokes(live_server: LiveServer) -> None:
    with live_server.client() as client:
        both = client.post("/search", files={"sketch": PNG, "strokes": (None, STROKES)})
    assert (
        problem(both, 422, "invalid_request") == "strokes: there is a sketch, too; give one of them, not both"
    )


def test_a_file_of_strokes_is_refused_by_name(live_server: LiveServer) -> None:
    with live_server.client() as client:
        refused = client.post("/search", files={"strokes": ("drawing.json", STROKES)})
    assert problem(refused, 422, "invalid_request").startswith("strokes: is a file; ")


def test_the_parameter_takes_what_the_reader_takes() -> None:
    assert PARAMETER.longest == LONGEST
