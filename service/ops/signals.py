"""Signal handling. Ctrl-C and SIGTERM end a command with one line and status 130 or 143, never with a traceback;
`sketchseek serve` remembers SIGHUP.

Usually the command exits immediately: unfinished work is redone, as after a kill. A job that has something to finish
turns the first signal into an exception while it works (`raising`); a second signal exits immediately. This module
runs first, so it imports next to nothing.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPED = "Stopped."
KEPT = "Stopped. Finished work is kept; run the same command again to continue."


class _State:
    """Changed by single assignments only: a signal may arrive between any two lines."""

    make: Callable[[int], BaseException] | None = None
    line = STOPPED
    heard: int | None = None
    said = False
    begun = False
    reload = False


def begin() -> None:
    """Install the handlers for the rest of the process."""
    if _State.begun:
        return
    _State.begun = True
    before = sys.unraisablehook

    def unraisable(lost: Any) -> None:
        """End the process even if the exception was raised where it gets lost, such as in a finalizer."""
        if _State.heard is not None and isinstance(lost.exc_value, KeyboardInterrupt):
            end(_State.heard)
        before(lost)

    for number in SIGNALS:
        signal.signal(number, _hear)
    sys.unraisablehook = unraisable


def leave() -> None:
    """Restore the defaults, for a command that handles signals itself."""
    if _State.begun:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def raising(make: Callable[[int], BaseException]) -> Iterator[None]:
    """Inside this context, the first signal raises `make(number)`."""
    _State.make = make
    try:
        yield
    finally:
        _State.make = None


def keep_work() -> None:
    """For a command that the same command continues, wherever it was stopped: say so."""
    _State.line = KEPT


def heard() -> int | None:
    """The signal received, even if its exception got lost; None if there was none."""
    return _State.heard


def say() -> None:
    """Print one line, once, bypassing all buffers: the signal may have interrupted a write to them."""
    if not _State.said:
        _State.said = True
        try:
            os.write(2, f"{_State.line}\n".encode())
        except OSError:
            return  # stderr is closed


def end(number: int) -> NoReturn:
    say()
    os._exit(128 + number)


def _hear(number: int, _: FrameType | None) -> None:
    make, _State.make = _State.make, None
    _State.heard = number
    if make is None:
        end(number)
    raise make(number)


def listen_for_reload() -> None:
    """Remember SIGHUP while `serve` loads its libraries and its model: an indexer may send one at any time."""
    signal.signal(signal.SIGHUP, _remember)
    # Do not interrupt the reads of libraries that load meanwhile.
    signal.siginterrupt(signal.SIGHUP, False)


def reload_wanted() -> bool:
    """Whether SIGHUP arrived since the last call."""
    wanted, _State.reload = _State.reload, False
    return wanted


def _remember(_: int, __: FrameType | None) -> None:
    _State.reload = True
