"""A process that publishes to a server and dies on the way: `python -m tests.kit.dying FOLDER ADDRESS STEP`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import indexer.remote.publishing
from indexer.catalogue.database import Catalogue
from indexer.collection import Collection
from indexer.remote.shelf import RemoteShelf
from indexer.shards.shard import Origin
from tests.kit.remote import store
from tests.kit.standin import DIMENSION, StandIn

DIED = 77
# Before what it dies.
STEPS = ("create", "add", "finish", "prove", "write_texts", "point", "unlock")


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


def _die(*_: Any) -> Any:
    os._exit(DIED)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
