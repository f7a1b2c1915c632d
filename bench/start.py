"""From the start of a command to its first answer, each time in a new process: python -m bench start.

As installed: modules are compiled to bytecode, and the first round, which also compiles the model's towers, does not
count. Processor time says more than the clock on a machine that others use, too.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench.serving import drawing, publish_random, running
from model import Encoder

PHOTOS, ROUNDS = 100_000, 7
GOALS = {"serve, until ready": "0.6 s", "search, a drawing": "0.6 s", "search, words": "0.6 s"}
_SERVICE = [sys.executable, "-m", "service.cli"]
_VECTOR = """
from PIL import Image
from model import Encoder
encoder = Encoder.load("lite", engine="openvino")
encoder.photos([Image.new("RGB", (224, 224), "red")])
import sys
assert "torch" not in sys.modules
"""


def main() -> None:
    _print(measured(ROUNDS))


def measured(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds by the clock and of the processor, in rounds, so that what disturbs one disturbs all."""
    with tempfile.TemporaryDirectory() as scratch:
        index, picture = Path(scratch) / "index", Path(scratch) / "drawing.png"
        index.mkdir()
        publish_random(index, Encoder.load("lite", engine="openvino"), PHOTOS)
        picture.write_bytes(drawing())
        os.environ |= {"XDG_CACHE_HOME": scratch, "PYTHONPYCACHEPREFIX": f"{scratch}/bytecode"}
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        search = [*_SERVICE, "search", "--index", str(index)]
        starts: dict[str, Callable[[], float]] = {
            "serve, until ready": lambda: _serve(index),
            "search, a drawing": lambda: _run([*search, str(picture)]),
            "search, words": lambda: _run([*search, "--text", "a cat"]),
            "a first vector": lambda: _run([sys.executable, "-c", _VECTOR]),
            "import numpy": lambda: _run([sys.executable, "-c", "import numpy"]),
        }
        times: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for number in range(rounds + 1):
            for name, start in starts.items():
                used = _processor_time()
                taken = start()
                if number:
                    times[name].append((taken, _processor_time() - used))
        return times


def _print(times: dict[str, list[tuple[float, float]]]) -> None:
    print(f"{PHOTOS} photos; medians (best), load {os.getloadavg()[0]:.1f}")
    for name, found in times.items():
        wall, processor = zip(*found, strict=True)
        goal = f"   goal: {GOALS[name]}" if name in GOALS else ""
        print(
            f"{name:20}{statistics.median(wall):6.2f} s ({min(wall):.2f}), "
            f"processor {statistics.median(processor):5.2f} s ({min(processor):.2f}){goal}"
        )


def _serve(index: Path) -> float:
    """Until it is ready; the processor time is that of stopping, too."""
    begun = time.perf_counter()
    with running([*_SERVICE, "serve", "--index", str(index), "--port"]) as server:
        server.get("/readyz")
        return time.perf_counter() - begun


def _run(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
