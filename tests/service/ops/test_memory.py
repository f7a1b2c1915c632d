"""Memory of large pieces goes back to the system, also where small ones that are kept lie between them."""

import ctypes
import subprocess
import sys

import pytest

from service.ops.memory import Quiet
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


def test_memory_is_given_back_once_after_searches_have_ended() -> None:
    quiet = Quiet()
    looks = [quiet.look(done) for done in (0, 5, 9, 9, 9, 10, 10)]
    assert looks == [False, False, False, True, False, False, True]


HEAP = """
from pathlib import Path
from service.ops.memory import Quiet, give_back
def held():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) // 1024
give_back()
quiet, before = Quiet(), held()
large, small = [], []
for number in range(600):
    large.append(bytes([number % 256]) * 100_000)
    small.append(bytes(3000))
del large
quiet.look(1)
quiet.look(1)
print(held() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps what was freed")
def test_what_lies_free_within_a_heap_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", HEAP], cwd=TOP, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20
