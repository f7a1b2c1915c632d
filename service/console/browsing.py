"""Opening the page in a browser, and finding out whether a running service shows it already."""

import json
import os
import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

_PATIENCE = 2.0
_STARTING = 10.0
_LARGEST = 2**20


def show(address: str, *, wait: bool = False) -> None:
    """Open a browser, unless nobody would see it. A process that is about to end must `wait` for it to start."""
    if has_screen(os.environ):
        # Some browsers return only when they are closed.
        opening = threading.Thread(target=webbrowser.open, args=(address,), name="browser", daemon=True)
        opening.start()
        if wait:
            opening.join(_STARTING)


def has_screen(environment: Mapping[str, str], system: str = sys.platform) -> bool:
    """Whether a browser would open where the user sits: not over SSH, nor without a display."""
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return False
    named = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    return bool(named) or system in ("darwin", "win32")


def serves(address: str, index: Path) -> bool:
    """Whether a sketchseek that this user may administer serves this index there."""
    try:
        # Without the proxies of the environment: this asks this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{address}admin/library", timeout=_PATIENCE) as answer:
            found = json.loads(answer.read(_LARGEST))
        return Path(found["index"]) == index.expanduser().resolve()
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return False
