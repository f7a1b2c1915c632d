"""Words, weights, filters, photos like another, further pages, and the search in the address."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.service.bringing import paths
from tests.kit.service.desk import SEARCH, Desk, expect, judged

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser

FIELDS = """() => Object.fromEntries([...window.lastBody].filter(
    ([name, value]) => typeof value === 'string' && name !== 'strokes'))"""
ROUND_TRIP = """async (strokes) => {
    const { decode, encode } = await import("/web/drawing/strokecode.js");
    const { settled } = await import("/web/drawing/line.js");
    const { curves, flattened } = await import("/web/drawing/curves.js");
    return strokes.map((stroke) => {
        const text = encode([settled(stroke)]);
        const back = decode(text)[0];
        const shown = [back.points[0], ...[...curves(back.points, 1)].flatMap((curve) => [...flattened(curve)])];
        return [text, back, shown, encode([back])];
    });
}"""


def fields(desk: Desk) -> dict[str, str]:
    found: dict[str, str] = desk.page.evaluate(FIELDS)
    return found


def scores(desk: Desk) -> dict[str, float]:
    found = desk.page.evaluate("async () => (await window.lastAnswer.clone().json()).results")
    return {photo["path"]: photo["score"] for photo in found}


def test_words_alone_find_photos_and_clearing_them_ends_it(desk: Desk) -> None:
    with desk.answered():
        desk.page.keyboard.press("/")
        desk.page.keyboard.type("a yellow banana", delay=5)
    # A slow browser searches for the first words while the others are typed.
    desk.page.wait_for_function("() => window.lastBody.get('text') === 'a yellow banana'")
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    assert desk.results()
    assert fields(desk)["text"] == "a yellow banana"
    expect(desk.page).to_have_url(re.compile(r"\?text=a\+yellow\+banana$"))
    desk.page.locator("#text").fill("")
    expect(desk.page.locator("#welcome")).to_be_visible()


def test_parts_are_weighed_by_sliders(desk: Desk) -> None:
    desk.drawn_results()
    expect(desk.page.locator("#parts")).to_be_hidden()
    with desk.answered():
        desk.page.locator("#text").fill("at night")
    slider = desk.page.get_by_role("slider", name="Weight of “at night”")
    with desk.answered():
        slider.focus()
        desk.page.keyboard.press("Home")
    assert (fields(desk)["sketch_weight"], fields(desk)["text_weight"]) == ("1", "-1")
    expect(slider).to_have_attribute("aria-valuetext", "\N{MINUS SIGN}100%")
    with desk.answered():
        desk.button("Remove the drawing").click()
    assert "sketch_weight" not in fields(desk)
    assert desk.ink() == 0


def test_filters_narrow_what_is_found_and_can_be_removed(desk: Desk) -> None:
    desk.page.route(SEARCH, judged())
    found, figures = desk.drawn_results(), desk.page.locator("#figures")
    expect(figures).to_have_text(f"{len(found)} of 30 photos")
    desk.button("Filters").click()
    with desk.answered():
        desk.page.get_by_label("Folder").fill("fish")
    assert {path.split("/")[0] for path in paths(desk)} == {"fish"}
    with desk.answered():
        desk.page.get_by_label("Taken until: year").fill("1999")
    assert fields(desk)["before"] == "2000-01-01"
    expect(desk.page.locator("#nothing")).to_contain_text("No photos match your filters.")
    expect(desk.page.locator("#heading")).to_have_text("No photos found in 30 photos")
    expect(figures).to_have_text("")
    with desk.answered():
        desk.button("Clear filters").click()
    assert len({path.split("/")[0] for path in paths(desk)}) > 1
    assert fields(desk) == {"fold_duplicates": "true"}


def with_orders(*names: str) -> Callable[[Route], None]:
    """The page, as of a server with these rankings."""

    def answer(route: Route) -> None:
        response = route.fetch()
        before, start, declared, end, after = re.split(
            r'(id="parameters">)(.*?)(</script>)', response.text(), flags=re.DOTALL
        )
        parameters = json.loads(declared)
        parameters["rank"]["anyOf"][0]["enum"] = names
        text = "".join((before, start, json.dumps(parameters), end, after))
        route.fulfill(response=response, body=text)

    return answer


def test_one_way_to_order_leaves_nothing_to_choose(
    open_page: Callable[..., Desk], live_server: LiveServer
) -> None:
    desk = open_page(routes={f"{live_server.url}/": with_orders("plain")})
    assert desk.page.locator("#filters label select").count() == 0


def test_a_declared_parameter_with_a_label_gets_a_control(
    open_page: Callable[..., Desk], live_server: LiveServer
) -> None:
    home, orders = f"{live_server.url}/", with_orders("plain", "other")
    desk = open_page(routes={home: orders, f"{home}?*": orders})
    desk.drawn_results()
    expect(desk.page).to_have_url(re.compile("/#d="))
    desk.button("Filters").click()
    order = desk.page.get_by_label("Order")
    assert order.locator("option").all_text_contents() == ["Automatic", "By score alone", "other"]
    with desk.answered():
        order.select_option("By score alone")
    assert fields(desk)["rank"] == "plain"
    expect(desk.page).to_have_url(re.compile(r"\?rank=plain#d="))
    with desk.answered():
        desk.page.reload()
    assert fields(desk)["rank"] == "plain"
    desk.page.locator("#filter").click()
    with desk.answered():
        desk.button("Reset").click()
    assert "rank" not in fields(desk)


def test_more_like_this_and_the_way_back(desk: Desk) -> None:
    found = desk.drawn_results()
    expect(desk.page).to_have_url(re.compile("#d="))
    with desk.answered():
        desk.page.locator(".tile").nth(2).click()
        desk.button("More like this").click()
    sent = fields(desk)
    assert re.fullmatch("[0-9a-f]{16}", sent["like"])
    assert (sent["sketch_weight"], sent["like_weight"]) == ("1", "1")
    assert desk.ink() > 0, "what was drawn still counts"
    expect(desk.page).to_have_url(re.compile(r"\?like=[0-9a-f]{16}#d="))
    with desk.answered():
        desk.page.go_back()
    expect(desk.page).to_have_url(re.compile(r"/#d="))
    assert "like" not in fields(desk)
    assert desk.results() == found


def test_the_way_back_from_the_first_search_leads_to_the_photos(desk: Desk) -> None:
    home = desk.page.url
    entries = desk.page.evaluate("history.length")
    desk.drawn_results()
    expect(desk.page).to_have_url(re.compile("#d="))
    with desk.answered():
        desk.page.locator("#text").fill("sea")
    expect(desk.page).to_have_url(re.compile("text=sea#d="))
    desk.page.go_back()
    expect(desk.page).to_have_url(home)
    expect(desk.page.locator("#timeline .tile").first).to_be_visible()
    assert desk.ink() == 0
    with desk.answered():
        desk.page.go_forward()
    assert desk.ink() > 0
    expect(desk.page.locator("#text")).to_have_value("sea")
    desk.page.locator("#text").fill("")
    desk.button("Clear").click()
    expect(desk.page).to_have_url(home)
    desk.drawn_results()
    expect(desk.page).to_have_url(re.compile("#d="))
    assert desk.page.evaluate("history.length") == entries + 1, "searches do not pile up"


def test_the_way_back_from_more_like_a_photo_leads_to_the_photos(desk: Desk) -> None:
    entries = desk.page.evaluate("history.length")
    desk.page.locator("#timeline .tile").nth(2).click()
    with desk.answered():
        desk.button("More like this").click()
    expect(desk.page).to_have_url(re.compile("like="))
    assert desk.page.evaluate("history.length") == entries + 1
    desk.page.go_back()
    expect(desk.page.locator("#timeline .tile").first).to_be_visible()


def test_a_link_is_copied_and_opens_the_same_search_elsewhere(open_page: Callable[..., Desk]) -> None:
    first = open_page(routes={SEARCH: judged()}, permissions=["clipboard-read", "clipboard-write"])
    first.drawn_results()
    with first.answered():
        first.page.locator("#text").fill("sea")
    first.button("Filters").click()
    with first.answered():
        first.page.get_by_label("Folder").fill("fish")
    expect(first.page).to_have_url(re.compile("text=sea&folder=fish#d="))
    first.button("Copy link").click()
    expect(first.page.locator("#share")).to_have_text("Copied")
    address = first.page.evaluate("navigator.clipboard.readText()")
    assert address == first.page.url
    second = open_page(address=address, viewport={"width": 700, "height": 900}, routes={SEARCH: judged()})
    expect(second.page.locator("#found[data-state=current]")).to_have_count(1)
    assert second.last_drawing().tobytes() == first.last_drawing().tobytes()
    assert paths(second) == paths(first)
    assert scores(second) == scores(first)
    assert fields(second) == fields(first)


@pytest.mark.parametrize(
    "broken",
    [
        "#d=!!!!",
        "#d=AQ",
        "#d=AQcAAA",
        "#d=AQcAf39_f39_",
        "?text=&like=&after=x",
        "?rank=magic&text_weight=9",
        "#x",
    ],
)
def test_a_broken_address_opens_a_page_that_works(
    open_page: Callable[..., Desk], live_server: LiveServer, broken: str
) -> None:
    desk = open_page(address=f"{live_server.url}/{broken}")
    desk.drawn_results()


def test_strokes_survive_the_address_within_a_unit(module_page: Desk) -> None:
    square = [(x, y) for x, y in [(100, 100), (400, 100), (400, 400), (100, 400)]]
    dense = [
        {"x": a[0] + (b[0] - a[0]) * t / 50, "y": a[1] + (b[1] - a[1]) * t / 50, "pressure": 1}
        for a, b in itertools.pairwise(square)
        for t in range(50)
    ]
    pressed = [{"x": 10 + i * 4, "y": 300 + (i % 9), "pressure": 0.5 + i / 100} for i in range(60)]
    dot = [{"x": 511, "y": 0, "pressure": 1}]
    strokes: list[dict[str, Any]] = [
        {"width": 7, "points": dense},
        {"width": 13, "points": pressed},
        {"width": 40, "points": dot, "erase": True},
    ]
    results = module_page.page.evaluate(ROUND_TRIP, strokes)
    for stroke, (text, back, shown, again) in zip(strokes, results, strict=True):
        assert re.fullmatch(r"[\w-]+", text)
        assert (back["width"], back.get("erase")) == (stroke["width"], stroke.get("erase"))
        assert again == text
        for point in stroke["points"]:
            near = min(shown, key=lambda it: (it["x"] - point["x"]) ** 2 + (it["y"] - point["y"]) ** 2)
            assert (near["x"] - point["x"]) ** 2 + (near["y"] - point["y"]) ** 2 < 2.2**2
            assert abs(near["pressure"] - point["pressure"]) < 0.2
    assert len(results[0][0]) < 40, "a square is four corners"


def test_further_photos_come_when_one_scrolls_and_nothing_moves(desk: Desk) -> None:
    """A gallery of 30 in pages of 40 has no second page, so the server is made to give smaller ones."""
    desk.page.route(SEARCH, lambda route: route.fallback(url=route.request.url.replace("k=40", "k=12")))
    desk.page.evaluate("() => 0")
    first = desk.drawn_results()
    assert len(first) == 12
    appended = desk.page.evaluate(
        """async () => { const { Results } = await import("/web/photos/results.js");
            const list = document.createElement("ul"); list.className = "results"; document.body.append(list);
            const photo = (n) => ({ id: `${n}`, path: `${n}.jpg`, score: 0.5, width: 300, height: 200,
                thumbnail_url: "web/favicon.svg", duplicates: [] });
            const results = new Results(list, () => {});
            results.show(Array.from({ length: 40 }, (_, n) => photo(n)));
            const top = () => [...list.children].slice(0, 30).map((it) => it.getBoundingClientRect().top).join();
            const before = top();
            results.append(Array.from({ length: 25 }, (_, n) => photo(n + 35)));
            return [list.children.length, before === top()]; }"""
    )
    assert appended == [60, True]
