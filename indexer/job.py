"""The batch job: scan the folders, embed what is new or changed, forget what is gone, publish the rest."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from indexer import compaction, generation, publishing
from indexer.catalogue import Catalogue
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, NothingToIndex, PhotosMissing
from indexer.lock import is_ours, writing
from indexer.pipeline import Pipeline
from indexer.plan import Plans, RulesChange, count, make_plans
from indexer.progress import Reporter
from indexer.scan import Found, Skipped
from indexer.stores import IndexType
from indexer.thumbnails import forget_thumbnails
from indexer.vectors import ShardWriter, complete_rows
from model import Encoder


@dataclass
class Report:
    """What a run did. `skipped` lists every file that is no photo, also those known from earlier runs."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    photos: int = 0
    generation: str = ""
    published: bool = False


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
    change: RulesChange | None = None,
) -> Report:
    """Brings an index up to date with its photo folders; without `roots`, those of earlier runs.

    `accept_deletions` believes folders that are missing, empty or lost much; `forget` takes folders out of the
    index; `change` says anew which files of the folders to look at, for later runs as well.
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
            how = change or RulesChange()
            job = _Run(index, encoder, catalogue, accept_deletions, index_type, keep, how)
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
        change: RulesChange,
    ) -> None:
        self._index = index
        self._encoder = encoder
        self._catalogue = catalogue
        self._accept_deletions = accept_deletions
        self._index_type = index_type
        self._keep = keep
        self._change = change
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
            wanted = _resolve(catalogue, roots, self._index, everything=everything)
            plans = make_plans(
                catalogue,
                wanted,
                self._encoder.fingerprint,
                index=self._index,
                change=self._change,
                accept_deletions=self._accept_deletions,
            )
            report.problems += plans.problems
            report.skipped += plans.skipped
            catalogue.expect_moves(plans.gone)
            self._embed(plans.work, reporter)
            self._forget(plans)
            self._count(plans)
        self._publish_if_needed()
        self._clean_up()
        return report

    def _embed(self, work: list[Found], reporter: Reporter) -> None:
        if not work:
            return
        given_out = max(self._catalogue.shards(self._encoder.fingerprint), default=0)
        with ShardWriter(self._vectors, self._encoder.dimension, above=given_out) as shard:
            pipeline = Pipeline(self._encoder, self._catalogue, shard, self._index / "thumbnails")
            self._report.skipped += pipeline.run(work, reporter)
            self._report.embedded = pipeline.embedded

    def _forget(self, plans: Plans) -> None:
        self._catalogue.begin()
        self._catalogue.remove(set(plans.gone) - self._catalogue.moved)
        for plan in plans.roots:
            if not plan.root.exists():
                self._catalogue.remove_root(plan.root)
        self._catalogue.commit()

    def _count(self, plans: Plans) -> None:
        report = self._report
        said = {skipped.path for skipped in report.skipped}
        counts = count(plans, self._catalogue.moved, said)
        report.added, report.changed, report.moved = counts.added, counts.changed, counts.moved
        report.removed += counts.removed
        report.unchanged = counts.unchanged
        for plan in plans.roots:
            # A file that could not be read now is in the catalogue only if an earlier run could read it.
            report.skipped += [bad for bad in self._catalogue.unusable(plan.root) if bad.path not in said]

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
            forget_thumbnails(self._index / "thumbnails", content)
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
