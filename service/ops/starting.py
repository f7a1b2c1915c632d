"""SIGHUP from the first moment of `sketchseek serve` on, while libraries and the model are still being loaded.

It is remembered: whoever publishes an index may well send it just then.
"""

import signal
from types import FrameType

_heard: list[int] = []


def listen() -> None:
    """For the main thread, before anything slow."""
    signal.signal(signal.SIGHUP, _remember)
    # The libraries that load meanwhile shall not have their reading interrupted.
    signal.siginterrupt(signal.SIGHUP, False)


def reload_wanted() -> bool:
    """Whether SIGHUP came since the last time that somebody asked."""
    wanted = bool(_heard)
    _heard.clear()
    return wanted


def _remember(number: int, _: FrameType | None) -> None:
    _heard[:] = [number]
