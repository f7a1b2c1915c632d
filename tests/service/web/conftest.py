"""One Chromium for the page's tests, and a clean page in it for each of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.service.chromium import CHROMIUM_ARGS, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

    from tests.kit.service.desk import Desk
    from tests.kit.service.servers import LiveServer

# Of a visit earlier today, so that the page learns nothing while a test draws.
EXAMPLES = ["Strawberry", "Fish", "Car", "Butterfly", "Mug", "Palm tree", "Aeroplane", "Flower"]
LEARNED = """(names) => location.protocol !== "about:" && localStorage.setItem("sketchseek-examples", JSON.stringify(
    { at: Date.now(), known: Object.fromEntries(names.map((name) => [name, 0.9])) }))"""

RUNS = re.compile(r'<script type="module".*?</script>|<link rel="modulepreload".*?>', re.DOTALL)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # It does not outlive this package: playwright keeps an event loop running in the thread that started it.
    from playwright.sync_api import sync_playwright

    found = chromium()
    if found is None:
        pytest.skip("the page's tests need Chromium on the PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Desk]]:
    """Opens the page in a context of its own; at the end the console must have stayed clean."""
    from tests.kit.service.desk import Desk, expect

    desks = []

    def open_one(
        *,
        address: str | None = None,
        script: str = "",
        routes: dict[str, Callable[[Route], None]] | None = None,
        **options: Any,
    ) -> Desk:
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}).new_page()
        page.add_init_script(f"({LEARNED})({EXAMPLES});{script}")
        for pattern, handler in (routes or {}).items():
            page.route(pattern, handler)
        desks.append(Desk(page))
        page.goto(address or live_server.url)
        expect(page.locator("#examples button")).to_have_count(8)
        return desks[-1]

    yield open_one
    problems = [problem for desk in desks for problem in desk.problems]
    for desk in desks:
        if not desk.page.is_closed():
            desk.page.unroute_all(behavior="ignoreErrors")  # a search may be under way
        desk.page.context.close()
    assert problems == []


@pytest.fixture
def desk(open_page: Callable[..., Desk]) -> Desk:
    return open_page()


@pytest.fixture
def phone(open_page: Callable[..., Desk]) -> Desk:
    return open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)


def undressed(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, body=RUNS.sub("", response.text()))


@contextlib.contextmanager
def opened_bare(browser: Browser, live_server: LiveServer) -> Iterator[Desk]:
    from tests.kit.service.desk import Desk

    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    desk = Desk(page)
    page.route(f"{live_server.url}/", undressed, times=1)
    page.goto(live_server.url)
    yield desk
    page.unroute_all(behavior="ignoreErrors")
    page.context.close()


@pytest.fixture
def bare(browser: Browser, live_server: LiveServer) -> Iterator[Desk]:
    """The page without what makes it run: its parts and its style, for a module on its own."""
    with opened_bare(browser, live_server) as desk:
        yield desk
    assert desk.problems == []


@pytest.fixture(scope="package")
def shared_bare(browser: Browser, live_server: LiveServer) -> Iterator[Desk]:
    with opened_bare(browser, live_server) as desk:
        yield desk


@pytest.fixture
def module_page(shared_bare: Desk) -> Iterator[Desk]:
    """As `bare`, but one for all tests: for functions that leave nothing behind in the page."""
    shared_bare.problems.clear()
    yield shared_bare
    assert shared_bare.problems == []
