"""Calls to a server: one retry, a circuit breaker, and what monitoring wants to know of them."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec, TypeVar

from indexer.errors import StoreUnavailable
from indexer.values import Traffic

P = ParamSpec("P")
T = TypeVar("T")
# After so many failures in a row, calls fail at once, so that searches do not queue up behind timeouts.
_PATIENCE = 5
# One call at a time tries again, this often.
_PROBE_SECONDS = 2.0


class Guard:
    """Thread-safe. `explain` says what an error of the server's client means; None if it is one of ours."""

    def __init__(
        self,
        explain: Callable[[Exception], Exception | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._explain, self._clock = explain, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._next_probe = 0.0
        self._traffic = Traffic()
        self._last: StoreUnavailable | None = None

    def __call__(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Call the server for a search or a lookup."""
        self._admit()
        start = self._clock()
        try:
            try:
                found = function(*given, **named)
            except Exception as error:
                # A connection that was closed meanwhile is made anew by a second try; a timeout would only double.
                if not isinstance(again := self._meaning(error), StoreUnavailable) or not again.at_once:
                    raise
                found = function(*given, **named)
        except Exception as error:
            meaning = self._meaning(error)
            self._note(start, meaning if isinstance(meaning, StoreUnavailable) else None)
            if meaning is error:
                raise
            raise meaning from None
        self._note(start, None)
        return found

    @property
    def traffic(self) -> Traffic:
        with self._lock:
            return replace(self._traffic, open=self._in_a_row >= _PATIENCE)

    def _meaning(self, error: Exception) -> Exception:
        return self._explain(error) or error

    def _admit(self) -> None:
        with self._lock:
            if self._in_a_row < _PATIENCE or self._last is None:
                return
            if (now := self._clock()) >= self._next_probe:
                self._next_probe = now + _PROBE_SECONDS
                return
            raise StoreUnavailable(str(self._last))

    def _note(self, start: float, failed: StoreUnavailable | None) -> None:
        with self._lock:
            now, known = self._clock(), self._traffic
            self._traffic = replace(
                known,
                calls=known.calls + 1,
                failures=known.failures + (failed is not None),
                seconds=known.seconds + now - start,
            )
            self._in_a_row = self._in_a_row + 1 if failed else 0
            self._last = failed
            if self._in_a_row == _PATIENCE:
                self._next_probe = now + _PROBE_SECONDS
