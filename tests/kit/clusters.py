"""Executors of parts without Ray: one that does as scripted, and one with threads of this process."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from indexer import Partition, RulesChange, run
from indexer.cluster.child import News, Outcome
from indexer.cluster.engine import Arguments, Offer, Request
from indexer.folders.scan import Skipped
from indexer.reports.progress import Progress, Silent
from model import Encoder, SketchseekError
from tests.kit.standin import StandIn


class Watching(Silent):
    """Hears what a run says."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.counts: list[tuple[int, int]] = []
        self.skipped: list[str] = []

    def advance(self, progress: Progress) -> None:
        self.counts.append((progress.done, progress.photos))
        self.notes.append(progress.note)

    def skip(self, skipped: Skipped) -> None:
        self.skipped.append(str(skipped.path))


class Scripted:
    """Each part ends as its script says, one try after the other; a clock that moves only when somebody waits."""

    def __init__(self, script: Callable[[Partition, int], Outcome | News]) -> None:
        """`script` says for a part and the number of its try how that ends, or how far it is for ever."""
        self.now = 0.0
        self.started: list[tuple[float, int]] = []
        self.stopped = False
        self.asked: Callable[[], None] = lambda: None
        self.why = ""
        self._script = script
        self._tries: dict[Partition, int] = {}
        self._waiting: list[Partition] = []
        self._news: dict[Partition, News] = {}

    def clock(self) -> float:
        return self.now

    def start(self, part: Partition) -> None:
        self.started.append((self.now, part.number))
        self._tries[part] = self._tries.get(part, 0) + 1
        self._waiting.append(part)

    def ended(self, seconds: float) -> Mapping[Partition, Outcome]:
        self.asked()
        self.now += seconds
        found: dict[Partition, Outcome] = {}
        self._news.clear()
        for part in [*self._waiting]:
            told = self._script(part, self._tries[part])
            if isinstance(told, News):
                self._news[part] = told
            else:
                self._waiting.remove(part)
                found[part] = told
        return found

    def news(self) -> Mapping[Partition, News]:
        return self._news

    def held_up(self) -> str:
        return self.why

    def stop(self) -> None:
        self.stopped = True


class Local:
    """Runs parts in threads of this process, with a stand-in for the model."""

    def __init__(self, request: Request, arguments: Arguments, *, at_once: int = 2) -> None:
        self.offer = Offer(1, 1, at_once)
        self.request = request
        self._arguments = arguments
        self._room = threading.Semaphore(at_once)
        self._ended: queue.SimpleQueue[tuple[Partition, Outcome]] = queue.SimpleQueue()
        self._told: dict[Partition, _Telling] = {}

    def start(self, part: Partition) -> None:
        threading.Thread(target=self._run, args=(part, self._arguments(part, 1)), daemon=True).start()

    def _run(self, part: Partition, arguments: Sequence[str]) -> None:
        with self._room:
            telling = self._told[part] = _Telling()
            outcome = _index(arguments, telling)
            del self._told[part]
        self._ended.put((part, outcome))

    def ended(self, seconds: float) -> Mapping[Partition, Outcome]:
        try:
            return dict([self._ended.get(timeout=seconds)])
        except queue.Empty:
            return {}

    def news(self) -> Mapping[Partition, News]:
        return {part: telling.news for part, telling in [*self._told.items()]}

    def held_up(self) -> str:
        return ""

    def stop(self) -> None:
        raise AssertionError("no test stops these")


@contextmanager
def local(request: Request, arguments: Arguments) -> Iterator[Local]:
    """Connects to this process."""
    yield Local(request, arguments)


class _Telling(Silent):
    def __init__(self) -> None:
        self.news = News()
        self.skipped: list[tuple[str, str]] = []

    def begin(self, progress: Progress) -> None:
        self.advance(progress)

    def advance(self, progress: Progress) -> None:
        self.news = News(progress.photos, progress.done, progress.skipped)

    def skip(self, skipped: Skipped) -> None:
        self.skipped.append((str(skipped.path), skipped.reason))


def _index(arguments: Sequence[str], telling: _Telling) -> Outcome:
    """What the process of a part would do: `sketchseek index` with these options, without a model."""
    from service.commands.index import command

    assert [*arguments[:4]] == ["-P", "-m", "service", "index"]
    asked = command.make_context("index", [*arguments[4:]]).params
    assert asked["as_json"]
    assert asked["supervised"]
    try:
        report = run(
            asked["index"],
            asked["photos"],
            cast(Encoder, StandIn()),
            telling,
            accept_deletions=asked["accept_deletions"],
            forget=asked["forget"],
            change=RulesChange(asked["include"] or None, asked["exclude"] or None, asked["hidden"]),
            partition=Partition.parse(asked["partition"]),
        )
    except SketchseekError as error:
        return Outcome(error.exit_status, (str(error),), None, (), telling.news)
    news = News(telling.news.photos, telling.news.photos, telling.news.skipped)
    return Outcome(1 if report.problems else 0, (), report.plain(), tuple(telling.skipped), news)
