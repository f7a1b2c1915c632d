"""Waiting for what comes about, whenever a busy machine gets there."""

import time
from collections.abc import Callable


def until(check: Callable[[], bool], seconds: float = 60, told: object = None) -> None:
    """Polls, and gives up far later than any machine needs: the limit ends a test that hangs, and decides nothing.

    `told` stands in the error: what the check has seen.
    """
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {check if told is None else told}")
        time.sleep(0.02)
