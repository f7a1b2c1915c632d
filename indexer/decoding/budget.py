"""A budget shared by threads: a request beyond what is left waits, and one beyond the whole budget runs alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """A limit on pixels, bytes, or anything else in use at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._freed = threading.Condition()

    @contextmanager
    def share(self, wanted: int) -> Iterator[None]:
        with self._freed:
            self._freed.wait_for(lambda: not self._taken or self._taken + wanted <= self._most)
            self._taken += wanted
        try:
            yield
        finally:
            with self._freed:
                self._taken -= wanted
                self._freed.notify_all()
