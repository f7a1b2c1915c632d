"""Where `sketchseek search` finds its photos: an index folder, or a running service.

Given filters alone, both list the photos that pass, newest first.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.console.folders import meant, of_shell
from service.console.options import flag
from service.ops import starting
from service.search.parameters import FILTERS
from service.search.query import Kind

if TYPE_CHECKING:
    from indexer import Library, Photo, Shelf
    from service.listings import PhotoInfo
    from service.search.reranking import Ranked

PARTS = (*Kind, "strokes")
_PAGE = ("k", "offset")


@dataclass(frozen=True)
class Kept:
    """An index folder, and where the library is: there or on a server."""

    index: Path
    library: "Shelf"


@dataclass(frozen=True)
class Shown:
    """A photo as --json prints it, and a WebP of it if the terminal can show pictures, else no bytes."""

    row: dict[str, Any]
    thumbnail: bytes = b""


@dataclass(frozen=True)
class Found:
    """The photos, best first, and whether probably none of them shows what was searched for.

    `total` is how many there are to list; None for a search.
    """

    photos: Sequence[Shown]
    nothing_close: bool = False
    # Why they are not in the order that was asked for.
    remark: str | None = None
    total: int | None = None


def _filters_alone(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What to list, if there is nothing to search for."""
    if any(asked.get(name) for name in PARTS) or not any(asked.get(name) for name in FILTERS):
        return None
    return {name: asked[name] for name in (*FILTERS, *_PAGE) if name in asked}


def from_service(server: str, key: str | None, asked: Mapping[str, Any], *, pictures: bool) -> Found:
    """Search, or list, through a service."""
    from service.client import ApiError, Client

    base = server.rstrip("/")
    with Client(server, key=key) as client:

        def shown(photo: "PhotoInfo") -> Shown:
            row = photo.model_dump() | {"url": base + photo.url, "thumbnail_url": base + photo.thumbnail_url}
            with contextlib.suppress(ApiError):  # it may be gone by now; show its line anyway
                return Shown(row, client.thumbnail(photo.id).content if pictures else b"")
            return Shown(row)

        if (listed := _filters_alone(asked)) is not None:
            listing = client.photos(**listed)
            return Found([shown(photo) for photo in listing.photos], total=listing.total)
        answer = client.search(**asked)
        return Found([shown(one) for one in answer.results], answer.nothing_close, answer.remark)


def from_index(kept: Kept, model: str, engine: str, asked: Mapping[str, Any], *, pictures: bool) -> Found:
    """Search, or list, an index folder, or a library on a server."""
    # Imported only now: searching through a service must not wait for the model's libraries.
    from service.problems import ServiceError
    from service.search.parameters.values import BadParameter

    try:
        if (listed := _filters_alone(asked)) is not None:
            return _listed(kept, model, listed, pictures)
        return _searched(kept, model, engine, asked, pictures)
    except BadParameter as error:
        raise click.ClickException(f"{flag(error.name)}: {error.reason}") from None
    except ServiceError as error:
        raise click.ClickException(error.detail) from None


def _searched(kept: Kept, model: str, engine: str, asked: Mapping[str, Any], pictures: bool) -> Found:
    # Before the threads part: two that import one library at the same time can get in each other's way.
    from model import Encoder

    open_index, words_first = _opener(kept, model), set(asked).isdisjoint(set(PARTS) - {Kind.TEXT})
    load = partial(Encoder.load, model, engine=engine, words_first=words_first, cache=starting.user_cache())
    with ThreadPoolExecutor(2) as pool, starting.importing():
        # Both keep a core busy without Python, which imports meanwhile.
        opening, loading = pool.submit(open_index), pool.submit(load)
        from indexer.marks import Marks
        from service.search import finding, query
        from service.search.parameters.values import SearchParams

        words, folder = _apart({name: value for name, value in asked.items() if name not in query.PICTURES})
        files = {kind: asked[kind] for kind in query.PICTURES if kind in asked}
        wanted = SearchParams.read(words).query(files)
        published, encoder = opening.result(), loading.result()
    if folder:
        wanted = wanted.filtered(folder=meant(folder, published))
    answer = finding.searched(wanted, encoder, published, Marks(kept.index).now())

    def shown(ranked: "Ranked") -> Shown:
        return _shown(kept.index, ranked.hit.photo, finding.described(ranked), pictures)

    return Found([shown(one) for one in answer.ranked], answer.nothing_close, answer.remark)


def _listed(kept: Kept, model: str, asked: Mapping[str, Any], pictures: bool) -> Found:
    from indexer.marks import Marks
    from indexer.values import Filter
    from service.search import finding
    from service.search.parameters.browsing import Paged

    words, folder = _apart(asked)
    page = Paged.read(words)
    published, marked = _opener(kept, model)(), Marks(kept.index).now()
    where = page.where(marked)
    if folder:
        where = replace(where or Filter(), folder=meant(folder, published))
    photos = published.listing(where, offset=page.offset, k=page.k)
    shown = [_shown(kept.index, photo, finding.shown(photo, marked.favourite), pictures) for photo in photos]
    return Found(shown, total=published.count(where))


def _apart(asked: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The parameters without a folder that is clearly a path of this machine, for which the service has no rules."""
    folder = str(asked.get("folder") or "").strip()
    if not folder:
        return dict(asked), ""
    return {name: value for name, value in asked.items() if name != "folder" or not of_shell(folder)}, folder


def _opener(kept: Kept, model: str) -> "Callable[[], Library]":
    """What opens the index, in any thread; the model's card is enough for that."""
    from model.card import Checkpoint

    fingerprint = Checkpoint.find(model).card.fingerprint

    def opened() -> "Library":
        published = kept.library.open(fingerprint)
        for refused in published.refused:
            serving = published.manifest.generation
            click.secho(f"searching generation {serving}, because {refused.reason}", err=True, fg="red")
        return published

    return opened


def _shown(index: Path, photo: "Photo", described: "PhotoInfo", pictures: bool) -> Shown:
    from indexer.decoding.thumbnails import thumbnail_path

    plain = described.model_dump(exclude={"url", "thumbnail_url"}) | {"path": str(photo.path)}
    if pictures:
        with contextlib.suppress(OSError):  # the service, or the next run, makes a missing one again
            return Shown(plain, thumbnail_path(index / "thumbnails", photo.content).read_bytes())
    return Shown(plain)
