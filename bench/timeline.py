"""The start page with 100,000 photos in a real browser: frames a second while it scrolls, and the memory of its tab.

The photos exist only in the answers that the browser gets. Without a GPU, Chromium paints on the CPU: the figures are
those of the machine, not of a desktop. About a minute; needs Chromium on the PATH and playwright.
"""

import statistics
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page

from bench.browser import opened
from tests.kit.service.library import FakeLibrary, months

PHOTOS = 100_000
SCREENS = 40
LIMIT_FRAMES, LIMIT_MB = 60, 150
# Scrolls by so many pixels in each frame, and keeps how long each frame took.
SCROLL = """([pixels, frames]) => new Promise((done) => {
    const taken = [];
    let last = performance.now();
    requestAnimationFrame(function next(now) {
        taken.push(now - last);
        last = now;
        scrollBy({ top: pixels, behavior: "instant" });
        taken.length < frames ? requestAnimationFrame(next) : done(taken.slice(1));
    });
})"""


def main() -> None:
    # The photos of the timeline come from FakeLibrary; the service needs some to show one at all.
    with opened(1000, "--enable-precise-memory-info") as (browser, server):
        print(f"Chromium {browser.version}, 1280 x 800, {PHOTOS} photos")
        _scroll(browser, f"http://127.0.0.1:{server.port}/")


def _scroll(browser: Browser, url: str) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    for address, handler in FakeLibrary(months(PHOTOS)).routes().items():
        page.route(address, handler)
    page.goto(url)
    page.wait_for_selector("#timeline li")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    for name, pixels, frames in (("reading", 12, 300), ("leafing", 60, 300), ("flying", 1600, 200)):
        taken = sorted(page.evaluate(SCROLL, [pixels, frames]))
        late = sum(one > 1500 / LIMIT_FRAMES for one in taken) / len(taken)
        rate = 1000 / statistics.mean(taken)
        print(
            f"{name}, {pixels} px a frame: {rate:.0f} frames/s, p95 {taken[int(0.95 * len(taken))]:.1f} ms, "
            f"{late:.1%} late   limit: {LIMIT_FRAMES} frames/s"
        )
    for screen in range(SCREENS):
        page.evaluate(f"scrollTo(0, {screen / SCREENS} * document.documentElement.scrollHeight)")
        page.wait_for_timeout(250)
    elements = page.evaluate("document.querySelectorAll('*').length")
    print(f"after {SCREENS} stops from end to end: {elements} elements, {_memory(page, devtools)}")
    page.context.close()


def _memory(page: Page, devtools: CDPSession) -> str:
    devtools.send("HeapProfiler.collectGarbage")
    heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
    processes = page.context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")[
        "processInfo"
    ]  # type: ignore[union-attr]
    tabs = [_resident(int(one["id"])) for one in processes if one["type"] == "renderer"]
    return f"{max(tabs):.0f} MB in the tab's process ({heap:.0f} MB of it script)   limit: {LIMIT_MB} MB"


def _resident(process: int) -> float:
    """Private memory in MB: what the process alone holds."""
    rows = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_")) / 1024


if __name__ == "__main__":
    main()
