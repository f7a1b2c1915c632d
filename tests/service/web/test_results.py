"""The photos found: their grid, the keyboard among them, and one of them large."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.kit.service.desk import SEARCH, Desk, expect, forgive_failed_requests

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser

FOCUS_TOP = "() => document.activeElement.getBoundingClientRect().top + scrollY"
ORIGINAL = re.compile(r"/photos/[0-9a-f]{16}$")


def test_rows_are_full_and_even_before_any_picture_has_come(open_page: Callable[..., Desk]) -> None:
    # A slow browser searches twice during one line; then photos still glide to their places.
    desk = open_page(routes={"**/thumbnail*": lambda route: route.abort()}, reduced_motion="reduce")
    desk.drawn_results()
    for width in (360, 803, 1280):
        desk.page.set_viewport_size({"width": width, "height": 800})
        desk.still()
        boxes = desk.page.evaluate(
            """() => [...document.querySelectorAll(".results li")].map((tile) => {
                const { top, right, height } = tile.getBoundingClientRect(); return { top, right, height }; })"""
        )
        edge = desk.page.evaluate("() => results.getBoundingClientRect().right")
        rows = [list(row) for _, row in itertools.groupby(boxes, key=lambda box: box["top"])]
        assert len(rows) > 1
        for row in rows[:-1]:
            assert edge - 1.5 < row[-1]["right"] <= edge, width
            assert len({box["height"] for box in row}) == 1
    forgive_failed_requests(desk)


def test_rows_of_mixed_proportions_are_full_whole_and_big_enough(module_page: Desk) -> None:
    ratios = [1.5, 0.66, 1.33, 0.14, 5.5, 1, 1.78, 0.56, 0.56, 2.2, 1.5, 0.75, 3, 1, 0.46, 1.5, 1.5]
    for width, target in ((288, 112), (328, 112), (755, 171), (1400, 220)):
        boxes = module_page.page.evaluate(
            """async ([ratios, width, target]) =>
                (await import("/web/photos/justify.js")).justify(ratios, width, target, 8)""",
            [ratios, width, target],
        )
        rows = [list(row) for _, row in itertools.groupby(boxes, key=lambda box: box["row"])]
        assert len(boxes) == len(ratios)
        assert {sum(box["width"] for box in row) + 8 * (len(row) - 1) for row in rows[:-1]} == {width}
        assert min(min(box["width"], box["height"]) for box in boxes) >= 44
        assert [box["whole"] for box in boxes] == [not 0.55 <= ratio <= 2.6 for ratio in ratios]


def test_a_photo_that_stays_is_not_loaded_anew(desk: Desk) -> None:
    desk.drawn_results()
    desk.page.evaluate("() => document.querySelectorAll('.tile img').forEach((it) => { it.kept = it.src; })")
    before = {label.split(" ", 1)[1].rsplit(",")[0] for label in desk.results()}
    with desk.answered():
        desk.at_one_go((0.2, 0.9), (0.9, 0.1))
    after = {label.split(" ", 1)[1].rsplit(",")[0] for label in desk.results()}
    kept = desk.page.evaluate(
        "() => [...document.querySelectorAll('.tile img')].filter((it) => it.kept === it.src).length"
    )
    assert kept == len(before & after) > 0


def test_arrow_keys_walk_the_grid_which_is_one_tab_stop_and_turn_what_enter_opens(desk: Desk) -> None:
    desk.page.emulate_media(reduced_motion="reduce")
    names = [label.split(": ")[1].split(",")[0] for label in desk.drawn_results()]
    last = len(names) - 1
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
    dialog, path = desk.page.get_by_role("dialog"), desk.page.locator("#viewer .named")
    tiles.nth(1).focus()
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
    expect(desk.page.locator("#viewer .place")).to_have_text(f"1 of {len(names)}")
    expect(desk.page.locator("#viewer .original")).to_have_attribute("href", ORIGINAL)
    desk.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tiles.first).to_be_focused()


def test_values_that_are_missing_or_no_numbers_cost_themselves_alone(open_page: Callable[..., Desk]) -> None:
    """As a damaged index, another version or a proxy may give them; JSON knows neither NaN nor infinity."""
    names = (
        "path",
        "score",
        "relevance",
        "width",
        "height",
        "taken",
        "camera",
        "duplicates",
        "url",
        "thumbnail_url",
    )
    odd = [None, "many", [], {}, 1e400, -1, 0]

    def spoiled(route: Route) -> None:
        told = route.fetch().json()
        pairs = itertools.product(names, odd)
        for photo, (name, value) in zip(itertools.cycle(told["results"]), pairs, strict=False):
            photo[name] = value
        told["results"] = [{**photo, "id": f"{n:016x}"} for n, photo in enumerate(told["results"], 1)]
        told["results"][0] = {"id": "f" * 16}
        told["results"][1]["score"] = None
        told["results"] += [None, {}, {"id": 7}]
        told["took_ms"], told["total_searched"] = None, None
        route.fulfill(body=json.dumps(told).replace("Infinity", "1e999"), content_type="application/json")

    desk = open_page(routes={SEARCH: spoiled, "**/thumbnail*": lambda route: route.abort()})
    labels = desk.drawn_results()
    assert len(labels) > 20
    assert labels[0] == f"1: {'f' * 16}"
    assert "score" not in labels[1]
    assert not re.search("NaN|null|undefined|Infinity", " ".join(labels))
    heights = desk.page.evaluate(
        "() => [...document.querySelectorAll('.results li')].map((it) => it.offsetHeight)"
    )
    assert min(heights) > 0
    desk.page.locator(".tile").first.click()
    expect(desk.page.locator("#viewer .place")).to_have_text(f"1 of {len(labels)}")
    expect(desk.page.locator("#viewer .facts")).to_be_empty()
    for _ in labels:
        desk.button("Next photo").click()
        said = desk.page.locator("#viewer").text_content() or ""
        assert not re.search("NaN|null|undefined|Infinity|score", said)
    desk.button("Close").click()
    with desk.page.expect_response(SEARCH):
        desk.draw((0.2, 0.9), (0.9, 0.1))
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    assert len(desk.results()) > 20
    forgive_failed_requests(desk)


SHOW = """async (script) => {
    const { Results } = await import("/web/photos/results.js");
    const list = document.createElement("ul");
    list.className = "results";
    document.querySelector("#found").append(list);
    const results = new Results(list, () => {});
    const photo = (id, width = 300) => ({ id, path: id, url: "", thumbnail_url: "/web/favicon.svg?", width,
        height: 200, score: 1, relevance: null, colour: null, favourite: false, taken: null, duplicates: [] });
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const names = () => [...list.children].map((tile) => tile.dataset.id).join("");
    return await (SCRIPT)();
}"""


def test_only_photos_that_go_are_taken_out(bare: Desk) -> None:
    outcome = bare.page.evaluate(
        SHOW.replace(
            "SCRIPT",
            """async () => {
            results.show([..."abcd"].map((id) => photo(id)));
            const seen = [];
            const watch = new MutationObserver((records) => seen.push(...records));
            watch.observe(list, { childList: true });
            results.show([..."acde"].map((id) => photo(id)));
            const marked = (sign, nodes) => [...nodes].map((tile) => sign + tile.dataset.id);
            const moved = watch.takeRecords().flatMap((one) => [
                ...marked("-", one.removedNodes), ...marked("+", one.addedNodes)]);
            const found = [names(), moved.join(" ")];
            results.show([..."dcx"].map((id) => photo(id)));
            return [...found, names()];
        }""",
        )
    )
    assert outcome == ["acde", "-b +e", "dcx"]


def test_photos_glide_from_where_they_were(bare: Desk) -> None:
    apart = bare.page.evaluate(
        SHOW.replace(
            "SCRIPT",
            """async () => {
            results.show([..."abcdefghij"].map((id, i) => photo(id, 200 + 40 * i)));
            await frame();
            list.scrollIntoView();
            const placed = (tile) => [tile.dataset.id, tile.getBoundingClientRect()];
            const places = () => new Map([...list.children].map(placed));
            const before = places();
            results.show([..."jcabdfghie"].map((id) => photo(id, 200 + 40 * (id.charCodeAt(0) - 97))));
            await frame();
            const gliding = list.getAnimations({ subtree: true }).filter(({ effect }) => effect.target.matches("li"));
            for (const one of gliding) { one.pause(); one.currentTime = 0; }
            const started = places();
            return [gliding.length, ...[..."abcdefghij"].map((id) => {
                const [was, is] = [before.get(id), started.get(id)];
                return Math.max(Math.abs(was.left - is.left), Math.abs(was.top - is.top));
            })];
        }""",
        )
    )
    assert apart[0] > 5
    assert max(apart[1:]) < 1


def test_photos_out_of_sight_are_laid_out_when_they_come_near(bare: Desk) -> None:
    bare.page.set_viewport_size({"width": 400, "height": 400})
    bare.still()
    shown = bare.page.evaluate(
        SHOW.replace(
            "SCRIPT",
            """async () => {
            results.show(Array.from({ length: 200 }, (_, i) => photo(`p${i}`)));
            list.scrollIntoView();
            for (let i = 0; i < 3; i += 1) await frame();
            const rendered = (tile) => tile.querySelector(".tile").checkVisibility({ contentVisibilityAuto: true });
            const height = list.getBoundingClientRect().height;
            const found = [rendered(list.firstElementChild), rendered(list.lastElementChild)];
            list.lastElementChild.scrollIntoView();
            for (let i = 0; i < 3; i += 1) await frame();
            return [...found, rendered(list.lastElementChild), list.getBoundingClientRect().height === height];
        }""",
        )
    )
    assert shown == [True, False, True, True]
