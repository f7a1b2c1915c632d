"""The page in a real Chromium: drawn on by real pointer events, searched by a real server."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests need playwright (extra: dev)")
expect = sync_api.expect
pytestmark = pytest.mark.browser

SEARCH = "**/search?*"
ORIGINAL = re.compile(r"/photos/[0-9a-f]{16}$")
QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-sync", *QUIET]

Point = tuple[float, float]


class LiveServer(Protocol):
    url: str


class Desk:
    """The page with a hand to draw on it; points are fractions of the paper's side."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.devtools = page.context.new_cdp_session(page)
        self.problems: list[str] = []
        self.addresses: list[str] = []
        page.on("console", lambda told: self.problems.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))
        page.add_init_script(KEEP_LAST_BODY)  # Chromium tells the devtools nothing of a body that is a blob

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
        with self.page.expect_response(SEARCH):
            yield
        expect(self.page.locator("#found[data-state=current]")).to_have_count(1)

    def drawn_results(self) -> list[str]:
        """Draws a first line and returns what was found."""
        with self.answered():
            self.draw((0.2, 0.3), (0.8, 0.3), (0.8, 0.7))
        return self.results()

    def results(self) -> list[str]:
        return [tile.get_attribute("aria-label") or "" for tile in self.page.locator(".tile").all()]

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def ink(self) -> int:
        """How many pixels of the screen's canvas carry ink."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        count: int = self.page.evaluate(
            """() => { const canvas = document.querySelector("#canvas");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return data.filter((value, i) => i % 4 === 3 && value > 127).length; }"""
        )
        return count

    def last_drawing(self) -> Image.Image:
        sent = self.page.evaluate("async () => [...new Uint8Array(await window.lastBody.arrayBuffer())]")
        return Image.open(io.BytesIO(bytes(sent)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # No longer-lived than this module: playwright leaves an event loop running in the thread that started it.
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("the page's tests need Chromium on the PATH")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Desk]]:
    """Opens the page in a context of its own; at the end the console must have stayed clean."""
    desks = []

    def open_one(*, routes: dict[str, Callable[[Route], None]] | None = None, **options: Any) -> Desk:
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}).new_page()
        page.set_default_timeout(10_000)
        for address, handler in (routes or {}).items():
            page.route(address, handler)
        desks.append(Desk(page))
        page.goto(live_server.url)
        expect(page.locator("#examples button")).to_have_count(8)
        return desks[-1]

    yield open_one
    problems = [problem for desk in desks for problem in desk.problems]
    for desk in desks:
        desk.page.context.close()
    assert problems == []


@pytest.fixture
def desk(open_page: Callable[..., Desk]) -> Desk:
    return open_page()


@pytest.fixture
def phone(open_page: Callable[..., Desk]) -> Desk:
    return open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)


def forgive_failed_requests(desk: Desk) -> None:
    """Chromium reports these itself, whatever the page does about them."""
    desk.problems[:] = [problem for problem in desk.problems if "Failed to load resource" not in problem]


def problem(status: int, detail: str) -> Callable[[Route], None]:
    body = json.dumps({"title": "Trouble", "status": status, "detail": detail, "code": "trouble"})
    return lambda route: route.fulfill(status=status, content_type="application/problem+json", body=body)


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


class TestDrawing:
    def test_a_line_finds_photos_and_another_changes_them(self, desk: Desk) -> None:
        first = desk.drawn_results()
        with desk.answered():
            desk.draw((0.2, 0.9), (0.9, 0.1))
        assert len(first) > 1
        assert desk.results() != first
        expect(desk.page.locator("#figures")).to_have_text(re.compile(r"^\d+ photos? in \d+ ms$"))
        expect(desk.page.get_by_role("status")).to_have_text(f"{len(first)} photos found")

    def test_the_server_gets_512_pixels_dark_on_white_in_either_theme(
        self, open_page: Callable[..., Desk]
    ) -> None:
        pixels = []
        for theme, scale in (("light", 1), ("dark", 2)):
            desk = open_page(color_scheme=theme, device_scale_factor=scale)
            desk.drawn_results()
            picture = desk.last_drawing().convert("L")
            assert picture.size == (512, 512)
            assert (picture.getpixel((0, 0)), picture.getpixel((256, 154))) == (255, 0)
            pixels.append(picture.tobytes())
        assert pixels[0] == pixels[1]

    def test_a_long_stroke_is_searched_before_it_ends(self, desk: Desk) -> None:
        desk.page.mouse.move(*desk.at((0.1, 0.1)))
        desk.page.mouse.down()
        with desk.answered():
            for step in range(30):
                desk.page.mouse.move(*desk.at((0.1 + step / 40, 0.5)))
                desk.page.wait_for_timeout(40)
        assert desk.results()
        desk.page.mouse.up()

    def test_undo_and_redo_by_button_and_by_keyboard(self, desk: Desk) -> None:
        desk.draw((0.2, 0.2), (0.8, 0.2))
        one = desk.ink()
        desk.draw((0.2, 0.8), (0.8, 0.8))
        two = desk.ink()
        assert 0 < one < two
        desk.button("Undo").click()
        assert desk.ink() == one
        desk.button("Redo").click()
        assert desk.ink() == two
        for keys, left in (("Control+z", one), ("Control+Shift+Z", two), ("Meta+z", one), ("Control+y", two)):
            desk.page.keyboard.press(keys)
            assert desk.ink() == left

    def test_clearing_empties_the_page_and_can_be_undone(self, desk: Desk) -> None:
        desk.drawn_results()
        drawn = desk.ink()
        desk.button("Clear").click()
        assert desk.ink() == 0
        expect(desk.page.locator("#welcome")).to_be_visible()
        assert desk.results() == []
        with desk.answered():
            desk.button("Undo").click()
        assert desk.ink() == drawn
        assert desk.results()

    def test_pen_sizes_and_pressure_change_the_line(self, desk: Desk) -> None:
        inks = []
        for name in ("Fine pen", "Medium pen", "Broad pen"):
            desk.page.get_by_role("radio", name=name).check(force=True)
            desk.draw((0.2, 0.5), (0.8, 0.5))
            inks.append(desk.ink())
            desk.button("Clear").click()
        for force in (0.1, 0.9):
            pen(desk, *((x / 10, 0.5) for x in range(2, 9)), force=force)
            inks.append(desk.ink())
            desk.button("Clear").click()
        fine, medium, broad, light, firm = inks
        assert fine < medium < broad
        assert light < broad < firm

    def test_drawing_survives_a_new_size_and_a_new_theme(self, desk: Desk) -> None:
        desk.draw((0.2, 0.2), (0.8, 0.8))
        desk.page.set_viewport_size({"width": 800, "height": 700})
        desk.page.emulate_media(color_scheme="dark")
        assert desk.ink() > 0
        x, y = desk.at((0.5, 0.5))
        shot = desk.page.screenshot(clip={"x": x - 1, "y": y - 1, "width": 3, "height": 3})
        darkest, _ = Image.open(io.BytesIO(shot)).convert("L").getextrema()
        assert darkest > 200, "the ink is light on dark paper"

    def test_an_example_is_drawn_as_strokes_and_searched(self, desk: Desk) -> None:
        with desk.answered():
            desk.button("Strawberry").click()
        expect(desk.page.locator("#canvas")).to_have_attribute("aria-label", "Drawing area, 9 lines drawn")
        assert desk.results()
        desk.button("Undo").click()
        expect(desk.page.locator("#canvas")).to_have_attribute("aria-label", "Drawing area, 8 lines drawn")

    def test_an_example_appears_at_once_under_reduced_motion(self, open_page: Callable[..., Desk]) -> None:
        desk = open_page(reduced_motion="reduce")
        desk.page.evaluate("() => [...document.querySelectorAll('#examples button')].at(1).click()")
        assert desk.page.locator("#canvas").get_attribute("aria-label") == "Drawing area, 8 lines drawn"


class TestPhone:
    def test_a_finger_draws_and_does_not_scroll(self, phone: Desk) -> None:
        with phone.answered():
            touch(phone, "touchStart", (0.5, 0.9))
            for step in range(1, 9):
                touch(phone, "touchMove", (0.5, 0.9 - step / 10))
            touch(phone, "touchEnd")
        assert phone.ink() > 0
        assert phone.results()
        assert phone.page.evaluate("scrollY") == 0

    def test_a_second_finger_draws_nothing(self, phone: Desk) -> None:
        touch(phone, "touchStart", (0.2, 0.2))
        touch(phone, "touchStart", (0.2, 0.2), (0.8, 0.8))
        touch(phone, "touchMove", (0.3, 0.2), (0.8, 0.5))
        touch(phone, "touchEnd")
        expect(phone.page.locator("#canvas")).to_have_attribute("aria-label", "Drawing area, 1 line drawn")

    def test_the_pen_beats_the_palm(self, phone: Desk) -> None:
        touch(phone, "touchStart", (0.8, 0.8))
        touch(phone, "touchMove", (0.9, 0.9))
        pen(phone, (0.2, 0.2), (0.3, 0.2), (0.4, 0.2))
        touch(phone, "touchEnd")
        touch(phone, "touchStart", (0.8, 0.8))
        touch(phone, "touchEnd")
        expect(phone.page.locator("#canvas")).to_have_attribute("aria-label", "Drawing area, 1 line drawn")
        with phone.answered():
            phone.page.keyboard.press("Control+Shift+Z")
            pen(phone, (0.2, 0.3), (0.3, 0.3), (0.4, 0.3))
        assert phone.last_drawing().convert("L").crop((300, 300, 512, 512)).getextrema() == (255, 255)

    @pytest.mark.parametrize("width", [320, 360])
    def test_nothing_sticks_out_and_everything_can_be_tapped(self, phone: Desk, width: int) -> None:
        phone.page.set_viewport_size({"width": width, "height": 740})
        for act in (lambda: None, phone.drawn_results, lambda: phone.page.locator(".tile").first.click()):
            act()
            assert phone.page.evaluate("document.documentElement.scrollWidth") <= width
            small = phone.page.evaluate(
                """() => [...document.querySelectorAll("button, label, a")]
                    .filter((it) => it.checkVisibility() && it.getClientRects().length)
                    .map((it) => [it.outerHTML, it.getBoundingClientRect()])
                    .filter(([, box]) => box.width < 44 || box.height < 44)
                    .map(([html, box]) => `${box.width} x ${box.height}: ${html}`)"""
            )
            assert small == []


class TestSearching:
    def test_an_old_answer_never_overwrites_a_new_one(self, desk: Desk) -> None:
        held: list[Route] = []

        def hold_the_first(route: Route) -> None:
            held.append(route)
            if len(held) > 1:
                route.continue_()

        desk.page.route(SEARCH, hold_the_first)
        desk.draw((0.2, 0.2), (0.8, 0.2))
        desk.page.wait_for_timeout(600)
        assert (len(held), desk.results()) == (1, [])
        with desk.page.expect_response(SEARCH):
            desk.draw((0.2, 0.8), (0.8, 0.8))
        expect(desk.page.locator(".tile").first).to_be_visible()
        newest = desk.results()
        with contextlib.suppress(sync_api.Error):  # the browser may have let go of the request it aborted
            held[0].fulfill(json={"results": [], "total_searched": 0, "took_ms": {"total": 1}})
        desk.page.wait_for_timeout(300)
        assert desk.results() == newest

    def test_an_answer_that_outlives_its_abort_is_dropped_all_the_same(self, desk: Desk) -> None:
        outcome = desk.page.evaluate(
            """async () => {
                const { SearchClient } = await import("/web/server.js");
                const waiting = [];
                const client = new SearchClient(() => new Promise((answer) => waiting.push(answer)));
                const first = client.search("1"), second = client.search("2");
                await new Promise((done) => setTimeout(done));
                waiting[1](Response.json("new"));
                waiting[0](Response.json("old"));
                return [await first, await second];
            }"""
        )
        assert outcome == [None, "new"]

    def test_old_results_are_dimmed_only_while_the_next_take_long(self, desk: Desk) -> None:
        desk.drawn_results()
        held: list[Route] = []
        desk.page.route(SEARCH, lambda route: held.append(route))
        desk.draw((0.2, 0.8), (0.8, 0.8))
        desk.page.wait_for_function("() => Number(getComputedStyle(results).opacity) < 0.6")
        assert desk.results(), "the old ones stay in sight"
        held[0].continue_()
        desk.page.wait_for_function("() => Number(getComputedStyle(results).opacity) === 1")
        delay = desk.page.evaluate(
            "() => { found.dataset.state = 'asking'; return getComputedStyle(results).transitionDelay; }"
        )
        assert delay == "0.15s"

    def test_a_refused_drawing_is_explained_and_can_be_tried_again(self, desk: Desk) -> None:
        desk.page.route(SEARCH, problem(422, "the drawing is empty: draw a line first"))
        desk.draw((0.2, 0.2), (0.8, 0.2))
        expect(desk.page.get_by_role("alert")).to_contain_text("The drawing is empty: draw a line first.")
        desk.page.unroute(SEARCH)
        with desk.answered():
            desk.button("Try again").click()
        expect(desk.page.get_by_role("alert")).to_be_hidden()
        assert desk.results()
        forgive_failed_requests(desk)

    @pytest.mark.parametrize(
        ("handler", "says"),
        [
            (problem(503, "no index yet"), "Your photos are not ready yet"),
            (problem(429, "slow down"), "One moment"),
            (lambda route: route.abort(), "The server does not answer"),
        ],
        ids=["no index", "too many", "gone"],
    )
    def test_trouble_that_passes_is_waited_out(
        self, desk: Desk, handler: Callable[[Route], None], says: str
    ) -> None:
        found = desk.drawn_results()
        desk.page.route(SEARCH, handler)
        desk.draw((0.2, 0.8), (0.8, 0.8))
        expect(desk.page.get_by_role("alert")).to_contain_text(says)
        assert desk.results() == found
        with desk.page.expect_event("response", lambda r: "/search" in r.url and r.ok):
            desk.page.unroute(SEARCH)
        expect(desk.page.get_by_role("alert")).to_be_hidden()
        assert desk.results() != found
        forgive_failed_requests(desk)

    def test_a_server_without_an_index_is_noticed_before_the_first_line(
        self, open_page: Callable[..., Desk]
    ) -> None:
        reasons = {"ready": False, "reasons": ["nothing has been indexed"]}
        desk = open_page(routes={"**/readyz": lambda route: route.fulfill(status=503, json=reasons)})
        expect(desk.page.get_by_role("alert")).to_contain_text("Nothing has been indexed.")
        desk.page.unroute("**/readyz")
        expect(desk.page.get_by_role("alert")).to_be_hidden()
        expect(desk.page.locator("#count")).to_have_text(re.compile(r"^your \d+ photos$"))
        forgive_failed_requests(desk)


class TestResults:
    @pytest.mark.parametrize("width", [360, 803, 1280])
    def test_rows_are_full_and_even_before_any_picture_has_come(
        self, open_page: Callable[..., Desk], width: int
    ) -> None:
        desk = open_page(
            viewport={"width": width, "height": 800}, routes={"**/thumbnail": lambda route: route.abort()}
        )
        desk.drawn_results()
        boxes = desk.page.evaluate(
            """() => [...document.querySelectorAll(".results li")].map((tile) => {
                const { top, right, height } = tile.getBoundingClientRect(); return { top, right, height }; })"""
        )
        edge = desk.page.evaluate("() => results.getBoundingClientRect().right")
        rows = [list(row) for _, row in itertools.groupby(boxes, key=lambda box: box["top"])]
        assert len(rows) > 1
        for row in rows[:-1]:
            assert edge - 1.5 < row[-1]["right"] <= edge
            assert len({box["height"] for box in row}) == 1
        forgive_failed_requests(desk)

    def test_a_photo_that_stays_is_not_loaded_anew(self, desk: Desk) -> None:
        desk.drawn_results()
        desk.page.evaluate(
            "() => document.querySelectorAll('.tile img').forEach((it) => { it.kept = it.src; })"
        )
        before = {label.split(" ", 1)[1].rsplit(",")[0] for label in desk.results()}
        with desk.answered():
            desk.draw((0.2, 0.9), (0.9, 0.1))
        after = {label.split(" ", 1)[1].rsplit(",")[0] for label in desk.results()}
        kept = desk.page.evaluate(
            "() => [...document.querySelectorAll('.tile img')].filter((it) => it.kept === it.src).length"
        )
        assert kept == len(before & after) > 0

    def test_arrow_keys_walk_the_grid_which_is_one_tab_stop(self, desk: Desk) -> None:
        last = len(desk.drawn_results()) - 1
        tiles = desk.page.locator(".tile")
        tiles.first.focus()
        for key, index in (("ArrowRight", 1), ("ArrowLeft", 0), ("End", last), ("Home", 0), ("ArrowLeft", 0)):
            desk.page.keyboard.press(key)
            expect(tiles.nth(index)).to_be_focused()
        heights = [desk.page.evaluate(FOCUS_TOP)]
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp"):
            desk.page.keyboard.press(key)
            heights.append(desk.page.evaluate(FOCUS_TOP))
        first, second, third = heights[:3]
        assert first < second < third
        assert heights[3:] == [second, first, first]
        expect(desk.page.locator(".tile[tabindex='0']")).to_have_count(1)

    def test_enter_opens_a_photo_arrows_turn_and_escape_returns(self, desk: Desk) -> None:
        names = [label.split(": ")[1].rsplit(", score")[0] for label in desk.drawn_results()]
        dialog, path = desk.page.get_by_role("dialog"), desk.page.locator("#viewer .path")
        desk.page.locator(".tile").nth(1).focus()
        desk.page.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        for key, index in (
            ("ArrowRight", 2),
            ("ArrowLeft", 1),
            ("ArrowLeft", 0),
            ("ArrowLeft", len(names) - 1),
        ):
            desk.page.keyboard.press(key)
            expect(path).to_have_text(names[index])
        desk.button("Next photo").click()
        expect(path).to_have_text(names[0])
        expect(desk.page.locator("#viewer .facts")).to_contain_text(
            re.compile(r"^\d+ . \d+ · score -?\d\.\d\d · 1 of")
        )
        expect(desk.page.locator("#viewer .photo")).to_have_attribute("src", ORIGINAL)
        expect(dialog.get_by_role("link", name="Open original")).to_have_attribute("href", ORIGINAL)
        desk.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(desk.page.locator(".tile").first).to_be_focused()

    def test_a_photo_that_is_gone_says_so_and_keeps_its_thumbnail(self, desk: Desk) -> None:
        desk.drawn_results()
        desk.page.route(ORIGINAL, problem(410, "gone"))
        desk.page.locator(".tile").first.click()
        expect(desk.page.locator("#viewer .trouble")).to_contain_text("Moved or deleted")
        expect(desk.page.locator("#viewer .photo")).to_have_attribute("src", re.compile("/thumbnail$"))
        desk.button("Close").click()
        forgive_failed_requests(desk)


class TestHouse:
    """What holds for the page as a whole."""

    def test_it_is_light_needs_nothing_from_elsewhere_and_keeps_its_policy(
        self, open_page: Callable[..., Desk], live_server: LiveServer
    ) -> None:
        desk = open_page()
        desk.drawn_results()
        desk.page.locator(".tile").first.click()
        assert all(url.startswith((live_server.url, "data:", "blob:")) for url in desk.addresses)
        home = live_server.url.rstrip("/")
        own = {url for url in desk.addresses if url.startswith(f"{home}/web/") or url == f"{home}/"}
        answers = {url: desk.page.request.get(url) for url in own}
        assert len(answers) > 5
        assert all(answer.ok for answer in answers.values())
        assert sum(len(answer.body()) for answer in answers.values()) < 150_000
        assert "default-src 'self'" in answers[f"{home}/"].headers["content-security-policy"]
        desk.page.evaluate(
            """() => { const script = document.createElement("script");
                script.textContent = "window.intruded = true"; document.head.append(script); }"""
        )
        assert desk.page.evaluate("window.intruded") is None
        refused = [told for told in desk.problems if "Content Security Policy" in told]
        assert desk.problems == refused
        assert len(refused) == 1, "the intruder, and nothing of the page's own"
        desk.problems.clear()

    def test_every_control_has_a_name(self, desk: Desk) -> None:
        roles = {"button", "link", "radio", "image", "img", "dialog", "list", "group", "Canvas", "region"}
        seen = set()
        for act in (lambda: None, desk.drawn_results, lambda: desk.page.locator(".tile").first.click()):
            act()
            for node in desk.devtools.send("Accessibility.getFullAXTree")["nodes"]:
                role = node.get("role", {}).get("value")
                if role in roles and not node["ignored"]:
                    seen.add(role)
                    assert node["name"]["value"].strip(), node
        assert {"button", "link", "radio", "dialog"} <= seen

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_text_can_be_read_in_either_theme(self, open_page: Callable[..., Desk], theme: str) -> None:
        desk = open_page(color_scheme=theme)
        grounds = set()
        for act in (lambda: None, desk.drawn_results, lambda: desk.page.locator(".tile").first.click()):
            act()
            desk.page.wait_for_timeout(250)
            for text, ink, ground in desk.page.evaluate(VISIBLE_TEXT):
                grounds.add(tuple(ground))
                assert contrast(ink, ground) >= 4.5, (text, ink, ground)
        assert (luminance(desk.page.evaluate(GROUND)) > 0.5) == (theme == "light")
        assert len(grounds) > 2

    def test_the_focus_can_be_seen(self, desk: Desk) -> None:
        desk.page.keyboard.press("Tab")
        desk.page.keyboard.press("Tab")
        focused = desk.page.evaluate(
            "() => [document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert focused == ["Strawberry", "solid"]


KEEP_LAST_BODY = """const send = window.fetch;
window.fetch = (to, options) => { window.lastBody = options?.body ?? window.lastBody; return send(to, options); };"""

FOCUS_TOP = "() => document.activeElement.getBoundingClientRect().top + scrollY"

GROUND = """() => { document.querySelector("dialog").close();
    return getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number); }"""

# Each piece of text in sight with its colour and the nearest opaque ground behind it.
VISIBLE_TEXT = """() => {
    const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const groundOf = (element) => {
        for (let it = element; it; it = it.parentElement) {
            const colour = rgb(getComputedStyle(it).backgroundColor);
            if (colour.length === 3) return colour;
        }
    };
    const root = document.querySelector("dialog[open]") ?? document.body;
    return [...root.querySelectorAll("*")]
        .filter((it) => [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .filter((it) => it.checkVisibility({ opacityProperty: true }) && !it.closest(":disabled, .caption, .unseen"))
        .map((it) => [it.textContent.trim(), rgb(getComputedStyle(it).color).slice(0, 3), groundOf(it)]);
}"""


def luminance(colour: list[float]) -> float:
    """WCAG's relative luminance."""
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
