"""The state of a library on a server, without loading a model."""

from dataclasses import dataclass

from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, StoreUnavailable
from indexer.health import Checked, Trouble, held_back
from indexer.library import shelf
from indexer.remote.shelf import RemoteShelf


@dataclass(frozen=True)
class StoreStatus(Checked):
    """What a library on a server serves. `recall` is that at publication, `filtered_recall` the same with filters.

    A `live` one is changed in place.
    """

    store: str
    server: str
    generation: str | None
    published: str | None
    live: bool
    photos: int
    model: str | None
    index_type: str | None
    recall: float | None
    filtered_recall: float | None
    with_parts: int
    generations: tuple[str, ...]


def store_status(address: str) -> StoreStatus:
    """Ask the server for everything; raises StoreUnavailable if it does not answer, NoIndex if there is no library."""
    kept_on = shelf(address)
    if not isinstance(kept_on, RemoteShelf):
        raise IndexProblem("the store must be the address of a server, such as milvus://HOST:19530/NAME")
    server = kept_on.database.version()
    found, facts, names = [], None, kept_on.generations()
    try:
        name = kept_on.current()
        found += [Trouble("a generation is damaged", line) for line in kept_on.verify(name)]
        facts = kept_on.manifest(name)
    except (BrokenGeneration, StoreUnavailable) as error:
        found.append(Trouble("a generation is damaged", str(error)))
    except NoIndex:
        if not names:
            raise
        found.append(Trouble("nothing is published", "no generation is current; run sketchseek index again"))
    if held := kept_on.held():
        found.append(held_back(held))
    return StoreStatus(
        store=str(kept_on.address),
        server=f"{kept_on.database.kind} {server}",
        generation=facts.generation if facts else None,
        published=facts.created if facts else None,
        live=facts.live if facts else False,
        photos=facts.photos if facts else 0,
        model=facts.model if facts else None,
        index_type=facts.store if facts else None,
        recall=facts.recall if facts else None,
        filtered_recall=facts.measured.filtered_recall if facts else None,
        with_parts=facts.part_photos if facts else 0,
        generations=tuple(names),
        troubles=tuple(found),
    )
