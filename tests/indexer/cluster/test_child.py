"""A run of a part in a process of its own: what is heard of it, how it ended, and that it ends with its parent."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from indexer.cluster.child import News, Outcome, embed
from tests.kit import TOP
from tests.kit.waiting import until


def told(script: str, **options: float) -> tuple[Outcome, list[News]]:
    heard: list[News] = []
    return embed(["-c", textwrap.dedent(script)], heard.append, **options), heard


def events(*found: dict[str, object]) -> str:
    return "".join(f"print({json.dumps(json.dumps(one))}, flush=True)\n" for one in found)


START = {"event": "start", "photos": 9}
PROGRESS = {"event": "progress", "photos": 9, "done": 4, "skipped": 1, "shares": {}}
SKIPPED = {"event": "skipped", "path": "/photos/a.jpg", "reason": "not a picture"}
DONE = {"event": "done", "embedded": 8, "problems": [], "skipped": [{"path": "a"}] * 1000}


def test_a_run_tells_how_far_it_is_and_what_it_did() -> None:
    outcome, heard = told(events(START, PROGRESS, SKIPPED, DONE))
    assert [news for news, last in zip(heard, [None, *heard], strict=False) if news != last] == [
        News(), News(9), News(9, 4, 1), News(9, 9, 1),
    ]  # fmt: skip
    assert outcome == Outcome(
        0, (), {"embedded": 8, "problems": []}, (("/photos/a.jpg", "not a picture"),), News(9, 9, 1)
    )
    assert outcome.finished
    assert not outcome.busy
    assert Outcome.parse(json.loads(json.dumps(vars(outcome) | {"news": vars(outcome.news)}))) == outcome


def test_a_run_that_fails_leaves_its_last_lines() -> None:
    outcome, _ = told("import sys; [print('line', n) for n in range(99)]; sys.exit('no such model: x')")
    assert (outcome.status, outcome.finished, len(outcome.said)) == (1, False, 8)
    assert outcome.said[-2:] == ("line 98", "no such model: x")


def test_lines_of_any_kind_harm_nothing() -> None:
    script = """
    import sys
    sys.stdout.buffer.write(b'\\xff\\xfe\\n' + b'[' * 100000 + b'\\n' + b'x' * 9000000 + b'\\n')
    print('{"event": 7}', '\\n', '{"event"', '\\n', 'null', '\\n', 'last')
    """
    outcome, _ = told(script)
    assert (outcome.status, outcome.said[-1]) == (0, "last")
    assert all(len(line) <= 500 for line in outcome.said)


def test_busy_and_unfinished_runs_are_told_apart() -> None:
    assert told("import sys; sys.exit(75)")[0].busy
    assert told(events(DONE) + "import sys; sys.exit(1)")[0].finished
    assert not told("import os; os.kill(os.getpid(), 9)")[0].finished
    assert told("import os; os.kill(os.getpid(), 9)")[0].status == -9


def test_a_run_that_is_silent_is_heard_of() -> None:
    """Whoever waits for it must see that it lives."""
    beats = threading.Semaphore(0)
    process: list[int] = []

    def tell(news: News) -> None:
        beats.release()
        found = [line for line in Path("/proc/self/task").glob("*/children") if line.read_text().strip()]
        process[:] = [int(number) for line in found for number in line.read_text().split()]

    def end() -> None:
        for _ in range(5):
            assert beats.acquire(timeout=60)
        for number in process:
            if b"for-the-beat" in Path(f"/proc/{number}/cmdline").read_bytes():
                os.kill(number, signal.SIGKILL)

    killer = threading.Thread(target=end)
    killer.start()
    outcome = embed(["-c", "import time; time.sleep(600)", "for-the-beat"], tell, beat=0.02)
    killer.join()
    assert outcome.status == -signal.SIGKILL


POLITE = """
import signal, sys
def end(*_): print("committed", file=open(sys.argv[1], "w")); sys.exit(143)
signal.signal(signal.SIGTERM, end)
print('{"event": "start", "photos": 3}', flush=True)
signal.pause()
"""
DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), file=open(sys.argv[1], "w"), flush=True)
print('{"event": "start", "photos": 3}', flush=True)
time.sleep(600)
"""


class Stop(BaseException):
    """As a task that is cancelled."""


def stop_at_work(news: News) -> None:
    if news.photos:
        raise Stop


def test_a_run_that_is_stopped_commits_its_work(tmp_path: Path) -> None:
    with pytest.raises(Stop):
        embed(["-c", POLITE, str(tmp_path / "said")], stop_at_work)
    assert (tmp_path / "said").read_text() == "committed\n"


def test_a_run_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    with pytest.raises(Stop):
        embed(["-c", DEAF, str(tmp_path / "number")], stop_at_work, patience=0.05)
    assert not Path("/proc", (tmp_path / "number").read_text().strip()).exists()


def test_a_run_ends_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    """Of a killed node, nothing may write to the part for long."""
    (tmp_path / "photos").mkdir()
    script = f"""
from indexer.cluster.child import embed
heard = lambda news: print(news.photos, flush=True)
embed(["-c", '''
import os, sys, time
from service.library.supervised import end_with_stdin
end_with_stdin()
print(os.getpid(), file=open(sys.argv[1], "w"), flush=True)
print('{{"event": "start", "photos": 3}}', flush=True)
time.sleep(600)
''', {str(tmp_path / "number")!r}], heard)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=TOP, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert [worker.stdout.readline(), worker.stdout.readline()] == ["0\n", "3\n"]
        child = Path("/proc", (tmp_path / "number").read_text().strip())
        assert child.exists()
        worker.kill()
    until(lambda: not child.exists())
