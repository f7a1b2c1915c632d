"""What can be done with a photo: details, marks, near-duplicates, and searches that start from it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.kit.service.desk import Desk, expect, forgive_failed_requests, problem
from tests.kit.service.viewing import DETAILS, HEIGHT, MARK, WIDTH, copies_of, near_duplicates, opened

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser

COPIED = "() => { window.copied = ''; navigator.clipboard.writeText = async (text) => { copied = text; }; }"


def sent(desk: Desk) -> dict[str, Any]:
    """The fields of the last search; pictures by their size."""
    fields: dict[str, Any] = desk.page.evaluate(
        "() => Object.fromEntries([...lastBody].map(([name, value]) => [name, value.size ?? value]))"
    )
    return fields


def test_details_say_what_is_known_and_ask_nobody_else(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page)
    details = desk.page.locator(".details")
    desk.page.keyboard.press("i")
    for text in (
        "July 12, 2024",
        "Friday 6:30 PM",
        re.compile(r"4000 . 3000 · 12 megapixels · 5\.4 MB"),
        "2024/Italy",
        "Canon EOS R6",
        "RF 24-105mm F4 L IS USM",
        "f/2.8 · 1/250 s · 35 mm · ISO 200",
        "43.7696° N, 11.2558° E",
    ):
        expect(details).to_contain_text(text)
    desk.page.wait_for_function("() => document.querySelector('.map img').naturalWidth > 0")
    point = desk.page.locator(".map .point")
    place, around = point.bounding_box(), desk.page.locator(".map").bounding_box()
    assert place is not None
    assert around is not None
    assert around["x"] < place["x"] < around["x"] + around["width"]
    assert around["y"] < place["y"] < around["y"] + around["height"]
    assert not any("openstreetmap" in url for url in desk.addresses)
    link = details.get_by_role("link", name="OpenStreetMap")
    expect(link).to_have_attribute("href", re.compile(r"mlat=43\.7696&mlon=11\.2558"))
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    desk.page.keyboard.press("ArrowRight")
    expect(details).to_contain_text("July 12, 2024")
    desk.page.keyboard.press("i")
    expect(details).to_be_hidden()


def test_the_map_puts_places_where_they_are(bare: Desk) -> None:
    """On land or in the sea, by the colour of the map at the point."""
    bare.page.evaluate(
        """async () => {
            const { drawMap } = await import("/web/viewer/map.js");
            document.body.style = "background: #14191c";
            window.look = async (latitude, longitude) => {
                const map = drawMap(latitude, longitude, "");
                map.style = "position: relative; width: 600px; aspect-ratio: 1.9; overflow: hidden";
                document.body.replaceChildren(map);
                const [world, point] = map.children;
                Object.assign(world.style, { position: "absolute", maxWidth: "none" });
                await world.decode();
                const [all, at] = [world.getBoundingClientRect(), [point.style.left, point.style.top]];
                const { left, top, width, height } = map.getBoundingClientRect();
                const [x, y] = at.map((value, i) => (parseFloat(value) / 100) * [width, height][i]);
                const canvas = new OffscreenCanvas(1, 1);
                const context = canvas.getContext("2d");
                const [across, down] = [all.left - left - x, all.top - top - y];
                context.drawImage(world, across, down, all.width, all.height);
                return [x > 0 && x < width && y > 0 && y < height, context.getImageData(0, 0, 1, 1).data[3] > 0];
            };
        }"""
    )
    land = {
        "Vienna": (48.2, 16.4),
        "Nairobi": (-1.3, 36.8),
        "Denver": (39.7, -105),
        "Alice Springs": (-23.7, 133.9),
    }
    sea = {"Atlantic": (30, -40), "Pacific": (0, -150), "Indian Ocean": (-20, 80), "Tasman Sea": (-38, 160)}
    for places, on_land in ((land, True), (sea, False)):
        for name, (latitude, longitude) in places.items():
            assert bare.page.evaluate("(at) => look(...at)", [latitude, longitude]) == [True, on_land], name
    for edge in ((89, 179), (-89, -179)):
        assert bare.page.evaluate("(at) => look(...at)", list(edge))[0], "at the edge of the world"


def test_paths_and_places_are_copied_and_folders_opened_and_filtered(open_page: Callable[..., Desk]) -> None:
    asked: list[str] = []

    def reveal(route: Route) -> None:
        asked.append(f"{route.request.method} {route.request.url}")
        route.fulfill(json={})

    desk = opened(open_page, routes={"**/admin/reveal/*": reveal})
    desk.page.evaluate(COPIED)
    desk.page.keyboard.press("i")
    desk.button("Copy path").click()
    desk.page.wait_for_function("(path) => copied === path", arg=DETAILS["location"])
    desk.button("Copy coordinates").click()
    desk.page.wait_for_function("() => copied === '43.7696, 11.2558'")
    with desk.page.expect_response("**/admin/reveal/*"):
        desk.button("Show in folder").click()
    assert re.fullmatch(r"POST .*/admin/reveal/[0-9a-f]{16}", asked[0])
    with desk.answered():
        desk.page.locator(".details").get_by_role("button", name="2024/Italy").click()
    expect(desk.page.locator("#viewer")).to_be_hidden()
    assert sent(desk)["folder"] == "2024/Italy"


def test_missing_details_are_left_out_and_unreadable_ones_say_why(open_page: Callable[..., Desk]) -> None:
    """Nobody is offered a path that is not theirs."""
    details = DETAILS | {"location": None, "latitude": None, "longitude": None, "lens": None, "taken": None}
    desk = opened(open_page, routes={"**/photos/*/details": lambda route: route.fulfill(json=details)})
    desk.page.keyboard.press("i")
    expect(desk.page.locator(".details")).to_contain_text("5.4 MB")
    expect(desk.page.locator(".details")).to_contain_text("File changed")
    for name in ("Copy path", "Show in folder", "Copy coordinates"):
        expect(desk.button(name)).to_have_count(0)
    assert not re.search("null|undefined|NaN", desk.page.locator(".details").text_content() or "")
    desk.page.route("**/photos/*/details", problem(410, "gone"))
    desk.page.keyboard.press("ArrowRight")
    expect(desk.page.locator(".details .amiss")).to_have_text("Trouble")
    expect(desk.page.locator(".details")).to_contain_text(re.compile("4000 . 3000"))
    forgive_failed_requests(desk)


def test_the_keys_work_though_what_had_the_focus_is_gone(open_page: Callable[..., Desk]) -> None:
    """On a phone the details take the place of the buttons below."""
    desk = opened(open_page, viewport={"width": 360, "height": 740})
    desk.button("Search in this photo").focus()
    desk.page.keyboard.press("i")
    expect(desk.page.locator(".details .map")).to_be_visible()
    expect(desk.button("Search in this photo")).to_be_hidden()
    expect(desk.button("Details")).to_be_focused()
    desk.page.keyboard.press("i")
    expect(desk.page.locator(".details")).to_be_hidden()


def test_a_hidden_photo_makes_way_and_comes_back_and_a_favourite_refused_is_none(
    open_page: Callable[..., Desk],
) -> None:
    desk = opened(open_page)
    file = desk.page.locator("#viewer .file")
    name = file.text_content() or ""
    desk.page.keyboard.press("h")
    expect(desk.page.locator("#viewer .toast")).to_contain_text("Photo hidden")
    expect(file).not_to_have_text(name)
    with desk.page.expect_request(MARK) as asked:
        desk.page.locator("#viewer .toast button").click()
    assert (asked.value.method, asked.value.url.rsplit("/", 1)[-1]) == ("DELETE", "hidden")
    expect(file).to_have_text(name)
    expect(desk.page.locator("#viewer .toast")).to_be_hidden()
    heart = desk.button("Favourite")
    with desk.page.expect_request(MARK) as asked:
        desk.page.keyboard.press("l")
    assert (asked.value.method, asked.value.url.rsplit("/", 1)[-1]) == ("PUT", "favourite")
    expect(heart).to_have_attribute("aria-pressed", "true")
    desk.page.keyboard.press("ArrowRight")
    expect(heart).to_have_attribute("aria-pressed", "false")
    desk.page.keyboard.press("ArrowLeft")
    expect(heart).to_have_attribute("aria-pressed", "true")
    with desk.page.expect_request(MARK) as asked:
        heart.click()
    assert asked.value.method == "DELETE"
    expect(heart).to_have_attribute("aria-pressed", "false")
    desk.page.route(MARK, problem(500, "no"))
    heart.click()
    expect(desk.page.locator("#viewer .toast")).to_contain_text("Trouble")
    expect(heart).to_have_attribute("aria-pressed", "false")
    forgive_failed_requests(desk)


def test_more_and_less_like_this_add_to_the_search(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page)
    with desk.answered():
        desk.button("More like this").click()
    fields = sent(desk)
    assert fields["text"] == "house"
    assert re.fullmatch(r"[0-9a-f]{16}", fields["like"])
    desk.page.locator("#results .tile").nth(1).click()
    with desk.answered():
        desk.button("Less like this").click()
    fields = sent(desk)
    assert fields["text"] == "house"
    assert fields["like"].split(",")[-1].startswith("-") or float(fields["like_weight"]) < 0


def region(desk: Desk) -> Any:
    return desk.page.get_by_role("group", name=re.compile("^Region"))


def photo_sent(desk: Desk) -> Image.Image:
    held = desk.page.evaluate("async () => [...new Uint8Array(await lastBody.get('photo').arrayBuffer())]")
    return Image.open(io.BytesIO(bytes(held))).convert("L")


def brightness(picture: Image.Image) -> tuple[int, int]:
    """Of the darkest and of the brightest pixel."""
    values = picture.tobytes()
    return min(values), max(values)


def test_a_region_is_dragged_and_searched_for(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page)
    desk.button("Search in this photo").click()
    expect(region(desk)).to_be_focused()
    layer = desk.page.locator(".region-layer").bounding_box()
    assert layer is not None

    def at(x: float, y: float) -> tuple[float, float]:
        return layer["x"] + x * layer["width"], layer["y"] + y * layer["height"]

    desk.page.mouse.move(*at(0.05, 0.1))
    desk.page.mouse.down()
    desk.page.mouse.move(*at(0.45, 0.5), steps=4)
    desk.page.mouse.up()
    expect(region(desk)).to_have_accessible_name(re.compile("40% wide and 40% high"))
    with desk.answered():
        desk.button("Search").last.click()
    expect(desk.page.locator("#viewer")).to_be_hidden()
    dark = photo_sent(desk)
    assert brightness(dark)[1] < 100, "only the left, dark half was within"
    assert dark.width / dark.height == pytest.approx(WIDTH / HEIGHT, rel=0.03)
    assert min(dark.size) >= 400, "from a version with enough pixels"
    assert sent(desk)["text"] == "house"


def test_a_region_is_left_by_escape_and_chosen_with_the_keyboard_alone(
    open_page: Callable[..., Desk],
) -> None:
    desk = opened(open_page)
    for leave in (lambda: desk.page.keyboard.press("Escape"), lambda: desk.button("Cancel").click()):
        desk.button("Search in this photo").click()
        expect(region(desk)).to_be_focused()
        leave()
        expect(region(desk)).to_have_count(0)
        expect(desk.page.locator("#viewer .photo")).to_be_visible()
        expect(desk.button("Search in this photo")).to_be_focused()
    desk.page.keyboard.press("ArrowRight")
    expect(desk.page.locator("#viewer .place")).to_contain_text("2 of")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#viewer")).to_be_hidden()
    desk.page.locator("#results .tile").first.click()
    expect(desk.page.locator("#viewer .photo")).to_be_visible()
    desk.button("Search in this photo").press("Enter")
    expect(region(desk)).to_be_focused()
    for _ in range(60):
        desk.page.keyboard.press("ArrowRight")
    for _ in range(10):
        desk.page.keyboard.press("Shift+ArrowUp")
    expect(region(desk)).to_have_accessible_name(re.compile("60% wide and 40% high"))
    desk.page.keyboard.press("Tab")
    for _ in range(10):
        desk.page.keyboard.press("ArrowRight")
    expect(region(desk)).to_have_accessible_name(re.compile("40% wide and 40% high"))
    desk.page.keyboard.press("Shift+Tab")
    with desk.answered():
        desk.page.keyboard.press("Enter")
    assert brightness(photo_sent(desk))[0] > 180, "only the right, light half was within"


WITHIN_ITS_BUTTON = """(image) => {
    const [inner, outer] = [image, image.closest("button")].map((it) => it.getBoundingClientRect());
    return inner.width > 40 && inner.left >= outer.left && inner.top >= outer.top && inner.bottom <= outer.bottom; }"""


def test_near_duplicates_are_opened_from_their_number_and_one_is_chosen(
    open_page: Callable[..., Desk],
) -> None:
    desk = opened(open_page, fields={"duplicates": ["a", "b"]})
    desk.page.keyboard.press("Escape")
    desk.page.route("**/photos/*/group", near_duplicates(desk))
    desk.page.locator("#results .tile .copies").first.click()
    strip = desk.page.get_by_role("list", name="Near-duplicates of this photo")
    buttons = strip.get_by_role("button")
    expect(buttons).to_have_count(3)
    inside = strip.locator("img").first.evaluate(WITHIN_ITS_BUTTON)
    assert inside
    expect(strip.locator(".best:visible")).to_have_count(1)
    expect(strip.locator("li").first.locator(".best")).to_be_visible()
    expect(strip.locator("li").nth(2)).to_contain_text(re.compile("1600 . 1200"))
    expect(strip.locator("li").nth(2)).to_contain_text("5.4 MB")
    desk.page.mouse.move(640, 400)  # the bars may have gone meanwhile
    buttons.nth(2).click()
    expect(desk.page.locator("#viewer .file")).to_have_text("copy 2.jpg")
    expect(buttons.nth(2)).to_have_attribute("aria-pressed", "true")
    with desk.page.expect_request(MARK) as asked:
        desk.page.keyboard.press("l")
    assert copies_of(desk)[2]["id"] in asked.value.url, "what is done is done to the one chosen"
    desk.page.keyboard.press("ArrowRight")
    expect(strip).to_be_hidden()
    expect(desk.page.locator("#viewer .place")).to_contain_text("2 of")


def test_words_say_how_likely_a_photo_without_near_duplicates_is_and_no_score(
    open_page: Callable[..., Desk],
) -> None:
    desk = opened(open_page, fields={"relevance": 0.9, "score": 0.41, "duplicates": []})
    expect(desk.page.locator("[data-do=group]")).to_be_hidden()
    expect(desk.page.locator("#viewer .facts")).to_contain_text("likely")
    desk.page.keyboard.press("i")
    expect(desk.page.locator(".details")).to_contain_text("90% likely")
    assert "score" not in (desk.page.locator("#viewer").text_content() or "")


def test_the_original_can_be_saved_opened_and_linked_to(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page)
    desk.page.evaluate(COPIED)
    desk.button("More").click()
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("link", name="Download original").click()
    assert saved.value.suggested_filename == desk.page.locator("#viewer .file").text_content()
    link = desk.page.get_by_role("link", name="Open original")
    expect(link).to_have_attribute("target", "_blank")
    desk.button("Copy link").last.click()
    desk.page.wait_for_function("(url) => copied === url", arg=link.evaluate("(it) => it.href"))
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#viewer-more")).to_be_hidden()
    expect(desk.page.locator("#viewer")).to_be_visible()
