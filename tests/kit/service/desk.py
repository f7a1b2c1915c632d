"""A hand and an eye for the page: draws with real pointers, reads what is there, and minds the console."""

from __future__ import annotations

import contextlib
import datetime
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from model.pictures.painting import painted
from model.pictures.strokes import read

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests need playwright (extra: dev)")
expect, PlaywrightError = sync_api.expect, sync_api.Error
# Busy machines are slow; what fails only takes longer to say so.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

Point = tuple[float, float]
SEARCH = "**/search?*"
KEEP_LAST_SEARCH = """const send = window.fetch;
window.fetch = (to, options) => {
    window.lastBody = options?.body ?? window.lastBody;
    const answer = send(to, options);
    if (String(to).startsWith("search?")) answer.then((it) => { window.lastAnswer = it.clone(); }, () => {});
    return answer;
};"""


class Desk:
    """The page with a hand to draw on it; points are fractions of the paper's side."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)
        self.devtools = page.context.new_cdp_session(page)
        self.problems: list[str] = []
        self.addresses: list[str] = []
        page.on("console", lambda told: self.problems.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))
        page.add_init_script(KEEP_LAST_SEARCH)  # Chromium tells the devtools nothing of a body that is a blob

    def at(self, point: Point) -> Point:
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]

    def draw(self, *points: Point) -> None:
        self.page.mouse.move(*self.at(points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(point), steps=6)
        self.page.mouse.up()

    @contextlib.contextmanager
    def answered(self) -> Iterator[None]:
        """What happens inside leads to a search; afterwards its answer is on the page."""
        with self.page.expect_response("**/search?*offset=0"):  # not one that tries an example
            yield
        expect(self.page.locator("#found[data-state=current]")).to_have_count(1)

    def drawn_results(self) -> list[str]:
        """Draws a first line and returns what was found."""
        with self.answered():
            self.draw((0.2, 0.3), (0.8, 0.3), (0.8, 0.7))
        return self.results()

    def results(self) -> list[str]:
        return [tile.get_attribute("aria-label") or "" for tile in self.page.locator("#results .tile").all()]

    def at_one_go(self, start: Point, end: Point) -> None:
        """A line without points between, so that a slow browser searches for nothing but the whole of it."""
        self.page.mouse.move(*self.at(start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(end))
        self.page.mouse.up()

    def painted(self) -> None:
        """Waits until the screen shows what has been done."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def still(self) -> None:
        """Waits until nothing glides or fades any more."""
        self.painted()
        self.page.wait_for_function(
            "() => document.getAnimations().every(({ playState }) => playState !== 'running')"
        )

    def arrived(self) -> None:
        """Waits for the photos of the start page, and for the server's own number of them, which may come later."""
        expect(self.page.locator("#count")).to_have_text(re.compile(r"^your \d+ photos$"))
        expect(self.page.locator("#timeline .tile").first).to_be_visible()

    def stop_time(self) -> None:
        """From now on the page's clock runs only as far as it is told to, however long the browser takes."""
        self.page.clock.install()
        self.page.clock.pause_at(datetime.datetime.now() + datetime.timedelta(hours=1))

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def ink(self) -> int:
        """How many pixels of the screen's canvas carry ink."""
        self.painted()
        count: int = self.page.evaluate(
            """() => { const canvas = document.querySelector("#canvas");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return data.filter((value, i) => i % 4 === 3 && value > 127).length; }"""
        )
        return count

    def last_drawing(self) -> Image.Image:
        """The drawing that was sent last, as the service sees it."""
        if (strokes := self.last_strokes()) is not None:
            return painted(read(strokes))
        sent = self.page.evaluate(
            "async () => [...new Uint8Array(await window.lastBody.get('sketch').arrayBuffer())]"
        )
        return Image.open(io.BytesIO(bytes(sent)))

    def last_strokes(self) -> str | None:
        """The strokes that were sent last; None if a picture was."""
        strokes: str | None = self.page.evaluate("() => window.lastBody.get('strokes')")
        return strokes


def forgive_failed_requests(desk: Desk) -> None:
    """Chromium reports these itself, whatever the page does about them."""
    desk.problems[:] = [problem for problem in desk.problems if "Failed to load resource" not in problem]


def problem(status: int, detail: str) -> Callable[[Route], None]:
    body = json.dumps({"title": "Trouble", "status": status, "detail": detail, "code": "trouble"})
    return lambda route: route.fulfill(status=status, content_type="application/problem+json", body=body)


def judged(*relevances: float | None, nothing_close: bool = False) -> Callable[[Route], None]:
    """A real answer, but for how likely its photos are right: those without a number here have none."""

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for photo, relevance in itertools.zip_longest(body["results"], relevances[: len(body["results"])]):
            photo["relevance"] = relevance
        route.fulfill(response=response, json={**body, "nothing_close": nothing_close})

    return answer


def touch(desk: Desk, kind: str, *points: Point) -> None:
    places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(map(desk.at, points))]
    desk.devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def pen(desk: Desk, *points: Point, force: float = 0.5) -> None:
    kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 2), "mouseReleased"]
    for kind, (x, y) in zip(kinds, map(desk.at, points), strict=True):
        event = {
            "type": kind,
            "x": x,
            "y": y,
            "button": "left",
            "buttons": 1,
            "clickCount": 1,
            "force": force,
        }
        desk.devtools.send("Input.dispatchMouseEvent", {**event, "pointerType": "pen"})
