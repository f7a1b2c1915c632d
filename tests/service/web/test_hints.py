"""Words in other languages than English get an honest hint instead of arbitrary photos without a word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.service.desk import SEARCH, Desk, expect, judged

pytestmark = pytest.mark.browser

CASES = [
    ("red car", False, "en", False),
    ("red car", True, "en", False),
    ("\u72ac", False, "en", True),
    ("\u0441\u043e\u0431\u0430\u043a\u0430 dog", False, "en", True),
    ("caf\u00e9", False, "en", False),
    ("b\u00fccher", True, "en", True),
    ("a \u201cred\u201d car \u2014 1 \u20ac", True, "en", False),
    ("Hubschrauber", True, "de", True),
    ("Hubschrauber", False, "de", False),
    ("", True, "de", False),
]


def test_which_words_get_one(module_page: Desk) -> None:
    told = module_page.page.evaluate(
        """async (cases) => { const { wordHint } = await import("/web/search/hints.js");
            return cases.map(([text, nothing, page]) => wordHint(text, nothing, page) !== ""); }""",
        [list(case[:3]) for case in CASES],
    )
    assert told == [case[3] for case in CASES]


def test_it_stands_with_the_heading_until_the_words_change(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={SEARCH: judged()})
    hint = desk.page.locator("#word-hint")
    with desk.answered():
        desk.page.locator("#text").fill("\u72ac")
    expect(hint).to_contain_text("This model reads English words only. Try:")
    with desk.answered():
        desk.page.locator("#text").fill("dog")
    expect(hint).to_be_hidden()
    with desk.answered():
        desk.page.locator("#text").fill("\u732b")
    expect(hint).to_be_visible()
    desk.page.locator("#text").fill("")
    expect(hint).to_be_hidden()
