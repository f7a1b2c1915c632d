"""Kills runs with SIGKILL at random moments: `python -m tests.kit.kills FOLDER [--times 200] [--seed 0]`.

Counted are kills that hit a run; they are spread evenly over the time that runs take, and the library changes before
each. After each a reader must see, whole, what it saw before or the library as it is now, and no decoder process may
be left. In the end one run is let live, and must hold just what is in the folder.
"""

import argparse
import itertools
import json
import os
import random
import signal
import statistics
import time
from pathlib import Path

from indexer import Silent, run
from tests.kit.standin import Library, StandIn, contents, published
from tests.kit.waiting import until


def main(folder: Path, times: int, seed: int) -> None:
    dice = random.Random(seed)
    library, index = Library(folder / "photos", seed + 1), folder / "index"
    for number in range(12):
        library.write(f"{number}.png")
    _run(index, library)
    lengths: list[float] = []
    seen = {"killed": 0, "finished": 0, "old": 0, "new": 0, "thirds": [0, 0, 0]}
    before = contents(library.folder)
    for attempt in itertools.count():
        library.change()
        now = contents(library.folder)
        # How long a run takes depends on the machine and its other work, so some are let live to measure it.
        usual = statistics.median(lengths[-5:] or [0.0])
        after = dice.uniform(0, usual) if attempt % 8 else None
        killed, length = _run(index, library, after)
        found = published(index, library.seeds)
        assert found in (before, now), f"a mixture after run {attempt}"
        assert killed or found == now
        before = found
        if not killed:
            lengths.append(length)
            seen["finished"] += 1
            continue
        seen["killed"] += 1
        seen["new" if found == now else "old"] += 1
        seen["thirds"][min(2, int(3 * length / usual))] += 1
        if seen["killed"] == times:
            break
    _run(index, library)
    assert published(index, library.seeds) == contents(library.folder)
    assert len(list((index / "thumbnails").rglob("*.webp"))) >= len(set(contents(library.folder).values()))
    print(json.dumps({**seen, "usual_seconds": round(statistics.median(lengths), 2)}))


def _run(index: Path, library: Library, after: float | None = None) -> tuple[bool, float]:
    """Whether the run was killed, as it is after so many seconds unless it ends before, and how long it took."""
    start = time.monotonic()
    process = os.fork()
    if not process:
        status = 1
        try:
            run(index, [library.folder], StandIn(), Silent(), accept_deletions=True)
            status = 0
        finally:
            os._exit(status)
    ended, how = 0, 0
    while not ended:
        ended, how = os.waitpid(process, os.WNOHANG)
        if not ended and after is not None and time.monotonic() - start >= after:
            os.kill(process, signal.SIGKILL)
            ended, how = os.waitpid(process, 0)
        time.sleep(0.002)
    length, code = time.monotonic() - start, os.waitstatus_to_exitcode(how)
    assert code in (0, -signal.SIGKILL), f"exit status {code}"
    until(lambda: not decoders(process))
    return code != 0, length


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
            if b"indexer.decoding.process" in started_with and asked in started_with:
                found.add(int(folder.name))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    main(options.folder, options.times, options.seed)
