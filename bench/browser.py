"""The browser of the benchmarks of the page, and a library of photos that do not exist."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench.serving import Server, publish_random, serving
from model import Encoder

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def opened(photos: int, *args: str) -> Iterator[tuple[Browser, Server]]:
    """A browser, and a service with that many photos."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        sys.exit("this benchmark needs Chromium on the PATH")
    with tempfile.TemporaryDirectory() as scratch:
        publish_random(Path(scratch), Encoder.load("lite", engine="openvino"), photos)
        with serving(Path(scratch)) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu", *args]
            )
            yield browser, server
            browser.close()
