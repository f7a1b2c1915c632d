"""The whole way of somebody who has just installed it: the command, the page, their photos, and a drawing of one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.service.commands import Serving
from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.shapes import THINGS, picture, write_library

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with photos in ~/Pictures, and one more in a folder beside."""
    write_library(tmp_path / "Pictures", each=4)
    (tmp_path / "More").mkdir()
    picture("star", 99).save(tmp_path / "More" / "late.png")
    return tmp_path


@pytest.fixture
def service(home: Path) -> Iterator[Serving]:
    environment = {"HOME": str(home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "SKETCHSEEK_WATCH": "0"}
    running = Serving("--no-browser", **environment)
    yield running
    running.stop(signal.SIGTERM)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    yield opened
    opened.context.close()


def test_from_no_index_to_a_photo_found_by_a_drawing(service: Serving, home: Path, page: Page) -> None:
    clicks: list[str] = []
    page.expose_function("clicked", lambda text: clicks.append(text))
    page.add_init_script("addEventListener('click', (event) => clicked(event.target.textContent), true)")
    desk = Desk(page)
    page.goto(service.url)
    expect(page.locator("#setup-title")).to_have_text("Where are your photos?")
    expect(page.locator(".sum")).to_have_text("20 photos in 1 folder")
    desk.button("Start").click()
    region = page.get_by_role("region", name="Indexing")
    expect(region).to_contain_text("Ready: 20 photos", timeout=120_000)
    expect(page.locator("#index-open")).to_have_text("20 photos")
    outline = THINGS["star"][0]()
    with desk.answered():
        desk.draw(*outline, outline[0])
    assert "star" in desk.results()[0], "the drawing finds what it shows"
    assert [text for text in clicks if text] == ["Start"], "and the drawing itself"
    add_and_remove(page, desk, home)
    forgive_failed_requests(desk)
    assert desk.problems == []


def add_and_remove(page: Page, desk: Desk, home: Path) -> None:
    page.locator("#index-open").click()
    panel: Any = page.get_by_role("dialog", name="Your photos")
    panel.get_by_role("button", name="Add a folder").click()
    picker = page.get_by_role("dialog", name="Choose a folder")
    picker.get_by_role("button", name="Home folder").click()
    picker.get_by_role("button", name="More", exact=True).click()
    expect(picker.locator("#picker-says")).to_have_text("1 photo in this folder")
    picker.get_by_role("button", name="Use this folder").click()
    expect(panel.locator(".state")).to_contain_text("21 photos", timeout=120_000)
    expect(panel.locator(".shelf .line")).to_have_count(2)
    panel.get_by_role("button", name="Remove Pictures").click()
    panel.get_by_role("button", name="Yes, remove Pictures").click()
    expect(panel.locator(".state")).to_contain_text("1 photo,", timeout=120_000)
    expect(panel.locator(".shelf .line")).to_have_count(1)
    assert len(list((home / "Pictures").rglob("*.jpg"))) == 20
    desk.page.keyboard.press("Escape")
