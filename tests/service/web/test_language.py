"""The page's languages: every dictionary is whole, and visitors see theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.asgi.openapi import search_parameters
from service.asgi.page import WEB, languages

if TYPE_CHECKING:
    from tests.kit.service.desk import Desk

SAID = re.compile(r"""\b(?:t|said)\(\s*"((?:[^"\\]|\\.)*)\"""")
NOUN = re.compile(r"""\["({n} [^"]*)", "({n} [^"]*)"\]""")
NAME = re.compile(r'\bname: "([A-Z][^"]*)"')
PLACE = re.compile(r"{\w+}")
DICTIONARIES = sorted((WEB / "languages").glob("*.json"))
# Names, and signs that are the same in every language.
SAME = {"sketchseek", "?"}


class Texts(HTMLParser):
    """Collects what people read or hear of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.found |= {
            value for name, value in attrs if name in {"aria-label", "title", "placeholder"} and value
        }

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if re.search("[A-Za-z]", text) and self._inside not in {"script", "style", "title"}:
            self.found.add(text)


def texts() -> set[str]:
    html = Texts()
    html.feed((WEB / "index.html").read_text("utf-8"))
    return html.found | set(of_modules()) | set(of_parameters())


def of_modules() -> Iterator[str]:
    for module in WEB.rglob("*.js"):
        source = module.read_text("utf-8")
        yield from (json.loads(f'"{text}"') for text in SAID.findall(source))
        yield from (many for _, many in NOUN.findall(source))
        if module.name.endswith("examples.js"):
            yield from NAME.findall(source)


def of_parameters() -> Iterator[str]:
    for rules in search_parameters().values():
        declared = {**rules.get("anyOf", [{}])[0], **rules}
        if label := declared.get("x-label"):
            yield from (label, declared["description"], *declared.get("x-labels", {}).values())


@pytest.mark.parametrize("path", DICTIONARIES, ids=lambda path: path.stem)
def test_dictionaries_know_every_text_of_the_page_and_no_other(path: Path) -> None:
    known = json.loads(path.read_text("utf-8"))
    needed = texts() - SAME
    assert sorted(needed - set(known)) == []
    assert sorted(set(known) - needed - {""}) == []


@pytest.mark.parametrize("path", DICTIONARIES, ids=lambda path: path.stem)
def test_translations_keep_the_placeholders(path: Path) -> None:
    for english, translated in json.loads(path.read_text("utf-8")).items():
        forms = translated.values() if isinstance(translated, dict) else [translated]
        for form in forms:
            assert form.strip(), english
            assert set(PLACE.findall(form)) == set(PLACE.findall(english)), english


def test_the_page_names_its_languages() -> None:
    assert {"de": "Deutsch", "es": "Español", "zh": "中文"}.items() <= languages().items()


@pytest.mark.browser
@pytest.mark.parametrize("tag", ["de-AT", "es", "zh-CN"])
def test_visitors_see_their_language(open_page: Callable[..., Desk], tag: str) -> None:
    desk = open_page(locale=tag)
    known: dict[str, Any] = json.loads((WEB / "languages" / f"{tag[:2]}.json").read_text("utf-8"))
    assert desk.page.locator("html").get_attribute("lang") == tag[:2]
    assert desk.page.locator("#undo").get_attribute("aria-label") == known["Undo"]
    assert desk.page.get_by_text(known["Draw here"]).is_visible()


@pytest.mark.browser
def test_others_see_english(open_page: Callable[..., Desk]) -> None:
    desk = open_page(locale="fi-FI")
    assert desk.page.locator("html").get_attribute("lang") == "en"
    assert desk.page.get_by_text("Draw here").is_visible()
