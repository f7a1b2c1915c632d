"""The picture in a tile: sharp, in its place before it comes, and no larger than it need be."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from PIL import Image

from tests.kit.service.desk import Desk, expect
from tests.kit.service.library import FakeLibrary

pytestmark = pytest.mark.browser

# How many pixels of the screen each of the picture has to fill, at least in one direction.
STRETCHED = """async () => {
    const tiles = [...document.querySelectorAll("#timeline li")];
    const images = tiles.map((tile) => tile.querySelector("img"));
    await Promise.all(images.map((image) => image.decode()));
    return images.map((image) => {
        const loaded = new Image(); loaded.src = image.currentSrc;
        return loaded.decode().then(() => {
            const box = image.getBoundingClientRect();
            const cover = Math.max(box.width / loaded.naturalWidth, box.height / loaded.naturalHeight);
            const contain = Math.min(box.width / loaded.naturalWidth, box.height / loaded.naturalHeight);
            const whole = image.closest("li").matches(".whole");
            return [image.currentSrc, devicePixelRatio * (whole ? contain : cover)];
        });
    }).reduce(async (all, one) => [...(await all), await one], []);
}"""


@cache
def webp(size: tuple[int, int], colour: tuple[int, ...] = (119, 136, 153)) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", size, colour).save(held, "WEBP")
    return held.getvalue()


def picture(_url: str, size: Any) -> tuple[bytes, str]:
    return webp(size), "image/webp"


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_no_tile_is_stretched(open_page: Callable[..., Desk], width: int, scale: int) -> None:
    library = FakeLibrary({"2024-07": 60}, picture)
    viewport = {"width": width, "height": 900}
    desk = open_page(routes=library.routes(), viewport=viewport, device_scale_factor=scale)
    desk.page.wait_for_function("() => document.querySelectorAll('#timeline li').length > 5")
    desk.page.wait_for_timeout(300)
    found = desk.page.evaluate(STRETCHED)
    # The smallest photos have no more pixels than that.
    assert [one for one in found if one[1] > 1.01 and "w=500&h=400" not in one[0]] == []
    if scale == 1 and width < 2000:
        assert any("size" not in url for url, _ in found), "the smallest is taken where it does"


def test_widths_are_true_and_none_is_offered_twice(module_page: Desk) -> None:
    made = module_page.page.evaluate(
        """async () => {
            const { fit, newTile } = await import("/web/photos/tile.js");
            const sizes = [[4000, 3000], [3000, 4000], [500, 400], [200, 100]];
            return sizes.map(([width, height]) => {
                const photo = { id: "a", width, height, thumbnail_url: "data:,x?v=1", colour: "#112233" };
                const tile = newTile(photo);
                fit(tile, photo, { width: 100, height: (100 * height) / width, whole: false });
                return [...tile.querySelector("img").srcset.matchAll(/(\\d+)w/g)].map(([, w]) => Number(w));
            });
        }"""
    )
    assert made == [[320, 640, 1280], [240, 480, 960], [320, 500], [200]]


def test_the_place_of_a_photo_has_its_colour_until_it_comes(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary({"2024-07": 12})
    held: list[Any] = []
    thumbnails = "**/photos/*/thumbnail?*"
    answer = library.routes()[thumbnails]
    desk = open_page(routes={**library.routes(), thumbnails: lambda route: held.append(route)})
    desk.arrived()
    tile = desk.page.locator("#timeline .tile").first
    photo = library.photo("2024-07", 0)
    rgb = ", ".join(str(int(photo["colour"][at : at + 2], 16)) for at in (1, 3, 5))
    expect(tile).to_have_css("background-color", f"rgb({rgb})")
    expect(tile.locator("img")).to_have_css("opacity", "0")
    before = tile.bounding_box()
    expect(desk.page.locator("#timeline li.slow")).to_have_count(12)
    desk.page.route(thumbnails, answer)
    for route in held:
        answer(route)
    expect(tile.locator("img")).to_have_css("opacity", "1")
    assert tile.bounding_box() == before
    expect(desk.page.locator("#timeline li.slow.loaded").first).to_be_attached()


def test_a_favourites_heart_is_red_on_light_and_dark_photos(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary({"2024-07": 2})
    shades = dict(zip((photo["id"] for photo in library.all({})), (255, 0), strict=True))
    library.favourites.update(shades)
    library.picture = lambda url, size: (webp(size, (shades[url.split("/")[-2]],) * 3), "image/webp")
    desk = open_page(routes=library.routes())
    expect(desk.page.locator("#timeline .loaded")).to_have_count(2)
    for nth, shade in enumerate(shades.values()):
        shown = desk.page.locator("#timeline .heart").nth(nth).screenshot()
        heart = Image.open(io.BytesIO(shown)).convert("RGB")
        pixels = list(zip(*(heart.getchannel(name).tobytes() for name in "RGB"), strict=True))
        red = [p for p in pixels if p[0] > 200 and p[0] - max(p[1:]) > 80]
        edge = [p for p in pixels if abs(max(p) - shade) > 80 and max(p) - min(p) < 30]
        assert len(red) > 0.25 * len(pixels), shade
        assert len(edge) > 0.03 * len(pixels), "it stands out by more than its colour"
