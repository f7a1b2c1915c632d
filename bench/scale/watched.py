"""Run a process and watch its memory from outside: the most it held, by step, with and without mapped files."""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_EVERY = 0.02


@dataclass
class Step:
    """Bytes: `own` memory is anonymous, `resident` counts the pages of mapped files, too."""

    name: str
    seconds: float = 0.0
    own: int = 0
    resident: int = 0


@dataclass
class Watched:
    """Steps of the same name count as one."""

    seconds: float = 0.0
    now: Step = field(default_factory=lambda: Step("starting"))
    known: dict[str, Step] = field(default_factory=dict)
    figures: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, name: str) -> None:
        self.now = self.known.setdefault(name, Step(name))

    @property
    def steps(self) -> list[Step]:
        return list(self.known.values())

    @property
    def own(self) -> int:
        return max((step.own for step in self.steps), default=0)

    @property
    def resident(self) -> int:
        return max((step.resident for step in self.steps), default=0)


def watch(arguments: list[str], limit: int, found: Watched | None = None) -> Watched:
    """Run a Python module, whose own memory may not exceed `limit` bytes; Linux only.

    What is measured is in `found` at once.
    """
    found, begun = found or Watched(), time.perf_counter()
    found.begin("starting")
    with subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, text=True) as process:
        # Private memory that can be written to: what a process allocates, but not the files that it maps.
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (limit, limit))
        ended = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, found, ended))
        sampler.start()
        assert process.stdout is not None
        since = begun
        for line in process.stdout:
            if line.startswith("step "):
                found.now.seconds += time.perf_counter() - since
                since = time.perf_counter()
                found.begin(line[5:].strip())
            elif line.startswith("{"):
                found.figures.append(json.loads(line))
            else:
                print(line, end="")
        ended.set()
        sampler.join()
        found.now.seconds += time.perf_counter() - since
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed with status {process.returncode}")
    found.seconds = time.perf_counter() - begun
    return found


def _sample(number: int, found: Watched, ended: threading.Event) -> None:
    while not ended.wait(_EVERY):
        try:
            lines = Path(f"/proc/{number}/status").read_text().splitlines()
        except OSError:
            return
        sizes = {name: int(rest.split()[0]) << 10 for name, _, rest in map(_split, lines) if name in _NAMES}
        if len(sizes) == len(_NAMES):
            step = found.now
            step.own = max(step.own, sizes["RssAnon"] + sizes["RssShmem"])
            step.resident = max(step.resident, sizes["VmRSS"])


_NAMES = ("VmRSS", "RssAnon", "RssShmem")


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"
