"""The generations of a library on a server: published whole, proven, and switched to at once."""

import logging
import time
import uuid
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.conditions import EVERYTHING
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, StoreUnavailable, WrongModel
from indexer.remote.browsing import Texts
from indexer.remote.database import CURRENT, HELD, Database
from indexer.remote.library import RemoteLibrary
from indexer.remote.manifest import RemoteFacts, measured, parsed
from indexer.stores import OnStep
from indexer.values import Refused, Traffic

if TYPE_CHECKING:
    from indexer.collection import Collection

log = logging.getLogger("sketchseek")
# Services look for a newer generation every few seconds; until then they search the older one.
_GRACE_SECONDS = 10.0


class RemoteShelf:
    """See `indexer.library.Shelf`."""

    def __init__(self, database: Database, address: str, grace: float | None = _GRACE_SECONDS) -> None:
        self.database = database
        self.named = f"--store {address}"
        self.address = address
        self.grace = grace

    def within(self, folder: Path) -> bool:
        return False

    def refuse(self, index_type: str) -> None:
        if index_type not in self.database.index_types:
            known = ", ".join(self.database.index_types)
            raise IndexProblem(
                f"{self.address}: this server has no index type {index_type!r}; known: {known}"
            )

    def is_new(self) -> bool:
        return self.database.pointer(CURRENT) is None

    def traffic(self) -> Traffic:
        return self.database.traffic

    def current(self) -> str:
        name = self.database.pointer(CURRENT)
        if name is None:
            raise NoIndex(
                f"{self.address}: nothing is published there yet; publish with: sketchseek index PHOTOS "
                f"--store {self.address}"
            )
        return name

    def identity(self) -> str:
        name = self.current()
        return parsed(self.database.manifest(name) or "", self._where(name)).publication

    def glance(self) -> Hashable:
        try:
            return self.database.pointer(CURRENT)
        except IndexProblem:
            return None

    def held(self) -> str | None:
        held = self.database.pointer(HELD)
        return None if held is None else f"rolled back from {held}"

    def generations(self) -> list[str]:
        found = self.database.generations()
        return sorted((name for name in found if self.database.read_texts(name)), reverse=True)

    def manifest(self, name: str) -> RemoteFacts:
        described = parsed(self.database.manifest(name) or "", self._where(name))
        found = measured(self.database.read_texts(name), self._where(name))
        return RemoteFacts(described, found, self.database.kind)

    def verify(self, name: str) -> list[str]:
        problem = self._problem_of(name, load=False, strong=True)
        if problem is not None and name != self.database.pointer(CURRENT):
            # Older ones are not in memory; this one is only for as long as it is looked at.
            problem = self._problem_of(name, strong=True)
            with suppress(IndexProblem):
                self.database.unload(name)
        return [] if problem is None else [problem]

    def open(self, fingerprint: str, *, fall_back: bool = True, past_models: bool = False) -> RemoteLibrary:
        first = self.current()
        try:
            return self._checked(first, fingerprint)
        except (BrokenGeneration, WrongModel) as error:
            if not fall_back or (isinstance(error, WrongModel) and not past_models):
                raise
            damaged = error
        refused = [Refused(first, str(damaged))]
        for name in self.generations():
            if name == first:
                continue
            try:
                opened = self._checked(name, fingerprint)
            except (BrokenGeneration, WrongModel) as error:
                refused.append(Refused(name, str(error)))
                continue
            opened.refused = tuple(refused)
            log.warning("serving generation %s instead: %s", name, refused[0].reason)
            return opened
        raise damaged

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self.database.writing(f"publication {uuid.uuid4().hex[:12]}"):
            yield

    def publish(
        self, collection: "Collection", *, index_type: str | None = None, on_step: OnStep | None = None
    ) -> RemoteFacts:
        # Imported late: a service never publishes.
        from indexer.remote import publishing

        tell = on_step or (lambda *_: None)
        serving = self.database.pointer(CURRENT)
        wanted = index_type or self._type_of(serving)
        self.refuse(wanted)
        self._clear_leftovers(serving)
        name = self._next()
        with publishing.prepared(collection, tell) as ready:
            description = publishing.describe(collection, ready, name, wanted)
            try:
                found = publishing.write(self.database, description, ready, self._where(name), tell)
                if self.database.pointer(CURRENT) != serving:
                    raise IndexProblem(f"{self.address}: another indexer published meanwhile; run this again")
            except BaseException:
                # Free the room; if the server is away, the next publication does.
                with suppress(IndexProblem):
                    self.database.drop(name)
                raise
        self.database.point(CURRENT, name)
        self._unload_others(name)
        return RemoteFacts(description, found, self.database.kind)

    def rollback(self) -> tuple[str, str]:
        serving = self.current()
        for name in self.generations():
            if name < serving and not self._problem_of(name):
                # First what keeps others from publishing; a second call goes on from here.
                self.database.point(HELD, serving)
                self.database.point(CURRENT, name)
                return serving, name
        raise NoIndex(f"{self.address}: no intact generation before {serving} to go back to")

    def release(self) -> str:
        name = self.current()
        self.database.point(HELD, None)
        return name

    def prune(self, keep: int = 2) -> list[str]:
        used = {self.current(), self.database.pointer(HELD)}
        others = [name for name in self.generations() if name != self.current()]
        gone = [name for name in others[max(0, keep - 1) :] if name not in used]
        for name in gone:
            self.database.drop(name)
        return gone[::-1]

    def remove(self, name: str) -> None:
        self.database.drop(name)

    def close(self) -> None:
        self.database.close()

    def _checked(self, name: str, fingerprint: str | None, *, strong: bool = False) -> RemoteLibrary:
        """The library of a generation, after a look at everything that is quick to check."""
        where, database = self._where(name), self.database
        described = parsed(database.manifest(name) or "", where)
        if fingerprint is not None and described.fingerprint != fingerprint:
            raise WrongModel(
                f"{where}: made by another model ({described.model}, {described.fingerprint}) than the one loaded "
                f"({fingerprint}); embed the photos again with: sketchseek index {self.named}"
            )
        texts = database.read_texts(name)
        found = measured(texts, where)
        table = database.table(name, described.layout, found.built)
        if (loading := table.ready()) is not None:
            raise StoreUnavailable(loading)
        if (count := table.count(EVERYTHING, strong=strong)) != described.photos:
            raise BrokenGeneration(
                f"{where}: has {count} of {described.photos} photos; run sketchseek index again"
            )
        facts = RemoteFacts(described, found, database.kind)
        library = RemoteLibrary(table, facts, Texts.read(texts))
        library.prove(where)
        return library

    def _problem_of(self, name: str, *, load: bool = True, strong: bool = False) -> str | None:
        """Why a generation cannot be served."""
        try:
            if load:
                self.database.load(name)
            self._checked(name, None, strong=strong)
        except (BrokenGeneration, StoreUnavailable) as error:
            return str(error)
        return None

    def _type_of(self, serving: str | None) -> str:
        """The index type requested when the current generation was published."""
        try:
            return self.manifest(serving).index_type if serving else "auto"
        except BrokenGeneration:
            return "auto"

    def _next(self) -> str:
        used = [*self.database.generations(), self.database.pointer(CURRENT), self.database.pointer(HELD)]
        return f"{max((int(name) for name in used if name), default=0) + 1:06d}"

    def _clear_leftovers(self, serving: str | None) -> None:
        """Remove what killed publications left."""
        for name, manifest in self.database.generations().items():
            if name != serving and _is_ours(manifest) and not self.database.read_texts(name):
                self.database.drop(name)

    def _unload_others(self, serving: str) -> None:
        """Free the memory of older generations, once no service searches them any more."""
        others = [name for name in self.generations() if name != serving]
        if not others or self.grace is None:
            return
        time.sleep(self.grace)
        for name in others:
            with suppress(IndexProblem):
                self.database.unload(name)

    def _where(self, name: str) -> str:
        return f"{self.address} generation {name}"


def _is_ours(manifest: str) -> bool:
    """Whether this describes a generation; another program may use names like ours."""
    try:
        parsed(manifest, "")
    except BrokenGeneration:
        return False
    return True
