"""What becomes of a line: its corners, its few points, and what the server is sent of it."""

from __future__ import annotations

import base64
import io
import itertools

import pytest
from PIL import Image, ImageChops

from tests.kit.service.desk import Desk, pen

pytestmark = pytest.mark.browser

ZIGZAG = [(0.1, 0.8), (0.3, 0.2), (0.5, 0.8), (0.7, 0.2), (0.9, 0.8)]
CIRCLE = """async () => {
    const { settled } = await import("/web/drawing/line.js");
    const { curves, flattened } = await import("/web/drawing/curves.js");
    const shown = (points) => [...curves(points, 1)].flatMap((curve) => [...flattened(curve)]);
    const around = (count) => Array.from({ length: count + 1 }, (_, i) => {
        const turn = (2 * Math.PI * i) / count;
        return { x: 256 + 150 * Math.cos(turn), y: 256 + 150 * Math.sin(turn), pressure: 1 };
    });
    const off = ({ x, y }) => Math.abs(Math.hypot(x - 256, y - 256) - 150);
    return [200, 12].map((count) => {
        const { points } = settled({ width: 7, points: around(count) });
        return [points.length, Math.max(...shown(points).map(off))];
    });
}"""


def drawn_fast(desk: Desk, points: list[tuple[float, float]]) -> None:
    """As a fast hand does: the browser hears of the corners, and of nothing between them."""
    desk.page.mouse.move(*desk.at(points[0]))
    desk.page.mouse.down()
    for point in points[1:]:
        desk.page.mouse.move(*desk.at(point))
    desk.page.mouse.up()


def sent(desk: Desk) -> Image.Image:
    return desk.last_drawing().convert("L")


def light(picture: Image.Image, x: float, y: float) -> int:
    value = picture.getpixel((round(x), round(y)))
    assert isinstance(value, int)
    return value


def on_screen(desk: Desk) -> Image.Image:
    desk.ink()  # once the next frame is painted
    url = desk.page.evaluate("() => document.querySelector('#canvas').toDataURL()")
    ink = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).getchannel("A")
    return ImageChops.invert(ink)


def test_a_fast_zigzag_keeps_its_corners_and_is_sent_as_it_is_shown(desk: Desk) -> None:
    with desk.answered():
        drawn_fast(desk, ZIGZAG)
    picture = sent(desk)
    for x, y in ZIGZAG:
        assert light(picture, x * 512, y * 512) < 60, (x, y)
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in itertools.pairwise(ZIGZAG)]
    for x, y in middles:
        assert light(picture, x * 512, y * 512) < 60, "and its lines are straight"
    with desk.answered():
        drawn_fast(desk, [(0.2, 0.5), (0.3, 0.35), (0.5, 0.3), (0.7, 0.35), (0.8, 0.5)])
    sizes = [picture.resize((128, 128), Image.Resampling.BOX) for picture in (on_screen(desk), sent(desk))]
    assert not any(ImageChops.difference(*sizes).histogram()[64:])


def test_a_line_does_not_change_when_the_hand_is_lifted(desk: Desk) -> None:
    desk.page.mouse.move(*desk.at((0.2, 0.2)))
    desk.page.mouse.down()
    for x, y in [(0.35, 0.3), (0.4, 0.5), (0.3, 0.7), (0.7, 0.6)]:
        desk.page.mouse.move(*desk.at((x, y)), steps=9)
    held = on_screen(desk)
    desk.page.mouse.up()
    assert not any(ImageChops.difference(held, on_screen(desk)).histogram()[16:])


def test_a_circle_stays_round_however_few_points_it_has(module_page: Desk) -> None:
    (kept, off), (_, off_if_few) = module_page.page.evaluate(CIRCLE)
    assert kept < 80
    assert off < 1
    assert off_if_few < 3.5, "a polygon would be 5 away"


def test_pressure_that_changes_on_a_straight_line_is_kept(desk: Desk) -> None:
    for x, force in ((0.1, 0.1), (0.5, 1.0)):
        pen(desk, *((x + step / 30, 0.5) for step in range(9)), force=force)
    with desk.answered():
        desk.page.mouse.click(*desk.at((0.9, 0.9)))
    picture = sent(desk)

    def thickness(x: float) -> int:
        return sum(light(picture, x * 512, y) < 128 for y in range(512))

    assert thickness(0.6) > 1.8 * thickness(0.2)
