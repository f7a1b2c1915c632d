"""A library whose server has not answered yet: a service starts with it, and takes up the library when it can."""

from typing import Any, NoReturn

from indexer.empty import EmptyLibrary
from indexer.errors import StoreUnavailable


class AwayLibrary(EmptyLibrary):
    """All lookups raise StoreUnavailable."""

    def __init__(self, model: str, fingerprint: str, dimension: int, error: StoreUnavailable) -> None:
        super().__init__(model, fingerprint, dimension)
        self.error = str(error)

    def _away(self, *_: Any, **__: Any) -> NoReturn:
        raise StoreUnavailable(self.error)

    nearest = hits = count = photo = vector = vectors = parts = _away
    duplicates = timeline = listing = facets = _away
