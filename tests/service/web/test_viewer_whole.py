"""The viewer with nothing stood in for: real files, their EXIF, a copy of one, marks that last."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.kit.exif import exif
from tests.kit.jobs import index_quickly
from tests.kit.service.desk import Desk, expect
from tests.kit.service.viewing import sharp
from tests.kit.shapes import picture, write_library

if TYPE_CHECKING:
    from model import Encoder
    from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser

NEWEST = re.compile(r"/IMG_1\.jpg")  # on a busy machine, the photos of another month may come before it


@pytest.fixture(scope="module")
def live_server(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    """Photos of which one is large, from a camera, and there again as a smaller copy."""
    from model import SKETCH_CAPS
    from service.search.gallery import Gallery
    from tests.kit.service.servers import LiveServer, listening

    folder = tmp_path_factory.mktemp("viewed")
    photos, index = write_library(folder / "photos", each=2), folder / "index"
    (photos / "2024" / "Italy").mkdir(parents=True)
    original = picture("house", 40, 800).resize((3200, 2400), Image.Resampling.BICUBIC)
    original.save(
        photos / "2024" / "Italy" / "IMG_1.jpg", quality=92, exif=exif(original="2030:07:01 18:30:05")
    )
    original.resize((1200, 900)).save(photos / "copy.jpg", quality=70)
    index_quickly(index, photos, encoder)
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with listening(gallery) as url:
        yield LiveServer(url, photos, index, gallery)
    gallery.published.close()


def test_a_photo_is_looked_at_marked_and_found_again_by_its_copy(open_page: Callable[..., Desk]) -> None:
    desk = open_page(reduced_motion="reduce")
    first = desk.page.locator("#timeline .tile").first
    expect(first).to_have_attribute("aria-label", NEWEST)
    first.click()
    file, details = desk.page.locator("#viewer .file"), desk.page.locator("#viewer .details")
    expect(file).to_have_text("IMG_1.jpg")
    sharp(desk, 1280)
    desk.page.mouse.dblclick(640, 400)
    sharp(desk, 3200)
    desk.page.keyboard.press("0")
    desk.page.keyboard.press("i")
    for said in ("July 1, 2030", "7.7 megapixels", "Canon EOS R5", "48.2083° N, 16.3731° W"):
        expect(details).to_contain_text(said)
    expect(details.get_by_role("button", name="2024/Italy")).to_be_visible()
    expect(details.get_by_role("button", name="Copy path")).to_be_visible()
    expect(details.locator(".map")).to_be_visible()
    with desk.page.expect_response("**/favourite") as marked:
        desk.page.keyboard.press("l")
    assert marked.value.ok
    desk.page.keyboard.press("Escape")
    expect(first).to_be_focused()
    desk.page.reload()
    expect(first).to_have_attribute("aria-label", NEWEST)
    first.click()
    expect(desk.button("Favourite")).to_have_attribute("aria-pressed", "true")
    with desk.answered():
        desk.button("More like this").click()
    desk.page.locator("#results .copies:not(:empty)").first.click()
    strip = desk.page.locator("#viewer .siblings li")
    expect(strip).to_have_count(2)
    expect(strip.first).to_contain_text("Original")
    expect(strip.first.locator(".pixels")).to_have_text("3200 \u00d7 2400")
    expect(strip.first.locator(".bytes")).not_to_be_empty()
    strip.first.get_by_role("button").click()
    expect(file).to_have_text("IMG_1.jpg")


def test_a_hidden_photo_is_gone_from_the_next_search(open_page: Callable[..., Desk]) -> None:
    desk = open_page(reduced_motion="reduce")
    with desk.answered():
        desk.page.locator("#text").fill("house")
    last = len(desk.results()) - 1
    desk.page.locator("#results .tile").nth(last).click()
    name = desk.page.locator("#viewer .file").text_content() or ""
    with desk.page.expect_response("**/hidden") as marked:
        desk.page.keyboard.press("h")
    assert marked.value.ok
    desk.page.keyboard.press("Escape")
    with desk.answered():
        desk.page.locator("#text").fill("a house")
    assert len(desk.results()) == last
    assert name not in " ".join(desk.results())
