"""A process that publishes to a server and dies on the way: `python -m tests.kit.dying FOLDER ADDRESS STEP`.

With `live` behind it, it changes a live library of `tests.kit.lively`, a few rows at a time.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import indexer.remote.changing
import indexer.remote.publishing
from indexer.catalogue.database import Catalogue
from indexer.collection import Collection
from indexer.remote.database import Batch
from indexer.remote.shelf import RemoteShelf
from indexer.shards.shard import Origin
from tests.kit.remote import store
from tests.kit.standin import DIMENSION, StandIn

DIED = 77
# Before what it dies.
STEPS = ("create", "add", "finish", "prove", "write_texts", "point", "unlock")
CHANGES = ("change", "put", "second put", "delete", "finish", "complete", "write_texts", "unlock")


def main(folder: Path, address: str, step: str) -> None:
    kept_on = store(address)
    _lay(kept_on, step)
    origin = Origin("stand-in", StandIn().fingerprint, DIMENSION)
    with Catalogue(folder / "catalogue.sqlite", read_only=True) as catalogue, kept_on.writing():
        kept_on.publish(Collection(folder, origin, catalogue))
        if step == "unlock":
            os._exit(DIED)


def _lay(kept_on: RemoteShelf, step: str) -> None:
    database: Any = kept_on.database
    if step in ("create", "write_texts", "point"):
        setattr(database, step, _die)
    elif step == "prove":
        indexer.remote.publishing.prove = _die
    elif step in ("add", "finish"):
        create: Callable[..., Any] = database.create

        def created(*given: Any) -> Any:
            writer = create(*given)
            setattr(writer, step, _die)
            return writer

        database.create = created


def changes(folder: Path, address: str, step: str) -> None:
    from tests.kit.lively import Photos

    kept_on = store(address)
    _lay_change(kept_on, step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.remote.publishing.BATCH", 2)
        Photos(folder).publish(kept_on)
    os._exit(DIED if step == "unlock" else 1)


def _lay_change(kept_on: RemoteShelf, step: str) -> None:
    database: Any = kept_on.database
    if step in ("change", "write_texts"):
        setattr(database, step, _die)
    elif step == "complete":
        indexer.remote.changing.complete = _die
    change: Callable[..., Any] = database.change

    @contextmanager
    def changed(*given: Any) -> Iterator[Any]:
        with change(*given) as changer:
            put = changer.put

            def first(batch: Batch) -> None:
                put(batch)
                changer.put = _die

            if step == "second put":
                changer.put = first
            elif step in ("put", "delete", "finish"):
                setattr(changer, step, _die)
            yield changer

    if step != "change":
        database.change = changed


def _die(*_: Any) -> Any:
    os._exit(DIED)


if __name__ == "__main__":
    (changes if sys.argv[4:] == ["live"] else main)(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
