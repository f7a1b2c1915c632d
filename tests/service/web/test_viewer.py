"""One photo, large: as sharp as the screen, among its neighbours, and out of the way of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.service.chromium import CHROMIUM_ARGS, chromium
from tests.kit.service.desk import Desk, expect, forgive_failed_requests, problem
from tests.kit.service.library import FakeLibrary, months
from tests.kit.service.viewing import DETAILS, ORIGINAL, frame, large, opened, sharp

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}


def asked_for(desk: Desk) -> set[str]:
    """The versions that were asked for of the photo that the viewer shows."""
    address = desk.page.locator("#viewer .original").evaluate("(link) => link.href")
    thumbnails = [url for url in desk.addresses if url.startswith(f"{address}/thumbnail?")]
    sizes = {url.rsplit("size=", 1)[1] if "size=" in url else "small" for url in thumbnails}
    return sizes | ({"original"} if address in desk.addresses else set())


@pytest.mark.parametrize(
    ("options", "scale", "side", "largest"),
    [
        (DESK, 1, 1280, "large"),
        (DESK, 2, 4000, "original"),
        (PHONE, 1, 640, "medium"),
        (PHONE, 2, 1280, "large"),
        (PHONE, 3, 1280, "large"),
    ],
)
def test_the_first_photo_is_as_sharp_as_the_screen_and_no_larger(
    open_page: Callable[..., Desk], options: dict[str, Any], scale: int, side: int, largest: str
) -> None:
    desk = opened(open_page, device_scale_factor=scale, **options)
    sharp(desk, side)
    assert side >= frame(desk)["width"] * scale
    sizes = ["small", "medium", "large", "original"]
    assert max(sizes.index(size) for size in asked_for(desk)) == sizes.index(largest)


def test_a_photo_without_more_pixels_is_not_asked_for_again(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, fields={"width": 300, "height": 200})
    desk.page.keyboard.press("+")
    with desk.page.expect_request("**/details"):
        desk.page.keyboard.press("i")
    assert asked_for(desk) - {"details"} == {"small"}


def test_formats_that_browsers_cannot_show_stay_with_the_thumbnail(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, device_scale_factor=2, fields={"ending": ".heic"})
    sharp(desk, 1280)
    desk.page.keyboard.press("+")
    assert "original" not in asked_for(desk)
    expect(desk.page.locator("#viewer .problem")).to_be_empty()


def test_an_original_that_cannot_be_shown_after_all_leaves_the_thumbnail(
    open_page: Callable[..., Desk],
) -> None:
    routes = {ORIGINAL: lambda route: route.fulfill(body=b"", content_type="image/jpeg")}
    desk = opened(open_page, device_scale_factor=2, routes=routes)
    sharp(desk, 1280)
    expect(desk.page.locator("#viewer .problem")).to_be_empty()


def test_neighbours_are_there_before_they_are_turned_to(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, nth=4)
    sharp(desk, 1280)
    shown = desk.page.locator("#results .tile img")
    for nth in (3, 5):
        address = shown.nth(nth).evaluate("(image) => image.src")
        desk.page.wait_for_function(
            "(url) => performance.getEntriesByName(url).length > 0", arg=f"{address}&size=large"
        )
    desk.page.evaluate(
        "() => document.querySelectorAll('#viewer .photo').forEach((it) => { it.old = true; })"
    )
    desk.page.keyboard.press("ArrowRight")
    sharp(desk, 1280)
    assert "small" not in asked_for(desk) or len(asked_for(desk)) == 2


def test_a_photo_that_is_gone_says_so(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, routes={"**/thumbnail*size=*": problem(410, "gone")})
    expect(desk.page.locator("#viewer .problem")).to_contain_text("has been moved or deleted")
    sharp(desk, 320)
    forgive_failed_requests(desk)


def test_the_list_may_be_longer_than_the_page(bare: Desk) -> None:
    bare.page.route("**/photos/*/thumbnail*", large()["**/thumbnail*"])
    bare.page.route(ORIGINAL, large()[ORIGINAL])
    bare.page.evaluate(
        """async () => {
            const { Viewer } = await import("/web/viewer/viewer.js");
            const photo = (i) => ({ id: `${i}`, path: `2024/${i}.jpg`, url: `photos/${i}`,
                thumbnail_url: `photos/${i}/thumbnail?v=1`, width: 1000, height: 800 });
            window.asked = [];
            window.left = new Promise((closed) => {
                const hooks = { closed: (photo, i) => closed([photo.id, i]) };
                const viewer = new Viewer(document.querySelector("#viewer"), hooks);
                viewer.open({ count: 100000, photo: async (i) => { asked.push(i); return photo(i); } }, 99999);
            });
        }"""
    )
    file = bare.page.locator("#viewer .file")
    expect(file).to_have_text("99999.jpg")
    expect(bare.page.locator("#viewer .place")).to_have_text("100,000 of 100,000")
    bare.page.keyboard.press("ArrowRight")
    expect(file).to_have_text("0.jpg")
    bare.page.keyboard.press("ArrowRight")
    expect(file).to_have_text("1.jpg")
    expect(bare.page.locator("#viewer .facts")).to_be_empty()
    bare.page.keyboard.press("Escape")
    assert bare.page.evaluate("left") == ["1", 1]
    assert set(bare.page.evaluate("asked")) <= {99998, 99999, 0, 1, 2}


def test_bars_fade_while_nothing_happens_and_come_back(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes=large(), reduced_motion="reduce")
    desk.stop_time()
    with desk.answered():
        desk.page.locator("#text").fill("house")
        desk.page.clock.run_for(1000)
    desk.page.locator("#results .tile").first.click()
    deeds = desk.page.locator("#viewer .deeds")
    desk.page.mouse.move(600, 300)
    desk.page.clock.run_for(2900)
    expect(deeds).to_have_css("opacity", "1")
    desk.page.clock.run_for(200)
    expect(deeds).to_have_css("opacity", "0")
    desk.page.mouse.move(610, 310)
    expect(deeds).to_have_css("opacity", "1")
    desk.page.keyboard.press("Tab")
    desk.page.clock.run_for(10_000)
    expect(deeds).to_have_css("opacity", "1")  # whoever uses the keyboard sees where they are


NAMES = {
    "long": "x" * 300 + ".jpg",
    "markup": '<img src=x onerror="window.intruded=1">.jpg',
    "rtl": "\u202e\u05ea\u05de\u05d5\u05e0\u05d4 \u05d4\u05d9\u05dd\u202e.jpg",
    "newline": "one\ntwo.jpg",
}


def test_whatever_a_photo_is_called_everything_stays_in_the_window(open_page: Callable[..., Desk]) -> None:
    told = dict(DETAILS)
    routes = {"**/photos/*/details": lambda route: route.fulfill(json=told)}
    desk = opened(open_page, routes=routes, fields={"duplicates": ["a"]})
    for size in each_size(desk):
        assert desk.page.evaluate(OUTSIDE) == [], size
    details = desk.page.locator(".details")
    for key, (kind, name) in zip(["i", *["ArrowRight"] * 3], NAMES.items(), strict=True):
        told |= {"location": f"/home/{name}", "lens": name}
        with desk.page.expect_response("**/details"):
            desk.page.keyboard.press(key)
        expect(details).to_have_attribute("aria-busy", "false")
        for size in each_size(desk):
            expect(details.locator(".map")).to_be_visible()
            assert desk.page.evaluate(OUTSIDE) == [], (kind, size)
            assert desk.page.evaluate(TOO_WIDE) <= 0, (kind, size)
    assert desk.page.evaluate("window.intruded") is None


def each_size(desk: Desk) -> Iterator[tuple[int, int]]:
    for width, height in ((360, 740), (740, 360), (320, 480), (1280, 800)):
        desk.page.set_viewport_size({"width": width, "height": height})
        desk.still()
        yield width, height


OUTSIDE = """() => [...document.querySelectorAll("#viewer :is(button, a, p, h2)")]
    .filter((it) => it.checkVisibility() && it.getClientRects().length && !it.closest(".details"))
    .filter((it) => { const { left, right, top, bottom } = it.getBoundingClientRect();
        return left < -0.5 || right > innerWidth + 0.5 || top < -0.5 || bottom > innerHeight + 0.5; })
    .map((it) => it.outerHTML)"""
TOO_WIDE = """() => { const it = document.querySelector(".details");
    return it.scrollWidth - it.clientWidth; }"""


def test_full_screen_is_entered_and_left(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page)
    full = desk.button("Full screen")
    desk.page.keyboard.press("f")
    expect(full).to_have_attribute("aria-pressed", "true")
    expect(desk.page.locator("#viewer .photo")).to_be_visible()
    desk.page.mouse.move(640, 400)  # the bars may have gone meanwhile
    full.click()
    expect(full).to_have_attribute("aria-pressed", "false")
    desk.page.keyboard.press("f")
    expect(full).to_have_attribute("aria-pressed", "true")
    desk.button("Close").click()
    desk.page.wait_for_function("() => document.fullscreenElement === null")


@pytest.fixture(scope="module")
def scrolling(browser: Browser) -> Iterator[Browser]:
    """With scrollbars as on a desk, which take 15 pixels; the other tests' browser has none."""
    launched = browser.browser_type.launch(
        executable_path=chromium(), args=CHROMIUM_ARGS, ignore_default_args=["--hide-scrollbars"]
    )
    yield launched
    launched.close()


def test_dialogs_have_the_whole_window_and_the_page_beneath_stays(
    scrolling: Browser, live_server: LiveServer
) -> None:
    with scrolling.new_page(viewport={"width": 1000, "height": 400}, reduced_motion="reduce") as page:
        page.goto(f"{live_server.url}?text=house")
        page.locator("#results .tile").nth(4).wait_for()
        before = page.evaluate(PAGE)
        assert before["gutter"] == 15
        for opener, dialog in (("#results .tile", "#viewer"), ("#index-open", "#index")):
            page.locator(opener).first.click()
            page.locator(dialog).wait_for()
            box = page.evaluate(f"() => document.querySelector('{dialog}').getBoundingClientRect().right")
            assert page.evaluate(PAGE) == before | {"gutter": 0}, dialog
            assert box == 1000 or dialog == "#index"
            page.keyboard.press("Escape")
            page.locator(dialog).wait_for(state="hidden")
            assert page.evaluate(PAGE) == before


def test_what_is_fixed_to_the_window_stays_beneath_every_dialog(
    scrolling: Browser, live_server: LiveServer
) -> None:
    with scrolling.new_page(reduced_motion="reduce") as page:
        for address, answer in FakeLibrary(months(5000)).routes().items():
            page.route(address, answer)
        page.goto(live_server.url)
        page.locator("#timeline .tile").first.hover()
        page.locator("#timeline .pick").first.click()
        page.locator("#chosen").wait_for()
        page.locator("#rail").wait_for()
        page.locator("#index-open").wait_for()
        before = page.evaluate(EDGES)
        for opener in ("#help", "#drawings", "#index-open"):
            page.locator(opener).click()
            page.locator("dialog[open]").wait_for()
            assert page.evaluate(EDGES) == before, opener
            page.keyboard.press("Escape")
            page.locator("dialog[open]").wait_for(state="hidden")


EDGES = """() => ["#rail", "#chosen", "#timeline", "#canvas", "#help"].map((query) => {
    const { left, right } = document.querySelector(query).getBoundingClientRect(); return [left, right]; })"""


# What the scrollbar takes, and where the photos on the page are.
PAGE = """() => { const { left, width } = document.querySelector("#results").getBoundingClientRect();
    return { gutter: innerWidth - document.documentElement.clientWidth, left, width, top: scrollY }; }"""
