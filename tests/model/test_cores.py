"""How many cores a process may use, and that OpenVINO uses no more."""

import os
import subprocess
import sys

import pytest

from model import cores
from tests.kit import TOP


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_most", None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_all_that_the_system_gives_it() -> None:
    assert cores.usable() == len(os.sched_getaffinity(0))
    assert cores.limit() is None


def test_fewer_if_it_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {*range(16)})
    cores.use_at_most(4)
    assert (cores.usable(), cores.limit(), os.environ["OMP_NUM_THREADS"]) == (4, 4, "4")
    cores.use_at_most(64)
    # What the user set stays.
    assert (cores.usable(), os.environ["OMP_NUM_THREADS"]) == (16, "4")
    os.environ.pop("OMP_NUM_THREADS")


def test_openvino_uses_no_more() -> None:
    script = """
from model import Encoder, cores
cores.use_at_most(1)
encoder = Encoder.load("lite", engine="openvino", in_bulk=True)
for network in (encoder.engine._image._compiled, encoder.engine._streams._network):
    print(network.get_property("INFERENCE_NUM_THREADS"))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["1", "1"], done.stderr
