"""Embed a library in parts on a cluster, then merge them: `sketchseek index --ray`.

The parts stay, each an index folder of its own, so the next run processes only what changed since. The machine that
runs this neither reads photos nor loads a model.
"""

import importlib.metadata
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer.catalogue.database import Catalogue
from indexer.cluster.child import Outcome
from indexer.cluster.engine import Arguments, Engine, Offer, Request
from indexer.cluster.scheduling import Executor, Patience, Schedule
from indexer.errors import ClusterProblem, IndexProblem, PhotosMissing
from indexer.folders.partition import Partition
from indexer.folders.scan import Skipped
from indexer.jobs import parts
from indexer.locking.opening import CATALOGUE, locked, plainly
from indexer.reports.progress import Reporter
from indexer.reports.report import Report, reporting, write
from indexer.reports.times import Times

# Parts for each one that runs at a time: what a dead node costs, and what the last part is waited for, is the smaller.
_ROUNDS = 4


@dataclass(frozen=True)
class Work:
    """What to embed where. `arguments` are the options of `sketchseek index` that all parts share; `parts` and
    `cpus_per_part` are chosen by the cluster's size if None, and `folder` is `parts` in the index if None."""

    address: str
    photos: Sequence[Path] = ()
    forget: Sequence[Path] = ()
    arguments: Sequence[str] = ()
    model: str = "lite"
    parts: int | None = None
    folder: Path | None = None
    cpus_per_part: int | None = None


class Cluster(Executor, Protocol):
    """An Executor that says how large it is."""

    @property
    def offer(self) -> Offer: ...


Connect = Callable[[Request, Arguments], AbstractContextManager[Cluster]]
# Merges the folders of all parts; the flag says whether to remove photo folders that no part holds.
Merge = Callable[[Sequence[Path], bool], Report]


def embed(
    index: Path,
    work: Work,
    reporter: Reporter,
    merge: Merge,
    *,
    connect: Connect = Engine,
    patience: Patience | None = None,
    warn: Callable[[str], None] = lambda line: None,
) -> Report:
    """Embed all parts and merge them into the index. Raises ClusterProblem if some stay unfinished."""
    with locked(index) as index, reporting(index) as report, plainly(index):
        job = _Job(index, work)
        with job.parts_folder() as folder, report.spent.on("photos"):
            outcomes = job.run(folder, reporter, connect, patience or Patience(), warn)
        accept = job.only_forgotten(folder, outcomes)
    started, begun = report.started, time.monotonic()
    merged = merge([folder / str(part.number) for part in outcomes], accept)
    merged.started = started
    merged.seconds = round(report.seconds + time.monotonic() - begun, 2)
    merged.spent = Times(report.spent | merged.spent)
    _add(merged, outcomes)
    with suppress(OSError):
        write(index, merged)
    return merged


@dataclass
class _Job:
    index: Path
    work: Work
    # The photo folders that the index holds.
    _held: list[Path] = field(default_factory=list)

    @property
    def _forgotten(self) -> set[Path]:
        return {root.expanduser().resolve() for root in self.work.forget}

    @contextmanager
    def parts_folder(self) -> Iterator[Path]:
        """The folder of the parts, locked: one run at a time gives work to them."""
        with locked(self.work.folder or self.index / "parts") as folder:
            yield folder

    def run(
        self,
        folder: Path,
        reporter: Reporter,
        connect: Connect,
        patience: Patience,
        warn: Callable[[str], None],
    ) -> dict[Partition, Outcome]:
        self._held = _roots(self.index)
        self._check_forgotten(folder)
        photos = self._photos(folder)
        before = _parts_in(folder)
        if before and self.work.parts not in (None, before):
            raise ClusterProblem(
                f"{folder}: holds a library in {before} parts, not {self.work.parts}; use --parts {before}, or give "
                "another --parts-folder"
            )
        with _token(folder) as token:
            request = Request(
                self.work.address,
                self.work.cpus_per_part,
                tuple(map(str, photos)),
                str(token),
                self.work.model,
                importlib.metadata.version("sketchseek"),
            )
            with connect(request, self._arguments(folder, photos)) as cluster:
                for line in cluster.offer.unfit:
                    warn(f"not used: {line}")
                of = self.work.parts or before or _ROUNDS * cluster.offer.slots
                if not of:
                    raise ClusterProblem(
                        f"no node of the cluster has {cluster.offer.cpus_per_part} CPUs; choose fewer with "
                        "--cpus-per-part, or say how many --parts to make, and it waits for such a node"
                    )
                todo = [Partition(number, of) for number in range(1, of + 1)]
                return Schedule(todo, cluster, reporter, patience).run()

    def _check_forgotten(self, folder: Path) -> None:
        """A part may have forgotten a folder in a run that did not come to its end; then the index still holds it."""
        if unknown := self._forgotten - {*self._held}.union(*map(_roots, folder.glob("[0-9]*"))):
            known = ", ".join(map(str, self._held)) or "none"
            raise IndexProblem(f"{min(unknown)}: not a folder of this index; it holds {known}")

    def _photos(self, folder: Path) -> list[Path]:
        """The folders given, or those of earlier runs: every part must hear of the same ones."""
        given = [root.expanduser().resolve() for root in self.work.photos]
        found = given or [root for root in self._held or _roots(folder / "1") if root not in self._forgotten]
        if not found and not self._forgotten:
            raise PhotosMissing("no photo folder given; run sketchseek index PHOTOS... --index DIR")
        return found

    def _arguments(self, folder: Path, photos: Sequence[Path]) -> Arguments:
        def arguments(part: Partition, cpus: int) -> list[str]:
            ours = folder / str(part.number)
            options = ["--index", str(ours), "--partition", str(part), "--cpus", str(cpus)]
            options += ["--model", self.work.model, "--json", "--supervised"]
            # Another try may come after one that forgot them.
            options += [f"--forget={root}" for root in self._forgotten & {*_roots(ours)}]
            # -P: do not import modules from the current folder. After "--", no folder is taken for an option.
            return ["-P", "-m", "service", "index", *options, *self.work.arguments, "--", *map(str, photos)]

        return arguments

    def only_forgotten(self, folder: Path, outcomes: Mapping[Partition, Outcome]) -> bool:
        """Whether the photo folders that the index holds and no part does are those that were to be forgotten."""
        first = next(iter(outcomes))
        gone = {*self._held} - {*map(Path, parts.parse(folder / str(first.number)).roots)}
        return bool(gone) and gone <= self._forgotten


def _roots(index: Path) -> list[Path]:
    """The photo folders of an index; none if there is none yet, or if it is damaged: whoever writes to it heals it."""
    if (index / CATALOGUE).exists():
        with suppress(sqlite3.Error), Catalogue(index / CATALOGUE, read_only=True) as catalogue:
            return catalogue.roots()
    return []


def _parts_in(folder: Path) -> int | None:
    """In how many parts a folder holds a library; None if it holds none yet."""
    for path in sorted(folder.glob("[0-9]*")):
        with suppress(IndexProblem):
            return parts.parse(path).place.of
    for path in sorted(folder.glob(f"[0-9]*/{CATALOGUE}")):
        # A part that no run has finished yet. It may be in use by a run that outlived its node.
        with suppress(sqlite3.Error), Catalogue(path, read_only=True) as catalogue:
            if catalogue.partition is not None:
                return catalogue.partition.of
    return None


@contextmanager
def _token(folder: Path) -> Iterator[Path]:
    """A file that a node sees only if it sees this folder."""
    path = folder / f".seen-{secrets.token_hex(8)}"
    path.touch()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _add(report: Report, outcomes: Mapping[Partition, Outcome]) -> None:
    """Add to the report of the merge what the runs of the parts reported."""
    known = {skipped.path for skipped in report.skipped}
    problems: dict[str, None] = {}
    for outcome in outcomes.values():
        told = outcome.report or {}
        report.embedded += told.get("embedded", 0)
        problems |= dict.fromkeys(told.get("problems", ()))
        # What could not be read now is in no catalogue.
        skipped = (Skipped(Path(path), reason) for path, reason in outcome.skipped)
        report.skipped += (one for one in skipped if one.path not in known)
    report.problems += problems
