"""The batch job: scan the folders, embed what is new or changed, forget what is gone, publish the rest."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from indexer import compaction, generation, publishing
from indexer.catalogue import Catalogue, Known
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, NothingToIndex, PhotosMissing
from indexer.lock import is_ours, writing
from indexer.pipeline import Pipeline
from indexer.progress import Reporter
from indexer.scan import Found, Scan, Skipped, scan
from indexer.stores import IndexType
from indexer.thumbnails import thumbnail_path
from indexer.vectors import ShardWriter, complete_rows
from model import Encoder


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
    forget: Sequence[Path] = (),
    index_type: IndexType | None = None,
    keep: int = 2,
) -> Report:
    """Brings an index up to date with its photo folders; without `roots`, those of earlier runs.

    `accept_deletions` believes folders that are empty or missing now; `forget` takes folders out of the index.
    `index_type` holds for later runs, too; of the generations, `keep` are kept.
    """
    with _plainly(index):
        index = index.expanduser().resolve()
        _refuse_unwritable_name(index)
        index.mkdir(parents=True, exist_ok=True)
        if not is_ours(index):
            raise NoIndex(
                f"{index}: holds other files and is no index; choose an empty or new folder for --index"
            )
        with writing(index), Catalogue(index / "catalogue.sqlite") as catalogue:
            job = _Run(index, encoder, catalogue, accept_deletions, index_type, keep)
            return job.go(roots, forget, reporter)


class _Run:
    """One run, which holds the lock and the catalogue."""

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        catalogue: Catalogue,
        accept_deletions: bool,
        index_type: IndexType | None,
        keep: int,
    ) -> None:
        self._index = index
        self._encoder = encoder
        self._catalogue = catalogue
        self._accept_deletions = accept_deletions
        self._index_type = index_type
        self._keep = keep
        self._vectors = index / "vectors" / encoder.fingerprint
        self._report = Report()

    def go(self, roots: Sequence[Path], forget: Sequence[Path], reporter: Reporter) -> Report:
        catalogue, report = self._catalogue, self._report
        rows = complete_rows(self._vectors, self._encoder.dimension)
        catalogue.keep_vectors(self._encoder.fingerprint, rows)
        for root in forget:
            report.removed += catalogue.remove_root(root.expanduser().resolve())
        if roots or catalogue.roots() or not forget:
            everything = _model_changed(self._index, self._encoder)
            plans = self._plan(_resolve(catalogue, roots, self._index, everything=everything))
            self._embed([found for plan in plans for found in plan.work], reporter)
            self._forget(plans)
            _count(report, plans, catalogue)
        self._publish_if_needed()
        self._clean_up()
        return report

    def _plan(self, roots: Sequence[Path]) -> list[_Plan]:
        plans = []
        for root in roots:
            known = self._catalogue.known(root, self._encoder.fingerprint)
            try:
                if known and self._accept_deletions and not root.exists():
                    scanned = Scan(root)
                else:
                    scanned = scan(root, leave_out=self._index)
                _guard(scanned, known, self._accept_deletions)
            except PhotosMissing as error:
                self._report.problems.append(str(error))
                continue
            self._report.skipped += scanned.skipped
            self._catalogue.add_root(root)
            plans.append(_compare(scanned, known))
        if not plans:
            raise PhotosMissing("; ".join(self._report.problems))
        return plans

    def _embed(self, work: list[Found], reporter: Reporter) -> None:
        if not work:
            return
        given_out = max(self._catalogue.shards(self._encoder.fingerprint), default=0)
        with ShardWriter(self._vectors, self._encoder.dimension, above=given_out) as shard:
            pipeline = Pipeline(self._encoder, self._catalogue, shard, self._index / "thumbnails")
            self._report.skipped += pipeline.run(work, reporter)
            self._report.embedded = pipeline.embedded

    def _forget(self, plans: Sequence[_Plan]) -> None:
        self._catalogue.begin()
        for plan in plans:
            self._catalogue.remove(plan.gone)
            if not plan.root.exists():
                self._catalogue.remove_root(plan.root)
        self._catalogue.commit()

    def _publish_if_needed(self) -> None:
        catalogue, report, fingerprint = self._catalogue, self._report, self._encoder.fingerprint
        manifest = _intact(self._index, fingerprint)
        if manifest is None and next(catalogue.entries(fingerprint), None) is None:
            raise NothingToIndex(_nothing(report))
        asked = self._index_type not in (None, manifest.index_type if manifest else None)
        if manifest is None or manifest.revision != catalogue.revision or asked:
            held = generation.held(self._index)
            if manifest is not None and held:
                report.problems.append(
                    f"generation {manifest.generation} stays, {held}: changes are recorded, but not published; "
                    f"to publish them, run sketchseek rollback --release --index {self._index}, then this again"
                )
            else:
                manifest = publishing.publish(
                    self._index, self._encoder, catalogue, self._vectors, index_type=self._index_type
                )
                report.published = True
        if not generation.held(self._index):
            generation.prune(self._index, self._keep)
        report.photos, report.generation = manifest.photos, manifest.generation

    def _clean_up(self) -> None:
        """Vectors and thumbnails of photos that are gone, and shards that killed runs left behind."""
        self._catalogue.begin()
        orphans = self._catalogue.forget_orphans()
        self._catalogue.commit()
        for content in orphans:
            thumbnail_path(self._index / "thumbnails", content).unlink(missing_ok=True)
        needed = {self._encoder.fingerprint, *generation.fingerprints(self._index)}
        compaction.drop_models(self._catalogue, self._vectors.parent, needed)
        compaction.tidy(self._catalogue, self._vectors, self._encoder.fingerprint, self._encoder.dimension)


@contextmanager
def _plainly(index: Path) -> Iterator[None]:
    """What the disk, SQLite or FAISS refuse, as one line that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            path = index / "catalogue.sqlite"
            raise NoIndex(f"{path}: damaged ({error}); delete it and run sketchseek index again") from None
        raise IndexProblem(f"{index}: {error}; mend that and run the same command again to go on") from None
    except OSError as error:
        where = error.filename or index
        raise IndexProblem(
            f"{where}: {error.strerror}; mend that and run the same command again to go on"
        ) from None


def _refuse_unwritable_name(index: Path) -> None:
    if not _is_text(index):
        raise IndexProblem(f"{str(index)!r}: the folder's name is not valid UTF-8; choose another --index")


def _is_text(path: Path) -> bool:
    return str(path).encode(errors="replace") == os.fsencode(path)


def _model_changed(index: Path, encoder: Encoder) -> bool:
    try:
        return generation.read_manifest(generation.current(index)).fingerprint != encoder.fingerprint
    except (NoIndex, BrokenGeneration):
        return False


def _resolve(catalogue: Catalogue, roots: Sequence[Path], index: Path, *, everything: bool) -> list[Path]:
    """The folders to scan, absolute; one inside another would index its photos twice.

    `everything` adds the folders of earlier runs to those given: a new model must see them all.
    """
    before = catalogue.roots()
    if not roots and not before:
        raise PhotosMissing("no photo folder given: sketchseek index PHOTOS... --index DIR")
    given = list(dict.fromkeys(root.expanduser().resolve() for root in roots))
    wanted = list(dict.fromkeys([*given, *before])) if everything or not given else given
    for root in wanted:
        if not _is_text(root):
            raise PhotosMissing(f"{str(root)!r}: the folder's name is not valid UTF-8; rename it")
        if root.is_relative_to(index):
            raise PhotosMissing(f"{root}: lies in the index itself; give a folder of photos")
        for other in {*before, *wanted} - {root}:
            if root.is_relative_to(other) or other.is_relative_to(root):
                inner, outer = sorted((root, other), key=lambda path: len(path.parts), reverse=True)
                raise IndexProblem(
                    f"{inner} lies inside {outer}, which this index also holds; index only one of them, "
                    f"or take one out with --forget"
                )
    return wanted


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
    missing = [relative for relative in known if relative not in there]
    gone = [known[relative].id for relative in missing if not scanned.may_hold(relative)]
    return _Plan(scanned.root, work, known, gone)


def _count(report: Report, plans: Sequence[_Plan], catalogue: Catalogue) -> None:
    """A file that could not be read now is in the catalogue only if an earlier run could read it."""
    said = {skipped.path for skipped in report.skipped}
    for plan in plans:
        usable = [found for found in plan.work if found.path not in said]
        report.added += sum(found.relative not in plan.known for found in usable)
        report.changed += sum(found.relative in plan.known for found in usable)
        gone = set(plan.gone)
        report.removed += sum(photo.error is None for photo in plan.known.values() if photo.id in gone)
        touched = {*gone, *(plan.known[f.relative].id for f in plan.work if f.relative in plan.known)}
        report.unchanged += sum(photo.embedded and photo.id not in touched for photo in plan.known.values())
        report.skipped += [bad for bad in catalogue.unusable(plan.root) if bad.path not in said]


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
