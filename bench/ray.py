"""A library embedded on three Ray nodes of this machine, and the same with one of them killed in the middle.

python -m bench ray, or python -m bench.ray --photos 1200 --parts 12: about five minutes. Each node gets an equal share
of the machine's cores if control groups may be set, so that a dead one takes its share with it; otherwise the others
take it over, and the ratio says little.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ray

from bench.indexing import make_photos
from indexer import status
from tests.kit import TOP
from tests.kit.rays import RayNodes

NODES, GOAL = 3, 1.5
_SIZE = (1600, 1200)
_GROUPS = Path("/sys/fs/cgroup")
_PERIOD = 100_000


@dataclass(frozen=True)
class Taken:
    """Seconds and MiB of one run."""

    start: float
    whole: float
    merge: float
    idle: float
    busy: float


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ray", description=__doc__)
    parser.add_argument("--photos", type=int, default=900)
    parser.add_argument("--parts", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos"
        made = make_photos(photos, _SIZE, options.photos)
        kilobytes = sum(path.stat().st_size for path in made) / len(made) / 1000
        print(
            f"Ray {ray.__version__}; {options.photos} JPEGs of {_SIZE[0]} x {_SIZE[1]}, {kilobytes:.0f} kB each, "
            f"in {options.parts} parts on {NODES} nodes of one CPU"
        )
        taken: dict[bool, list[float]] = {False: [], True: []}
        for number in range(2 * options.rounds):
            killed = bool(number % 2)
            index = Path(scratch) / f"index{number}"
            found = _measured(photos, index, options.parts, killed=killed)
            assert status(index).photos == options.photos
            taken[killed].append(found.whole)
            print(
                f"{'one killed in the middle' if killed else 'all nodes live':26}{found.whole:6.1f} s, of which merge "
                f"{found.merge:.1f} s; cluster up in {found.start:.1f} s, {found.idle:.0f} MiB idle, {found.busy:.0f} "
                f"MiB at work with the runs; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    ratio = statistics.median(taken[True]) / statistics.median(taken[False])
    print(f"ratio {ratio:.2f}   goal: at most {GOAL}")


def _measured(photos: Path, index: Path, parts: int, *, killed: bool) -> Taken:
    with _groups() as groups:
        return _on_nodes(groups, photos, index, parts, killed=killed)


def _on_nodes(groups: list[Path], photos: Path, index: Path, parts: int, *, killed: bool) -> Taken:
    begun = time.perf_counter()
    with RayNodes(*[1] * NODES) as nodes:
        start, idle, busy, merge = time.perf_counter() - begun, _mebibytes(nodes.below()), 0.0, 0.0
        _share_out(groups, nodes)
        command = nodes.inside(
            *(sys.executable, "-m", "service.cli", "index", photos, "--index", index, "--json"),
            *("--ray", nodes.address, "--parts", parts),
        )
        victim = NODES - 1 if killed else None
        begun = time.perf_counter()
        with subprocess.Popen(
            command, cwd=TOP, env=nodes.environment, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            for line in running.stdout:
                event = json.loads(line)
                busy = max(busy, _mebibytes(nodes.below()))
                half = (
                    event["event"] == "progress" and event["photos"] and 2 * event["done"] >= event["photos"]
                )
                if victim is not None and half:
                    nodes.kill(victim, runs=True)
                    victim = None
                if event["event"] == "done":
                    merge = sum(event["spent"].values()) - event["spent"]["photos"]
        assert running.returncode == 0
        assert victim is None, "all was done before a node could be killed: give more --photos"
        return Taken(start, time.perf_counter() - begun, merge, idle, busy)


@contextlib.contextmanager
def _groups() -> Iterator[list[Path]]:
    """A control group for each node, with an equal share of the cores, whatever the others do; none if forbidden."""
    version_two = (_GROUPS / "cgroup.controllers").exists()
    top = _GROUPS if version_two else _GROUPS / "cpu"
    quota = (os.cpu_count() or 1) * _PERIOD // NODES
    made: list[Path] = []
    try:
        for node in range(NODES):
            group = top / f"sketchseek-bench-{os.getpid()}-{node}"
            group.mkdir()
            made.append(group)
            if version_two:
                (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
            else:
                (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
                (group / "cpu.cfs_quota_us").write_text(str(quota))
    except OSError as error:
        print(
            f"(no control groups: {error.strerror}; nodes that live take over the cores of one that does not)"
        )
    try:
        yield made if len(made) == NODES else []
    finally:
        for group in made:
            for _ in range(100):
                try:
                    group.rmdir()
                    break
                except OSError:
                    # The last process in it is ending.
                    time.sleep(0.1)


def _share_out(groups: list[Path], nodes: RayNodes) -> None:
    """What these processes start later belongs to their group, too."""
    for node, group in enumerate(groups):
        for number in nodes.below(node):
            with contextlib.suppress(ProcessLookupError):
                (group / "cgroup.procs").write_text(str(number))


def _mebibytes(processes: set[int]) -> float:
    """Memory of all of them, where what several share counts once."""
    found = 0
    for number in processes:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{number}/smaps_rollup").read_text()
            found += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return found / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
