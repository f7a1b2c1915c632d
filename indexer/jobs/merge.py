"""Merge the parts of a library into one index: `sketchseek merge`. Nothing is decoded or embedded again.

Where a run scans folders, a merge reads the catalogues of the parts and applies them to the whole in one transaction,
by the same rules for moves and ids. Only vectors whose content is new to the whole are copied, so merging again costs
only what changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from indexer.catalogue.database import Catalogue, rules_from
from indexer.catalogue.incoming import Incoming, Row
from indexer.catalogue.records import Root
from indexer.catalogue.safekeeping import kept_catalogue
from indexer.collection import Collection
from indexer.decoding.thumbnails import (
    has_thumbnail,
    read_thumbnail,
    thumbnail_path,
    write_thumbnail,
)
from indexer.errors import IndexProblem
from indexer.folders.scan import Found
from indexer.generations.healing import heal_parts, heal_vectors
from indexer.jobs import parts
from indexer.jobs.finishing import clean_up, fill_in_colours, publish_if_needed
from indexer.jobs.parts import Part
from indexer.library import shelf
from indexer.locking.lock import reading
from indexer.locking.opening import CATALOGUE, locked, plainly
from indexer.reports.progress import Reporter
from indexer.reports.report import Report, reporting
from indexer.shards import banks
from indexer.shards.shard import ShardWriter

_CHUNK = 4096


def merge(
    index: Path,
    folders: Sequence[Path],
    reporter: Reporter,
    *,
    accept_deletions: bool = False,
    index_type: str | None = None,
    keep: int = 2,
    store: str | None = None,
    live: bool | None = None,
) -> Report:
    """Publish all parts of a library as one index, or to a `store`, which it changes if `live`; photos keep their ids.

    `accept_deletions` removes photo folders that the index holds but no part does.
    """
    kept_on = shelf(store or index.expanduser().resolve())
    kept_on.refuse(index_type, live=bool(live))
    with locked(index) as index, reporting(index) as report, plainly(index), ExitStack() as stack:
        folders = [folder.expanduser().resolve() for folder in folders]
        if index in folders:
            raise IndexProblem(f"{index}: is one of the parts; choose another --index for the merged library")
        for folder in dict.fromkeys(folders):
            stack.enter_context(reading(folder))
        with report.spent.on("read"):
            found = [parts.read(folder) for folder in folders]
            parts.check_together(folders, found)
        catalogue = stack.enter_context(kept_catalogue(index, report.healed))
        merging = _Merge(index, catalogue, folders, found, report)
        with report.spent.on("read"):
            merging.gather(accept_deletions=accept_deletions)
        with report.spent.on("copy"):
            merging.apply(reporter)
        origin = merging.origin
        banks.keep(index, origin, parts.bank_of(folders[0], found[0]))
        with report.spent.on("publish"):
            fill_in_colours(catalogue)
            collection = Collection(index, origin, catalogue)
            publish_if_needed(
                kept_on, collection, report, reporter, index_type=index_type, keep=keep, live=live
            )
            clean_up(index, origin, catalogue)
        return report


class _Merge:
    """One merge, with the index locked and its catalogue open."""

    def __init__(
        self,
        index: Path,
        catalogue: Catalogue,
        folders: Sequence[Path],
        found: Sequence[Part],
        report: Report,
    ) -> None:
        if catalogue.partition is not None:
            raise IndexProblem(f"{index}: is a part itself; choose another --index for the merged library")
        self._index = index
        self._catalogue = catalogue
        self._folders = folders
        self._parts = found
        self._report = report
        self.origin = parts.common_origin(found)
        self._series = self.origin.series_in(index)
        self._roots = {Path(root): Root(rules_from(rules)) for root, rules in found[0].roots.items()}
        self._foreign = [root for root in catalogue.roots() if root not in self._roots]
        self._incoming = Incoming(catalogue.connection)

    def gather(self, *, accept_deletions: bool) -> None:
        """Find what the parts hold and the whole does not."""
        if self._foreign and not accept_deletions:
            raise IndexProblem(
                f"{self._index}: holds {', '.join(map(str, self._foreign))}, which no part does; to remove "
                "that, add --accept-deletions, or choose another --index"
            )
        self._report.healed += heal_vectors(self._index, self.origin, self._catalogue)
        self._report.healed += heal_parts(self._index, self.origin, self._catalogue)
        keys = [series.key for series in self._series]
        for number, folder in enumerate(self._folders):
            self._incoming.gather(folder / CATALOGUE, number, keys)
        self._incoming.compare()

    def apply(self, reporter: Reporter) -> None:
        """Apply the parts' catalogues to the whole, and copy the vectors it needs."""
        catalogue = self._catalogue
        with ExitStack() as stack:
            writers = {
                series.key: stack.enter_context(
                    series.writer(above=max(catalogue.shards(series.key), default=0))
                )
                for series in self._series
            }
            stack.enter_context(catalogue.transaction())
            self._incoming.describe()
            self._copy(writers, reporter)
            self._record()
            for shard in writers.values():
                shard.sync()

    def _copy(self, writers: Mapping[str, ShardWriter], reporter: Reporter) -> None:
        done, total = 0, self._incoming.count_vectors()
        for (number, key, source), rows in groupby(
            self._incoming.vectors(), key=lambda row: (row.part, row.fingerprint, row.place.shard)
        ):
            folder, part = self._folders[number], self._parts[number]
            series = next(one for one in part.origin.series_in(folder) if one.key == key)
            parts.check_file(folder, part, series.path(source))
            reader = series.reader()
            for chunk in _chunks(rows):
                places = [row.place for row in chunk]
                names = [place.content for place in places]
                copied = writers[key].append(names, reader.checked(places))
                self._catalogue.place_vectors(key, copied)
                for name in names if key == part.fingerprint else ():
                    self._copy_thumbnail(folder, name)
                done += len(chunk)
                reporter.step("copying", done, total)

    def _copy_thumbnail(self, folder: Path, content: str) -> None:
        """Copy a thumbnail; a missing one is made again when needed."""
        ours = self._index / "thumbnails"
        data = read_thumbnail(thumbnail_path(folder / "thumbnails", content))
        if data is not None and not has_thumbnail(ours, content):
            write_thumbnail(ours, content, data)

    def _record(self) -> None:
        catalogue, report = self._catalogue, self._report
        for root, memory in self._roots.items():
            catalogue.remember_root(root, memory)
        for root in self._foreign:
            report.removed += catalogue.remove_root(root)
        gone = self._incoming.gone()
        catalogue.expect_moves(gone)
        for change in self._incoming.changes():
            place = Found(Path(change.root), change.relative, change.size, change.mtime_ns)
            catalogue.record(place, content=change.content, error=change.error, number=change.id)
            report.added += change.new and change.error is None
            report.changed += change.other and not change.new
        catalogue.remove(gone.keys() - catalogue.moved)
        report.moved = len(catalogue.moved)
        report.added -= report.moved
        report.removed += sum(gone.values()) - report.moved
        report.unchanged = (
            catalogue.count(self.origin.fingerprint) - report.added - report.changed - report.moved
        )
        report.skipped = [bad for root in self._roots for bad in catalogue.unusable(root)]


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
