"""Where a run's seconds went, by name."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class Times(dict[str, float]):
    """Seconds of each part of some work: `with times.on("scan"): ...`."""

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self[part] = self.get(part, 0.0) + time.monotonic() - start


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
