"""How long each step of a run took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class Times(dict[str, float]):
    """Seconds per step: `with times.on("scan"): ...`."""

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self[part] = self.get(part, 0.0) + time.monotonic() - start


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
