"""The batch job: scan the folders, embed what is new or changed, forget what is gone, publish the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer import generation, published
from indexer.catalogue import Catalogue, Known
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, NothingToIndex, PhotosMissing
from indexer.lock import writing
from indexer.pipeline import Pipeline
from indexer.scan import Found, Scan, Skipped, scan
from indexer.vectors import ShardWriter
from model import Encoder


class Reporter(Protocol):
    """Is told how far the job has come."""

    def begin(self, photos: int) -> None: ...

    def advance(self) -> None: ...


@dataclass
class Report:
    """What a run did. `skipped` lists every file that is no photo, also those known from earlier runs."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    photos: int = 0
    generation: str = ""
    published: bool = False


@dataclass(frozen=True)
class _Plan:
    """What one root asks for."""

    root: Path
    work: list[Found]
    known: dict[str, Known]
    gone: list[int]


def run(
    index: Path,
    roots: Sequence[Path],
    encoder: Encoder,
    reporter: Reporter,
    *,
    accept_deletions: bool = False,
) -> Report:
    """Brings an index up to date with its photo folders; without `roots`, those of earlier runs."""
    index.mkdir(parents=True, exist_ok=True)
    _refuse_foreign_folder(index)
    vectors = index / "vectors" / encoder.fingerprint
    with writing(index), Catalogue(index / "catalogue.sqlite") as catalogue:
        report = Report()
        wanted = _resolve(catalogue, roots, everything=_model_changed(index, encoder))
        plans = _plan(catalogue, wanted, encoder, report, accept_deletions)
        work = [found for plan in plans for found in plan.work]
        if work:
            reporter.begin(len(work))
            with ShardWriter(vectors, encoder.dimension) as shard:
                pipeline = Pipeline(encoder, catalogue, shard, index / "thumbnails")
                report.skipped += pipeline.run(work, reporter.advance)
                report.embedded = pipeline.embedded
        _forget(catalogue, plans)
        _count(report, plans, catalogue)
        _publish_if_needed(index, encoder, catalogue, vectors, report)
    return report


def _refuse_foreign_folder(index: Path) -> None:
    """Never scatter files over a folder that is something else, such as the photos themselves."""
    ours = {"CURRENT", "LOCK", "catalogue.sqlite", "vectors", "generations", "thumbnails"}
    names = {path.name for path in index.iterdir()}
    if names and not names & ours:
        raise NoIndex(
            f"{index}: holds other files and is no index; choose an empty or new folder for --index"
        )


def _model_changed(index: Path, encoder: Encoder) -> bool:
    try:
        return generation.read_manifest(generation.current(index)).fingerprint != encoder.fingerprint
    except (NoIndex, BrokenGeneration):
        return False


def _resolve(catalogue: Catalogue, roots: Sequence[Path], *, everything: bool) -> list[Path]:
    """The folders to scan, absolute; one inside another would index its photos twice.

    `everything` adds the folders of earlier runs to those given: a new model must see them all.
    """
    before = catalogue.roots()
    if not roots and not before:
        raise PhotosMissing("no photo folder given: sketchseek index PHOTOS... --index DIR")
    given = list(dict.fromkeys(root.expanduser().resolve() for root in roots))
    wanted = list(dict.fromkeys([*given, *before])) if everything or not given else given
    for root in wanted:
        for other in {*before, *wanted} - {root}:
            if root.is_relative_to(other) or other.is_relative_to(root):
                inner, outer = sorted((root, other), key=lambda path: len(path.parts), reverse=True)
                raise IndexProblem(
                    f"{inner} lies inside {outer}, which this index also holds; index only one of them"
                )
    return wanted


def _plan(
    catalogue: Catalogue, roots: Sequence[Path], encoder: Encoder, report: Report, accept_deletions: bool
) -> list[_Plan]:
    plans = []
    for root in roots:
        known = catalogue.known(root, encoder.fingerprint)
        try:
            scanned = scan(root)
            _guard(scanned, known, accept_deletions)
        except PhotosMissing as error:
            report.problems.append(str(error))
            continue
        report.skipped += scanned.skipped
        catalogue.add_root(root)
        plans.append(_compare(scanned, known))
    if not plans:
        raise PhotosMissing("; ".join(report.problems))
    return plans


def _guard(scanned: Scan, known: dict[str, Known], accept_deletions: bool) -> None:
    """An empty folder is an unmounted drive more often than a library whose owner deleted every photo."""
    if scanned.found or scanned.skipped:
        return
    if not known:
        raise PhotosMissing(f"{scanned.root}: no photos in it; give the folder that the photos are in")
    if not accept_deletions:
        raise PhotosMissing(
            f"{scanned.root}: empty now, but {len(known)} photos were indexed from it; is its drive mounted? "
            "If they are really gone, add --accept-deletions"
        )


def _compare(scanned: Scan, known: dict[str, Known]) -> _Plan:
    work = [
        found
        for found in scanned.found
        if (before := known.get(found.relative)) is None or not before.unchanged(found)
    ]
    there = {found.relative for found in scanned.found}
    gone = [photo.id for relative, photo in known.items() if relative not in there]
    return _Plan(scanned.root, work, known, gone)


def _forget(catalogue: Catalogue, plans: Sequence[_Plan]) -> None:
    catalogue.begin()
    for plan in plans:
        catalogue.remove(plan.gone)
    catalogue.commit()


def _count(report: Report, plans: Sequence[_Plan], catalogue: Catalogue) -> None:
    """A file that could not be read now is in the catalogue only if an earlier run could read it."""
    said = {skipped.path for skipped in report.skipped}
    for plan in plans:
        usable = [found for found in plan.work if found.path not in said]
        report.added += sum(found.relative not in plan.known for found in usable)
        report.changed += sum(found.relative in plan.known for found in usable)
        report.removed += len(plan.gone)
        touched = {*plan.gone, *(plan.known[f.relative].id for f in plan.work if f.relative in plan.known)}
        report.unchanged += sum(photo.embedded and photo.id not in touched for photo in plan.known.values())
        report.skipped += [bad for bad in catalogue.unusable(plan.root) if bad.path not in said]


def _publish_if_needed(
    index: Path, encoder: Encoder, catalogue: Catalogue, vectors: Path, report: Report
) -> None:
    manifest = _intact(index, encoder.fingerprint)
    if manifest is None and next(catalogue.entries(encoder.fingerprint), None) is None:
        raise NothingToIndex(_nothing(report))
    if manifest is None or manifest.revision != catalogue.revision:
        manifest = published.publish(index, encoder, catalogue, vectors)
        generation.prune(index)
        report.published = True
    report.photos, report.generation = manifest.photos, manifest.generation


def _intact(index: Path, fingerprint: str) -> generation.Manifest | None:
    """The current generation if it can go on serving; a damaged one is simply made again."""
    try:
        manifest = generation.verify(generation.current(index))
    except (NoIndex, BrokenGeneration):
        return None
    return manifest if manifest.fingerprint == fingerprint else None


def _nothing(report: Report) -> str:
    reasons = "; ".join(f"{skipped.path.name}: {skipped.reason}" for skipped in report.skipped[:3])
    return f"no photo could be indexed; {len(report.skipped)} files were skipped ({reasons})"
