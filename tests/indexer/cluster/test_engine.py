"""The process that speaks with Ray, seen from outside: what it answers, and that nothing it does can hang a run."""

import sys
import textwrap
import time
from collections.abc import Sequence

import pytest

from indexer import Partition
from indexer.cluster import engine
from indexer.cluster.child import News, Outcome
from indexer.cluster.engine import Engine, Offer, Request
from indexer.errors import ClusterProblem

REQUEST = Request("head:6379", None, ("/photos",), "/parts/.seen", "lite", "1.0")
OUTCOME = {
    "status": 0,
    "said": [],
    "report": {},
    "skipped": [],
    "news": {"photos": 2, "done": 2, "skipped": 0},
}
REACHED = """
import json, sys, time
def tell(event, **values): print(json.dumps({"event": event, **values}), flush=True)
request = json.loads(sys.stdin.readline())
tell("reached")
"""
OFFER = REACHED + "tell('offer', nodes=2, cpus_per_part=4, slots=6, unfit=['c: no photos'])\n"


def arguments(part: Partition, cpus: int) -> Sequence[str]:
    return ["embed", str(part), str(cpus)]


def opened(script: str) -> Engine:
    return Engine(REQUEST, arguments, command=["-c", textwrap.dedent(script)])


def test_parts_go_in_and_outcomes_come_out() -> None:
    script = f"""{OFFER}
assert request["address"] == "head:6379", request
for line in sys.stdin:
    command = json.loads(line)
    if "stop" in command:
        tell("stopped")
        continue
    assert command["arguments"] == ["embed", f"{{command['start']}}/2", "4"], command
    tell("news", parts={{command["start"]: {{"photos": 2, "done": 1, "skipped": 0}}}}, held_up="busy")
    if command["start"] == 2:
        tell("ended", part=2, outcome={OUTCOME})
"""
    first, second = Partition(1, 2), Partition(2, 2)
    with opened(script) as running:
        assert running.offer == Offer(2, 4, 6, ("c: no photos",))
        running.start(first)
        running.start(second)
        assert running.ended(60) == {second: Outcome(0, report={}, news=News(2, 2))}
        assert (running.news(), running.held_up()) == ({}, "busy")
        assert running.ended(0) == {}
        running.stop()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("tell('failed', error='the cluster runs Ray 1')", r"^the cluster runs Ray 1$"),
        ("time.sleep(600)", "run no tasks"),
        ("sys.exit('raylet died')", r"lost the Ray cluster at head:6379 \(raylet died\)"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_an_error(
    script: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_CHECK", 0.2 if "sleep" in script else 60.0)
    with pytest.raises(ClusterProblem, match=problem):
        opened(REACHED + script)


@pytest.mark.parametrize("script", ["import time; time.sleep(600)", "import os; os.abort()"])
def test_a_cluster_that_does_not_answer_is_an_error(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray waits, or ends its process, if this machine is no node or its node does not answer."""
    monkeypatch.setattr(engine, "_CONNECT", 0.2 if "sleep" in script else 60.0)
    with pytest.raises(ClusterProblem, match="does not answer: run this on one of its nodes, or give ray://"):
        opened(script)


def test_a_cluster_that_is_lost_is_an_error_however_often_it_is_asked() -> None:
    with opened(OFFER + "sys.stdin.readline(); sys.exit('the raylet is gone')") as running:
        running.start(Partition(1, 1))
        for _ in range(2):
            with pytest.raises(ClusterProblem, match=r"lost .* \(the raylet is gone\).* the same command"):
                running.ended(60)


def test_what_it_said_last_is_heard_however_late_its_reader_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    listen = Engine._listen

    def late(self: Engine) -> None:
        # Both outputs end at once; without this, which reader comes first is chance.
        self._process.wait()
        time.sleep(0.2)
        listen(self)

    monkeypatch.setattr(Engine, "_listen", late)
    with pytest.raises(ClusterProblem, match=r"\(raylet died\)"):
        opened(REACHED + "sys.exit('raylet died')")


def test_what_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_CLOSE", 0.1)
    monkeypatch.setattr(engine, "_STOP", 0.1)
    with opened(OFFER + "time.sleep(600)") as running:
        running.stop()
    assert running._process.returncode == -9


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterProblem, match=r"pip install 'sketchseek\[ray\]'"):
        opened(OFFER)
