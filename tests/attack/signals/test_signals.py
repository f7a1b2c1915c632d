"""Ctrl-C and SIGTERM at any moment of a command, once and again: one line, the right status; the next run goes on."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import TOP
from tests.kit.kills import decoders
from tests.kit.standin import contents, published, write_photo

# The command with a stand-in for the model, which signals itself at the n-th thing that Python tells its auditors of:
# imports, files, databases, processes, locks; to the very end of the interpreter.
_COMMAND = """
import os, sys
from service.ops import signals
signals.begin()
at, number, times, told = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
del sys.argv[1:5]
count = 0
def audit(event, arguments):
    global count
    count += 1
    if 0 < at <= count < at + times * 5 and (count - at) % 5 == 0:
        os.kill(os.getpid(), number)
import atexit
def last():
    open(told, "w").write(str(count))
    for _ in range(times if at < 0 else 0):
        os.kill(os.getpid(), number)
atexit.register(last)
sys.addaudithook(audit)
import model
from tests.kit.standin import StandIn
model.Encoder.load = lambda *_, **__: StandIn()
from service.cli import main
main()
"""
NEVER, AT_EXIT = 10**9, -1
_LINES = ("Stopped.\n", "Stopped. Finished work is kept; run the same command again to continue.\n")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(30):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    return tmp_path / "photos"


def signalled(index: Path, photos: Path, at: int, number: int, times: int = 1) -> tuple[int, str, int]:
    """Status, what was said on stderr, and how many things were told to the end."""
    told = index.parent / "told"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-c", _COMMAND, str(at), str(int(number)), str(times), str(told)]
    with subprocess.Popen(
        [*command, "index", str(photos), "--index", str(index), "--json"],
        cwd=TOP,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    ) as running:
        _, said = running.communicate(timeout=60)
    assert not decoders(running.pid)
    return running.returncode, said, int(told.read_text() if told.exists() else 0)


@pytest.fixture(scope="module")
def length(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many things a whole run does."""
    folder = tmp_path_factory.mktemp("measured")
    for seed in range(30):
        write_photo(folder / "photos" / f"{seed}.png", seed)
    status, said, last = signalled(folder / "index", folder / "photos", NEVER, signal.SIGTERM)
    assert (status, said) == (0, "")
    assert last > 500
    return last


@pytest.mark.parametrize(
    ("number", "times", "part"),
    [
        (signal.SIGTERM, 1, 0),
        (signal.SIGTERM, 1, 0.4),
        (signal.SIGTERM, 2, 0.7),
        (signal.SIGTERM, 3, 0.9),
        (signal.SIGTERM, 1, "at exit"),
        (signal.SIGINT, 2, 0.2),
        (signal.SIGINT, 1, 0.8),
        (signal.SIGINT, 2, "at exit"),
    ],
)
def test_a_signal_at_any_moment(
    photos: Path, tmp_path: Path, length: int, number: signal.Signals, times: int, part: float | str
) -> None:
    at = AT_EXIT if isinstance(part, str) else 1 + int(part * length)
    status, said, _ = signalled(tmp_path / "index", photos, at, number, times)
    assert status == 128 + number, said
    assert said in _LINES
    if part == 0.9:
        assert signalled(tmp_path / "index", photos, NEVER, number)[0] == 0
        seeds = {content: int(Path(name).stem) for name, content in contents(photos).items()}
        assert published(tmp_path / "index", seeds) == contents(photos)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["index", "search", "evaluate", "train", "compare"])
def test_a_signal_while_libraries_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals, command: str
) -> None:
    """A numpy that takes for ever to import."""
    (tmp_path / "numpy.py").write_text("import time; print('loading', flush=True); time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{TOP}")
    arguments = [sys.executable, "-m", "service", command, "--index", "x", "y"]
    (tmp_path / "y").touch()
    with subprocess.Popen(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "loading\n"
        running.send_signal(how)
        _, said = running.communicate(timeout=30)
    assert (running.returncode, said) == (128 + how, _LINES[command in ("train", "compare")])


_LOST = """
import os, signal
from service.ops import signals
from indexer.jobs.stopping import Interrupted
signals.begin()
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass
with signals.raising(Interrupted):
    Last()
    print("went on", flush=True)
"""


def test_an_exception_that_a_finalizer_swallows_ends_it_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", _LOST], cwd=TOP, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "Stopped.\n")


def test_a_signal_for_a_whole_group_blames_no_photo(photos: Path, tmp_path: Path, length: int) -> None:
    """A service manager tells all processes of a job at once; none of the decoders' files is at fault."""
    index = tmp_path / "index"
    script = _COMMAND.replace("os.kill(os.getpid(), number)", "tell_all()", 1).replace(
        "count = 0\n", _TELL_ALL
    )
    for part in (0.6, 0.75):
        at = int(part * length)
        command = [sys.executable, "-c", script, str(at), str(int(signal.SIGTERM)), "1", str(tmp_path / "t")]
        done = subprocess.run(
            [*command, "index", str(photos), "--index", str(index), "--json"],
            cwd=TOP,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 143, done.stderr
        assert done.stderr in _LINES
        assert not re.search("crash|export", done.stdout)


_TELL_ALL = """
count = 0
def tell_all():
    for process in os.listdir("/proc"):
        if process.isdecimal():
            try:
                told = open(f"/proc/{process}/cmdline").read()
            except OSError:
                continue
            if "indexer.decoding.process" in told and f'"parent": {os.getpid()}' in told:
                os.kill(int(process), number)
    os.kill(os.getpid(), number)
"""
