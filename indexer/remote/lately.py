"""What was lately asked of a server, by photo: the strokes of a drawing find mostly the same photos."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
Numbers = tuple[int, ...]

_MOST = 8192
# Ids in one question: a filter by ids takes longer the more there are.
_AT_ONCE = 1000


class Lately(Generic[T]):
    """Thread-safe. `ask` answers for some ids; those that do not exist are missing from its answer."""

    def __init__(self, ask: Callable[[Numbers], Mapping[int, T]], most: int = _MOST) -> None:
        self._ask, self._most = ask, most
        self._known: OrderedDict[int, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, ids: Sequence[int]) -> dict[int, T]:
        with self._lock:
            found = {number: self._known[number] for number in ids if number in self._known}
        for some in in_chunks([number for number in ids if number not in found]):
            found |= self._ask(some)
        with self._lock:
            for number, value in found.items():
                self._known[number] = value
                self._known.move_to_end(number)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found


def in_chunks(ids: Sequence[int]) -> Iterator[Numbers]:
    for start in range(0, len(ids), _AT_ONCE):
        yield tuple(ids[start : start + _AT_ONCE])
