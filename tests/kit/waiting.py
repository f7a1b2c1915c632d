"""Waiting for what comes about, whenever a busy machine gets there."""

import time
from collections.abc import Callable


def until(check: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
