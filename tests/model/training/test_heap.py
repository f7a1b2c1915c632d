"""Memory of what a step freed stays for the next."""

import ctypes
import subprocess
import sys

import pytest

from tests.kit import TOP

SCRIPT = """
from pathlib import Path
from model.training.heap import keep
def held():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) // 1024
keep()
before = held()
tensor = b"1" * (60 << 20)
del tensor
print(held() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc gives memory back at once")
def test_a_freed_tensor_is_kept() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=TOP, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50
