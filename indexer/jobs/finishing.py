"""The end of a run or a merge: fill in colours, publish what changed, and remove what is no longer needed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.collection import Collection
from indexer.colours import dominant
from indexer.decoding.thumbnails import forget_thumbnails
from indexer.duplicates.signatures import stack
from indexer.errors import BrokenGeneration, NoIndex, NothingToIndex
from indexer.generations import generation
from indexer.library import Shelf
from indexer.reports.progress import Reporter
from indexer.reports.report import Report, forget_reports
from indexer.shards import compaction
from indexer.shards.shard import Origin
from indexer.stores.registry import renewal
from indexer.values import Facts

_CHUNK = 1024


def fill_in_colours(catalogue: Catalogue) -> None:
    """Give a colour to each content without one: new ones, and those that an older version left.

    Half a second for 10,000. If any was missing, the catalogue's revision changes, so it will be published.
    """
    with catalogue.transaction():
        last = ""
        while found := catalogue.colourless(last, _CHUNK):
            contents, looks = zip(*found, strict=True)
            catalogue.colour(zip(dominant(stack(looks)).tolist(), contents, strict=True))
            last = contents[-1]


def publish_if_needed(
    shelf: Shelf,
    collection: Collection,
    report: Report,
    reporter: Reporter,
    *,
    index_type: str | None,
    keep: int | None,
    live: bool | None = None,
    replaces: str | None = None,
) -> None:
    """Publish the catalogue unless the current generation already shows it; fills in the report.

    Removes the generation that it `replaces`, and all but the newest `keep`; none of those if that is None.
    """
    manifest, damaged = _serving(shelf, collection.origin.fingerprint)
    if manifest is None and collection.empty:
        raise NothingToIndex(_nothing(report))
    held = shelf.held()
    if manifest is None or _is_outdated(manifest, collection, index_type, live, held=bool(held)):
        if manifest is not None and held:
            report.problems.append(
                f"generation {manifest.generation} stays, {held}: changes are recorded but not published; to publish "
                f"them, run sketchseek rollback --release {shelf.named}, then run this again"
            )
        else:
            older = None if manifest is None or index_type else manifest.store
            with _alone(shelf, collection.folder):
                manifest = shelf.publish(collection, index_type=index_type, live=live, on_step=reporter.step)
                # A live generation is still the same one.
                for gone in {replaces, damaged} - {None, manifest.generation}:
                    if gone in shelf.generations():
                        shelf.remove(gone)
            report.published = True
            held = None
            report.healed += _healed(manifest, older, damaged)
    if not held and keep is not None:
        _prune(shelf, collection.folder, keep)
    report.photos, report.generation = manifest.photos, manifest.generation


def _is_outdated(
    manifest: Facts, collection: Collection, index_type: str | None, live: bool | None, *, held: bool
) -> bool:
    """Whether a generation is not what a publication would make now; none is renewed while it is `held`."""
    if index_type not in (None, manifest.index_type) or live not in (None, manifest.live):
        return True
    bank = collection.bank.digest if collection.bank else ""
    if (manifest.revision, manifest.bank) != (collection.revision, bank):
        return True
    renewed = not held and renewal(manifest.index_type, manifest.store, manifest.photos)
    return bool(renewed) or not _shows_parts(manifest, collection)


def _healed(manifest: Facts, older: str | None, damaged: str | None) -> Iterator[str]:
    """What a publication has put right: an `older` kind of store, a `damaged` generation."""
    if older not in (None, manifest.store):
        yield f"the index was {older}: rebuilt as {manifest.store}, for faster searches"
    if damaged is not None:
        in_part = damaged == manifest.generation
        what = "was changed only in part: completed" if in_part else "was damaged: published again"
        yield f"generation {damaged} {what}"


def _prune(shelf: Shelf, folder: Path, keep: int) -> None:
    """Remove all generations but the newest, and the reports of those that are gone."""
    if len(shelf.generations()) > keep:
        with _alone(shelf, folder):
            shelf.prune(keep)
    forget_reports(folder, set(shelf.generations()))


def clean_up(index: Path, origin: Origin, catalogue: Catalogue) -> None:
    """Remove vectors and thumbnails of deleted photos, and shards left behind by killed runs."""
    for content in catalogue.orphans():
        forget_thumbnails(index / "thumbnails", content)
    catalogue.sweep_orphans()
    series = origin.series_in(index)
    folder = series[0].folder
    if folder.is_dir():
        needed = {*(one.key for one in series), *generation.fingerprints(index)}
        compaction.drop_models(catalogue, folder.parent, needed)
    for one in series:
        if one.folder.is_dir():
            compaction.tidy(catalogue, one)


def _alone(shelf: Shelf, folder: Path) -> AbstractContextManager[None]:
    """The only writer of a shelf; whoever has locked its folder is that already."""
    return nullcontext() if shelf.within(folder) else shelf.writing()


def _shows_parts(manifest: Facts, collection: Collection) -> bool:
    """Whether a generation has what there is of local parts; a model without a local head leaves them as they are."""
    digest = collection.origin.parts
    if not digest:
        return True
    there = collection.with_parts
    return (manifest.parts, manifest.part_photos) == ((digest, there) if there else ("", 0))


def _serving(shelf: Shelf, fingerprint: str) -> tuple[Facts | None, str | None]:
    """Return the current generation if it is usable, or else its name if it is damaged and must be rebuilt."""
    try:
        name = shelf.current()
    except (NoIndex, BrokenGeneration):
        return None, None
    if shelf.verify(name):
        return None, name if name in shelf.generations() else None
    manifest = shelf.manifest(name)
    return (manifest if manifest.fingerprint == fingerprint else None), None


def _nothing(report: Report) -> str:
    reasons = "; ".join(f"{skipped.path.name}: {skipped.reason}" for skipped in report.skipped[:3])
    return f"no photo could be indexed; {len(report.skipped)} files were skipped ({reasons})"
