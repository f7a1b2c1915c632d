"""The indexing job: scan the folders, embed what is new or changed, remove what is gone, publish the result."""

from collections.abc import Sequence, Set
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.catalogue.safekeeping import kept_catalogue
from indexer.collection import Collection
from indexer.decoding.thumbnails import has_thumbnail
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex, PhotosMissing
from indexer.folders.losses import Failing, loss_problem
from indexer.folders.partition import Partition
from indexer.generations import generation
from indexer.generations.healing import heal_vectors
from indexer.generations.manifest import read_manifest
from indexer.jobs import parts
from indexer.jobs.collecting import collecting_seldom
from indexer.jobs.finishing import clean_up, fill_in_colours, publish_if_needed
from indexer.jobs.interim import Cadence, Interim
from indexer.jobs.pipeline import Pipeline
from indexer.jobs.plan import Plan, Plans, RulesChange, count, make_plans
from indexer.jobs.stopping import Interrupted
from indexer.jobs.sweeping import forget_damaged, note_damaged, sweep
from indexer.library import shelf
from indexer.locking.opening import is_text, locked, plainly
from indexer.reports.counting import counted_were
from indexer.reports.progress import Reporter
from indexer.reports.report import Report, last_report, reporting
from indexer.shards import banks
from indexer.shards.shard import Origin, ShardWriter, vectors_folder
from indexer.stores.registry import asked
from model import Encoder


def run(
    index: Path,
    roots: Sequence[Path],
    encoder: Encoder,
    reporter: Reporter,
    *,
    accept_deletions: bool = False,
    forget: Sequence[Path] = (),
    index_type: str | None = None,
    keep: int = 2,
    change: RulesChange | None = None,
    partition: Partition | None = None,
) -> Report:
    """Bring an index up to date with its photo folders; without `roots`, those of earlier runs.

    `accept_deletions` accepts folders that are missing, empty, or lost many photos; `forget` removes folders from the
    index; `change` changes which files to scan. It and `index_type` also apply to later runs. `keep` is the number of
    generations to keep. With a `partition` the index permanently becomes that part of a library: embedded and to be
    merged, but never published.
    """
    if index_type is not None:
        asked(index_type)
    with locked(index) as index, reporting(index) as report, plainly(index), collecting_seldom():
        with kept_catalogue(index, report.healed) as catalogue:
            origin = Origin.of(encoder)
            collection = Collection(index, origin, catalogue)
            interim = Interim(shelf(index), collection, report, reporter, Cadence(_cost(index)))
            job = _Run(index, encoder, catalogue, report, reporter, interim)
            part = job.part(partition)
            job.embed(roots, forget, change or RulesChange(), accept_deletions=accept_deletions)
            banks.keep(index, origin, encoder.bank)
            with report.spent.on("publish"):
                fill_in_colours(catalogue)
                if part is None:
                    publish_if_needed(
                        shelf(index),
                        collection,
                        report,
                        reporter,
                        index_type=index_type,
                        keep=keep,
                        replaces=interim.last,
                    )
                clean_up(index, origin, catalogue)
            if part is not None:
                sealed = parts.describe(catalogue, part, origin)
        if part is not None:
            # The catalogue is a single file only once it is closed.
            with report.spent.on("publish"):
                report.photos = parts.seal(index, sealed).photos
        return report


class _Run:
    """One run, with the index locked and its catalogue open."""

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        catalogue: Catalogue,
        report: Report,
        reporter: Reporter,
        interim: Interim,
    ) -> None:
        self._index = index
        self._encoder = encoder
        self._catalogue = catalogue
        self._report = report
        self._reporter = reporter
        self._interim = interim
        self._vectors = vectors_folder(index, encoder.fingerprint)
        self._thumbnails = index / "thumbnails"
        self._part: Partition | None = None

    def part(self, asked: Partition | None) -> Partition | None:
        """Return which part of a library this index is; None for a whole one. This never changes."""
        catalogue, before = self._catalogue, self._catalogue.partition
        if asked is not None and before is None:
            if catalogue.roots():
                raise IndexProblem(
                    f"{self._index}: holds a whole index; choose another --index for part {asked}"
                )
            catalogue.partition = asked
        elif asked not in (None, before):
            raise IndexProblem(f"{self._index}: is part {before}; choose another --index for part {asked}")
        self._part = catalogue.partition
        self._report.partition = str(self._part) if self._part else None
        return self._part

    def embed(
        self, roots: Sequence[Path], forget: Sequence[Path], change: RulesChange, *, accept_deletions: bool
    ) -> None:
        """Update the catalogue and the vectors to match the folders."""
        catalogue, report = self._catalogue, self._report
        report.healed += heal_vectors(self._index, Origin.of(self._encoder), catalogue)
        report.removed += self._forget_folders([root.expanduser().resolve() for root in forget])
        if not (roots or catalogue.roots() or not forget):
            return
        try:
            plans, missing = self._scan(roots, change, accept_deletions=accept_deletions)
        except PhotosMissing as error:
            if not forget:
                raise
            # The folders to forget must disappear even while the others are missing.
            report.problems.append(str(error))
            return
        report.problems += plans.problems
        report.skipped += plans.skipped
        catalogue.expect_moves(plans.gone)
        with catalogue.transaction():
            for plan in plans.roots:
                catalogue.learn_changes(plan.times)
        with report.spent.on("photos"):
            failing = self._embed_files(plans)
        self._report_thumbnails(missing)
        self._apply_losses(plans, failing, accept_deletions=accept_deletions)
        self._count(plans)

    def _forget_folders(self, folders: Sequence[Path]) -> int:
        """Remove folders from the catalogue; returns how many photos they held."""
        held = self._catalogue.roots()
        for folder in folders:
            if folder not in held:
                known = ", ".join(map(str, held)) or "none"
                raise IndexProblem(f"{folder}: not a folder of this index; it holds {known}")
        return sum(map(self._catalogue.remove_root, folders))

    def _scan(
        self, roots: Sequence[Path], change: RulesChange, *, accept_deletions: bool
    ) -> tuple[Plans, Set[str]]:
        """Return what there is to do, and contents whose thumbnail is missing."""
        with self._report.spent.on("scan"):
            missing = sweep(self._catalogue, self._thumbnails)
            everything = _model_changed(self._index, self._encoder)
            plans = make_plans(
                self._catalogue,
                _resolve(self._catalogue, roots, self._index, everything=everything),
                self._encoder.fingerprint,
                index=self._index,
                change=change,
                accept_deletions=accept_deletions,
                again=self._catalogue.photos_of(missing),
                part=self._part,
            )
        return plans, missing

    def _embed_files(self, plans: Plans) -> list[Failing]:
        """Read and embed; returns files that no longer are photos, which are not recorded yet."""
        if not (files := plans.work):
            return []
        highest = max(self._catalogue.shards(self._encoder.fingerprint), default=0)
        with ShardWriter(self._vectors, self._encoder.dimension, above=highest) as shard:
            pipeline = Pipeline(
                self._encoder, self._catalogue, shard, self._thumbnails, plans.was_good, self._publish_if_due
            )
            try:
                self._report.skipped += pipeline.run(files, self._reporter)
            except Interrupted:
                if self._part is None and self._interim.worth_a_last_one:
                    self._publish_some()
                raise
            finally:
                self._report.embedded = pipeline.embedded
            return pipeline.failing

    def _publish_if_due(self) -> None:
        """Between two commits of a whole index; a part is never published."""
        if self._part is None and self._interim.due:
            self._publish_some()

    def _publish_some(self) -> None:
        # Before the collection reads it.
        banks.keep(self._index, Origin.of(self._encoder), self._encoder.bank)
        self._interim.publish()

    def _report_thumbnails(self, missing: Set[str]) -> None:
        left = [content for content in missing if not has_thumbnail(self._thumbnails, content)]
        if made := len(missing) - len(left):
            self._report.healed.append(f"{counted_were(made, 'thumbnail')} missing or damaged: made again")
        if left:
            note_damaged(self._thumbnails, left)
        else:
            forget_damaged(self._thumbnails)

    def _apply_losses(self, plans: Plans, failing: list[Failing], *, accept_deletions: bool) -> None:
        """Remove what is gone or no longer a picture, if the loss is plausible, in one transaction.

        Nothing of this is recorded earlier, so a run that dies before has removed nothing.
        """
        with self._catalogue.transaction():
            for place, plan in enumerate(plans.roots):
                bad = [one for one in failing if one.found.root == plan.root]
                if not accept_deletions and (why := self._loss_problem(plan, bad)):
                    self._report.problems.append(why)
                    plans.roots[place] = plan.kept()
                    continue
                for one in bad:
                    self._catalogue.record(one.found, error=one.reason)
                self._catalogue.remove(set(plan.gone) - self._catalogue.moved)
                if plan.deleted:
                    self._catalogue.remove_root(plan.root)
                else:
                    self._catalogue.remember_root(plan.root, plan.memory)

    def _loss_problem(self, plan: Plan, failing: list[Failing]) -> str | None:
        gone = len(plan.losses - self._catalogue.moved)
        return loss_problem(plan.root, plan.photos, gone, failing, moved_device=plan.moved_device)

    def _count(self, plans: Plans) -> None:
        report = self._report
        listed = {skipped.path for skipped in report.skipped}
        counts = count(plans, self._catalogue.moved, listed)
        report.added, report.changed, report.moved = counts.added, counts.changed, counts.moved
        report.removed += counts.removed
        report.unchanged = counts.unchanged
        for plan in plans.roots:
            # A file that cannot be read now is in the catalogue only if an earlier run could read it.
            report.skipped += [bad for bad in self._catalogue.unusable(plan.root) if bad.path not in listed]


def _cost(index: Path) -> float:
    """Seconds that publishing took the last run, as far as is known."""
    spent = (last_report(index) or {}).get("spent")
    found = spent.get("publish") if isinstance(spent, dict) else None
    return float(found) if isinstance(found, int | float) else 0.0


def _model_changed(index: Path, encoder: Encoder) -> bool:
    try:
        return read_manifest(generation.current(index)).fingerprint != encoder.fingerprint
    except (NoIndex, BrokenGeneration):
        return False


def _resolve(catalogue: Catalogue, roots: Sequence[Path], index: Path, *, everything: bool) -> list[Path]:
    """Return the absolute folders to scan; refuses one inside another, whose photos would be indexed twice.

    `everything` adds the folders of earlier runs to those given: a new model must embed them all.
    """
    before = catalogue.roots()
    if not roots and not before:
        raise PhotosMissing("no photo folder given; run sketchseek index PHOTOS... --index DIR")
    given = list(dict.fromkeys(root.expanduser().resolve() for root in roots))
    wanted = list(dict.fromkeys([*given, *before])) if everything or not given else given
    for root in wanted:
        if not is_text(root):
            raise PhotosMissing(f"{str(root)!r}: the folder's name is not valid UTF-8; rename it")
        if root.is_relative_to(index):
            raise PhotosMissing(f"{root}: lies in the index folder; give a folder of photos")
        for other in {*before, *wanted} - {root}:
            if root.is_relative_to(other) or other.is_relative_to(root):
                inner, outer = sorted((root, other), key=lambda path: len(path.parts), reverse=True)
                raise IndexProblem(
                    f"{inner} lies inside {outer}, which this index also holds; index only one of them, "
                    "or remove one with --forget"
                )
    return wanted
