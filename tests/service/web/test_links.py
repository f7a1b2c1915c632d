"""Links that carry what an address cannot hold, and pictures that only the server can open."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.kit.service.bringing import DROP, PASTE, encoded, paths
from tests.kit.service.desk import Desk, expect, forgive_failed_requests, problem
from tests.kit.shapes import drawing, picture

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser

NAMED = "a1b2c3d4"


def webp(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=90)
    return buffer.getvalue()


class Shelf:
    """Keeps one picture, as the server does."""

    def __init__(self) -> None:
        self.posted = 0
        self.kept = b""

    def __call__(self, route: Route) -> None:
        if route.request.method == "POST":
            self.posted += 1
            route.fulfill(json={"id": NAMED, "url": f"pictures/{NAMED}"})
        elif self.kept:
            route.fulfill(content_type="image/webp", body=self.kept)
        else:
            problem(404, "no such picture")(route)

    def keep_last(self, desk: Desk) -> None:
        """Chromium tells nobody what an upload held: the page remembers."""
        raw = desk.page.evaluate(
            "async () => [...new Uint8Array(await window.lastBody.get('picture').arrayBuffer())]"
        )
        self.kept = webp(Image.open(io.BytesIO(bytes(raw))).convert("RGB"))


def posted_by(desk: Desk) -> list[str]:
    """The addresses of what is posted from now on."""
    found: list[str] = []
    desk.page.on("request", lambda request: found.append(request.url) if request.method == "POST" else None)
    return found


def shared(desk: Desk) -> str:
    expect(desk.page.locator("#share")).to_have_text("Copy link")  # no longer what the last click led to
    desk.button("Copy link").click()
    expect(desk.page.locator("#share")).to_have_text("Copied")
    return desk.page.url


def opened(open_page: Callable[..., Desk], shelf: Shelf, address: str) -> Desk:
    return open_page(address=address, routes={"**/pictures": shelf, "**/pictures/*": shelf})


def received(open_page: Callable[..., Desk], address: str) -> Desk:
    """What somebody else sees of a link with a photo, from the real server."""
    desk = open_page(address=address)
    expect(desk.page.locator("#parts")).to_contain_text("Your picture")
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    return desk


def test_a_link_carries_a_photo(open_page: Callable[..., Desk]) -> None:
    """The server keeps it; both search with what it keeps, so both see the same order."""
    first = open_page()
    stored = posted_by(first)
    with first.answered():
        first.page.evaluate(DROP, ["mug.jpg", "image/jpeg", encoded(picture("mug", 90), "JPEG")])
    with first.answered():
        address = shared(first)
    assert re.search(r"\?picture=[0-9a-f]{32}$", address)
    assert shared(first) == address
    assert sum(url.endswith("/pictures") for url in stored) == 1, "the same picture is stored once"
    second = received(open_page, address)
    assert paths(second) == paths(first)
    assert second.page.url == address


def test_a_link_carries_a_picture_on_the_paper_and_the_lines_after_it(
    open_page: Callable[..., Desk],
) -> None:
    shelf = Shelf()
    first = open_page(routes={"**/pictures": shelf})
    with first.answered():
        first.page.evaluate(PASTE, ["fish.png", "image/png", encoded(drawing("fish"))])
    with first.answered():
        first.draw((0.1, 0.9), (0.9, 0.9))
    sent = first.last_drawing().convert("L")
    address = shared(first)
    assert re.search(rf"\?ink={NAMED}#d=[\w-]+$", address)
    shelf.keep_last(first)
    second = opened(open_page, shelf, address)
    expect(second.page.locator("#canvas")).to_have_attribute("aria-label", "Drawing area, 2 lines drawn")
    expect(second.page.locator("#found[data-state=current]")).to_have_count(1)
    again = second.last_drawing().convert("L")
    assert sum(abs(a - b) > 64 for a, b in zip(sent.tobytes(), again.tobytes(), strict=True)) < 50


def test_a_drawing_that_is_too_long_for_an_address_is_shared_as_a_picture(
    open_page: Callable[..., Desk],
) -> None:
    shelf = Shelf()
    desk = open_page(routes={"**/pictures": shelf})
    with desk.answered():
        desk.page.evaluate(
            """() => {
                const canvas = document.querySelector("#canvas");
                const { left, top, width } = canvas.getBoundingClientRect();
                const send = (kind, x, y) => canvas.dispatchEvent(new PointerEvent(kind, { pointerId: 1,
                    pointerType: "mouse", button: 0, bubbles: true, cancelable: true,
                    clientX: left + x * width, clientY: top + y * width }));
                for (let row = 0; row < 60; row += 1) {
                    const y = 0.1 + row / 75;
                    send("pointerdown", 0.1, y);
                    for (let i = 1; i < 60; i += 1) send("pointermove", 0.1 + i / 75, y + (i % 2) / 50);
                    send("pointerup", 0.9, y);
                }
            }"""
        )
    assert re.search(r"\?ink=\w+$", shared(desk))
    assert shelf.posted == 1
    desk.draw((0.1, 0.95), (0.9, 0.95))
    expect(desk.page).to_have_url(re.compile(rf"\?ink={NAMED}#d=[\w-]+$"))


def test_a_picture_that_has_expired_says_so_and_the_rest_works(
    open_page: Callable[..., Desk], live_server: LiveServer
) -> None:
    home = f"{live_server.url}/"
    address = f"{home}?text=banana&picture={NAMED}"
    desk = open_page(address=address, routes={"**/pictures/*": problem(404, "no such picture")})
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    expect(desk.page.locator("#notice")).to_contain_text("A picture of this link is gone")
    assert desk.results()
    expect(desk.page).to_have_url(f"{home}?text=banana")
    forgive_failed_requests(desk)


def test_a_picture_that_the_server_cannot_open_or_store_is_told_of(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={"**/pictures": problem(415, "this is no picture")})
    desk.page.evaluate(DROP, ["broken.heic", "", list(b"no picture")])
    expect(desk.page.locator("#notice")).to_contain_text(
        "Neither this browser nor the server can open broken.heic"
    )
    expect(desk.page.locator("#notice")).to_contain_text("this is no picture")
    desk.page.route("**/pictures", problem(507, "no room"))
    with desk.answered():
        desk.page.evaluate(DROP, ["mug.jpg", "image/jpeg", encoded(picture("mug", 90), "JPEG")])
    desk.button("Copy link").click()
    expect(desk.page.locator("#share")).to_have_text("Copied without pictures")
    forgive_failed_requests(desk)


def test_the_server_opens_and_keeps_what_a_browser_cannot(
    open_page: Callable[..., Desk], tmp_path: Path
) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    first = open_page()
    stored = posted_by(first)
    for number, kind in enumerate(("tiff", "heic"), 1):
        picture("mug", 90).save(tmp_path / f"mug.{kind}")
        with first.answered():
            first.page.locator("#file").set_input_files(tmp_path / f"mug.{kind}")
        assert "mug/" in first.results()[0]
        expect(first.page.locator("#parts")).to_contain_text("Your picture")
        second = received(open_page, shared(first))
        assert paths(second) == paths(first)
        assert sum(url.endswith("/pictures") for url in stored) == number, "sharing stores nothing anew"
