"""The page in windows of all sizes: the paper grows, stays in view, and leaves the photos room."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.service.bringing import DROP, encoded
from tests.kit.service.desk import Desk, expect
from tests.kit.shapes import picture

pytestmark = pytest.mark.browser

IN_VIEW = """(selector) => {
    const box = document.querySelector(selector).getBoundingClientRect();
    const [across, down] = [Math.min(box.right, innerWidth) - Math.max(box.left, 0),
        Math.min(box.bottom, innerHeight) - Math.max(box.top, 0)];
    return Math.max(0, across) * Math.max(0, down) / (box.width * box.height);
}"""
CUT = """() => [...document.querySelectorAll(".parts .label, .parts .swap, .bar h2, .tools .word, #examples button")]
    .filter((it) => it.checkVisibility())
    .filter((it) => it.scrollWidth > it.clientWidth + 1 || it.getBoundingClientRect().right > innerWidth)
    .map((it) => it.outerHTML)"""


def in_view(desk: Desk, selector: str) -> float:
    seen: float = desk.page.evaluate(IN_VIEW, selector)
    return seen


def busy(desk: Desk) -> None:
    """Three parts and the filters."""
    desk.drawn_results()
    with desk.answered():
        desk.page.locator("#text").fill("at night")
    with desk.answered():
        desk.page.evaluate(DROP, ["mug.jpg", "image/jpeg", encoded(picture("mug", 90), "JPEG")])
    desk.button("Filters").click()


def resize(desk: Desk, width: int, height: int) -> None:
    desk.page.set_viewport_size({"width": width, "height": height})
    desk.page.evaluate("() => scrollTo(0, 0)")
    desk.still()


def test_the_paper_grows_with_the_window(desk: Desk) -> None:
    sides = []
    for width, height in ((1280, 800), (1920, 1080), (2560, 1300)):
        resize(desk, width, height)
        box = desk.page.locator(".paper").bounding_box()
        assert box is not None
        assert box["width"] == box["height"]
        sides.append(box["width"])
    assert sides == sorted(set(sides))
    assert 640 <= sides[-1] <= 720


def test_the_paper_stays_in_view_with_three_parts_and_filters(desk: Desk) -> None:
    busy(desk)
    for height in (560, 650, 800):
        resize(desk, 1280, height)
        assert in_view(desk, ".paper") == 1, height
        desk.page.mouse.move(900, 400)
        desk.page.mouse.wheel(0, 2000)
        desk.page.locator("#filters input").last.focus()
        assert in_view(desk, ".paper") == 1, height
        assert in_view(desk, ".tools") == 1, height
        assert in_view(desk, ".words") == 1, height


def test_a_phone_on_its_side_shows_paper_tools_and_photos(open_page: Callable[..., Desk]) -> None:
    # A slow browser searches twice during one line; then photos still glide to their places.
    options = {"has_touch": True, "is_mobile": True, "reduced_motion": "reduce"}
    desk = open_page(viewport={"width": 740, "height": 360}, **options)
    sizes = ((667, 320), (844, 390), (740, 360))
    for width, height in sizes:
        resize(desk, width, height)
        assert in_view(desk, ".paper") == 1, width
        for tool in desk.page.locator(".pens label, .steps button").all():
            box = tool.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height
            assert (box["width"], box["height"]) == (44, 44)
    desk.drawn_results()
    for width, height in sizes:
        resize(desk, width, height)
        assert in_view(desk, ".paper") == 1, width
        assert in_view(desk, ".tile") == 1, width
        desk.page.evaluate("() => scrollTo(0, 400)")
        assert in_view(desk, ".paper") == 1, width
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_label_is_cut(open_page: Callable[..., Desk]) -> None:
    desk = open_page(locale="de-DE")
    sizes = ((360, 740), (740, 360), (1280, 800))
    for width, height in sizes:
        resize(desk, width, height)
        assert desk.page.evaluate(CUT) == [], width
    desk.drawn_results()
    with desk.answered():
        desk.page.locator("#text").fill("bei Nacht")
    with desk.answered():
        desk.page.evaluate(DROP, ["mug.jpg", "image/jpeg", encoded(picture("mug", 90), "JPEG")])
    for width, height in sizes:
        resize(desk, width, height)
        assert desk.page.evaluate(CUT) == [], width


def test_the_erasers_can_be_told_apart_and_what_would_go_is_marked(desk: Desk) -> None:
    desk.draw((0.2, 0.5), (0.8, 0.5))
    canvas = desk.page.locator("#canvas")
    cursors, says = set(), set()
    for key in "per":
        desk.page.keyboard.press(key)
        desk.ink()
        cursors.add(canvas.evaluate("it => it.style.cursor"))
        says.add(desk.page.locator("#tool-says").text_content())
    assert len(cursors) == len(says) == 3
    ring = next(cursor for cursor in cursors if "A" in cursor)
    box = canvas.bounding_box()
    assert box is not None
    assert f"width='{round(40 * box['width'] / 512) + 4}'" in ring, "as wide as it rubs"
    accent = (0x2A, 0x5B, 0xD0)
    for y, marked in ((0.9, False), (0.51, True), (0.9, False)):
        desk.page.mouse.move(*desk.at((0.3, y)))
        assert (middle(desk) == accent) == marked
    expect(desk.page.locator("#tool-says")).to_be_visible()


def middle(desk: Desk) -> tuple[int, ...]:
    """The colour in the middle of the paper."""
    desk.ink()
    at = """() => { const canvas = document.querySelector("#canvas"); const half = canvas.width / 2;
        return [...canvas.getContext("2d").getImageData(half, half, 1, 1).data].slice(0, 3); }"""
    return tuple(desk.page.evaluate(at))
