"""Which parts run when: tries, waits, failures, and a signal; without anything that really runs."""

import itertools
import os
import signal

import pytest

from indexer import Partition
from indexer.cluster.child import News, Outcome
from indexer.cluster.scheduling import Patience, Schedule
from indexer.errors import ClusterProblem
from indexer.jobs.stopping import Interrupted
from tests.kit.clusters import Scripted, Watching

DONE = Outcome(0, report={"event": "done"})
BUSY = Outcome(75, ("index: process 7 is indexing here",))
FAILED = Outcome(1, ("Error: no such model", "ask somebody"))


def parts(of: int) -> list[Partition]:
    return [Partition(number, of) for number in range(1, of + 1)]


def finish(
    executor: Scripted, of: int, patience: Patience | None = None
) -> tuple[dict[Partition, Outcome], Watching]:
    heard = Watching()
    schedule = Schedule(parts(of), executor, heard, patience or Patience(), executor.clock)
    return schedule.run(), heard


def test_all_parts_run_at_once_and_once() -> None:
    executor = Scripted(lambda part, attempt: DONE)
    found, heard = finish(executor, 5)
    assert found == dict.fromkeys(parts(5), DONE)
    assert executor.started == [(0.0, number) for number in range(1, 6)]
    assert not executor.stopped
    assert heard.notes[-1] == "5 of 5 parts done"


def test_a_part_that_fails_is_tried_again() -> None:
    executor = Scripted(lambda part, attempt: FAILED if part.number == 2 and attempt < 3 else DONE)
    found, _ = finish(executor, 3, Patience(tries=3, again=10))
    assert all(outcome.finished for outcome in found.values())
    again = [at for at, number in executor.started if number == 2]
    assert [number for _, number in executor.started] == [1, 2, 3, 2, 2]
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(again))


def test_the_others_go_on_when_a_part_fails_for_good() -> None:
    executor = Scripted(lambda part, attempt: FAILED if part.number == 2 else DONE)
    with pytest.raises(ClusterProblem) as raised:
        finish(executor, 4, Patience(tries=2))
    assert sorted(number for _, number in executor.started) == [1, 2, 2, 3, 4]
    lines = str(raised.value).splitlines()
    assert lines[0].startswith(
        "1 of 4 parts are unfinished: 2. Finished work is kept; fix this and run the same"
    )
    assert lines[1:] == ["part 2/4 ended with status 1:", "    Error: no such model", "    ask somebody"]


def test_an_error_describes_some_of_many_parts() -> None:
    outcomes = [Outcome(-9), Outcome(None, ("no photos there",)), FAILED, FAILED]
    executor = Scripted(lambda part, attempt: outcomes[part.number - 1] if part.number < 5 else DONE)
    with pytest.raises(ClusterProblem) as raised:
        finish(executor, 5, Patience(tries=1))
    lines = str(raised.value).splitlines()
    assert "4 of 5 parts are unfinished: 1, 2, 3, 4." in lines[0]
    assert lines[1:5] == [
        "part 1/5 was ended by signal 9:",
        "    it said nothing",
        "part 2/5 did not run:",
        "    no photos there",
    ]
    assert lines[-1] == "and 1 more"


def test_when_nothing_works_the_rest_is_not_tried() -> None:
    never = News(photos=10)
    executor = Scripted(lambda part, attempt: FAILED if part.number <= 3 else never)
    with pytest.raises(ClusterProblem, match="8 of 8 parts are unfinished"):
        finish(executor, 8, Patience(tries=1, hopeless=3))
    assert executor.stopped


def test_a_busy_part_is_waited_for_ever_longer() -> None:
    executor = Scripted(lambda part, attempt: BUSY if attempt < 8 else DONE)
    found, heard = finish(executor, 1, Patience(tries=1, busy=(5, 60)))
    assert [outcome.finished for outcome in found.values()] == [True]
    times = [at for at, _ in executor.started]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert [round(wait) for wait in waits] == pytest.approx([5, 10, 20, 40, 60, 60, 60], abs=1)
    assert "1 held by another run, waiting for it" in heard.notes[3]


def test_a_part_that_left_something_out_is_finished() -> None:
    told = Outcome(1, report={"problems": ["photos: lost 50 of 60"]})
    found, _ = finish(Scripted(lambda part, attempt: told), 2)
    assert [*found.values()] == [told, told]


def test_a_signal_stops_what_runs() -> None:
    executor = Scripted(lambda part, attempt: News(photos=10, done=2))
    executor.asked = lambda: os.kill(os.getpid(), signal.SIGTERM) if executor.now > 2 else None
    with pytest.raises(Interrupted) as raised:
        finish(executor, 2)
    assert (raised.value.number, executor.stopped) == (signal.SIGTERM, True)


def test_progress_adds_up_and_guesses_what_has_not_begun() -> None:
    def script(part: Partition, attempt: int) -> Outcome | News:
        if executor.now < 1:
            return News(40, 10) if part.number == 1 else BUSY
        return Outcome(0, report={}, skipped=(("a.jpg", "no picture"),), news=News(40, 40, 1))

    executor = Scripted(script)
    _, heard = finish(executor, 2, Patience(busy=(2, 2)))
    # The one that was busy has not begun.
    assert heard.counts[0] == (10, 80)
    assert heard.counts[-1] == (80, 80)
    assert heard.skipped == ["a.jpg", "a.jpg"]


def test_work_of_a_dead_node_counts_as_far_as_it_is_left() -> None:
    told = [News(100, 60), News(45, 0), News(45, 5), Outcome(0, report={}, news=News(45, 45))]
    executor = Scripted(lambda part, attempt: told.pop(0))
    _, heard = finish(executor, 1)
    assert heard.counts == [(60, 100), (55, 100), (60, 100), (100, 100)]


def test_it_says_why_nothing_runs() -> None:
    executor = Scripted(lambda part, attempt: DONE if executor.now > 3 else BUSY)
    executor.why = "the cluster has no free CPUs, waiting for some"
    _, heard = finish(executor, 1, Patience(busy=(9, 9)))
    assert heard.notes[0].startswith("0 of 1 parts done, the cluster has no free CPUs, waiting for some")
