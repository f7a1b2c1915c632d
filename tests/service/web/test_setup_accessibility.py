"""axe looks at the welcome, the choice of a folder, the first run and the panel, in every shape and theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.service.axe import violations
from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.service.newcomer import PICTURES, Newcomer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHAPES = {"phone": (360, 740), "sideways": (740, 360), "desk": (1280, 800)}


def in_sight(element: Any) -> None:
    """Wholly inside the window, or scrolled there; nothing makes the page wider than the window."""
    element.scroll_into_view_if_needed()
    page = element.page
    box = element.bounding_box()
    across, down = page.viewport_size["width"], page.viewport_size["height"]
    corners = [box["x"], across - box["x"] - box["width"], box["y"], down - box["y"] - box["height"]]
    assert min(corners) >= 0, box
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_whole_setup(open_page: Callable[..., Desk], shape: str) -> None:
    newcomer = Newcomer()
    newcomer.photos["/media/anna/stick"] = "this folder is empty"
    width, height = SHAPES[shape]
    options = {"viewport": {"width": width, "height": height}, "reduced_motion": "reduce"}
    desk = open_page(routes=newcomer.routes, **options)
    page = desk.page
    expect(page.locator(".sum")).to_have_text("1,684 photos in 1 folder")
    in_sight(desk.button("Start"))
    assert violations(desk) == [], "the welcome"
    desk.button("Choose another folder…").click()
    picker = page.get_by_role("dialog", name="Choose a folder")
    expect(picker.locator(".row")).to_have_count(3)  # they take the focus as they come
    picker.get_by_label("Path").fill(PICTURES)
    expect(picker.locator("#picker-says")).to_have_text("1,684 photos in this folder")
    in_sight(picker.get_by_role("button", name="Use this folder"))
    in_sight(picker.get_by_role("button", name="2023"))
    assert violations(desk) == [], "the choice of a folder"
    page.keyboard.press("Escape")
    desk.button("Start").click()
    strip = page.get_by_role("region", name="Indexing")
    expect(strip).to_contain_text("0 of 1,684 photos")
    in_sight(strip.get_by_role("button", name="Pause"))
    assert violations(desk) == [], "the first run"
    newcomer.fails("the disk that holds the index is full: free some space, then start again")
    newcomer.state["folders"].append({"path": "/media/anna/stick", "photos": 212, "missing": True})
    expect(strip).to_contain_text("Indexing has stopped")
    strip.get_by_role("button", name="Details").click()
    panel = page.get_by_role("dialog", name="Your photos")
    expect(panel.locator(".gone")).to_be_visible()
    panel.get_by_role("button", name="Remove stick").click()
    in_sight(panel.get_by_role("button", name="Yes, remove stick"))
    assert violations(desk) == [], "the panel"
    forgive_failed_requests(desk)
