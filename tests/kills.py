"""Kills runs with SIGKILL at random moments: `python -m tests.kills FOLDER [--times 200] [--seed 0]`.

The library changes before each run. After each kill a reader must see, whole, what it saw before or the library as it
is now, and no decoder process may be left. In the end one run is let live, and must hold just what is in the folder.
"""

import argparse
import json
import os
import random
import signal
import time
from pathlib import Path

from indexer import Silent, run
from tests.failpoints import in_fork
from tests.standin import Library, StandIn, contents, published


def main(folder: Path, times: int, seed: int) -> None:
    dice = random.Random(seed)
    library, index = Library(folder / "photos", seed + 1), folder / "index"
    for number in range(12):
        library.write(f"{number}.png")
    usual = _live(index, library)
    seen = {"times": times, "killed": 0, "finished": 0, "old": 0, "new": 0, "usual_seconds": round(usual, 2)}
    before = contents(library.folder)
    for time_ in range(times):
        library.change()
        now = contents(library.folder)
        killed = _kill(index, library, dice.uniform(0, 1.2 * usual))
        seen["killed" if killed else "finished"] += 1
        found = published(index, library.seeds)
        assert found in (before, now), f"a mixture after kill {time_}"
        assert killed or found == now
        seen["new" if found == now else "old"] += 1
        before = found
    _live(index, library)
    assert published(index, library.seeds) == contents(library.folder)
    assert len(list((index / "thumbnails").rglob("*.webp"))) >= len(set(contents(library.folder).values()))
    print(json.dumps(seen))


def _live(index: Path, library: Library) -> float:
    start = time.monotonic()
    assert in_fork(lambda: run(index, [library.folder], StandIn(), Silent(), accept_deletions=True)) == 0
    return time.monotonic() - start


def _kill(index: Path, library: Library, after: float) -> bool:
    process = os.fork()
    if not process:
        try:
            run(index, [library.folder], StandIn(), Silent(), accept_deletions=True)
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(process, signal.SIGKILL)
    killed = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    end = time.monotonic() + 60
    while decoders(process):
        assert time.monotonic() < end, "a decoder process outlives the run that started it"
        time.sleep(0.01)
    return killed


def decoders(parent: int) -> set[int]:
    """The decoder processes that a process started, told by what they were started with; also after its death."""
    asked = json.dumps({"parent": parent})[1:-1].encode()
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                started_with = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"indexer.decoding" in started_with and asked in started_with:
                found.add(int(folder.name))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    main(options.folder, options.times, options.seed)
