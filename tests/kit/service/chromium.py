"""Which Chromium the tests start, and how."""

from __future__ import annotations

import shutil

# Without a window of its own, which nobody sees, the first takes half the processor's time of the others.
NAMES = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome")
QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-sync", *QUIET]


def chromium() -> str | None:
    """Where it is; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)
