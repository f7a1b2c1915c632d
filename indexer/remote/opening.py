"""What a generation on a server says of itself, and how it is opened: after a look at all that is quick to check.

A table that is written whole never changes, and neither does its sealed manifest. A live one has a text that says what
it is now.
"""

from indexer.conditions import EVERYTHING
from indexer.errors import BrokenGeneration, StoreUnavailable, WrongModel
from indexer.remote.browsing import Texts
from indexer.remote.database import MANIFEST, Database
from indexer.remote.library import RemoteLibrary
from indexer.remote.manifest import Description, RemoteFacts, measured, parsed


class Opening:
    """The generations of one library, by name; `named` is the option that names it on the command line."""

    def __init__(self, database: Database, address: str, named: str) -> None:
        self._database, self._address, self._named = database, address, named
        # Which generations are live, as far as that is known.
        self._live: dict[str, bool] = {}

    def where(self, name: str) -> str:
        return f"{self._address} generation {name}"

    def glance(self, name: str) -> str | None:
        """What a live generation says of itself now; None of any other, which does not change."""
        if name not in self._live:
            self.sealed(name)
        return self._database.read_text(name, MANIFEST) if self._live.get(name) else None

    def checked(self, name: str, fingerprint: str | None, *, strong: bool = False) -> RemoteLibrary:
        """The library of a generation, after a look at everything that is quick to check."""
        where, database = self.where(name), self._database
        first = self.sealed(name)
        if fingerprint is not None and first.fingerprint != fingerprint:
            raise WrongModel.of(where, first.model, first.fingerprint, fingerprint, self._named)
        facts, texts = self.read(name)
        described = facts.described
        table = database.table(name, described.layout, facts.measured.built)
        if (loading := table.ready()) is not None:
            raise StoreUnavailable(loading)
        # A live table is opened while it changes, too.
        if strong or not described.live:
            _refuse_count(table.count(EVERYTHING, strong=strong), described, where)
        library = RemoteLibrary(table, facts, texts)
        library.prove(where)
        return library

    def sealed(self, name: str) -> Description:
        """What a table said of itself when it was made."""
        found = parsed(self._database.manifest(name) or "", self.where(name))
        self._live[name] = found.live
        return found

    def described(self, name: str) -> Description:
        """What a generation is now."""
        first = self.sealed(name)
        if not first.live or (text := self._database.read_text(name, MANIFEST)) is None:
            return first
        return parsed(text, self.where(name))

    def read(self, name: str) -> tuple[RemoteFacts, Texts]:
        """What a generation is now, and its other texts; raises BrokenGeneration if it is unfinished."""
        where = self.where(name)
        described, texts = self.sealed(name), self._database.read_texts(name)
        found = measured(texts, where)
        if described.live:
            described = parsed(texts.get(MANIFEST, ""), where)
        return RemoteFacts(described, found, self._database.kind), Texts.read(texts, described.photos)


def _refuse_count(count: int, described: Description, where: str) -> None:
    if count == described.photos:
        return
    if described.live:
        raise BrokenGeneration(
            f"{where}: has {count} rows where {described.photos} are published: a change was interrupted; run "
            "sketchseek index again"
        )
    raise BrokenGeneration(f"{where}: has {count} of {described.photos} photos; run sketchseek index again")
