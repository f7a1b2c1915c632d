"""How sure the page is of the photos it shows, and what it says when nothing is close."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.kit.service.desk import SEARCH, Desk, expect, forgive_failed_requests, judged, problem

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser

FIRST_PHOTO = ".tile img >> nth=0"
SAID = """() => { window.said = [];
    new MutationObserver(() => said.push(announcer.textContent)).observe(announcer, { childList: true }); }"""


def judge(desk: Desk, *relevances: float | None, nothing_close: bool = False) -> None:
    desk.page.unroute(SEARCH)
    desk.page.route(SEARCH, judged(*relevances, nothing_close=nothing_close))


def write(desk: Desk, words: str) -> None:
    with desk.answered():
        desk.page.locator("#text").fill(words)


def tops(desk: Desk) -> dict[int, float]:
    """Where the photos begin, in windows of several widths."""
    found: dict[int, float] = {}
    for width in (360, 1280, 2560):
        desk.page.set_viewport_size({"width": width, "height": 800})
        desk.still()
        found[width] = desk.page.evaluate("() => results.getBoundingClientRect().top")
    return found


def test_nothing_close_is_said_once_and_moves_nothing(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={SEARCH: judged()})
    desk.page.evaluate(SAID)
    write(desk, "house")
    expect(desk.page.locator("#heading")).to_have_text("Best matches")
    shown, before = len(desk.results()), tops(desk)
    judge(desk, nothing_close=True)
    for words in ("hou", "asdf", "asdfqwer"):
        write(desk, words)
        expect(desk.page.locator("#heading")).to_have_text("Nothing close to this")
        expect(desk.page.locator("#figures")).to_have_text("The nearest of 30 photos")
        assert (len(desk.results()), tops(desk)) == (shown, before)
    judge(desk)
    write(desk, "house")
    expect(desk.page.locator("#heading")).to_have_text("Best matches")
    found, none = f"{shown} photos found", f"Nothing close to this. {shown} photos shown"
    assert desk.page.evaluate("said") == [found, none, found]


def test_it_appears_and_goes_with_an_answer_never_while_one_is_awaited(desk: Desk) -> None:
    judge(desk, nothing_close=True)
    desk.drawn_results()
    held: list[Route] = []
    desk.page.route(SEARCH, lambda route: held.append(route))
    with desk.page.expect_request(SEARCH):
        desk.page.locator("#text").fill("house")
    expect(desk.page.locator("#found[data-state=asking].far")).to_have_count(1)
    expect(desk.page.locator("#heading")).to_have_text("Nothing close to this")
    problem(422, "no")(held[0])
    expect(desk.page.locator("#found[data-state=failed].far")).to_have_count(1)
    desk.page.locator("#text").fill("")
    desk.button("Clear").click()
    expect(desk.page.locator("#welcome")).to_be_visible()
    expect(desk.page.locator("#found.far")).to_have_count(0)
    forgive_failed_requests(desk)


def test_photos_step_back_until_one_is_looked_at(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={SEARCH: judged(0.1, nothing_close=True)}, reduced_motion="reduce")
    desk.drawn_results()
    photo = desk.page.locator(FIRST_PHOTO)
    expect(photo).to_have_css("opacity", "0.5")
    expect(desk.page.locator(".meter").first).to_have_css("opacity", "0")
    desk.page.locator(".tile").first.hover()
    expect(photo).to_have_css("opacity", "1")
    desk.page.mouse.move(1, 1)
    expect(photo).to_have_css("opacity", "0.5")
    desk.page.locator(".tile").first.focus()
    desk.page.keyboard.press("ArrowRight")
    desk.page.keyboard.press("ArrowLeft")
    expect(photo).to_have_css("opacity", "1")


def test_each_photo_says_in_a_word_how_likely_it_is_and_takes_a_new_likelihood(desk: Desk) -> None:
    judge(desk, 1, 0.67, 0.66, 0.34, 0.33, 0, None)
    labels = desk.drawn_results()
    words = ["likely", "likely", "maybe", "maybe", "unlikely", "unlikely"]
    assert [re.split(", ", label)[1] for label in labels[:6]] == words
    assert not any("score" in label for label in labels)
    assert not any("likely" in label for label in labels[6:])
    captions = desk.page.locator("#results .caption").all_text_contents()
    assert captions
    assert not [text for text in captions if re.search(r"score|0\.\d\d", text)]
    meters = desk.page.locator(".meter")
    assert [meters.nth(n).is_visible() for n in range(8)] == [True] * 6 + [False] * 2
    assert desk.page.locator(".caption .fact").nth(2).text_content() == "maybe"
    desk.page.locator(".tile").nth(1).click()
    expect(desk.page.locator("#viewer .facts")).to_have_text("likely")
    desk.page.keyboard.press("Escape")
    judge(desk)
    write(desk, "house")
    expect(desk.page.locator(".meter:visible")).to_have_count(0)
    assert not any("likely" in label for label in desk.results())
