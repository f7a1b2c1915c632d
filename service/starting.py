"""Signals from the first moment of `sketchseek serve` on, while libraries and the model are still being loaded.

SIGHUP is remembered: whoever publishes an index may well send it just then. SIGTERM ends the process at once.
"""

import os
import signal
from types import FrameType

_heard: list[int] = []


def listen() -> None:
    """For the main thread, before anything slow."""
    signal.signal(signal.SIGHUP, _remember)
    # The libraries that load meanwhile shall not have their reading interrupted.
    signal.siginterrupt(signal.SIGHUP, False)
    signal.signal(signal.SIGTERM, _end)


def reload_wanted() -> bool:
    """Whether SIGHUP came since the last time that somebody asked."""
    wanted = bool(_heard)
    _heard.clear()
    return wanted


def _remember(number: int, _: FrameType | None) -> None:
    _heard[:] = [number]


def _end(number: int, _: FrameType | None) -> None:
    """As if nobody listened, but that the first process of a container, which the system spares that, ends as well."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)
