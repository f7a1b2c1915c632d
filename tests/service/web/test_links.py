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


def shared(desk: Desk) -> str:
    expect(desk.page.locator("#share")).to_have_text("Copy link")  # no longer what the last click led to
    desk.button("Copy link").click()
    expect(desk.page.locator("#share")).to_have_text("Copied")
    return desk.page.url


def opened(open_page: Callable[..., Desk], shelf: Shelf, address: str) -> Desk:
    desk = open_page(routes={"**/pictures": shelf, "**/pictures/*": shelf})
    desk.page.goto("about:blank")
    desk.page.goto(address)
    return desk


def received(open_page: Callable[..., Desk], address: str) -> Desk:
    """What somebody else sees of a link with a photo, from the real server."""
    desk = open_page()
    desk.page.goto("about:blank")
    desk.page.goto(address)
    expect(desk.page.locator("#parts")).to_contain_text("Your picture")
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    return desk


def test_a_link_carries_a_photo(open_page: Callable[..., Desk]) -> None:
    """The server keeps it; both search with what it keeps, so both see the same order."""
    first = open_page()
    stored: list[str] = []
    first.page.on("request", lambda request: stored.append(request.url) if request.method == "POST" else None)
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


def test_a_picture_that_has_expired_says_so_and_the_rest_works(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={"**/pictures/*": problem(404, "no such picture")})
    home = desk.page.url
    desk.page.goto("about:blank")
    with desk.answered():
        desk.page.goto(f"{home}?text=banana&picture={NAMED}")
    expect(desk.page.locator("#notice")).to_contain_text("A picture of this link is gone")
    assert desk.results()
    expect(desk.page).to_have_url(f"{home}?text=banana")
    forgive_failed_requests(desk)


def test_a_link_says_what_it_leaves_out_if_the_server_stores_nothing(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={"**/pictures": problem(507, "no room")})
    with desk.answered():
        desk.page.evaluate(DROP, ["mug.jpg", "image/jpeg", encoded(picture("mug", 90), "JPEG")])
    desk.button("Copy link").click()
    expect(desk.page.locator("#share")).to_have_text("Copied without pictures")
    forgive_failed_requests(desk)


def test_a_picture_that_only_the_server_can_open_is_searched_with(
    open_page: Callable[..., Desk], tmp_path: Path
) -> None:
    shelf = Shelf()
    shelf.kept = webp(picture("mug", 90))
    desk = open_page(routes={"**/pictures": shelf, "**/pictures/*": shelf})
    picture("mug", 90).save(tmp_path / "mug.tiff")
    with desk.answered():
        desk.page.locator("#file").set_input_files(tmp_path / "mug.tiff")
    assert "mug/" in desk.results()[0]
    expect(desk.page.locator("#parts")).to_contain_text("Your picture")
    assert shared(desk).endswith(f"?picture={NAMED}")
    assert shelf.posted == 1


def test_a_picture_that_nobody_can_open_is_refused_in_words(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={"**/pictures": problem(415, "this is no picture")})
    desk.page.evaluate(DROP, ["broken.heic", "", list(b"no picture")])
    expect(desk.page.locator("#notice")).to_contain_text(
        "Neither this browser nor the server can open broken.heic"
    )
    expect(desk.page.locator("#notice")).to_contain_text("this is no picture")
    forgive_failed_requests(desk)


@pytest.mark.parametrize("kind", ["tiff", "heic"])
def test_the_server_opens_and_keeps_what_a_browser_cannot(
    open_page: Callable[..., Desk], tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    picture("mug", 90).save(tmp_path / f"mug.{kind}")
    first = open_page()
    with first.answered():
        first.page.locator("#file").set_input_files(tmp_path / f"mug.{kind}")
    address = shared(first)
    second = received(open_page, address)
    assert paths(second) == paths(first)
