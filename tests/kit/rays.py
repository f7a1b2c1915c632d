"""A Ray cluster of several nodes on this machine: `with RayNodes(folder, 3) as nodes`.

Ray takes an address of the machine even if told another, and listens there. So its nodes get a network of their own
where that is allowed (as root): one that has nothing but a loopback. Elsewhere they use the machine's.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kit import TOP
from tests.kit.waiting import until

_NEW_NETWORK, _NEW_MOUNTS, _PRIVATE = 0x40000000, 0x20000, 1 << 18 | 1 << 14
_SET_FLAGS, _UP = 0x8914, 0x1
_MARK = "SKETCHSEEK_TEST_RAY"
# Enters the network of another process, then becomes the command.
_ENTER = (
    "import ctypes, os, sys; assert not ctypes.CDLL(None).setns(os.open(sys.argv[1], os.O_RDONLY), 0); "
    "os.execvp(sys.argv[2], sys.argv[2:])"
)


class RayNodes:
    """The first node is the head. Each lives in processes of its own, under this one's `raylet`."""

    def __init__(self, *cpus: int, hidden: Path | None = None) -> None:
        """So many CPUs each; for the last of them, the folder `hidden` is empty, which only root can arrange."""
        self._cpus = cpus
        self._hidden = hidden

    def __enter__(self) -> Self:
        # Short: sockets are in it.
        self._folder = Path(tempfile.mkdtemp(prefix="ss-", dir="/tmp"))
        self._mark = secrets.token_hex(8)
        self.environment = {
            **os.environ,
            _MARK: self._mark,
            # Otherwise these nodes would become the cluster of this machine, in place of the user's own.
            "RAY_TMPDIR": str(self._folder),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        (self._folder / "ray").mkdir()
        command = [sys.executable, "-m", "tests.kit.rays", str(self._hidden or ""), *map(str, self._cpus)]
        with (self._folder / "log").open("w") as log:
            self._holder = subprocess.Popen(
                command,
                cwd=TOP,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
            )
        assert self._holder.stdout is not None
        try:
            told: dict[str, Any] = json.loads(self._holder.stdout.readline())
        except ValueError:
            said = (self._folder / "log").read_text()
            self._end()
            raise AssertionError(said) from None
        self.address = str(told["address"])
        self.raylets = [int(number) for number in told["raylets"]]
        self._own_network = bool(told["own_network"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        for number in (*_below(self._holder.pid), *self.processes()):
            _kill(number)
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.kill()
        self._holder.wait()
        until(lambda: not self.processes())
        shutil.rmtree(self._folder, ignore_errors=True)

    def inside(self, *command: object) -> list[str]:
        """The command for a shell that runs in the network of the nodes."""
        words = [*map(str, command)]
        if not self._own_network:
            return words
        return [sys.executable, "-c", _ENTER, f"/proc/{self._holder.pid}/ns/net", *words]

    def kill(self, node: int, *, runs: bool) -> None:
        """Kill a node at once: all that is Ray's in it and, if asked, also the `runs` of parts."""
        for number in (self.raylets[node], *_below(self.raylets[node])):
            if runs or not {"service", "indexer.decoding.process"} & {*_command(number).split()}:
                _kill(number)

    def node_of(self, process: int) -> int | None:
        """The node to which a process belongs; None if that is dead."""
        found = (node for node, raylet in enumerate(self.raylets) if process in _below(raylet))
        return next(found, None)

    def below(self, node: int | None = None) -> set[int]:
        """All processes of a node with what they started, or of all nodes that live."""
        if node is None:
            return _below(self._holder.pid)
        return {self.raylets[node], *_below(self.raylets[node])}

    def runs(self) -> dict[int, str]:
        """The runs of parts, each with what it was started with."""
        asked = {number: _command(number) for number in self.processes()}
        return {number: words for number, words in asked.items() if "-m service index" in words}

    def processes(self) -> set[int]:
        """All that was started in here and still runs; but of Ray, some overwrite their environment."""
        mark = f"{_MARK}={self._mark}".encode()
        found = set()
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    if mark in (folder / "environ").read_bytes().split(b"\0"):
                        found.add(int(folder.name))
                except OSError:
                    continue
        return found - {os.getpid()}


def _kill(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def _command(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def _below(parent: int) -> set[int]:
    """The children of a process, and theirs."""
    found: set[int] = set()
    for task in Path(f"/proc/{parent}/task").glob("*"):
        try:
            children = {int(number) for number in (task / "children").read_text().split()}
        except OSError:
            continue
        found |= children.union(*map(_below, children))
    return found


def _own_network() -> bool:
    """Leave the machine's network, if that is allowed."""
    if os.geteuid() or ctypes.CDLL(None).unshare(_NEW_NETWORK):
        return False
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    return True


def _hide(folder: str) -> None:
    """Let a folder be empty for this process and what it starts from now on."""
    libc = ctypes.CDLL(None)
    assert not libc.unshare(_NEW_MOUNTS)
    assert not libc.mount(b"none", b"/", None, _PRIVATE, None)
    assert not libc.mount(b"none", folder.encode(), b"tmpfs", 0, None)


def main(hidden: str, *cpus: str) -> None:
    """Start the nodes, say where they are, and end with standard input."""
    own = _own_network()
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    shared = {"object_store_memory": 80 * 2**20}
    nodes = [cluster.add_node(num_cpus=int(cpus[0]), include_dashboard=False, **shared)]
    for number in range(1, len(cpus)):
        if hidden and number == len(cpus) - 1:
            _hide(hidden)
        nodes.append(cluster.add_node(num_cpus=int(cpus[number]), **shared))
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    print(json.dumps({"address": cluster.address, "raylets": raylets, "own_network": own}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
