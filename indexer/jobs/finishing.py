"""The end of a run or a merge: publish what changed, and remove what is no longer needed."""

from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.decoding.thumbnails import forget_thumbnails
from indexer.errors import BrokenGeneration, NoIndex, NothingToIndex
from indexer.generations import generation, writer
from indexer.generations.manifest import Manifest, verify
from indexer.reports.progress import Reporter
from indexer.reports.report import Report, forget_reports
from indexer.shards import compaction
from indexer.shards.shard import Origin, vectors_folder
from indexer.stores import IndexType


def publish_if_needed(
    index: Path,
    origin: Origin,
    catalogue: Catalogue,
    report: Report,
    reporter: Reporter,
    *,
    index_type: IndexType | None,
    keep: int,
) -> None:
    """Publish the catalogue unless the current generation already shows it; fills in the report."""
    manifest, damaged = _serving(index, origin.fingerprint)
    if manifest is None and next(catalogue.entries(origin.fingerprint), None) is None:
        raise NothingToIndex(_nothing(report))
    asked = index_type not in (None, manifest.index_type if manifest else None)
    held = generation.held(index)
    if manifest is None or manifest.revision != catalogue.revision or asked:
        if manifest is not None and held:
            report.problems.append(
                f"generation {manifest.generation} stays, {held}: changes are recorded but not published; to publish "
                f"them, run sketchseek rollback --release --index {index}, then run this again"
            )
        else:
            manifest = writer.publish(index, origin, catalogue, index_type=index_type, progress=reporter.step)
            report.published = True
            held = None
            if damaged is not None:
                generation.remove(damaged)
                report.healed.append(f"generation {damaged.name} was damaged: published again")
    if not held:
        generation.prune(index, keep)
        forget_reports(index, {folder.name for folder in generation.generations(index)})
    report.photos, report.generation = manifest.photos, manifest.generation


def clean_up(index: Path, origin: Origin, catalogue: Catalogue) -> None:
    """Remove vectors and thumbnails of deleted photos, and shards left behind by killed runs."""
    for content in catalogue.orphans():
        forget_thumbnails(index / "thumbnails", content)
    catalogue.sweep_orphans()
    folder = vectors_folder(index, origin.fingerprint)
    if folder.is_dir():
        needed = {origin.fingerprint, *generation.fingerprints(index)}
        compaction.drop_models(catalogue, folder.parent, needed)
        compaction.tidy(catalogue, folder, origin.fingerprint, origin.dimension)


def _serving(index: Path, fingerprint: str) -> tuple[Manifest | None, Path | None]:
    """Return the current generation if it is usable, or else its folder if it is damaged and must be rebuilt."""
    try:
        folder = generation.current(index)
    except (NoIndex, BrokenGeneration):
        return None, None
    try:
        manifest = verify(folder)
    except BrokenGeneration:
        return None, folder if folder in generation.generations(index) else None
    return (manifest if manifest.fingerprint == fingerprint else None), None


def _nothing(report: Report) -> str:
    reasons = "; ".join(f"{skipped.path.name}: {skipped.reason}" for skipped in report.skipped[:3])
    return f"no photo could be indexed; {len(report.skipped)} files were skipped ({reasons})"
