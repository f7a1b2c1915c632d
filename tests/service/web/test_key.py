"""The page of a service that asks for a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.asgi import keys
from tests.kit.service.desk import Desk, expect
from tests.kit.service.servers import LiveServer, listening

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_the_key_is_asked_for_once_and_opens_searches_and_pictures(
    browser: Browser, live_server: LiveServer
) -> None:
    key, entry = keys.make(admin=False)
    with listening(live_server.gallery, api_keys=entry) as url:
        desk = Desk(browser.new_context().new_page())
        page = desk.page
        page.goto(url)
        expect(page.locator("#examples button")).to_have_count(8)
        desk.draw((0.2, 0.3), (0.8, 0.3), (0.8, 0.7))
        for answer in ("wrong", key):
            expect(page.locator("#key")).to_be_visible()
            page.locator("#key-input").fill(answer)
            page.locator("#key-input").press("Enter")
        expect(page.locator("li.loaded").first).to_be_visible()
        expect(page.locator("#key")).not_to_be_visible()
        page.context.clear_cookies()  # as after a restart of the service
        desk.drawn_results()
        expect(page.locator("#key")).not_to_be_visible()
        cookie = next(one for one in page.context.cookies() if one["name"] == keys.COOKIE)
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert not [told for told in desk.problems if "401" not in told]
        page.context.close()
