"""Memory of large pieces goes back to the system, also where small ones that are kept lie between them."""

import ctypes
import subprocess
import sys

import pytest

from tests.kit import TOP

SCRIPT = """
from pathlib import Path
from service.ops.memory import give_back
def held():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) // 1024
give_back()
one = b"1" * (30 << 20)
del one
before, large, small = held(), [], []
for number in range(12):
    large.append(bytes([number]) * (8 << 20))
    small.append(bytes([number]) * 100_000)
del large
print(held() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc keeps what was freed")
def test_large_pieces_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=TOP, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20
