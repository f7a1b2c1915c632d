"""`sketchseek index` while it runs: what it tells people and machines, and how it ends when it is asked to."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.generations.generation import current
from tests.kit import TOP
from tests.kit.kills import decoders
from tests.kit.pictures import encoded
from tests.kit.service.commands import sketchseek
from tests.kit.shapes import picture
from tests.kit.waiting import until


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Enough for several seconds of work, small enough to be made at once."""
    folder = tmp_path / "photos"
    folder.mkdir()
    base = picture("fish", 1, size=320)
    for number in range(150):
        base.putpixel((number % 320, number // 320), (255, 0, 0))
        (folder / f"{number}.jpg").write_bytes(encoded(base, "JPEG", quality=95))
    return folder


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "service.cli", "index", *map(str, arguments)]
    return subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(*arguments: object) -> tuple[int, str, str]:
    with start(*arguments) as running:
        out, err = running.communicate(timeout=300)
        return running.returncode, out, err


def wait_for_work(index: Path) -> None:
    """Until more photos were decoded than can be waiting for the encoder."""
    until(lambda: len(list((index / "thumbnails").rglob("*.webp"))) >= 50)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_signal_finishes_the_batch_and_the_next_run_goes_on(
    photos: Path, tmp_path: Path, how: signal.Signals
) -> None:
    index = tmp_path / "index"
    with start(photos, "--index", index, "--json") as running:
        wait_for_work(index)
        assert decoders(running.pid)
        running.send_signal(how)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 128 + how
    assert json.loads(out.splitlines()[-1]) == {"event": "stopped", "signal": how.name}
    assert err == "Stopped. Finished work is kept; run the same command again to continue.\n"
    assert not decoders(running.pid)
    status, out, _ = finish(photos, "--index", index, "--json")
    done = json.loads(out.splitlines()[-1])
    assert (status, done["photos"], done["published"]) == (0, 150, True)
    assert 0 < done["embedded"] < 150


def test_ctrl_c_while_the_model_loads_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenVINO that takes for ever to import."""
    (tmp_path / "openvino.py").write_text("import time; print('loading', flush=True); time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with start(tmp_path, "--index", tmp_path / "index", "--engine", "openvino") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "loading\n"
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert err.strip().startswith("Stopped.")
    assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_json_lines_tell_a_machine_everything(photos: Path, tmp_path: Path) -> None:
    (photos / "text.jpg").write_text("no picture")
    status, out, err = finish(photos, "--index", tmp_path / "index", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert events[0] == {"event": "start", "photos": 151}
    progress = [event for event in events if event["event"] == "progress"]
    assert all(0 <= one["done"] <= one["photos"] == 151 for one in progress)
    assert sum(progress[-1]["shares"].values()) == pytest.approx(1, abs=0.01)
    (skipped,) = (event for event in events if event["event"] == "skipped")
    assert skipped["path"] == str(photos / "text.jpg")
    assert "text" in skipped["reason"]
    done = events[-1]
    # On a slow machine, a generation before the last is published meanwhile.
    assert done["generation"] == current(tmp_path / "index").name
    assert (done["event"], done["added"], done["embedded"]) == ("done", 150, 150)
    assert done["skipped"] == [{"path": skipped["path"], "reason": skipped["reason"]}]


def test_json_says_also_what_failed(tmp_path: Path) -> None:
    done = sketchseek("index", tmp_path / "nowhere", "--index", tmp_path / "index", "--json")
    assert (done.returncode, json.loads(done.stdout)["event"]) == (1, "failed")
    assert "no such folder" in json.loads(done.stdout)["error"]
    assert "no such folder" in done.stderr


def test_quiet_says_nothing_but_errors(library: Path, tmp_path: Path) -> None:
    (library / "text.jpg").write_text("no picture")
    assert finish(library, "--index", tmp_path / "index", "--quiet") == (0, "", "")
    done = sketchseek("index", library, tmp_path / "nowhere", "--index", tmp_path / "index", "-q")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"not indexed: .*no such folder.*\n", done.stderr)


def test_decoders_end_with_a_run_that_is_killed(photos: Path, tmp_path: Path) -> None:
    with start(photos, "--index", tmp_path / "index", "--json") as running:
        wait_for_work(tmp_path / "index")
        assert decoders(running.pid)
        running.kill()
    until(lambda: not decoders(running.pid))
