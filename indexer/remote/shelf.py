"""The generations of a library on a server: published whole, proven, and switched to at once."""

import logging
import time
import uuid
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, StoreUnavailable, WrongModel
from indexer.remote.database import CURRENT, HELD, Database
from indexer.remote.library import RemoteLibrary
from indexer.remote.manifest import Description, RemoteFacts, parsed
from indexer.remote.opening import Opening
from indexer.stores import OnStep
from indexer.values import Refused, Traffic

if TYPE_CHECKING:
    from indexer.collection import Collection
    from indexer.remote.publishing import Prepared

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
        self._opening = Opening(database, address, self.named)

    def within(self, folder: Path) -> bool:
        return False

    def refuse(self, index_type: str | None, *, live: bool = False) -> None:
        if index_type is not None and index_type not in self.database.index_types:
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
        return self._opening.described(self.current()).publication

    def glance(self) -> Hashable:
        try:
            name = self.database.pointer(CURRENT)
            return name and (name, self._opening.glance(name))
        except IndexProblem:
            return None

    def held(self) -> str | None:
        held = self.database.pointer(HELD)
        return None if held is None else f"rolled back from {held}"

    def generations(self) -> list[str]:
        found = self.database.generations()
        return sorted((name for name in found if self.database.read_texts(name)), reverse=True)

    def manifest(self, name: str) -> RemoteFacts:
        return self._opening.read(name)[0]

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
            return self._opening.checked(first, fingerprint)
        except (BrokenGeneration, WrongModel) as error:
            if not fall_back or (isinstance(error, WrongModel) and not past_models):
                raise
            damaged = error
        refused = [Refused(first, str(damaged))]
        for name in self.generations():
            if name == first:
                continue
            try:
                opened = self._opening.checked(name, fingerprint)
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
        self,
        collection: "Collection",
        *,
        index_type: str | None = None,
        live: bool | None = None,
        on_step: OnStep | None = None,
    ) -> RemoteFacts:
        # Imported late: a service never publishes.
        from indexer.remote import changing, publishing

        tell = on_step or (lambda *_: None)
        serving = self.database.pointer(CURRENT)
        before = self._before(serving)
        wanted = index_type or (before.index_type if before else "auto")
        lively = live if live is not None else before is not None and before.live
        self.refuse(wanted)
        self._clear_leftovers(serving)
        with publishing.prepared(collection, tell) as ready:

            def described(name: str) -> Description:
                return publishing.describe(collection, ready, name, wanted, live=lively)

            if before is not None and changing.may_change(
                self.database, before, now := described(before.generation)
            ):
                changed = self._change(now, ready, tell)
                if changed is not None:
                    return changed
            facts = self._write(described(self._next()), ready, serving, tell)
        self.database.point(CURRENT, facts.generation)
        self._unload_others(facts.generation)
        return facts

    def _change(self, now: Description, ready: "Prepared", tell: OnStep) -> RemoteFacts | None:
        """The current generation, changed in place; None if it is damaged, so that another must be written."""
        from indexer.remote import changing

        name = now.generation
        self.database.load(name)
        try:
            opened = self._opening.checked(name, None)
        except BrokenGeneration:
            return None
        found = changing.change(self.database, opened, now, ready, self._where(name), tell)
        return RemoteFacts(now, found, self.database.kind)

    def _write(
        self, description: Description, ready: "Prepared", serving: str | None, tell: OnStep
    ) -> RemoteFacts:
        """Another generation."""
        from indexer.remote import publishing

        name = description.generation
        try:
            found = publishing.write(self.database, description, ready, self._where(name), tell)
            if self.database.pointer(CURRENT) != serving:
                raise IndexProblem(f"{self.address}: another indexer published meanwhile; run this again")
        except BaseException:
            # Free the room; if the server is away, the next publication does.
            with suppress(IndexProblem):
                self.database.drop(name)
            raise
        return RemoteFacts(description, found, self.database.kind)

    def rollback(self) -> tuple[str, str]:
        serving = self.current()
        if self._opening.sealed(serving).live:
            raise IndexProblem(
                f"{self.address}: generation {serving} is live, so it has no earlier state to go back to; to have "
                "generations, publish with --no-live"
            )
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

    def _problem_of(self, name: str, *, load: bool = True, strong: bool = False) -> str | None:
        """Why a generation cannot be served."""
        try:
            if load:
                self.database.load(name)
            self._opening.checked(name, None, strong=strong)
        except (BrokenGeneration, StoreUnavailable) as error:
            return str(error)
        return None

    def _before(self, serving: str | None) -> RemoteFacts | None:
        """The current generation, for what was requested then."""
        try:
            return self.manifest(serving) if serving else None
        except BrokenGeneration:
            return None

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
        return self._opening.where(name)


def _is_ours(manifest: str) -> bool:
    """Whether this describes a generation; another program may use names like ours."""
    try:
        parsed(manifest, "")
    except BrokenGeneration:
        return False
    return True
