"""How a run ends, whichever way its photos came: publishing what changed, and removing what nobody needs."""

from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.collection import Collection
from indexer.decoding.thumbnails import forget_thumbnails
from indexer.errors import BrokenGeneration, NoIndex, NothingToIndex
from indexer.generations import generation
from indexer.library import Facts, Shelf
from indexer.reports.progress import Reporter
from indexer.reports.report import Report, forget_reports
from indexer.shards import compaction
from indexer.shards.shard import Origin, vectors_folder


def publish_if_needed(
    shelf: Shelf,
    collection: Collection,
    report: Report,
    reporter: Reporter,
    *,
    index_type: str | None,
    keep: int,
) -> None:
    """Publishes what the catalogue holds, unless the current generation shows just that; fills in the report."""
    manifest, damaged = _serving(shelf, collection.origin.fingerprint)
    if manifest is None and collection.empty:
        raise NothingToIndex(_nothing(report))
    asked = index_type not in (None, manifest.index_type if manifest else None)
    held = shelf.held()
    if manifest is None or manifest.revision != collection.revision or asked:
        if manifest is not None and held:
            report.problems.append(
                f"generation {manifest.generation} stays, {held}: changes are recorded, but not published; "
                f"to publish them, run sketchseek rollback --release --index {collection.folder}, then this again"
            )
        else:
            manifest = shelf.publish(collection, index_type=index_type, on_step=reporter.step)
            report.published = True
            held = None
            if damaged is not None:
                shelf.remove(damaged)
                report.healed.append(f"generation {damaged} was damaged: published anew")
    if not held:
        shelf.prune(keep)
        forget_reports(collection.folder, set(shelf.generations()))
    report.photos, report.generation = manifest.photos, manifest.generation


def clean_up(index: Path, origin: Origin, catalogue: Catalogue) -> None:
    """Removes vectors and thumbnails of photos that are gone, and shards that killed runs left behind."""
    for content in catalogue.orphans():
        forget_thumbnails(index / "thumbnails", content)
    catalogue.sweep_orphans()
    folder = vectors_folder(index, origin.fingerprint)
    if folder.is_dir():
        needed = {origin.fingerprint, *generation.fingerprints(index)}
        compaction.drop_models(catalogue, folder.parent, needed)
        compaction.tidy(catalogue, folder, origin.fingerprint, origin.dimension)


def _serving(shelf: Shelf, fingerprint: str) -> tuple[Facts | None, str | None]:
    """The current generation if it can go on serving; or the name of one that is damaged, which is made again."""
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
