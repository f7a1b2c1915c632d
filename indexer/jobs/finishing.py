"""How a run ends, whichever way its photos came: publishing what changed, and removing what nobody needs."""

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
    """Publishes what the catalogue holds, unless the current generation shows just that; fills in the report."""
    manifest, damaged = _serving(index, origin.fingerprint)
    if manifest is None and next(catalogue.entries(origin.fingerprint), None) is None:
        raise NothingToIndex(_nothing(report))
    asked = index_type not in (None, manifest.index_type if manifest else None)
    held = generation.held(index)
    if manifest is None or manifest.revision != catalogue.revision or asked:
        if manifest is not None and held:
            report.problems.append(
                f"generation {manifest.generation} stays, {held}: changes are recorded, but not published; "
                f"to publish them, run sketchseek rollback --release --index {index}, then this again"
            )
        else:
            manifest = writer.publish_catalogue(
                index, origin, catalogue, index_type=index_type, progress=reporter.step
            )
            report.published = True
            held = None
            if damaged is not None:
                generation.remove(damaged)
                report.healed.append(f"generation {damaged.name} was damaged: published anew")
    if not held:
        generation.prune(index, keep)
        forget_reports(index, {folder.name for folder in generation.generations(index)})
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


def _serving(index: Path, fingerprint: str) -> tuple[Manifest | None, Path | None]:
    """The current generation if it can go on serving; or the folder of one that is damaged, which is made again."""
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
