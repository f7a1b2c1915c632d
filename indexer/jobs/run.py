"""The indexing job: scan the folders, embed what is new or changed, remove what is gone, publish the result."""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.catalogue.safekeeping import kept_catalogue
from indexer.collection import Collection
from indexer.decoding.thumbnails import has_thumbnail
from indexer.errors import IndexProblem, PhotosMissing
from indexer.folders.losses import Failing, loss_problem
from indexer.folders.partition import Partition
from indexer.generations.healing import heal_parts, heal_vectors
from indexer.jobs import parts
from indexer.jobs.collecting import collecting_seldom
from indexer.jobs.filling import Filling
from indexer.jobs.finishing import clean_up, fill_in_colours, publish_if_needed
from indexer.jobs.interim import Cadence, Interim
from indexer.jobs.pipeline import Pipeline
from indexer.jobs.plan import Plan, Plans, RulesChange, count, make_plans
from indexer.jobs.roots import last_cost, model_changed, resolved
from indexer.jobs.stopping import Interrupted
from indexer.jobs.sweeping import forget_damaged, note_damaged, sweep
from indexer.library import shelf
from indexer.locking.opening import locked, plainly
from indexer.reports.counting import counted_were
from indexer.reports.progress import Reporter
from indexer.reports.report import Report, reporting
from indexer.shards import banks
from indexer.shards.rows import row_writers
from indexer.shards.shard import Origin
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
    store: str | None = None,
    live: bool | None = None,
) -> Report:
    """Bring an index up to date with its photo folders; without `roots`, those of earlier runs.

    `accept_deletions` accepts folders that are missing, empty, or lost many photos; `forget` removes folders from the
    index; `change` changes which files to scan. It and `index_type` also apply to later runs. `keep` is the number of
    generations to keep. With a `partition` the index permanently becomes that part of a library: embedded and to be
    merged, but never published. With a `store`, it is published there, and the index is only the folder to work in;
    if `live`, later runs change that generation in place.
    """
    kept_on = shelf(store or index.expanduser().resolve())
    kept_on.refuse(index_type, live=bool(live))
    with locked(index) as index, reporting(index) as report, plainly(index), collecting_seldom():
        with kept_catalogue(index, report.healed) as catalogue:
            origin = Origin.of(encoder)
            collection = Collection(index, origin, catalogue)
            interim = Interim(kept_on, collection, report, reporter, Cadence(last_cost(index)), live=live)
            job = _Run(index, encoder, catalogue, report, reporter, interim)
            part = job.part(partition)
            job.embed(roots, forget, change or RulesChange(), accept_deletions=accept_deletions)
            job.fill_in_parts()
            banks.keep(index, origin, encoder.bank)
            with report.spent.on("publish"):
                fill_in_colours(catalogue)
                if part is None:
                    publish_if_needed(
                        kept_on,
                        collection,
                        report,
                        reporter,
                        index_type=index_type,
                        keep=keep,
                        live=live,
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
        self._origin = Origin.of(encoder)
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
        report.healed += heal_vectors(self._index, self._origin, catalogue)
        report.healed += heal_parts(self._index, self._origin, catalogue)
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
            everything = model_changed(self._index, self._encoder)
            plans = make_plans(
                self._catalogue,
                resolved(self._catalogue, roots, self._index, everything=everything),
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
        with row_writers(self._index, self._origin, self._catalogue) as shards:
            pipeline = Pipeline(
                self._encoder, self._catalogue, shards, self._thumbnails, plans.was_good, self._publish_if_due
            )
            try:
                with self._published_if_stopped():
                    self._report.skipped += pipeline.run(files, self._reporter)
            finally:
                self._report.embedded = pipeline.embedded
            return pipeline.failing

    def fill_in_parts(self) -> None:
        """Make the local parts of photos that were embedded without."""
        catalogue, digest = self._catalogue, self._origin.parts
        if not digest or not catalogue.without_parts(self._origin.fingerprint, digest, "", 1):
            return
        with self._report.spent.on("parts"), row_writers(self._index, self._origin, catalogue) as shards:
            filling = Filling(self._encoder, catalogue, shards, self._thumbnails, self._publish_if_due)
            try:
                with self._published_if_stopped():
                    filling.run(self._reporter)
            finally:
                self._report.healed.append(filling.summary())

    @contextmanager
    def _published_if_stopped(self) -> Iterator[None]:
        try:
            yield
        except Interrupted:
            if self._part is None and self._interim.worth_a_last_one:
                self._publish_some()
            raise

    def _publish_if_due(self) -> None:
        """Between two commits of a whole index; a part is never published."""
        if self._part is None and self._interim.due:
            self._publish_some()

    def _publish_some(self) -> None:
        # Before the collection reads it.
        banks.keep(self._index, self._origin, self._encoder.bank)
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
