"""What the command does about signals. It ends by Ctrl-C or SIGTERM with one line and status 130 or 143, never with a
trace; `sketchseek serve` remembers SIGHUP.

Mostly it ends at once: whatever is half done is done again, as after a kill. A job that has something to finish lets
the first signal be an exception for as long as it is at work (`raising`); a second signal does not wait. This module
is the first thing that runs, so it imports next to nothing.
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


class _State:
    """Changed by single assignments alone: a signal may come between any two lines."""

    make: Callable[[int], BaseException] | None = None
    heard: int | None = None
    said = False
    begun = False
    reload = False


def begin() -> None:
    """From here to the end of the process."""
    if _State.begun:
        return
    _State.begun = True
    before = sys.unraisablehook

    def unraisable(lost: Any) -> None:
        """An exception in a place that throws them away, such as a finalizer, still ends the process."""
        if _State.heard is not None and isinstance(lost.exc_value, KeyboardInterrupt):
            end(_State.heard)
        before(lost)

    for number in SIGNALS:
        signal.signal(number, _hear)
    sys.unraisablehook = unraisable


def leave() -> None:
    """For a command that answers signals itself."""
    if _State.begun:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def raising(make: Callable[[int], BaseException]) -> Iterator[None]:
    """In here the first signal raises what `make` makes of its number."""
    _State.make = make
    try:
        yield
    finally:
        _State.make = None


def heard() -> int | None:
    """The signal that came, also where its exception got lost; None where none did."""
    return _State.heard


def say(line: str = STOPPED) -> None:
    """Once, and past all buffers, which a signal may have come in the midst of."""
    if not _State.said:
        _State.said = True
        try:
            os.write(2, f"{line}\n".encode())
        except OSError:
            return  # nobody reads it any more


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
    """For `serve`, before its libraries and its model load: whoever publishes an index may send SIGHUP just then."""
    signal.signal(signal.SIGHUP, _remember)
    # The libraries that load meanwhile shall not have their reading interrupted.
    signal.siginterrupt(signal.SIGHUP, False)


def reload_wanted() -> bool:
    """Whether SIGHUP came since the last time that somebody asked."""
    wanted, _State.reload = _State.reload, False
    return wanted


def _remember(_: int, __: FrameType | None) -> None:
    _State.reload = True
