"""A drawing is sent as its strokes: the service paints them as the page does, and finds the same."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from model import Encoder
from model.pictures.painting import painted
from model.pictures.strokes import read
from tests.kit.service.desk import SEARCH, Desk
from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser

# Of 255 grey levels, over the whole paper, and over the pixels that carry ink.
MEAN, ON_INK = 0.15, 9.0
# What the page sends of some items, and how it paints them itself.
BOTH = """async (items) => {
    const { pictureOf } = await import("/web/drawing/ink.js");
    const { toStrokes } = await import("/web/drawing/sending.js");
    const bytes = new Uint8Array(await (await pictureOf(items)).arrayBuffer());
    return [toStrokes(items), btoa(String.fromCharCode(...bytes))];
}"""


def line(*points: tuple[float, ...], **more: Any) -> dict[str, Any]:
    named = [dict(zip(("x", "y", "pressure"), (*point, 1)[:3], strict=True)) for point in points]
    return {"width": 7, "points": named, **more}


def wave(step: float, *, pressed: bool = False, **more: Any) -> dict[str, Any]:
    turns = np.arange(0, 9, step)
    return line(
        *((60 + 43 * t, 256 + 120 * float(np.sin(t)), 0.5 + 0.1 * t if pressed else 1) for t in turns), **more
    )


DRAWINGS = {
    "a dot": [line((100.5, 300))],
    "a straight line": [line((100, 100), (411, 278.5))],
    "level and upright lines": [line((100, 100), (400, 100)), line((100.5, 100), (100.5, 400), width=4)],
    "corners": [line((60, 400), (150, 100), (256, 400), (340, 100), (450, 400), width=9)],
    "a curve of few points": [wave(0.8)],
    "a curve of many points": [wave(0.1)],
    "a thin and a thick line": [wave(0.5, width=1.5), wave(0.3, width=30)],
    "pressure": [wave(0.4, pressed=True, width=12)],
    "a pressed dot": [line((200, 200, 1.4), width=20)],
    "lines that cross": [line((100, 100), (400, 400)), line((400, 100), (100, 400)), wave(0.6)],
    "erased": [wave(0.5), line((256, 100), (256, 420), width=40, erase=True), line((200, 256), (300, 256))],
    "beyond the paper": [line((-300, 200), (900, 300)), line((256, -40), (600, 256), (256, 600), width=60)],
}


@pytest.mark.parametrize("items", DRAWINGS.values(), ids=DRAWINGS)
def test_the_service_paints_strokes_as_the_page_does(module_page: Desk, items: list[dict[str, Any]]) -> None:
    strokes, png = module_page.page.evaluate(BOTH, items)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L")).astype(int)
    difference = np.abs(shown - np.asarray(painted(read(strokes))))
    ink = shown < 250
    assert ink.any()
    assert difference.mean() < MEAN
    assert difference[ink].mean() < ON_INK


def test_strokes_and_the_picture_of_them_find_the_same(
    desk: Desk, live_server: LiveServer, encoder: Encoder
) -> None:
    with desk.answered():
        desk.draw((0.2, 0.3), (0.5, 0.2), (0.8, 0.3), (0.8, 0.7))
    with desk.answered():
        desk.draw((0.3, 0.8), (0.6, 0.6))
    strokes = desk.last_strokes()
    assert strokes is not None
    items = [line(*map(tuple, one["points"]), width=one["width"]) for one in json.loads(strokes)]
    _, png = desk.page.evaluate(BOTH, items)
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    one, other = encoder.sketches([painted(read(strokes)).convert("RGB"), picture])
    assert one @ other > 0.997
    with httpx.Client(base_url=live_server.url) as client:
        by_strokes = client.post("/search", files={"strokes": (None, strokes)}).json()["results"]
        by_picture = client.post("/search", files={"sketch": base64.b64decode(png)}).json()["results"]
    assert by_strokes[0]["id"] == by_picture[0]["id"]
    scores = [{one["id"]: one["score"] for one in found} for found in (by_strokes, by_picture)]
    # Photos that nearly tie may change places, the last one with one that comes after it.
    both = scores[0].keys() & scores[1].keys()
    assert len(both) >= len(by_picture) - 1
    # The edges of lines differ a little. What shows other things is tenths away.
    assert all(scores[0][one] == pytest.approx(scores[1][one], abs=0.02) for one in both)


def test_a_drawing_that_is_too_long_goes_as_a_picture(desk: Desk) -> None:
    long = [wave(0.01) for _ in range(6)]
    text = desk.page.evaluate(
        "async (items) => (await import('/web/drawing/sending.js')).toStrokes(items)", long
    )
    assert text is None
    with desk.page.expect_request(SEARCH):
        desk.page.evaluate(
            """async (items) => {
                const { drawing } = await import("/web/drawing/paper.js");
                drawing.replace(items);
            }""",
            long,
        )
    desk.page.wait_for_function("() => window.lastBody?.get('sketch') instanceof Blob")
    assert desk.last_strokes() is None
